"""The examiner: validates every response and every callback of the fakes against their OpenAPI documents.

The root conftest activates it in every test. What a script wants to be wrong is exempt, and only the script decides
that: see `exempt`. Even then a response must have the common envelope.
"""

import json
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Literal

import jsonschema_rs

from harness.fakes.account import OPENAPI_PATH
from harness.fakes.documented import is_documented
from harness.fakes.kie.openapi import describe as describe_pictures
from harness.fakes.openapi import TEXT, Schema
from harness.fakes.script import Image, KieScript, Music, SunoScript
from harness.fakes.suno.extras_openapi import CALLBACKS
from harness.fakes.suno.openapi import describe as describe_music

Script = SunoScript | KieScript
What = Literal["answer", "record", "callback"]
SEEN_MAX = 1_000_000
ENVELOPE: Schema = {
    "type": "object",
    "required": ["code", "msg"],
    "properties": {"code": {"type": "integer"}, "msg": TEXT},
}
JSON_OBJECT: Schema = {"type": "object"}


@lru_cache(maxsize=1024)
def exempt(script: Script, what: What) -> bool:
    """Return whether a script makes some of these deviate from the contract."""
    if script.task_ids != "hex" or script.changes:
        return True
    if isinstance(script, SunoScript):
        return any(_music_drifts(music, what) for music in script.music)
    return any(_picture_drifts(image, what) for image in script.images)


def _music_drifts(music: Music, what: What) -> bool:
    if what == "answer":
        return _pretends(music)
    if music.swapped_case or music.cover is None or music.cover_url != "given" or music.without_audio is not None:
        return True
    if what == "record":
        return music.unknown_status or music.record_cover is None
    empty = music.empty_complete or music.complete_carries != "tracks"
    return music.task_id_on_top or empty or "progress" in music.sends


def _picture_drifts(image: Image, what: What) -> bool:
    if what == "answer" and _pretends(image):
        return True
    if image.answer != "as-promised" or image.picture_url != "given":
        return True
    return what == "callback" and (image.task_id_on_top or image.callback_shape != "result-json")


def _pretends(entry: Music | Image) -> bool:
    """Return whether the response is a gateway's page under HTTP 200, which is in no document."""
    return entry.fails is not None and entry.fails.html and not entry.fails.as_http


class Examiner:
    """An Inspector that collects violations."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.examined = 0
        self.exempted = 0
        self._seen: set[int] = set()

    def answered(self, script: Script, method: str, path: str, status: int, content_type: str, body: bytes) -> None:
        if path == OPENAPI_PATH or self._knows((script, method, path, status, content_type, body)):
            return
        document = describe(script)
        where = f"{method} {path} answered {status}"
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            dialect = script.dialect if isinstance(script, SunoScript) else "kie"
            lacking = 501 if is_documented(dialect, method, path) else 404
            expected = 405 if path in document["paths"] else lacking
            if status != expected:
                self.complaints.append(f"{where}, where {expected} belongs: no such endpoint is described")
            self._hold(where, _validator("Refusal", script), body)
            return
        responses = operation["responses"]
        content = responses.get(str(status), responses.get(f"{status // 100}XX"))
        bare_type = content_type.partition(";")[0]
        what: What = (
            "record" if any(part.get("name") == "taskId" for part in operation.get("parameters", ())) else "answer"
        )
        if exempt(script, what):
            self.exempted += 1
            if bare_type == "application/json":
                self._hold(where, _validator("envelope", script), body)
        elif content is None or bare_type not in content["content"]:
            self.complaints.append(f"{where} with {content_type}, which is not described")
        elif bare_type == "application/json":
            group = str(status) if str(status) in responses else f"{status // 100}XX"
            self._hold(where, _validator(f"{method.lower()} {path} {group}", script), body)
            self._hold_texts(where, script, body)

    def called_back(self, script: Script, name: str, body: dict[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        if self._knows((script, name, content)):
            return
        where = f"the callback {name}"
        if exempt(script, "callback"):
            self.exempted += 1
            self._hold(where, _validator("envelope", script), content)
            return
        component = CALLBACKS.get(name, "MusicCallback") if isinstance(script, SunoScript) else "AnyPictureCallback"
        self._hold(where, _validator(component, script), content)
        self._hold_texts(where, script, content)

    def _knows(self, key: tuple[Any, ...]) -> bool:
        """Return whether the same message has been examined before, and remember its digest."""
        known = hash(key)
        if known in self._seen:
            return True
        if len(self._seen) < SEEN_MAX:
            self._seen.add(known)
        self.examined += 1
        return False

    def _hold_texts(self, where: str, script: Script, content: bytes) -> None:
        """Decode the JSON that is sent as text."""
        if b'"param":' not in content and b'"resultJson":' not in content:
            return
        data = json.loads(content).get("data")
        for key, component in (("param", "object"), ("resultJson", "Result")):
            text = data.get(key) if isinstance(data, dict) else None
            if text:
                self._hold(f"{where}, {key}", _validator(component, script), text)

    def _hold(self, where: str, validate: Callable[[Any], str | None], content: bytes | str) -> None:
        try:
            wrong = validate(json.loads(content))
        except ValueError as error:
            wrong = f"is no JSON: {error}"
        if wrong is not None:
            self.complaints.append(f"{where}: {wrong}; {content[:2000]!r}")


def describe(script: Script) -> Schema:
    """Return the document of the fake that executes this script."""
    return describe_music(script) if isinstance(script, SunoScript) else describe_pictures(script)


def _validator(name: str, script: Script) -> Callable[[Any], str | None]:
    style = script.dialect if isinstance(script, SunoScript) else script.profile
    return _compiled(name, isinstance(script, SunoScript), style, script.models, script.records)


@cache
def _compiled(name: str, music: bool, style: Any, models: tuple[str, ...], records: Any) -> Callable[[Any], str | None]:
    """Return the validator of a component or of an operation's response."""
    if music:
        document = describe_music(SunoScript(dialect=style, models=models, records=records))
    else:
        document = describe_pictures(KieScript(profile=style, models=models, records=records))
    if name in ("envelope", "object"):
        schema = ENVELOPE if name == "envelope" else JSON_OBJECT
    elif name in document["components"]["schemas"]:
        schema = {"$ref": f"#/components/schemas/{name}"}
    else:
        method, path, group = name.split(" ")
        answer = document["paths"][path][method]["responses"][group]
        schema = answer["content"]["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})

    def wrong_with(value: Any) -> str | None:
        error = next(iter(validator.iter_errors(value)), None)
        return None if error is None else str(error).partition("\n")[0]

    return wrong_with
