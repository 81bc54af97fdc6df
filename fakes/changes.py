"""Changed messages: a provider that speaks in another shape than the contract's, as data.

A change names the messages that it acts on, the values by which it recognises them, and what is different in them. A
place is a path of keys such as `data.response.sunoData.*.duration`: `*` is every item of a list, and a text that holds
JSON is entered like the value in it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.fakes.responses import encoded
from harness.fakes.script import CALLBACKS, Change
from harness.fakes.tasks import UnreachedEntry

EVERY = "*"
_ABSENT = object()


class Changes:
    """The changes of one fake's script, and which of them have acted."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._acted: set[Change] = set()

    def __bool__(self) -> bool:
        """Return whether there is anything to change."""
        return bool(self._changes)

    def apply(self, of: str, body: Any) -> Any:
        """Return the message of an endpoint, by its path, or a callback, with its changes."""
        for change in self._changes:
            if change.of == of and all(value_at(body, place) == json.loads(text) for place, text in change.when):
                self._acted.add(change)
                for place in change.remove:
                    body = _with(body, place.split("."), lambda parent, key: parent.pop(key, None))
                for place, text in change.set:
                    body = _with(body, place.split("."), _setting(json.loads(text)))
        return body

    def unused(self, of: str) -> list[UnreachedEntry]:
        """Return the changes that no message has met; `of` is their list in the scenario file."""
        numbered = enumerate(self._changes, start=1)
        return [UnreachedEntry(of, number, change, 0) for number, change in numbered if change not in self._acted]

    def callback(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a callback with its changes."""
        changed: dict[str, Any] = self.apply(CALLBACKS, body)
        return changed

    def middleware(self) -> list[Middleware]:
        """Return the middleware that changes an app's responses; none if there is nothing to change."""
        return [Middleware(_Changing, self)] if self._changes else []


NO_CHANGES = Changes(())


def value_at(value: Any, place: str) -> Any:
    """Return the value at a place; a value that is equal to none in JSON if nothing is there. `*` is the first item."""
    for key in place.split("."):
        if isinstance(value, str):
            value = _held(value)
        if isinstance(value, list):
            value = value[0] if key == EVERY and value else _ABSENT
        else:
            value = value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _with(value: Any, keys: list[str], act: Callable[[dict[str, Any], str], Any]) -> Any:
    """Return a copy of `value` on whose parent of the last key `act` has acted, wherever there is such a parent."""
    if isinstance(value, str):
        held = _held(value)
        return value if held is None else json.dumps(_with(held, keys, act), ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, list) and keys[0] == EVERY:
        return [_with(item, keys[1:], act) for item in value]
    if not isinstance(value, dict):
        return value
    copy, key = dict(value), keys[0]
    if len(keys) == 1:
        act(copy, key)
    elif key in copy:
        copy[key] = _with(copy[key], keys[1:], act)
    return copy


def _setting(new: Any) -> Callable[[dict[str, Any], str], None]:
    def act(parent: dict[str, Any], key: str) -> None:
        parent[key] = new

    return act


def _held(text: str) -> Any:
    """Return the object or list that a text holds as JSON; None if it holds none."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


class _Changing:
    """ASGI middleware that changes JSON responses."""

    def __init__(self, app: ASGIApp, changes: Changes) -> None:
        self._app = app
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        begun: Message = {}
        parts: list[bytes] = []

        async def change(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message
                return
            parts.append(message.get("body", b""))
            if message.get("more_body", False):
                return
            body = self._changed(path, b"".join(parts))
            headers = [(name, value) for name, value in begun["headers"] if name != b"content-length"]
            headers.append((b"content-length", str(len(body)).encode()))
            await send({**begun, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, change)

    def _changed(self, path: str, body: bytes) -> bytes:
        try:
            message = json.loads(body)
        except ValueError:  # a gateway's page
            return body
        return encoded(self._changes.apply(path, message))
