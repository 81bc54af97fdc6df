"""Delivery of callbacks: attempts, the timeout for a response, retries, signatures.

The rules are documented: 200 within 15 s, else retries after 1, 5 and 15 minutes, then nothing more. Whether another
2xx counts, or a 4xx ends the delivery, is not stated, so the script decides; a redirect is never followed and never
counts. The signature covers task id and timestamp, not the body. fakes/FIDELITY.md lists these rules with their tests.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.fakes.changes import NO_CHANGES, Changes
from harness.fakes.events import Observer
from harness.fakes.http_client import BadResponseError, Post, post
from harness.fakes.responses import encoded
from harness.fakes.script import DeliveryRules, ForgeryKind, Rotation, Signing
from harness.fakes.tasks import Chores

TIMESTAMP_HEADER = "X-Webhook-Timestamp"
SIGNATURE_HEADER = "X-Webhook-Signature"
STALE_S = 3_600
WRONG_KEY = "a key that is not the receiver's"
PREVIOUS_KEY = "a key that the receiver has replaced"
CONTENT_TYPE = "application/json; charset=utf-8"
USER_AGENT = "okhttp/3.14.9"

DeliveryOutcome = Literal["answered", "timeout", "refused", "reset", "bad-answer", "unreachable"]


@dataclass(frozen=True, slots=True)
class Callback:
    """One message to a callback URL, delivered in one or more attempts."""

    url: str
    task_id: str
    name: str
    """Its name in events: text, first, complete, error, image, unknown-image, old-music, forgery:<kind>; cover, lyrics,
    wav, vocal-removal, mp4, midi, unknown-lyrics, unknown-cover."""
    body: dict[str, Any]
    forgery: ForgeryKind | None = None
    """Set if a third party sends it, which does not retry."""


def signature(key: str, task_id: str, timestamp: int) -> str:
    """Return base64(HMAC-SHA256(key, taskId + "." + timestamp)); the body is not signed."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def body_signature(key: str, timestamp: int, content: bytes) -> str:
    """Return base64(HMAC-SHA256(key, timestamp + "." + body))."""
    digest = hmac.new(key.encode(), f"{timestamp}.".encode() + content, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def as_received(key: str | None, signing: Signing) -> str | None:
    """Return the key as the receiver's configuration has it."""
    if key is None or signing.key_as == "plain":
        return key
    return f"{key}\n" if signing.key_as == "with-newline" else f"whsec_{key}"


def next_key(key: str) -> str:
    """Return the key that replaces a signing key."""
    return f"whsec-{hashlib.sha256(b'next ' + key.encode()).hexdigest()[:24]}"


def known_next_key(key: str | None, signing: Signing) -> str | None:
    """Return the key that will replace the signing key, if the receiver knows it."""
    is_known = signing.rotation is not None and signing.rotation.known == "both"
    return next_key(key) if key is not None and is_known else None


class SigningKey:
    """The key that signs the callbacks of the providers which share it; it may be replaced after some callbacks."""

    def __init__(self, key: str, rotation: Rotation | None) -> None:
        self._key = key
        self._rotation = rotation
        self._callbacks = 0

    def count(self) -> None:
        """Note that another callback is sent."""
        self._callbacks += 1

    @property
    def is_replaced(self) -> bool:
        return self._rotation is not None and self._callbacks >= self._rotation.from_callback

    @property
    def is_unknown(self) -> bool:
        """Return whether the receiver does not have the current key."""
        return self.is_replaced and self._rotation is not None and self._rotation.known == "old"

    @property
    def current(self) -> str:
        return next_key(self._key) if self.is_replaced else self._key


def signing_key_of(key: "str | SigningKey | None", rules: DeliveryRules) -> SigningKey | None:
    """Return a provider's signing key, or the one that it shares with another."""
    return SigningKey(key, rules.signing.rotation) if isinstance(key, str) else key


class CallbackDispatcher:
    """Delivers one provider's callbacks."""

    def __init__(
        self,
        provider: str,
        rules: DeliveryRules,
        observe: Observer,
        signing_key: str | SigningKey | None = None,
        post: Post = post,
        show: Callable[[str, dict[str, Any]], None] | None = None,
        changes: Changes = NO_CHANGES,
    ) -> None:
        """`show` is called with name and body of each callback that is sent."""
        self._show = show
        self._changes = changes
        self._provider = provider
        self._rules = rules
        self._observe = observe
        self._signing_key = signing_key_of(signing_key, rules)
        self._post = post
        self._chores = Chores()
        self._count = 0

    def send(self, callback: Callback, on_given_up: Callable[[], None] | None = None) -> None:
        """Start delivering and return immediately; `on_given_up` is called after the last attempt has failed."""
        self._count += 1
        if self._changes:
            callback = replace(callback, body=self._changes.callback(callback.body))
        if self._show is not None:
            self._show(callback.name, callback.body)
        self._chores.start(self._deliver(callback, f"{self._provider}-d{self._count}", on_given_up))

    @property
    def busy(self) -> bool:
        """Return whether a delivery is in progress, or waits for its next attempt."""
        return self._chores.busy

    async def close(self) -> None:
        """Cancel all deliveries."""
        await self._chores.cancel()

    async def _deliver(self, callback: Callback, delivery: str, on_given_up: Callable[[], None] | None) -> None:
        rules = self._rules
        waits_s = () if callback.forgery else rules.retries_after_s
        attempts = len(waits_s) + 1
        content = encoded(callback.body)
        shared = {"provider": self._provider, "delivery": delivery}
        loop = asyncio.get_running_loop()
        stamp = self._timestamp()
        if self._signing_key is not None and not callback.forgery:
            self._signing_key.count()
        for attempt in range(1, attempts + 1):
            if rules.signing.retries == "fresh":
                stamp = self._timestamp()
            headers = self._signature_headers(callback, stamp, content)
            cause = self._observe(
                "callback.attempt",
                **shared,
                task_id=callback.task_id,
                callback=callback.name,
                genuine=callback.forgery is None,
                attempt=attempt,
                attempts=attempts,
                url=callback.url,
                body=callback.body,
                headers=headers,
                **self._about_its_key(callback),
            )
            began_s = loop.time()
            outcome, status = await self._hand_over(callback.url, content, headers)
            accepted = status == 200 or (rules.accepts == "2xx" and status is not None and 200 <= status < 300)
            final = (
                accepted or attempt == attempts or (rules.stops_at_4xx and status is not None and status // 100 == 4)
            )
            retry_in_s = None if final else waits_s[attempt - 1]
            self._observe(
                "callback.answered",
                **shared,
                attempt=attempt,
                outcome=outcome,
                status=status,
                latency_s=round(loop.time() - began_s, 6),
                accepted=accepted,
                retry_in_s=retry_in_s,
                cause=cause,
            )
            if accepted:
                return
            if retry_in_s is None:
                break
            await asyncio.sleep(retry_in_s)
        self._observe("callback.given-up", **shared, task_id=callback.task_id, attempts=attempt)
        if on_given_up is not None:
            on_given_up()

    def _about_its_key(self, callback: Callback) -> dict[str, Any]:
        is_unknown = self._signing_key is not None and self._signing_key.is_unknown and callback.forgery is None
        return {"unknown_key": True} if is_unknown else {}

    def _timestamp(self) -> int:
        return int(time.time() + self._rules.signing.ahead_s)

    def _signature_headers(self, callback: Callback, timestamp: int, content: bytes) -> dict[str, str]:
        """Return the headers of an attempt; a forger has only an old or a foreign signature."""
        current = None if self._signing_key is None else self._signing_key.current
        key = WRONG_KEY if callback.forgery == "forged" else current
        if key is None or callback.forgery == "unsigned":
            return {}
        if callback.forgery == "stale":
            timestamp -= STALE_S
        signing = self._rules.signing
        keys = (PREVIOUS_KEY, key) if signing.also_another else (key,)
        if signing.covers == "body":
            signed = [body_signature(each, timestamp, content) for each in keys]
        else:
            signed = [signature(each, callback.task_id, timestamp) for each in keys]
        return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: ",".join(signed)}

    async def _hand_over(self, url: str, content: bytes, headers: dict[str, str]) -> tuple[DeliveryOutcome, int | None]:
        """Return the outcome of one attempt, with the status only if the complete response came in time."""
        sent = {"Content-Type": CONTENT_TYPE, "User-Agent": USER_AGENT, **headers}
        try:
            async with asyncio.timeout(self._rules.answer_within_s):
                return "answered", (await self._post(url, content, sent)).status
        except TimeoutError:
            return "timeout", None
        except ConnectionRefusedError:
            return "refused", None
        except (ConnectionResetError, BrokenPipeError):
            return "reset", None
        except BadResponseError:
            return "bad-answer", None
        except (OSError, ValueError):
            return "unreachable", None
