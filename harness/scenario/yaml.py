"""Marked YAML: a YAML text read into plain data that remembers where each key and each value stands.

The nodes are PyYAML's, which carry marks. What could harm it is refused before: PyYAML's composer in C recurses, and a
file of 100,000 opening brackets would end the process. Anchors are followed only so far, tags are refused, and a plain
scalar is null, true, false, a decimal number or text: `12:30`, `yes` and `0x10` stay what they look like.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

TEXT_CHARACTERS_MAX = 1_000_000
NODES_MAX = 20_000
"""A file of 20,000 values is already absurd; a few nested anchors reach billions."""
DEPTH_MAX = 32

Where: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})")
_PLAIN_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in the text; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong at a place; `where` is the way to the value, empty for the whole text."""

    mark: Mark
    where: Where
    says: str


class NotYaml(Exception):
    """The text cannot be read at all; there is one problem, and nothing else is known of it."""

    def __init__(self, mark: Mark, says: str) -> None:
        super().__init__(says)
        self.problem = Problem(mark, (), says)


@dataclass(slots=True)
class MarkedData:
    """Plain data, and where it came from. A value that is left out is marked where its key is."""

    data: Any = None
    keys: dict[Where, Mark] = field(default_factory=dict)
    values: dict[Where, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value_mark(self, where: Where) -> Mark:
        """Where the value stands, or else the nearest one round it."""
        while where and where not in self.values:
            where = where[:-1]
        return self.values.get(where, Mark(1, 1))

    def key_mark(self, where: Where) -> Mark:
        """Where the key stands; for an entry of a list, where the entry stands."""
        return self.keys.get(where) or self.value_mark(where)


def lines_of(text: str) -> list[str]:
    """The lines of a text as YAML counts them."""
    return _LINE_END.split(text)


def marked(text: str) -> MarkedData:
    """Reads one YAML document. An empty one has the data None. Raises NotYaml."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise NotYaml(Mark(1, 1), f"{len(text)} characters are too many, at most {TEXT_CHARACTERS_MAX} are read")
    if wrong := _NOT_ALLOWED.search(text):
        before = lines_of(text[: wrong.start()])
        mark = Mark(len(before), len(before[-1]) + 1)
        raise NotYaml(mark, f"the character U+{ord(wrong[0]):04X} stands here, YAML does not allow it")
    try:
        _refuse_harmful(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    document = MarkedData()
    if root is not None:
        document.data = _Expansion(document).expand(root, ())
    return document


def _refuse_harmful(text: str) -> None:
    """Raise NotYaml for depth, tags, a second document, and an alias of nothing that is complete."""
    complete: set[str | None] = set()
    open_anchors: list[str | None] = []
    documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise NotYaml(mark, "a second document begins here, a file holds one")
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in complete:
                raise NotYaml(mark, f'no anchor "&{event.anchor}" is complete before this line')
        elif isinstance(event, yaml.CollectionEndEvent):
            complete.add(open_anchors.pop())
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.tag is not None:
                raise NotYaml(mark, f'the tag "{event.tag}" stands here, scenario files have no tags; take it out')
            if isinstance(event, yaml.ScalarEvent):
                complete.add(event.anchor)
                continue
            if len(open_anchors) == DEPTH_MAX:
                raise NotYaml(mark, f"more than {DEPTH_MAX} levels inside each other are not read")
            open_anchors.append(event.anchor)


def _value(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # quoted, or a block
        return text
    if text.lower() in _PLAIN_WORDS:
        return _PLAIN_WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


class _Expansion:
    """Turns nodes into data, following anchors and merges, and notes every mark under the way it is reached."""

    def __init__(self, document: MarkedData) -> None:
        self.document = document
        self.nodes = 0

    def expand(self, node: yaml.Node, where: Where) -> Any:
        self.document.values.setdefault(where, _mark(node.start_mark))
        self._count(node, len(where))
        if isinstance(node, yaml.ScalarNode):
            return _value(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.expand(part, (*where, index)) for index, part in enumerate(node.value)]
        return self._map(node, where)

    def _count(self, node: yaml.Node, depth: int) -> None:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            says = f"more than {NODES_MAX} values, with every anchor followed, are not read"
            raise NotYaml(_mark(node.start_mark), says)
        if depth > DEPTH_MAX:
            raise NotYaml(_mark(node.start_mark), f"more than {DEPTH_MAX} levels inside each other are not read")

    def _map(self, node: yaml.Node, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value, is_merged in self._pairs(node):
            name, here, mark = key.value, (*where, key.value), _mark(key.start_mark)
            if name not in data:
                left_out = isinstance(value, yaml.ScalarNode) and not value.style and not value.value
                self.document.keys[here] = mark
                self.document.values[here] = mark if left_out else _mark(value.start_mark)
                data[name] = self.expand(value, here)
            elif not is_merged:
                says = f'"{name}" stands here a second time, the first is on line {self.document.keys[here].line}'
                self.document.problems.append(Problem(mark, where, says))
        return data

    def _pairs(self, node: yaml.Node, depth: int = 0) -> Iterator[tuple[yaml.ScalarNode, yaml.Node, bool]]:
        """A block's own keys, then those that its `<<` bring in, nearest first; and whether they are brought in."""
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise NotYaml(_mark(key.start_mark), "a key is a word, not a list or a block")
            if key.value == "<<" and not key.style:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
                continue
            if depth:
                self._count(key, depth)
            yield key, value, depth > 0
        for block in merged:
            self._count(block, depth)
            if not isinstance(block, yaml.MappingNode):
                raise NotYaml(_mark(block.start_mark), '"<<" takes in a block of keys, or a list of them')
            yield from self._pairs(block, depth + 1)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> NotYaml:
    mark = _mark(error.problem_mark or error.context_mark) if error.problem_mark or error.context_mark else Mark(1, 1)
    lines = lines_of(text)
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: mark.column] and not line[: mark.column].strip():
        return NotYaml(Mark(mark.line, line.index("\t") + 1), "a tab stands here, YAML is indented with spaces")
    began = f" ({error.context}, begun on line {error.context_mark.line + 1})" if error.context_mark else ""
    return NotYaml(mark, f"this is not YAML: {error.problem}{began}")
