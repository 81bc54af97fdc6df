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
from dataclasses import dataclass
from typing import Any, Literal

from harness.fakes.events import Observer
from harness.fakes.http_client import BadResponseError, Post, post
from harness.fakes.responses import encoded
from harness.fakes.script import DeliveryRules, ForgeryKind
from harness.fakes.tasks import Chores

TIMESTAMP_HEADER = "X-Webhook-Timestamp"
SIGNATURE_HEADER = "X-Webhook-Signature"
STALE_S = 3_600
WRONG_KEY = "a key that is not the receiver's"
CONTENT_TYPE = "application/json; charset=utf-8"
USER_AGENT = "okhttp/3.14.9"

DeliveryOutcome = Literal["answered", "timeout", "refused", "reset", "bad-answer", "unreachable"]


@dataclass(frozen=True, slots=True)
class Callback:
    """One message to a callback URL, delivered in one or more attempts."""

    url: str
    task_id: str
    name: str
    """Its name in events: text, first, complete, error, image, unknown-image, old-music, forgery:<kind>."""
    body: dict[str, Any]
    forgery: ForgeryKind | None = None
    """Set if a third party sends it, which does not retry."""


def signature(key: str, task_id: str, timestamp: int) -> str:
    """Return base64(HMAC-SHA256(key, taskId + "." + timestamp)); the body is not signed."""
    digest = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


class CallbackDispatcher:
    """Delivers one provider's callbacks."""

    def __init__(
        self,
        provider: str,
        rules: DeliveryRules,
        observe: Observer,
        signing_key: str | None = None,
        post: Post = post,
        show: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        """`show` is called with name and body of each callback that is sent."""
        self._show = show
        self._provider = provider
        self._rules = rules
        self._observe = observe
        self._signing_key = signing_key
        self._post = post
        self._chores = Chores()
        self._count = 0

    def send(self, callback: Callback, on_given_up: Callable[[], None] | None = None) -> None:
        """Start delivering and return immediately; `on_given_up` is called after the last attempt has failed."""
        self._count += 1
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
        for attempt in range(1, attempts + 1):
            headers = self._signature_headers(callback)
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

    def _signature_headers(self, callback: Callback) -> dict[str, str]:
        """Return the headers with a fresh timestamp for each attempt [inferred]; a forger has only an old or a foreign
        signature."""
        key = WRONG_KEY if callback.forgery == "forged" else self._signing_key
        if key is None or callback.forgery == "unsigned":
            return {}
        timestamp = int(time.time()) - (STALE_S if callback.forgery == "stale" else 0)
        return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signature(key, callback.task_id, timestamp)}

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
