"""The journal: append-only, read back as written, the same bytes for the same entries, with clear errors."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import JournalError
from harness.trace.events import (
    EVENTS,
    Event,
    Facts,
    InstanceStarted,
    LogLine,
    Request,
    Response,
    RunEnded,
    UnknownEvent,
    event_of,
    field_docs,
)
from harness.trace.journal import Journal, body_facts, entry_of, first_difference, read_journal
from harness.world.journal_writer import JournalWriter


def _journal(*texts: str) -> Journal:
    journal = Journal()
    for text in texts:
        journal.add(1.5, "log", 0, {"level": "info", "logger": "shop", "text": text})
    return journal


def test_what_was_written_is_read_back() -> None:
    journal = _journal("🖼️ one", "two\u2028lines", "NaN")
    assert read_journal(journal.to_jsonl()).entries == journal.entries


def test_an_unpaired_surrogate_in_a_log_line_can_be_written_and_read() -> None:
    journal = _journal("broken \ud83d emoji")
    journal.to_jsonl().encode()
    assert read_journal(journal.to_jsonl()).entries == journal.entries
    assert journal.digest() == _journal("broken \ud83d emoji").digest()


def test_causes_are_followed_back_to_the_beginning() -> None:
    journal = Journal([entry_of(1, 0.0, "a", 0, {}), entry_of(2, 0.0, "b", 1, {}), entry_of(3, 0.0, "c", 2, {})])
    assert [entry.number for entry in journal.causes(journal[3])] == [2, 1]


def test_the_first_difference_is_found_even_if_one_journal_is_longer() -> None:
    one, other = _journal("a", "b", "c"), _journal("a", "x", "c")
    pair = first_difference(one, other)
    assert pair is not None
    assert [entry.number for entry in pair if entry] == [2, 2]
    assert first_difference(one, _journal("a", "b")) == (one[3], None)
    assert first_difference(_journal("a", "b"), one) == (None, one[3])
    assert first_difference(one, _journal("a", "b", "c")) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "journal: expected a journal written by `harness run --journal`, found an empty file"),
        ("hello\n", "journal:1:1: invalid JSON"),
        ("[1]\n", "journal:1: expected a JSON object"),
        ('{"journal": 99}\n', "journal:1: expected journal version 1, found journal version 99"),
        ('{"n": 1}\n', "journal:1: expected journal version 1, found no journal version"),
        ('{"journal": 1}\n', "journal: expected at least one entry, found none"),
        ('{"journal": 1}\n{"n": 1, "at_s": 0.0', "journal:2:21: invalid JSON"),
        (
            '{"journal": 1}\n{"n": 1, "at_s": 0.0, "kind": "log", "cause": 0}\n',
            "journal:2: the entry lacks the key 'facts'",
        ),
        (
            '{"journal": 1}\n{"n": 2, "at_s": 0.0, "kind": "log", "cause": 0, "facts": {}}\n',
            "journal:2: expected entry 1, found entry 2",
        ),
    ],
)
def test_an_invalid_journal_is_reported_with_the_line(text: str, place: str) -> None:
    with pytest.raises(JournalError) as caught:
        read_journal(text)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize(
    ("kind", "facts", "sentence"),
    [
        ("log", {"level": "info", "logger": "shop"}, 'log lacks the fact "text"'),
        ("log", {"level": "info", "logger": "shop", "text": 7}, '"text" of another type, expected text'),
        ("time.advanced", {"by_s": True}, '"by_s" of another type, expected a number'),
        ("time.advanced", {"by_s": 10**400}, '"by_s" of another type, expected a number'),
        ("run.ended", {"unanswered": [1, "2"]}, "expected a list of a whole number"),
        ("request.abandoned", {"request": 1.5, "after_s": 1}, "expected a whole number"),
        ("track.accepted", {"track": 1, "id": 7}, "expected text or null"),
        (
            "track.final",
            {"track": 1, "id": "1", "source": None, "fields": []},
            "expected an object of anything or null",
        ),
    ],
)
def test_facts_that_do_not_fit_their_kind_are_reported_with_the_line(kind: str, facts: Facts, sentence: str) -> None:
    entry = {"n": 1, "at_s": 0.0, "kind": kind, "cause": 0, "facts": facts}
    with pytest.raises(JournalError) as refused:
        read_journal(f'{{"journal":1}}\n{json.dumps(entry)}\n')
    assert str(refused.value).startswith("journal:2: ")
    assert sentence in str(refused.value)


def test_bodies_are_recorded_by_their_type() -> None:
    assert body_facts(b"", "application/json") is None
    assert body_facts(b'{"a": 1}', "application/json") == {"a": 1}
    assert body_facts(b"hello", "text/plain") == "hello"
    picture = body_facts(b"\x89PNG", "image/png")
    assert picture["bytes"] == 4
    assert len(picture["sha256"]) == 16


def test_an_event_is_written_as_json_and_read_back_as_the_same_event() -> None:
    journal = Journal()
    event = RunEnded(ending="quiescent", unanswered=[], waiting=[])
    assert journal.record(1.5, 0, event) == 1
    assert journal[1].to_json() == (
        '{"n":1,"at_s":1.5,"kind":"run.ended","cause":0,"facts":{"ending":"quiescent","unanswered":[],"waiting":[]}}'
    )
    (entry,) = read_journal(journal.to_jsonl()).of(RunEnded)
    assert entry.event == event
    assert entry == journal[1]


def test_an_unknown_kind_and_an_unknown_fact_are_kept() -> None:
    text = (
        '{"journal":1}\n'
        '{"n":1,"at_s":0.0,"kind":"log","cause":0,"facts":{"level":"info","logger":"app","text":"a","line":7}}\n'
        '{"n":2,"at_s":0.0,"kind":"moon.rose","cause":1,"facts":{"phase":"full"}}\n'
    )
    journal = read_journal(text)
    assert journal.to_jsonl() == text
    assert journal.of(LogLine)[0].event.text == "a"
    assert isinstance(journal[2].event, UnknownEvent)
    assert journal.of("moon.rose") == [journal[2]]


def test_a_missing_fact_only_fails_a_reader_that_needs_it() -> None:
    journal = Journal()
    journal.add(0.0, "response", 0, {"request": 1})
    (entry,) = journal.of(Response)
    assert entry.event.request == 1
    assert entry.facts == {"request": 1}
    with pytest.raises(AttributeError, match="outcome"):
        _ = entry.event.outcome


def test_an_entry_of_an_unexpected_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"entry 1: expected the kind run\.ended, found log"):
        _journal("a").entry(1, RunEnded)


@pytest.mark.parametrize("event_class", EVENTS.values(), ids=list(EVENTS))
def test_every_kind_of_event_and_its_fields_are_documented(event_class: type[Event]) -> None:
    assert (event_class.__doc__ or "").startswith("Recorded ")
    docs = field_docs(event_class)
    assert list(docs) == list(event_class.names)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event_of(event_class.kind, {}), event_class.names[0], None)


def test_a_field_is_documented_by_the_docstring_below_it() -> None:
    assert field_docs(Request)["path"] == "With its query."
    assert field_docs(Request)["method"] == ""


MISSPELT = """
from harness.trace.events import Response
from harness.trace.journal import Journal

def last_status(journal: Journal) -> int | None:
    Response(request=1, outcome="answered", status=200, latency=0.0, headers={}, body=None)
    return journal.of(Response)[-1].event.statsu
"""


def test_a_misspelt_field_is_an_error_of_mypy(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(MISSPELT)
    root = Path(__file__).parents[1]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(tmp_path / "snippet.py")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"Response" has no attribute "statsu"; maybe "status"?' in checked.stdout, checked.stdout + checked.stderr
    assert 'Unexpected keyword argument "latency" for "Response"' in checked.stdout
    assert checked.stdout.count("error:") == 3


def test_a_body_that_is_nested_too_deeply_is_recorded_as_text() -> None:
    assert body_facts(b"[" * 50_000, "application/json") == "[" * 50_000


# Its limit


class _Refusing:
    """A loop whose time stands still."""

    elapsed_s = 0.0

    def __init__(self) -> None:
        self.refused: list[str] = []

    def refuse(self, sentence: str) -> None:
        self.refused.append(sentence)


@pytest.mark.parametrize(("tracks", "most"), [(1, 50_000), (2, 100_000), (1_000, 1_000_000)])
def test_it_may_grow_with_the_tracks(tracks: int, most: int) -> None:
    loop, journal = _Refusing(), Journal()
    writer = JournalWriter(loop, journal, tracks=tracks)
    event = InstanceStarted(instance=1)
    number = writer.record(event, 0)
    journal.entries += [journal[number]] * (most - 1)
    assert loop.refused == []
    writer.record(event, 0)
    (sentence,) = loop.refused
    assert "50,000 entries per track, 1,000,000 in all" in sentence
