"""How callbacks are delivered: what counts as accepted, when they are retried, and what is signed."""

import asyncio
import base64
import hashlib
import hmac
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest

from harness.fakes.delivery import (
    Callback,
    CallbackDispatcher,
    SigningKey,
    as_received,
    known_next_key,
    next_key,
    signature,
)
from harness.fakes.script import DeliveryRules, ForgeryKind, Rotation, Signing
from tests.fakes.stage import CALLBACK_URL, Notes, Received, Receiver, posting

pytestmark = pytest.mark.asyncio

QUICK = DeliveryRules(answer_within_s=0.05, retries_after_s=(0.01, 0.02, 0.03))
TASK_ID = "0123456789abcdef0123456789abcdef"
BODY = {"code": 200, "data": {"task_id": TASK_ID}}


class Delivery:
    """A dispatcher in front of a receiver, with a record of events."""

    def __init__(self, receiver: Receiver, rules: DeliveryRules = QUICK, key: Any = None) -> None:
        self.notes = Notes()
        self.receiver = receiver
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(receiver))
        self.dispatcher = CallbackDispatcher("suno", rules, self.notes, key, posting(self.client))
        self.given_up: list[bool] = []

    def send(self, forgery: ForgeryKind | None = None) -> None:
        callback = Callback(CALLBACK_URL, TASK_ID, "complete", BODY, forgery)
        self.dispatcher.send(callback, lambda: self.given_up.append(True))

    async def __aenter__(self) -> "Delivery":
        return self

    async def __aexit__(self, *trouble: object) -> None:
        await self.dispatcher.close()
        await self.client.aclose()


async def signed(signing: Signing, attempts: int = 1) -> list[tuple[int, str, bytes]]:
    """Return timestamp, signature and body of each attempt; all but the last fail."""
    rules = replace(QUICK, retries_after_s=(1.1,) * (attempts - 1), signing=signing)
    async with Delivery(Receiver([500] * (attempts - 1) + [200]), rules, "key") as delivery:
        delivery.send()
        await delivery.notes.wait_for("callback.answered", attempts)
        received = delivery.receiver.received
    return [(int(r.headers["x-webhook-timestamp"]), r.headers["x-webhook-signature"], r.content) for r in received]


def is_signed_with(key: str, received: Received) -> bool:
    stamp = int(received.headers["x-webhook-timestamp"])
    return received.headers["x-webhook-signature"] == signature(key, TASK_ID, stamp)


async def test_a_redelivery_carries_its_own_timestamp_or_the_first_one() -> None:
    fresh, first = await signed(Signing(), 2), await signed(Signing(retries="first"), 2)
    assert fresh[1][0] > fresh[0][0]
    assert first[1][0] == first[0][0]
    assert first[1][1] == signature("key", TASK_ID, first[1][0])


async def test_a_signature_may_be_of_the_raw_body() -> None:
    ((stamp, found, content),) = await signed(Signing(covers="body"))
    digest = hmac.new(b"key", f"{stamp}.".encode() + content, hashlib.sha256).digest()
    assert found == base64.b64encode(digest).decode()


async def test_a_signature_with_a_replaced_key_may_stand_before_it() -> None:
    ((stamp, found, _),) = await signed(Signing(also_another=True))
    other, own = found.split(",")
    assert own == signature("key", TASK_ID, stamp)
    assert other not in ("", own)


async def test_the_providers_clock_may_be_ahead() -> None:
    ((stamp, _, _),) = await signed(Signing(ahead_s=120.0))
    assert stamp - time.time() == pytest.approx(120.0, abs=5.0)


async def test_the_providers_clock_may_be_behind() -> None:
    ((stamp, _, _),) = await signed(Signing(ahead_s=-120.0))
    assert stamp - time.time() == pytest.approx(-120.0, abs=5.0)


async def test_the_key_may_be_replaced_and_a_redelivery_is_signed_with_the_key_of_its_time() -> None:
    rules = replace(QUICK, retries_after_s=(1.0,), signing=Signing(rotation=Rotation(from_callback=2)))
    async with Delivery(Receiver([500, 200, 200]), rules, "key") as delivery:
        delivery.send()
        await delivery.notes.wait_for("callback.answered", 1)
        delivery.send()
        await delivery.notes.wait_for("callback.answered", 3)
        received = delivery.receiver.received
    keys = [key for r in received for key in ("key", next_key("key")) if is_signed_with(key, r)]
    assert keys == ["key", next_key("key"), next_key("key")]


async def test_providers_that_share_a_key_count_their_callbacks_together() -> None:
    shared = SigningKey("key", Rotation(from_callback=2))
    async with Delivery(Receiver([200]), QUICK, shared) as one, Delivery(Receiver([200]), QUICK, shared) as other:
        one.send()
        await one.notes.wait_for("callback.answered", 1)
        other.send()
        await other.notes.wait_for("callback.answered", 1)
        first, second = one.receiver.received[0], other.receiver.received[0]
    assert is_signed_with("key", first)
    assert is_signed_with(next_key("key"), second)


@pytest.mark.parametrize(("known", "facts"), [("both", None), ("old", True)])
async def test_a_callback_signed_with_a_key_that_the_receiver_does_not_have_says_so(known: Any, facts: object) -> None:
    rules = replace(QUICK, signing=Signing(rotation=Rotation(1, known)))
    async with Delivery(Receiver([200]), rules, "key") as delivery:
        delivery.send()
        (attempt,) = await delivery.notes.wait_for("callback.attempt")
    assert attempt.get("unknown_key") is facts
    assert known_next_key("key", rules.signing) == (next_key("key") if known == "both" else None)


@pytest.mark.parametrize(
    ("signing", "received"),
    [
        (Signing(), "key"),
        (Signing(key_as="with-newline"), "key\n"),
        (Signing(key_as="with-prefix"), "whsec_key"),
    ],
)
async def test_the_receiver_may_have_the_key_in_another_form(signing: Signing, received: str) -> None:
    assert as_received("key", signing) == received
    assert as_received(None, signing) is None


async def test_the_documented_rules_are_15_seconds_and_retries_after_1_5_and_15_minutes() -> None:
    assert DeliveryRules() == DeliveryRules(15.0, (60.0, 300.0, 900.0), "200")


async def test_a_callback_answered_200_is_delivered_once() -> None:
    async with Delivery(Receiver()) as delivery:
        delivery.send()
        (answered,) = await delivery.notes.wait_for("callback.answered")

    assert [received.body for received in delivery.receiver.received] == [BODY]
    assert (answered["outcome"], answered["status"], answered["accepted"]) == ("answered", 200, True)
    assert answered["retry_in_s"] is None
    assert answered["cause"] == 1, "the answer is linked to its attempt"


@pytest.mark.parametrize("status", [201, 204, 302, 404, 410, 500])
async def test_any_status_but_200_is_retried(status: int) -> None:
    async with Delivery(Receiver([status, 200])) as delivery:
        delivery.send()
        first, second = await delivery.notes.wait_for("callback.answered", 2)

    assert (first["status"], first["accepted"], first["retry_in_s"]) == (status, False, 0.01)
    assert second["accepted"]
    assert first["delivery"] == second["delivery"]


@pytest.mark.parametrize(("status", "accepted"), [(204, True), (299, True), (302, False), (404, False)])
async def test_a_script_can_let_every_2xx_count(status: int, accepted: bool) -> None:
    async with Delivery(Receiver([status]), DeliveryRules(retries_after_s=(), accepts="2xx")) as delivery:
        delivery.send()
        (answered,) = await delivery.notes.wait_for("callback.answered")

    assert answered["accepted"] is accepted


@pytest.mark.parametrize(("status", "attempts"), [(400, 1), (410, 1), (499, 1), (500, 4), (302, 4)])
async def test_a_script_can_let_4xx_end_the_delivery(status: int, attempts: int) -> None:
    rules = DeliveryRules(retries_after_s=(0.01, 0.01, 0.01), stops_at_4xx=True)
    async with Delivery(Receiver([status]), rules) as delivery:
        delivery.send()
        (given_up,) = await delivery.notes.wait_for("callback.given-up")

    assert given_up["attempts"] == attempts == len(delivery.receiver.received)
    assert delivery.notes.of("callback.answered")[-1]["retry_in_s"] is None


async def test_delivery_is_given_up_after_three_retries() -> None:
    async with Delivery(Receiver([500])) as delivery:
        delivery.send()
        (given_up,) = await delivery.notes.wait_for("callback.given-up")

    attempts = delivery.notes.of("callback.attempt")
    assert [(attempt["attempt"], attempt["attempts"]) for attempt in attempts] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (given_up["task_id"], given_up["attempts"]) == (TASK_ID, 4)
    assert delivery.given_up == [True]


async def test_each_wait_begins_when_the_previous_attempt_has_failed() -> None:
    async with Delivery(Receiver([500], delays_s=[0.03])) as delivery:
        delivery.send()
        await delivery.notes.wait_for("callback.given-up")

    moments_s = [received.at_s for received in delivery.receiver.received]
    gaps_s = [later - earlier for earlier, later in pairwise(moments_s)]
    for gap_s, wait_s in zip(gaps_s, QUICK.retries_after_s, strict=True):
        assert gap_s >= 0.03 + wait_s - 0.001


async def test_a_late_response_counts_as_none() -> None:
    async with Delivery(Receiver(delays_s=[0.5, 0.0])) as delivery:
        delivery.send()
        late, prompt = await delivery.notes.wait_for("callback.answered", 2)

    assert (late["outcome"], late["status"], late["accepted"]) == ("timeout", None, False)
    assert 0.05 <= late["latency_s"] < 0.4
    assert prompt["accepted"]


async def test_every_attempt_is_signed_over_task_id_and_timestamp() -> None:
    async with Delivery(Receiver([500, 200]), key="shared key") as delivery:
        delivery.send()
        await delivery.notes.wait_for("callback.answered", 2)

    for received in delivery.receiver.received:
        timestamp = received.headers["x-webhook-timestamp"]
        message = f"{TASK_ID}.{timestamp}".encode()
        expected = base64.b64encode(hmac.new(b"shared key", message, hashlib.sha256).digest()).decode()
        assert received.headers["x-webhook-signature"] == expected
        assert abs(int(timestamp) - time.time()) < 5


async def test_a_retry_carries_a_fresh_timestamp() -> None:
    rules = DeliveryRules(retries_after_s=(1.05,))
    async with Delivery(Receiver([500, 200]), rules, key="shared key") as delivery:
        delivery.send()
        await delivery.notes.wait_for("callback.answered", 2)

    first, second = (int(received.headers["x-webhook-timestamp"]) for received in delivery.receiver.received)
    assert second > first


async def test_without_a_key_nothing_is_signed() -> None:
    async with Delivery(Receiver()) as delivery:
        delivery.send()
        (received,) = await delivery.receiver.wait_for(1)

    assert not [name for name in received.headers if name.startswith("x-webhook")]


@pytest.mark.parametrize(
    ("forgery", "signed", "right", "fresh"),
    [
        ("unsigned", False, False, False),
        ("forged", True, False, True),
        ("stale", True, True, False),
        ("altered", True, True, True),
    ],
)
async def test_a_forgery_is_signed_as_its_kind_says(
    forgery: ForgeryKind, signed: bool, right: bool, fresh: bool
) -> None:
    async with Delivery(Receiver(), key="shared key") as delivery:
        delivery.send(forgery)
        (received,) = await delivery.receiver.wait_for(1)

    assert ("x-webhook-signature" in received.headers) is signed
    if signed:
        timestamp = received.headers["x-webhook-timestamp"]
        digest = hmac.new(b"shared key", f"{TASK_ID}.{timestamp}".encode(), hashlib.sha256).digest()
        assert (received.headers["x-webhook-signature"] == base64.b64encode(digest).decode()) is right
        assert (time.time() - int(timestamp) < 300) is fresh


async def test_a_forger_does_not_retry() -> None:
    async with Delivery(Receiver([500]), key="shared key") as delivery:
        delivery.send("forged")
        await delivery.notes.wait_for("callback.given-up")

    (attempt,) = delivery.notes.of("callback.attempt")
    assert attempt["genuine"] is False


async def outcome_at(url: str) -> str:
    """Return the outcome that the dispatcher reports for an attempt with its own client."""
    notes = Notes()
    dispatcher = CallbackDispatcher("kie", DeliveryRules(answer_within_s=1.0, retries_after_s=()), notes)
    dispatcher.send(Callback(url, TASK_ID, "image", BODY))
    (answered,) = await notes.wait_for("callback.answered")
    await dispatcher.close()
    outcome: str = answered["outcome"]
    return outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\ncut off", "reset"),
        (b"", "reset"),
        (b"what?\r\n\r\n", "bad-answer"),
    ],
)
async def test_an_attempt_reports_its_outcome_on_a_real_socket(answer: bytes, outcome: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(b'{"code":200,"data":{"task_id":""}}') + len(TASK_ID))
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        assert await outcome_at(f"http://{host}:{port}/callback") == outcome

    assert await outcome_at(f"http://{host}:{port}/callback") == "refused", "no server listens there any more"


@pytest.mark.parametrize("url", ["http://[::bad/callback", "ftp://app.test/callback", "/callback"])
async def test_a_url_that_cannot_be_called_is_unreachable(url: str) -> None:
    assert await outcome_at(url) == "unreachable"
