"""JSON from outside: read as it is, or refused with a sentence."""

import json

import pytest

from harness.json_text import DEPTH_MAX, parse_json


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2.5, null, true, "\\ud800"]}', "[]", '"x"', "[" * DEPTH_MAX + "]" * DEPTH_MAX]
)
def test_json_is_read_as_it_is(text: str) -> None:
    assert parse_json(text) == json.loads(text)
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1), "more than 100 nested levels"),
        ("[" * 100_000, "more than 100 nested levels"),
        ('{"a":' * 100_000, "more than 100 nested levels"),
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e999", "1e999 is too large"),
        ("9" * 30_000, "limit"),
        ("[1,", "Expecting value"),
    ],
)
def test_what_no_reader_can_bear_is_a_value_error(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_json(text)
