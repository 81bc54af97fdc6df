"""Reading YAML into plain data with the location of each key and value.

The nodes are PyYAML's, which have marks. Hostile input is rejected first: PyYAML's composer in C is recursive, and a
file of 100,000 opening brackets would crash the process. The number of expanded anchors is limited, tags are rejected,
and a plain scalar is null, true, false, a decimal number or text: `12:30`, `yes` and `0x10` are texts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

TEXT_CHARACTERS_MAX = 1_000_000
NODES_MAX = 20_000
"""Far more than any scenario needs; a few nested anchors would expand to billions."""
DEPTH_MAX = 32

Where: TypeAlias = tuple[str | int, ...]
"""The path to a value: keys and list positions from the top."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})")
_PLAIN_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A location in the text; line and column count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake at a location; `where` is the path to the value, empty for the whole text."""

    mark: Position
    where: Where
    says: str


class NotYaml(Exception):
    """The text is not valid YAML; its one problem ends reading."""

    def __init__(self, mark: Position, says: str) -> None:
        super().__init__(says)
        self.problem = Problem(mark, (), says)


@dataclass(slots=True)
class Marks:
    """The locations of the keys and values of a file by their paths."""

    keys: dict[Where, Position] = field(default_factory=dict)
    values: dict[Where, Position] = field(default_factory=dict)

    def value_mark(self, where: Where) -> Position:
        """Return the location of a value, or of the nearest enclosing one."""
        while where and where not in self.values:
            where = where[:-1]
        return self.values.get(where, Position(1, 1))

    def key_mark(self, where: Where) -> Position:
        """Return the location of a key, or of the nearest enclosing value."""
        return self.keys.get(where) or self.value_mark(where)


@dataclass(slots=True)
class MarkedData:
    """Plain data with the location of its keys and values; an omitted value has the location of its key."""

    data: Any = None
    marks: Marks = field(default_factory=Marks)
    problems: list[Problem] = field(default_factory=list)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as YAML counts them."""
    return _LINE_END.split(text)


def marked(text: str) -> MarkedData:
    """Read one YAML document; an empty one has the data None. Raise NotYaml."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise NotYaml(Position(1, 1), f"expected at most {TEXT_CHARACTERS_MAX} characters, found {len(text)}")
    if wrong := _NOT_ALLOWED.search(text):
        before = lines_of(text[: wrong.start()])
        mark = Position(len(before), len(before[-1]) + 1)
        raise NotYaml(mark, f"YAML does not allow the character U+{ord(wrong[0]):04X}")
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
    """Raise NotYaml for too deep nesting, a tag, a second document, or an alias of an incomplete anchor."""
    complete: set[str | None] = set()
    open_anchors: list[str | None] = []
    documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise NotYaml(mark, "expected one document, found a second one")
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in complete:
                raise NotYaml(mark, f'unknown anchor "&{event.anchor}"; an anchor must be complete before its alias')
        elif isinstance(event, yaml.CollectionEndEvent):
            complete.add(open_anchors.pop())
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.tag is not None:
                raise NotYaml(mark, f'scenario files do not allow tags; remove the tag "{event.tag}"')
            if isinstance(event, yaml.ScalarEvent):
                complete.add(event.anchor)
                continue
            if len(open_anchors) == DEPTH_MAX:
                raise NotYaml(mark, f"expected at most {DEPTH_MAX} nested levels, found more")
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


def _mark(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _Expansion:
    """Turns nodes into data, expanding anchors and merges, and stores every mark by its path."""

    def __init__(self, document: MarkedData) -> None:
        self.document = document
        self.nodes = 0

    def expand(self, node: yaml.Node, where: Where) -> Any:
        self.document.marks.values.setdefault(where, _mark(node.start_mark))
        self._count(node, len(where))
        if isinstance(node, yaml.ScalarNode):
            return _value(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.expand(part, (*where, index)) for index, part in enumerate(node.value)]
        return self._map(node, where)

    def _count(self, node: yaml.Node, depth: int) -> None:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            says = f"expected at most {NODES_MAX} values with every anchor expanded, found more"
            raise NotYaml(_mark(node.start_mark), says)
        if depth > DEPTH_MAX:
            raise NotYaml(_mark(node.start_mark), f"expected at most {DEPTH_MAX} nested levels, found more")

    def _map(self, node: yaml.Node, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value, is_merged in self._pairs(node):
            name, here, mark = key.value, (*where, key.value), _mark(key.start_mark)
            if name not in data:
                left_out = isinstance(value, yaml.ScalarNode) and not value.style and not value.value
                self.document.marks.keys[here] = mark
                self.document.marks.values[here] = mark if left_out else _mark(value.start_mark)
                data[name] = self.expand(value, here)
            elif not is_merged:
                says = f'duplicate key "{name}", first defined on line {self.document.marks.keys[here].line}'
                self.document.problems.append(Problem(mark, where, says))
        return data

    def _pairs(self, node: yaml.Node, depth: int = 0) -> Iterator[tuple[yaml.ScalarNode, yaml.Node, bool]]:
        """Yield a block's own keys, then those merged by its `<<`, nearest first, with whether they are merged."""
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise NotYaml(_mark(key.start_mark), "expected a word as key, got a list or a block")
            if key.value == "<<" and not key.style:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
                continue
            if depth:
                self._count(key, depth)
            yield key, value, depth > 0
        for block in merged:
            self._count(block, depth)
            if not isinstance(block, yaml.MappingNode):
                raise NotYaml(_mark(block.start_mark), 'expected a block of keys, or a list of blocks, after "<<"')
            yield from self._pairs(block, depth + 1)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> NotYaml:
    mark = (
        _mark(error.problem_mark or error.context_mark) if error.problem_mark or error.context_mark else Position(1, 1)
    )
    lines = lines_of(text)
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: mark.column] and not line[: mark.column].strip():
        return NotYaml(Position(mark.line, line.index("\t") + 1), "YAML does not allow tabs in indentation; use spaces")
    began = f" ({error.context}, started on line {error.context_mark.line + 1})" if error.context_mark else ""
    return NotYaml(mark, f"invalid YAML: {error.problem}{began}")
