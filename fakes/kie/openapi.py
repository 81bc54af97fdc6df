"""The picture API's OpenAPI document: one for each profile, set of models and style of records."""

from functools import cache

from harness.fakes.kie import contract
from harness.fakes.openapi import (
    CREDITS,
    EMPTY,
    EPOCH_MS,
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
        families = [
            ({"enum": [contract.SEEDREAM_4]}, contract.SEEDREAM_4_INPUT),
            ({"enum": [contract.SEEDREAM_4_5]}, contract.SEEDREAM_4_5_INPUT),
            ({"pattern": lite}, contract.SEEDREAM_5_LITE_INPUT),
        ]
    return either(
        *(form_schema(form, {"model": model, "input": form_schema(requested)}) for model, requested in families),
    )


def _ended(state: str, code: Schema, message: Schema, result: Schema, records: RecordStyle) -> Schema:
    """Return the keys that records and callbacks of an ended task share."""
    unit = "seconds" if records == "live" else "milliseconds"
    return {
        "taskId": TASK_ID,
        "model": TEXT,
        "state": {"const": state},
        "param": {"type": "string", "contentMediaType": "application/json"},
        "resultJson": result,
        "failCode": code,
        "failMsg": message,
        "costTime": {"type": "integer", "minimum": 0, "description": f"In {unit}."},
        "createTime": EPOCH_MS,
        "completeTime": EPOCH_MS,
        "updateTime": EPOCH_MS,
    }


def _schemas(records: RecordStyle) -> dict[str, Schema]:
    no_failure = NULL if records == "live" else EMPTY
    failed: Schema = {"type": "string", "pattern": "^[45][0-9]{2}$"}
    result: Schema = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": ref("Result"),
    }
    succeeded = _ended("success", no_failure, no_failure, result, records)
    went_wrong = _ended("fail", failed, TEXT, NULL, records)
    running = {
        **succeeded,
        "state": {"enum": list(RUNNING_STATES)},
        "resultJson": NULL,
        "costTime": NULL,
        "completeTime": NULL,
    }
    paid = {"consumeCredits": CREDITS, "remainedCredits": CREDITS}

    def record(shared: Schema, response: Schema, consumed: Schema) -> Schema:
        reported = {**shared, "creditsConsumed": consumed}
        return closed({**reported, "response": response} if records == "live" else reported)

    delivered = {name: schema for name, schema in succeeded.items() if not name.startswith("fail")}
    urls: Schema = {"type": "array", "items": URL, "minItems": 1, "maxItems": contract.IMAGES_MAX}
    return {
        "Result": closed({"resultUrls": urls}),
        "PictureRecord": either(
            record(running, NULL, CREDITS),
            record(succeeded, ref("Result"), CREDITS),
            record(went_wrong, NULL, {"const": 0}),
        ),
        "PictureCallback": either(
            closed({"code": {"const": 200}, "msg": TEXT, "data": closed({**delivered, **paid})}),
            closed(
                {
                    "code": {"const": contract.FAILED_CALLBACK_CODE},
                    "msg": TEXT,
                    "data": closed({**went_wrong, **paid}),
                }
            ),
        ),
    }
