"""The picture API's OpenAPI document: one for each profile, set of models and style of records."""

from collections.abc import Callable
from functools import cache

from harness.fakes.kie import contract
from harness.fakes.kie.models import IMAGES_MAX, KNOWN, OTHER_INPUT, input_form
from harness.fakes.kie.products import DOWNLOADS, FORM_4O, FORM_KONTEXT, GPT_4O, KONTEXT, Product
from harness.fakes.kie.records import FAILED_FLAG, RUNNING_FLAG, SUCCESS_FLAG
from harness.fakes.kie.uploads import FORMS, STREAM_UPLOAD
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
    form_schema,
    operation,
    ref,
)
from harness.fakes.paths import GENERATE_IMAGE
from harness.fakes.script import KieScript, RecordStyle
from harness.fakes.validation import Form

NEEDS_A_FILE = "x-needs-a-file"
"""Marks operations that refuse what no schema can describe: a body that is no file, or an address that has none."""
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
        **{path: {"post": _download(path, form)} for path, form in DOWNLOADS.items()},
        **_dedicated(GPT_4O, {**form_schema(FORM_4O), **_SOMETHING_TO_PAINT}, "4oImage"),
        **_dedicated(KONTEXT, form_schema(FORM_KONTEXT), "KontextImage"),
        **{path: {"post": _upload(path, form)} for path, form in FORMS.items()},
        contract.MODELS: {"get": operation("models", "Lists models.", _MODELS)},
        contract.CREDIT: {"get": operation("pictureCredit", "The balance, a bare number.", CREDITS)},
    }
    if profile == "synchronous":
        paths[GENERATE_IMAGE] = {
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


def _download(path: str, form: Form) -> Schema:
    what = "Returns another URL of one of the provider's own files, valid for 20 minutes."
    name = "downloadUrl" if path == contract.DOWNLOAD_URL else "download4oImageUrl"
    return operation(name, what, URL, request=form_schema(form))


_SOMETHING_TO_PAINT: Schema = {
    "anyOf": [
        {"required": ["prompt"], "properties": {"prompt": {"type": "string", "minLength": 1}}},
        {"required": ["filesUrl"], "properties": {"filesUrl": {"type": "array"}}},
    ]
}


def _dedicated(product: Product, request: Schema, name: str) -> Schema:
    """Return the two operations of a product with endpoints of its own."""
    body = ref(f"{name}Callback")
    return {
        product.endpoint: {
            "post": operation(
                f"create{name}",
                "Begins a task.",
                closed({"taskId": TASK_ID}),
                request=request,
                reported_by=f"record{name}",
                callbacks=callback(f"callback{name}", "Reports a task that has ended.", body, signed=True),
            )
        },
        product.record_info: {
            "get": operation(f"record{name}", "Reports on a task.", ref(f"{name}Record"), asks_for_task=True)
        },
    }


def _upload(path: str, form: Form) -> Schema:
    """Return an operation whose envelope is not that of the others."""
    name = path.rpartition("/")[2].replace("-", "_")
    described = operation(name, "Keeps a file for a day.", URL, request=form_schema(form))
    if path == STREAM_UPLOAD:
        content = described["requestBody"]["content"]
        content["multipart/form-data"] = content.pop("application/json")
    refused = _json_of(either(ref("NotUploaded"), ref("Refusal")))
    described["responses"] = {
        "200": {**described["responses"]["200"], "content": _json_of(either(ref("Uploaded"), ref("NotUploaded")))},
        "4XX": {"description": "The same refusals, where they are HTTP errors, too.", "content": refused},
        "5XX": {"description": "A file elsewhere is not fetched.", "content": refused},
    }
    return {**described, NEEDS_A_FILE: True}


def _json_of(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _callback(name: str) -> Schema:
    return callback(name, "Reports a task that has ended.", ref("PictureCallback"), signed=True)


def _job(models: tuple[str, ...]) -> Schema:
    """Return the schema of a createTask request: each known model has its own input."""
    form = contract.job_form(models)
    families: list[tuple[Schema, Form]] = [({"enum": [model]}, input_form(model)) for model in models or KNOWN]
    if not models:
        families.append(({"not": {"enum": list(KNOWN)}}, OTHER_INPUT))
    return either(
        *(form_schema(form, {"model": model, "input": form_schema(requested)}) for model, requested in families),
    )


def _schemas(records: RecordStyle) -> dict[str, Schema]:
    urls: Schema = {"type": "array", "items": URL, "minItems": 1, "maxItems": IMAGES_MAX}
    callbacks = [ref(name) for name in ("PictureCallback", "4oImageCallback", "KontextImageCallback")]
    return {
        "Result": closed({"resultUrls": urls}),
        **_STYLES[records](),
        **_4o_image(urls),
        **_kontext_image(),
        **_UPLOADS,
        "AnyPictureCallback": either(*callbacks),
    }


def _4o_image(urls: Schema) -> dict[str, Schema]:
    begun = {"taskId": TASK_ID, "paramJson": JSON_TEXT}
    stages: list[Schema] = []
    for flag, status in ((RUNNING_FLAG, "GENERATING"), (SUCCESS_FLAG, "SUCCESS"), (2, "GENERATE_FAILED")):
        ended, succeeded, failed = flag != RUNNING_FLAG, flag == SUCCESS_FLAG, flag == 2
        stages.append(
            closed(
                {
                    **begun,
                    "completeTime": EPOCH_MS if ended else NULL,
                    "response": closed({"resultUrls": urls}) if succeeded else NULL,
                    **_flag(flag),
                    "status": {"const": status},
                    "errorCode": ERROR_CODE if failed else NULL,
                    "errorMessage": TEXT if failed else NULL,
                    "createTime": EPOCH_MS,
                    "progress": TEXT,
                }
            )
        )
    return {"4oImageRecord": either(*stages), **_info_callback("4oImage", closed({"result_urls": urls}))}


def _kontext_image() -> dict[str, Schema]:
    moment: Schema = {"type": "string", "format": "date-time"}
    pair = closed({"originImageUrl": URL, "resultImageUrl": URL})
    stages: list[Schema] = []
    for flag in (RUNNING_FLAG, SUCCESS_FLAG, FAILED_FLAG):
        ended, succeeded, failed = flag != RUNNING_FLAG, flag == SUCCESS_FLAG, flag == FAILED_FLAG
        stages.append(
            closed(
                {
                    "taskId": TASK_ID,
                    "paramJson": JSON_TEXT,
                    "completeTime": moment if ended else NULL,
                    "response": pair if succeeded else NULL,
                    **_flag(flag),
                    "errorCode": ERROR_CODE if failed else NULL,
                    "errorMessage": TEXT if failed else NULL,
                    "createTime": moment,
                }
            )
        )
    return {"KontextImageRecord": either(*stages), **_info_callback("KontextImage", pair)}


def _info_callback(name: str, info: Schema) -> dict[str, Schema]:
    succeeded = closed({"code": {"const": 200}, "msg": TEXT, "data": closed({"taskId": TASK_ID, "info": info})})
    failed = closed({"code": ERROR_CODE, "msg": TEXT, "data": closed({"taskId": TASK_ID, "info": NULL})})
    return {f"{name}Callback": either(succeeded, failed)}


_MODEL = dict.fromkeys(("model", "slug", "title", "provider", "pricingDesc"), TEXT)
_MODELS = closed(
    {
        "total": {"type": "integer", "minimum": 0},
        "models": {
            "type": "array",
            "items": closed({**_MODEL, "taskType": {"type": "array", "items": TEXT}, "description": NULL}),
        },
    }
)
_UPLOADED = {
    "success": {"const": True},
    **dict.fromkeys(("fileName", "filePath"), TEXT),
    "downloadUrl": URL,
    "fileSize": {"type": "integer", "minimum": 0},
    **dict.fromkeys(("mimeType", "uploadedAt"), TEXT),
}
_UPLOADS = {
    "Uploaded": closed({"success": {"const": True}, "code": {"const": 200}, "msg": TEXT, "data": closed(_UPLOADED)}),
    "NotUploaded": closed({"success": {"const": False}, "code": ERROR_CODE, "msg": TEXT}),
}


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
