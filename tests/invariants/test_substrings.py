"""An index of texts finds exactly those that another text contains."""

from hypothesis import given
from hypothesis import strategies as st

from harness.trace.substrings import Substrings

TEXTS = st.text("ab ", max_size=14)


@given(st.lists(TEXTS, max_size=30), st.text("ab ", max_size=80))
def test_it_finds_what_trying_each_would_find(texts: list[str], text: str) -> None:
    index = Substrings((each, number) for number, each in enumerate(texts))
    assert sorted(index.within(text)) == [number for number, each in enumerate(texts) if each and each in text]
