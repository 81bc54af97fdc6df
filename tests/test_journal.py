"""The journal: append-only, readable again, the same bytes for the same entries; and clear about what is none."""

import pytest

from harness.errors import JournalError
from harness.trace.journal import Entry, Journal, body_facts, first_difference, read_journal


def _journal(*texts: str) -> Journal:
    journal = Journal()
    for text in texts:
        journal.add(1.5, "log", 0, {"text": text})
    return journal


def test_what_was_written_is_read_back() -> None:
    journal = _journal("🖼️ one", "two\u2028lines", "NaN")
    assert read_journal(journal.to_jsonl()).entries == journal.entries


def test_half_a_surrogate_pair_in_a_log_line_can_be_written_and_read() -> None:
    journal = _journal("broken \ud83d emoji")
    journal.to_jsonl().encode()
    assert read_journal(journal.to_jsonl()).entries == journal.entries
    assert journal.digest() == _journal("broken \ud83d emoji").digest()


def test_causes_are_followed_back_to_the_beginning() -> None:
    journal = Journal([Entry(1, 0.0, "a", 0, {}), Entry(2, 0.0, "b", 1, {}), Entry(3, 0.0, "c", 2, {})])
    assert [entry.number for entry in journal.causes(journal[3])] == [2, 1]


def test_the_first_difference_is_named_also_when_one_is_longer() -> None:
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
        ("", "journal: the file is empty"),
        ("hello\n", "journal:1:1: not JSON"),
        ("[1]\n", "journal:1: expected a JSON object"),
        ('{"journal": 99}\n', "journal:1: journal version 99"),
        ('{"n": 1}\n', "journal:1: no journal version"),
        ('{"journal": 1}\n', "journal: the journal has no entries"),
        ('{"journal": 1}\n{"n": 1, "at_s": 0.0', "journal:2:21: not JSON"),
        ('{"journal": 1}\n{"n": 1, "at_s": 0.0, "kind": "log", "cause": 0}\n', "journal:2: the entry has no 'facts'"),
        (
            '{"journal": 1}\n{"n": 2, "at_s": 0.0, "kind": "log", "cause": 0, "facts": {}}\n',
            "journal:2: entry 2 stands where entry 1 should",
        ),
    ],
)
def test_what_is_no_journal_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(JournalError) as refused:
        read_journal(text)
    assert str(refused.value).startswith(place)


def test_bodies_stand_as_what_they_are() -> None:
    assert body_facts(b"", "application/json") is None
    assert body_facts(b'{"a": 1}', "application/json") == {"a": 1}
    assert body_facts(b"hello", "text/plain") == "hello"
    picture = body_facts(b"\x89PNG", "image/png")
    assert picture["bytes"] == 4
    assert len(picture["sha256"]) == 16


def test_raw_facts_are_put_into_words_once_and_only_when_somebody_reads() -> None:
    worded: list[str] = []

    def words(at_s: float, text: str) -> dict[str, object]:
        worded.append(text)
        return {"text": text, "at_s": at_s}

    journal = Journal()
    journal.add(0.5, "log", 0, {"text": "first"})
    assert journal.add_raw(1.5, "log", 1, words, ("second",)) == 2
    journal.add(2.5, "log", 0, {"text": "third"})
    assert (len(journal), journal.at_s(2), worded) == (3, 1.5, [])
    expected = Entry(2, 1.5, "log", 1, {"text": "second", "at_s": 1.5})
    assert [entry.facts["text"] for entry in journal] == ["first", "second", "third"]
    assert journal[2] == expected
    assert journal.add_raw(3.5, "log", 0, words, ("fourth",)) == 4
    assert worded == ["second"]
    assert read_journal(journal.to_jsonl())[4].facts == {"text": "fourth", "at_s": 3.5}
    assert journal.of("log")[1] is journal[2]
    assert worded == ["second", "fourth"]


def test_a_body_that_is_nested_too_deeply_is_kept_as_text() -> None:
    assert body_facts(b"[" * 50_000, "application/json") == "[" * 50_000
