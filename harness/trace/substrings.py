"""Finding which of many texts another text contains, without trying each of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

GRAM = 6
FEW = 8
"""So many texts are tried one by one."""

T = TypeVar("T")


class Substrings(Generic[T]):
    """Values by text: an index of each text's rarest run of characters."""

    def __init__(self, values: Iterable[tuple[str, T]]) -> None:
        self._always = [(text, value) for text, value in values if text]
        self._by_gram: defaultdict[str, list[tuple[str, T]]] = defaultdict(list)
        if len(self._always) <= FEW:
            return
        long = [each for each in self._always if len(each[0]) >= GRAM]
        self._always = [each for each in self._always if len(each[0]) < GRAM]
        counts = Counter(gram for text, _ in long for gram in _grams(text))
        for each in long:
            self._by_gram[min(_grams(each[0]), key=lambda gram: (counts[gram], gram))].append(each)

    def within(self, text: str) -> list[T]:
        """Return the values whose texts occur in `text`."""
        tried = list(self._always)
        if self._by_gram:
            for gram in _grams(text) & self._by_gram.keys():
                tried += self._by_gram[gram]
        return [value for each, value in tried if each in text]


def _grams(text: str) -> set[str]:
    return {text[place : place + GRAM] for place in range(len(text) - GRAM + 1)}
