"""The part of the music API's OpenAPI document that describes what is ordered beside generate's songs."""

from harness.fakes.openapi import (
    CREDITS,
    EMPTY,
    EPOCH_MS,
    ERROR_CODE,
    JSON_TEXT,
    NULL,
    REFUSAL,
    TASK_ID,
    TEXT,
    URL,
    Schema,
    callback,
    closed,
    either,
    form_schema,
    listing,
    operation,
    ref,
)
from harness.fakes.script import RecordStyle
from harness.fakes.suno import contract, variants
from harness.fakes.suno.extra_kinds import ALL_STEMS, COVERS, KINDS, LYRICS, STEMS, Kind, States
from harness.fakes.suno.extras import FORMS, STYLE, STYLE_FORM, TIMESTAMPED_FORM, TIMESTAMPED_LYRICS
from harness.fakes.validation import Form

DOCUMENTED_TIME: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"}
ISO_TIME: Schema = {"type": "string", "format": "date-time"}
SECONDS: Schema = {"type": "number", "minimum": 0}
NEEDS_A_TASK = "x-needs-an-existing-task"
"""Marks operations whose sound requests are refused unless they name a task that there is."""
CALLBACKS = {kind.name: f"{kind.name.title().replace('-', '')}Callback" for kind in KINDS}
CALLBACKS |= {f"unknown-{name}": component for name, component in CALLBACKS.items()}
"""The component of each kind's callback, by the callback's name in events."""


def paths(rules: contract.Rules) -> Schema:
    """Return the operations, by path and method."""
    found: Schema = {}
    signs = rules.dialect.signs
    for variant in variants.VARIANTS:
        name, form = _camel(variant.operation), variants.form_of(variant, rules.models)
        found[variant.path] = {
            "post": {
                **operation(
                    name,
                    "Makes a song from another one; its callbacks and its record are those of generate.",
                    closed({"taskId": TASK_ID}),
                    request=song_request(form, rules, variant.custom_mode),
                    reported_by="musicRecord",
                    callbacks=callback(f"{name}Callback", "Reports on a task.", ref("MusicCallback"), signed=signs),
                ),
                NEEDS_A_TASK: variant.source == "audioId",
            }
        }
    for kind in KINDS:
        found[kind.create] = {"post": _creation(kind, signs)}
        record = ref(f"{_title(kind)}Record")
        found[kind.path] = {"get": operation(f"{_word(kind)}Record", "Reports on a task.", record, asks_for_task=True)}
    style, lyrics = ref("Style"), ref("TimestampedLyrics")
    found[STYLE] = {
        "post": operation("describeStyle", "Returns a style in more words.", style, request=form_schema(STYLE_FORM))
    }
    request = form_schema(TIMESTAMPED_FORM)
    timestamped = operation("timestampedLyrics", "Returns the words of a song with times.", lyrics, request=request)
    found[TIMESTAMPED_LYRICS] = {"post": {**timestamped, NEEDS_A_TASK: True}}
    return found


def song_request(form: Form, rules: contract.Rules, mode: str | None) -> Schema:
    """Return the schema of a request for a song: the form's fields, with the limits of its mode and its model; `mode`
    is the field that says whether it is custom."""
    if mode is None:
        return form_schema(form, _longest(rules.limits(False, "")))
    by_limits: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for model in rules.models:
        by_limits.setdefault(tuple(rules.limits(True, model).items()), []).append(model)
    modes = [(False, list(rules.models), rules.limits(False, ""))]
    modes += [(True, models, dict(limits)) for limits, models in by_limits.items()]
    return either(
        *(
            form_schema(form, {mode: {"const": custom}, "model": {"enum": models}, **_longest(limits)})
            for custom, models, limits in modes
        )
    )


def _longest(limits: dict[str, int]) -> dict[str, Schema]:
    return {name: {"maxLength": longest} for name, longest in limits.items()}


def _creation(kind: Kind, signs: bool) -> Schema:
    named = {**REFUSAL["properties"], "data": either(closed({"taskId": TASK_ID}), NULL)}
    created = operation(
        f"{_word(kind)}Task",
        "Begins a task.",
        closed({"taskId": TASK_ID}),
        request=form_schema(FORMS[kind.name]),
        reported_by=f"{_word(kind)}Record",
        callbacks=callback(f"{_word(kind)}Callback", "Reports on a task.", ref(CALLBACKS[kind.name]), signed=signs),
        refusal=closed(named, optional=["data"]) if kind.names_first else None,
    )
    return {**created, NEEDS_A_TASK: kind.works_on != "nothing"}


def _camel(name: str) -> str:
    camel: str = contract.in_camel_case({name: 0}).popitem()[0]
    return camel


def _word(kind: Kind) -> str:
    return _camel(kind.name.replace("-", "_"))


def _title(kind: Kind) -> str:
    return kind.name.title().replace("-", "")


def schemas(records: RecordStyle) -> dict[str, Schema]:
    """Return the components: the callbacks and the records of each kind, and what is answered at once."""
    moment = EPOCH_MS if records == "live" else DOCUMENTED_TIME
    found: dict[str, Schema] = {}
    for kind in KINDS:
        found[CALLBACKS[kind.name]] = _callback(kind)
        found[f"{_title(kind)}Record"] = _record(kind, moment)
    word = {"word": TEXT, "success": {"type": "boolean"}, "startS": SECONDS, "endS": SECONDS, "palign": SECONDS}
    found["TimestampedLyrics"] = closed(
        {
            "alignedWords": {"type": "array", "items": closed(word)},
            "waveformData": {"type": "array", "items": SECONDS},
            "hootCer": SECONDS,
            "isStreamed": {"type": "boolean"},
        }
    )
    found["Style"] = closed(
        {
            "taskId": TASK_ID,
            "param": JSON_TEXT,
            "result": TEXT,
            "creditsConsumed": CREDITS,
            "creditsRemaining": CREDITS,
            "successFlag": {"const": "1"},
            "errorCode": NULL,
            "errorMessage": EMPTY,
            "createTime": DOCUMENTED_TIME,
        }
    )
    return found


_LYRICS_ITEM = closed({"text": TEXT, "title": TEXT, "status": TEXT, "errorMessage": EMPTY})
_NOTE = closed({"pitch": {"type": "integer"}, "start": SECONDS, "end": SECONDS, "velocity": SECONDS})
_NOTES: dict[str, Schema] = {
    "state": {"const": "complete"},
    "instruments": {"type": "array", "items": closed({"name": TEXT, "notes": {"type": "array", "items": _NOTE}})},
}
_STEM_PART = closed({"duration": SECONDS, "audio_url": URL, "stem_type_group_name": TEXT, "id": TEXT})
_IMAGES = listing(URL, COVERS)


def _callback(kind: Kind) -> Schema:
    """Return the schema of a callback: with a result, or of a failure."""
    data: dict[str, tuple[Schema, Schema]] = {
        "cover": (
            closed({"taskId": TASK_ID, "images": _IMAGES}),
            closed({"taskId": TASK_ID, "images": NULL}),
        ),
        "lyrics": (
            closed({"callbackType": {"const": "complete"}, "task_id": TASK_ID, "data": listing(_LYRICS_ITEM, LYRICS)}),
            closed({"callbackType": {"const": "error"}, "task_id": TASK_ID, "data": NULL}),
        ),
        "wav": (
            closed({"audioWavUrl": URL, "task_id": TASK_ID}),
            closed({"audioWavUrl": NULL, "task_id": TASK_ID}),
        ),
        "vocal-removal": (
            closed({"task_id": TASK_ID, "vocal_removal_info": either(*map(_stem_urls, STEMS.values()))}),
            closed({"task_id": TASK_ID, "vocal_removal_info": NULL}),
        ),
        "mp4": (
            closed({"task_id": TASK_ID, "video_url": URL}),
            closed({"task_id": TASK_ID, "video_url": NULL}),
        ),
        "midi": (closed({"task_id": TASK_ID, **_NOTES}), closed({"task_id": TASK_ID})),
    }
    done, failed = data[kind.name]
    return either(
        closed({"code": {"const": 200}, "msg": {"const": kind.message}, "data": done}),
        closed({"code": ERROR_CODE, "msg": TEXT, "data": failed}),
    )


def _stem_urls(parts: tuple[str, ...]) -> Schema:
    return closed({**{f"{part}_url": URL for part in parts}, "origin_url": EMPTY})


def _states(states: States) -> Schema:
    return {"enum": list(dict.fromkeys(states))}


def _record(kind: Kind, moment: Schema) -> Schema:
    failure: dict[str, Schema] = {"errorCode": either(ERROR_CODE, NULL), "errorMessage": either(TEXT, NULL)}
    state = _states(kind.states)
    if kind.name == "cover":
        moment = ISO_TIME
    times: dict[str, Schema] = {"completeTime": either(moment, NULL), "createTime": moment}
    if kind.name == "lyrics":
        texts = closed({"taskId": TASK_ID, "data": listing(_LYRICS_ITEM, LYRICS)})
        fields = {"param": JSON_TEXT, "response": either(texts, NULL), "status": state, "type": {"const": "LYRICS"}}
        return closed({"taskId": TASK_ID, **fields, **failure})
    about: dict[str, Schema] = {"musicId": TEXT}
    if kind.name == "cover":
        about = {"parentTaskId": TASK_ID}
    if kind.name == "midi":
        about = {"recordTaskId": TASK_ID, "audioId": either(TEXT, NULL)}
    if kind.name in ("vocal-removal", "mp4"):
        about = {**about, "musicIndex": {"type": "integer", "minimum": 0}}
    result = {"midiData": _NOTES_OR_NULL} if kind.name == "midi" else {"response": either(_RESULTS[kind.name], NULL)}
    common = {"taskId": TASK_ID, "callbackUrl": URL, "successFlag": state}
    return closed({**common, **about, **times, **result, **failure})


_NOTES_OR_NULL = either(closed(_NOTES), NULL)
_STEM_KEYS: dict[str, Schema] = {_camel(f"{part}_url"): either(URL, NULL) for part in ALL_STEMS}
_RESULTS: dict[str, Schema] = {
    "cover": closed({"images": _IMAGES}),
    "wav": closed({"audioWavUrl": URL}),
    "mp4": closed({"videoUrl": URL}),
    "vocal-removal": closed(
        {"id": NULL, "originUrl": NULL, "originData": {"type": "array", "items": _STEM_PART}, **_STEM_KEYS}
    ),
}
