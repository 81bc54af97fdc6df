"""The picture API's OpenAPI document: one for each profile, set of models and style of records."""

from collections.abc import Callable
from functools import cache

from harness.fakes.kie import contract
from harness.fakes.kie.records import FAILED_FLAG, RUNNING_FLAG, SUCCESS_FLAG
from harness.fakes.openapi import (
    CREDITS,
    EMPTY,
    EPOCH_MS,
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
    form_schema,
    operation,
    ref,
)
from harness.fakes.script import KieScript, RecordStyle
from harness.fakes.validation import Form

RUNNING_STATES = ("waiting", "queuing", "generating")


def describe(script: KieScript) -> Schema:
    """Return the document of a fake that executes this script."""
    return _describe(script.profile, script.models, script.records)


@cache
def _describe(profile: str, models: tuple[str, ...], records: RecordStyle) -> Schema:
    created = {"taskId": TASK_ID, "recordId": TASK_ID} if records == "live" else {"taskId": TASK_ID}
    paths: Schema = {
        contract.CREATE_TASK: {
            "post": operation(
                "createPictureTask",
                "Begins a task.",
                closed(created),
                request=_job(models),
                reported_by="pictureRecord",
                callbacks=_callback("jobCallback"),
            )
        },
        contract.RECORD_INFO: {
            "get": operation("pictureRecord", "Reports on a task.", ref("PictureRecord"), asks_for_task=True)
        },
        contract.DOWNLOAD_URL: {
            "post": operation(
                "downloadUrl",
                "Returns another URL of one of the provider's own files, valid for 20 minutes.",
                URL,
                request=form_schema(contract.DOWNLOAD),
            )
        },
        contract.CREDIT: {"get": operation("pictureCredit", "The balance, a bare number.", CREDITS)},
    }
    if profile == "synchronous":
        paths[contract.GENERATE_IMAGE] = {
            "post": operation(
                "generatePicture",
                "Creates a picture and responds with it, or at once with a task id if a callBackUrl is given.",
                either(closed({"response": closed({"imageUrl": URL})}), closed({"taskId": TASK_ID})),
                request=form_schema(contract.synchronous_form(models)),
                reported_by="pictureRecord",
                callbacks=_callback("pictureCallback"),
            )
        }
    return document(
        "The fake Kie.ai",
        "Kie.ai's picture API; its rules and their sources are listed in fakes/FIDELITY.md.",
        paths,
        _schemas(records),
    )


def _callback(name: str) -> Schema:
    return callback(name, "Reports a task that has ended.", ref("PictureCallback"), signed=True)


def _job(models: tuple[str, ...]) -> Schema:
    """Return the schema of a createTask request: each family of models has its own input."""
    form = contract.job_form(models)
    lite = f"^{contract.SEEDREAM_5_LITE_PREFIX}[!-~]*$"
    families: list[tuple[Schema, Form]]
    if models:
        families = [({"enum": [model]}, contract.input_form(model)) for model in models]
    else:
        seedream_4: list[Schema] = [{"const": contract.SEEDREAM_4}, {"const": contract.SEEDREAM_4_5}]
        families = [
            (seedream_4[0], contract.SEEDREAM_4_INPUT),
            (seedream_4[1], contract.SEEDREAM_4_5_INPUT),
            ({"pattern": lite}, contract.SEEDREAM_5_LITE_INPUT),
            ({"not": either(*seedream_4, {"pattern": lite})}, contract.OTHER_INPUT),
        ]
    return either(
        *(form_schema(form, {"model": model, "input": form_schema(requested)}) for model, requested in families),
    )


def _schemas(records: RecordStyle) -> dict[str, Schema]:
    urls: Schema = {"type": "array", "items": URL, "minItems": 1, "maxItems": contract.IMAGES_MAX}
    return {"Result": closed({"resultUrls": urls}), **_STYLES[records]()}


_FAILED: Schema = {"type": "string", "pattern": "^[45][0-9]{2}$"}
_RESULT: Schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": ref("Result")}


def _live() -> dict[str, Schema]:
    """Return the records and callbacks that have been captured."""
    shared = {**_SHARED, "creditsConsumed": CREDITS}
    flagged = {**shared, "operationType": TEXT, "paramJson": JSON_TEXT}
    unfailed = {"failCode": NULL, "failMsg": NULL}
    running = {"costTime": NULL, "completeTime": NULL, **_state(*RUNNING_STATES), **_flag(RUNNING_FLAG)}
    succeeded = {**_ended("seconds"), **_state("success"), "resultJson": _RESULT}
    failed = {**_ended("seconds"), **_state("fail"), "failCode": _FAILED, "failMsg": TEXT}
    updated = {"updateTime": EPOCH_MS}
    return {
        "PictureRecord": either(
            closed({**flagged, **unfailed, **running, "resultJson": EMPTY}),
            closed({**flagged, **unfailed, **succeeded, **_flag(SUCCESS_FLAG), "response": ref("Result")}),
            closed({**flagged, **failed, **_flag(FAILED_FLAG), "resultJson": EMPTY}),
        ),
        "PictureCallback": _callback_bodies({**shared, **succeeded, **updated}, {**shared, **failed, **updated}),
    }


def _documented() -> dict[str, Schema]:
    """Return the records and callbacks of older pages."""
    shared = {**_SHARED, "updateTime": EPOCH_MS}
    unfailed = {"failCode": EMPTY, "failMsg": EMPTY}
    running = {"costTime": NULL, "completeTime": NULL, **_state(*RUNNING_STATES), "resultJson": NULL}
    succeeded = {**_ended("milliseconds"), **_state("success"), "resultJson": _RESULT}
    failed = {**_ended("milliseconds"), **_state("fail"), "resultJson": NULL, "failCode": _FAILED, "failMsg": TEXT}
    consumed = {"creditsConsumed": CREDITS}
    paid = {"consumeCredits": CREDITS, "remainedCredits": CREDITS}
    return {
        "PictureRecord": either(
            closed({**shared, **unfailed, **running, **consumed}),
            closed({**shared, **unfailed, **succeeded, **consumed}),
            closed({**shared, **failed, **consumed}),
        ),
        "PictureCallback": _callback_bodies({**shared, **succeeded, **paid}, {**shared, **failed, **paid}),
    }


_SHARED: dict[str, Schema] = {"taskId": TASK_ID, "model": TEXT, "param": JSON_TEXT, "createTime": EPOCH_MS}
_STYLES: dict[RecordStyle, Callable[[], dict[str, Schema]]] = {"live": _live, "documented": _documented}


def _callback_bodies(succeeded: dict[str, Schema], failed: dict[str, Schema]) -> Schema:
    return either(
        closed({"code": {"const": 200}, "msg": TEXT, "data": closed(succeeded)}),
        closed({"code": {"const": contract.FAILED_CALLBACK_CODE}, "msg": TEXT, "data": closed(failed)}),
    )


def _state(*states: str) -> dict[str, Schema]:
    return {"state": {"enum": list(states)}}


def _flag(value: int) -> dict[str, Schema]:
    return {"successFlag": {"const": value}}


def _ended(unit: str) -> dict[str, Schema]:
    return {
        "costTime": {"type": "integer", "minimum": 0, "description": f"In {unit}."},
        "completeTime": EPOCH_MS,
    }
