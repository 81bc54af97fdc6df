"""The music API's OpenAPI document: one for each dialect, set of models and style of records."""

from functools import cache

from harness.fakes.openapi import (
    CREDITS,
    EMPTY,
    EPOCH_MS,
    ERROR_CODE,
    JSON_TEXT,
    NULL,
    TASK_ID,
    TEXT,
    URL,
    Schema,
    callback,
    closed,
    document,
    either,
    listing,
    operation,
    ref,
)
from harness.fakes.script import DialectName, RecordStyle, SunoScript
from harness.fakes.suno import contract, extras_openapi
from harness.fakes.suno.variants import VARIANTS

DOCUMENTED_TIME: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"}


def describe(script: SunoScript) -> Schema:
    """Return the document of a fake that executes this script."""
    return _describe(script.dialect, script.models, script.records)


@cache
def _describe(dialect_name: DialectName, models: tuple[str, ...], records: RecordStyle) -> Schema:
    rules = contract.rules_of(dialect_name, models)
    dialect = rules.dialect
    paths: Schema = {
        contract.GENERATE: {
            "post": operation(
                "generateMusic",
                "Creates a task of two tracks; it is queued, never finished at once.",
                closed({"taskId": TASK_ID}),
                request=extras_openapi.song_request(rules.form, rules, "customMode"),
                reported_by="musicRecord",
                callbacks=callback("musicCallback", "Reports on a task.", ref("MusicCallback"), signed=dialect.signs),
            )
        },
        contract.RECORD_INFO: {
            "get": operation("musicRecord", "Reports on a task.", ref("MusicRecord"), asks_for_task=True)
        },
        dialect.credit_path: {"get": operation("musicCredit", "The balance, a bare number.", CREDITS)},
        **extras_openapi.paths(rules),
    }
    title = "The fake Suno" if dialect_name == "kie" else "The fake Suno in the dialect of sunoapi.org"
    return document(
        title,
        "Suno's music API; its rules and their sources are listed in fakes/FIDELITY.md.",
        paths,
        {**_schemas(records), **extras_openapi.schemas(records)},
    )


def _track(finished: bool, records: RecordStyle) -> Schema:
    """Return the schema of a track in records, with the keys of callbacks. Before its audio is finished it may have a
    stream; in the documentation it has no cover either."""
    live = records == "live"
    stream = URL if finished else either(URL, EMPTY)
    cover = URL if finished or live else EMPTY
    return closed(
        {
            "id": {"type": "string", "format": "uuid"},
            "audio_url": URL if finished else EMPTY,
            "source_audio_url": URL if finished else NULL if live else EMPTY,
            "stream_audio_url": stream,
            "source_stream_audio_url": stream,
            "image_url": cover,
            "source_image_url": cover,
            "prompt": TEXT,
            "model_name": TEXT,
            "title": TEXT,
            "tags": TEXT,
            "createTime": EPOCH_MS if live else DOCUMENTED_TIME,
            "duration": {"type": "number", "exclusiveMinimum": 0} if finished else NULL,
        }
    )


def _track_in_work(records: RecordStyle) -> Schema:
    """Return the schema of an unfinished track in callbacks: live ones omit what is not known yet."""
    fields: dict[str, Schema] = _track(False, records)["properties"]
    absent = ("source_audio_url", "duration") if records == "live" else ()
    return closed({name: schema for name, schema in fields.items() if name not in absent})


def _callback(kind: str, code: Schema, tracks: Schema) -> Schema:
    data = closed({"callbackType": {"const": kind}, "task_id": TASK_ID, "data": tracks})
    return closed({"code": code, "msg": TEXT, "data": data})


def _schemas(records: RecordStyle) -> dict[str, Schema]:
    finished, unfinished = _track(True, records), _track(False, records)
    first = [ref("Track"), ref("TrackInWork")] if records == "live" else [ref("Track")]
    kind: Schema = TEXT if records == "live" else {"const": "GENERATE"}
    ok: Schema = {"const": 200}
    nothing: Schema = {"type": "array", "maxItems": 0}
    statuses = [*contract.STATUS_OF.values(), contract.UNDELIVERED_STATUS, *contract.FAILED_STATUSES]
    recorded = either(ref("RecordedTrack"), ref("RecordedTrackInWork"))
    some_tracks = {"type": "array", "items": recorded, "minItems": 1, "maxItems": contract.TRACKS_PER_TASK}
    return {
        "Track": finished,
        "TrackInWork": _track_in_work(records),
        "RecordedTrack": _in_camel_case(finished),
        "RecordedTrackInWork": _in_camel_case(unfinished),
        "MusicCallback": either(
            _callback("text", ok, either(listing(ref("TrackInWork"), contract.TRACKS_PER_TASK), nothing, NULL)),
            _callback("first", ok, {"type": "array", "prefixItems": first, "minItems": len(first), "items": False}),
            _callback("complete", ok, listing(ref("Track"), contract.TRACKS_PER_TASK)),
            _callback("error", ERROR_CODE, either(nothing, NULL)),
        ),
        "MusicRecord": closed(
            {
                "taskId": TASK_ID,
                "parentMusicId": TEXT,
                "param": JSON_TEXT,
                "response": either(closed({"taskId": TASK_ID, "sunoData": some_tracks}), NULL),
                "status": {"enum": statuses},
                "type": kind,
                "operationType": {"enum": ["generate", *(variant.operation for variant in VARIANTS)]},
                "errorCode": either(ERROR_CODE, NULL),
                "errorMessage": either(TEXT, NULL),
                "createTime": EPOCH_MS,
            }
        ),
    }


def _in_camel_case(track: Schema) -> Schema:
    """Return the schema of a track in records: the same under other names."""
    names = {name: contract.in_camel_case({name: 0}).popitem()[0] for name in track["properties"]}
    return {
        **track,
        "properties": {names[name]: schema for name, schema in track["properties"].items()},
        "required": [names[name] for name in track["required"]],
    }
