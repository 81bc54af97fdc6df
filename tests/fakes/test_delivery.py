"""How callbacks are delivered: what counts as accepted, when they are retried, and what is signed."""

import asyncio
import base64
import hashlib
import hmac
import time
from itertools import pairwise

import httpx
import pytest

from harness.fakes.delivery import Callback, CallbackDispatcher
from harness.fakes.script import DeliveryRules, ForgeryKind
from tests.fakes.stage import CALLBACK_URL, Notes, Receiver, posting

pytestmark = pytest.mark.asyncio

QUICK = DeliveryRules(answer_within_s=0.05, retries_after_s=(0.01, 0.02, 0.03))
TASK_ID = "0123456789abcdef0123456789abcdef"
BODY = {"code": 200, "data": {"task_id": TASK_ID}}


class Delivery:
    """A dispatcher in front of a receiver, with a record of events."""

    def __init__(self, receiver: Receiver, rules: DeliveryRules = QUICK, key: str | None = None) -> None:
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
