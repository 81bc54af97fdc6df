"""What `harness serve` remembers: in memory the newest entries, on disk all of them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from harness.errors import HarnessError, JournalError
from harness.report.deliveries import delivery_line
from harness.serve.admin import Admin, by_name
from harness.serve.journal_files import PART_BYTES, JournalFiles
from harness.serve.latest_callbacks import LatestCallbacks
from harness.serve.recent_journal import RecentJournal
from harness.serve.session import ServedFakes
from harness.trace.events import CallbackAttempt, LogLine, Request, RequestAbandoned, Response
from harness.trace.journal import Journal, read_journal
from tests.live.served import PATIENCE_S, TOKEN


def line(text: str) -> LogLine:
    return LogLine(level="info", logger="app", text=text)


def request() -> Request:
    return Request(
        by="app", host="api.kie.ai", scheme="http", link="kie", method="GET", path="/x", headers={}, body=None
    )


def response(number: int) -> Response:
    return Response(request=number, outcome="answered", status=200, latency_s=1.0, headers={}, body=None)


def attempt(task_id: str, *, genuine: bool = True) -> CallbackAttempt:
    return CallbackAttempt(
        provider="suno",
        delivery="suno-d1",
        task_id=task_id,
        callback="complete",
        genuine=genuine,
        attempt=1,
        attempts=4,
        url="http://127.0.0.1:9/",
        body={},
        headers={},
    )


def test_entries_keep_their_numbers_when_older_ones_are_dropped() -> None:
    journal = RecentJournal()
    for number in range(1, 11):
        assert journal.record(float(number), 0, line(f"{number}")) == number
        journal.keep(3)
    assert (len(journal), journal.dropped) == (10, 7)
    assert [entry.number for entry in journal] == [8, 9, 10]
    assert journal[9].at_s == 9.0
    with pytest.raises(IndexError, match="entry 7 was dropped"):
        journal[7]


def test_a_dropped_request_can_be_looked_up_until_its_exchange_is_dropped_too() -> None:
    journal = RecentJournal()
    answered = journal.record(0.0, 0, request())
    abandoned = journal.record(0.0, 0, request())
    journal.keep(0)
    assert journal.entry(answered, Request).event.path == "/x"
    with pytest.raises(TypeError, match="expected the kind response, found request"):
        journal.entry(answered, Response)
    journal.record(1.0, answered, response(answered))
    journal.record(2.0, abandoned, RequestAbandoned(request=abandoned, after_s=2.0))
    journal.keep(1)
    with pytest.raises(IndexError):
        journal[answered]
    assert journal[abandoned].number == abandoned
    journal.keep(0)
    with pytest.raises(IndexError):
        journal[abandoned]


def test_a_response_whose_request_was_dropped_still_has_its_line() -> None:
    journal = RecentJournal()
    number = journal.record(0.0, 0, request())
    journal.record(0.5, number, RequestAbandoned(request=number, after_s=0.5))
    journal.keep(0)
    late = journal.record(1.0, number, response(number))
    reported = delivery_line(journal, journal[late])
    assert reported is not None
    assert "the request of entry 1 200" in reported.plain


def test_a_journal_without_its_beginning_says_so_and_is_not_judged() -> None:
    journal = RecentJournal()
    for number in range(5):
        journal.record(0.0, 0, line(f"{number}"))
    assert read_journal(journal.to_jsonl()).entries == journal.entries
    journal.keep(2)
    assert journal.to_jsonl().startswith('{"journal":1,"dropped":3}\n{"n":4,')
    with pytest.raises(JournalError, match=r"j:1: expected a whole journal, .* its first 3 entries; .* --journal FILE"):
        read_journal(journal.to_jsonl(), path="j")


def test_the_callbacks_of_the_tasks_that_were_called_back_last_are_remembered() -> None:
    callbacks = LatestCallbacks(kept=2)
    for task_id in ("a", "b", "a", "c"):
        callbacks.add(attempt(task_id))
    callbacks.add(attempt("forged", genuine=False))
    found = [callbacks.of(task_id) for task_id in ("a", "b", "c", "forged", None)]
    assert [each and each.task_id for each in found] == ["a", None, "c", None, "c"]


@pytest.mark.parametrize("name", ["served.jsonl", None])
def test_a_journal_on_disk_is_whole(tmp_path: Path, name: str | None) -> None:
    journal, files = Journal(), JournalFiles(None if name is None else str(tmp_path / name))
    for number in range(3):
        journal.record(0.0, 0, line("å" * PART_BYTES + f"{number}"))
        files.add(journal.entries[-1:])
    parts = list(files.parts())
    assert b"".join(parts).decode() == journal.to_jsonl()
    assert all(part.endswith(b"\n") for part in parts if part)
    files.close()


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    journal = Journal()
    journal.record(0.0, 0, line("x"))
    with pytest.raises(HarnessError, match=r"cannot be written \(No such file or directory\)"):
        JournalFiles(str(tmp_path / "nowhere" / "served.jsonl")).add(journal.entries)


@contextmanager
def served(files: JournalFiles | None) -> Iterator[Callable[[str, str], httpx.Response]]:
    """Yield a function that sends a request to fakes that keep four entries in memory, or to their admin endpoints."""
    fakes = ServedFakes(by_name("baseline/healthy"), 1, files=files, entries_kept=4)
    begun = threading.Event()
    thread = threading.Thread(target=fakes.run, args=({}, begun.set, Admin(fakes, TOKEN)))
    thread.start()

    def ask(who: str, path: str) -> httpx.Response:
        url = fakes.admin_url if who == "admin" else fakes.environment()["SUNO_BASE_URL"]
        return httpx.get(f"{url}{path}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=PATIENCE_S)

    try:
        assert begun.wait(PATIENCE_S)
        yield ask
    finally:
        fakes.loop.call_soon_threadsafe(fakes.stop)
        thread.join()
        if files is not None:
            files.close()


def test_the_admin_endpoints_say_what_was_dropped() -> None:
    with served(None) as ask:
        for _ in range(4):
            assert ask("suno", "/api/v1/chat/credit").json()["code"] == 401
        state = ask("admin", "/state").json()
        head, *lines = ask("admin", "/journal").text.splitlines()
    assert (state["entries"], state["dropped"]) == (13, 9)
    assert json.loads(head) == {"journal": 1, "dropped": 9}
    assert [json.loads(each)["n"] for each in lines] == [10, 11, 12, 13]


def test_with_a_journal_on_disk_the_admin_endpoints_drop_nothing(tmp_path: Path) -> None:
    with served(JournalFiles(str(tmp_path / "served.jsonl"))) as ask:
        for _ in range(4):
            ask("suno", "/api/v1/chat/credit")
        state = ask("admin", "/state").json()
        journal = read_journal(ask("admin", "/journal").text)
    assert (state["entries"], state["dropped"], len(journal)) == (13, 0, 13)
