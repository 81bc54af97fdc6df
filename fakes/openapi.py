"""Builds the fakes' OpenAPI 3.1 documents from the tables that they validate requests with.

A request is described by its `Form`; responses and callbacks are described beside each provider's contract, and the
tests validate every response and every callback against these documents. This module is imported on the first request
for /openapi.json.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.fakes.validation import URL_FORM, Field, Form

VERSION = "3.1.0"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
URL: Schema = {"type": "string", "pattern": f"^{URL_FORM}$"}
JSON_TEXT: Schema = {"type": "string", "contentMediaType": "application/json"}
EMPTY: Schema = {"const": ""}
NULL: Schema = {"type": "null"}
CREDITS: Schema = {"type": "number"}
EPOCH_MS: Schema = {"type": "integer", "minimum": 1_000_000_000_000, "description": "Epoch milliseconds."}
TASK_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
ERROR_CODE: Schema = {"type": "integer", "minimum": 400, "maximum": 599}
SOME_CODE_DESCRIPTION = "Errors normally travel as HTTP 200 with another body code than 200."


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Mapping[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """Return the schema of an object with exactly these keys, of which `optional` may be missing."""
    left_out = frozenset(optional)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in left_out],
        "additionalProperties": False,
    }


def either(*schemas: Schema) -> Schema:
    """Return the schema of a value that one of these admits."""
    return {"anyOf": list(schemas)}


def listing(item: Schema, count: int) -> Schema:
    """Return the schema of a list of exactly `count` items."""
    return {"type": "array", "items": item, "minItems": count, "maxItems": count}


def field_schema(field: Field) -> Schema:
    """Return the schema of a field. An optional one may be null, which counts as absent."""
    types = {"text": "string", "url": "string", "flag": "boolean", "whole": "integer", "number": "number"}
    json_type = {"urls": "array", **types}.get(field.kind, "object")
    schema: Schema = {"type": json_type if field.required else [json_type, "null"]}
    if field.choices is not None:
        schema["enum"] = [*field.choices] if field.required else [*field.choices, None]
    form = URL_FORM if field.kind == "url" else field.form
    if form is not None:
        schema["pattern"] = f"^(?:{form}){'?' if field.empty_is_absent else ''}$"
    if json_type == "string" and field.required:
        schema["minLength"] = 1
    if field.kind == "urls":
        schema |= {"items": URL, "minItems": 1}
    for key, value in (("maxLength", field.longest), ("minimum", field.low), ("maximum", field.high)):
        if value is not None:
            schema[key] = value
    schema["description"] = f"{field.rule()} ({field.source})"
    return schema


def form_schema(form: Form, changes: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of a form, with `changes` replacing the fields' own schemas. Other fields are ignored."""
    changes = changes or {}
    return {
        "type": "object",
        "properties": {field.name: {**field_schema(field), **changes.get(field.name, {})} for field in form.fields},
        "required": [field.name for field in form.fields if field.required],
    }


def success(data: Schema) -> Schema:
    """Return the envelope of a successful response."""
    return closed({"code": {"const": 200}, "msg": TEXT, "data": data})


REFUSAL = closed({"code": ERROR_CODE, "msg": TEXT, "data": NULL}, optional=["data"])
"""Only a 401 has no `data`."""
NOTHING_FOUND = closed({"code": {"enum": [200, 422]}, "msg": TEXT, "data": NULL})


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def operation(
    name: str,
    summary: str,
    data: Schema,
    *,
    request: Schema | None = None,
    callbacks: Schema | None = None,
    asks_for_task: bool = False,
    reported_by: str | None = None,
    refusal: Schema | None = None,
) -> Schema:
    """Return an operation that responds with `data` in the envelope. `request` is the schema of its JSON body,
    `reported_by` the operation that reports on the task it starts, `refusal` the schema of its own refusals."""
    refusal = refusal or ref("Refusal")
    refused = {**_json(refusal), "text/html": {"schema": TEXT}}
    admitted = [success(data), refusal, *([ref("NothingFound")] if asks_for_task else [])]
    described: Schema = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": SOME_CODE_DESCRIPTION, "content": _json(either(*admitted))},
            "4XX": {"description": "The same refusals, where they are HTTP errors, too.", "content": refused},
            "5XX": {"description": "A failure, or the error page of a gateway in front.", "content": refused},
        },
    }
    if reported_by is not None:
        task_id = {"taskId": "$response.body#/data/taskId"}
        described["responses"]["200"]["links"] = {reported_by: {"operationId": reported_by, "parameters": task_id}}
    if request is not None:
        described["requestBody"] = {"required": True, "content": _json(request)}
    if asks_for_task:
        described["parameters"] = [
            {"name": "taskId", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}}
        ]
    if callbacks is not None:
        described["callbacks"] = callbacks
    return described


def callback(name: str, summary: str, body: Schema, *, signed: bool) -> Schema:
    """Return the callbacks object of an operation whose request has a callBackUrl."""
    headers = {
        "X-Webhook-Timestamp": "Unix seconds, fresh for each attempt.",
        "X-Webhook-Signature": "base64(HMAC-SHA256(key, taskId + '.' + timestamp)); the body is not signed.",
    }
    described: Schema = {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            "200": {"description": "Delivered, if the response comes within 15 s."},
            "default": {"description": "Retried after 1, 5 and 15 minutes, then given up."},
        },
    }
    if signed:
        described["parameters"] = [
            {"name": header, "in": "header", "required": False, "description": words, "schema": TEXT}
            for header, words in headers.items()
        ]
    return {name: {"{$request.body#/callBackUrl}": {"post": described}}}


def document(title: str, description: str, paths: Mapping[str, Schema], schemas: Mapping[str, Schema]) -> Schema:
    """Return a whole document. Every operation requires the bearer key."""
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": "1", "description": description},
        "security": [{"key": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Refusal": REFUSAL, "NothingFound": NOTHING_FOUND, **schemas},
        },
    }


def merged(title: str, first: Schema, second: Schema) -> Schema:
    """Return the document of one host that serves both; the first wins for a path in both."""
    schemas = {**second["components"]["schemas"], **first["components"]["schemas"]}
    description = f"{first['info']['description']} {second['info']['description']}"
    return document(title, description, {**second["paths"], **first["paths"]}, schemas)
