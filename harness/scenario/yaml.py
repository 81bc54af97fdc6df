"""Marked YAML: a YAML text read into plain data that remembers where each key and each value stands.

Built from the parser's events and not from its node graph: PyYAML's composer in C recurses, and a file of 100,000
opening brackets would end the process. Here depth and size are counted, anchors are followed only so far, tags are
refused, and a plain scalar is null, true, false, a decimal number or text: `12:30`, `yes` and `0x10` stay what they
look like.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

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
        root = _tree(text)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    document = MarkedData()
    if root is not None:
        document.data = _Expansion(document).expand(root, ())
    return document


@dataclass(slots=True)
class _Node:
    """A scalar with its `content`, a list of `parts`, or a map whose `parts` are keys and values in turn."""

    kind: Literal["scalar", "list", "map"]
    mark: Mark
    anchor: str | None = None
    content: Any = None
    text: str = ""
    plain: bool = False
    parts: list["_Node"] = field(default_factory=list)


def _tree(text: str) -> _Node | None:
    """The one document's nodes. An alias is the very node that it names, so this is no larger than the text."""
    anchors: dict[str, _Node] = {}
    open_nodes: list[_Node] = []
    root: _Node | None = None
    for event in yaml.parse(text, Loader=_LOADER):
        closed: _Node | None = None
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise NotYaml(mark, "a second document begins here, a file holds one")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise NotYaml(mark, f'no anchor "&{event.anchor}" is complete before this line')
            closed = anchors[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            closed = _scalar(event, mark)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            _refuse_tag(event.tag, mark)
            if len(open_nodes) == DEPTH_MAX:
                raise NotYaml(mark, f"more than {DEPTH_MAX} levels inside each other are not read")
            kind: Literal["list", "map"] = "list" if isinstance(event, yaml.SequenceStartEvent) else "map"
            open_nodes.append(_Node(kind, mark, event.anchor))
            continue
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            closed = open_nodes.pop()
        if closed is None:
            continue
        if closed.anchor is not None:
            anchors[closed.anchor] = closed
        if open_nodes:
            open_nodes[-1].parts.append(closed)
        else:
            root = closed
    return root


def _scalar(event: yaml.ScalarEvent, mark: Mark) -> _Node:
    _refuse_tag(event.tag, mark)
    text = event.value
    plain = bool(event.implicit[0])
    return _Node("scalar", mark, event.anchor, _plain_value(text) if plain else text, text, plain)


def _plain_value(text: str) -> Any:
    if text.lower() in _PLAIN_WORDS:
        return _PLAIN_WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _refuse_tag(tag: str | None, mark: Mark) -> None:
    if tag is not None and tag != "!":
        raise NotYaml(mark, f'the tag "{tag}" stands here, scenario files have no tags; take it out')


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


class _Expansion:
    """Turns nodes into data, following anchors and merges, and notes every mark under the way it is reached."""

    def __init__(self, document: MarkedData) -> None:
        self.document = document
        self.nodes = 0

    def expand(self, node: _Node, where: Where) -> Any:
        self.document.values.setdefault(where, node.mark)
        self._count(node, where)
        match node.kind:
            case "scalar":
                return node.content
            case "list":
                return [self.expand(part, (*where, index)) for index, part in enumerate(node.parts)]
            case "map":
                return self._map(node, where)

    def _count(self, node: _Node, where: Where) -> None:
        self.nodes += 1
        if self.nodes > NODES_MAX:
            raise NotYaml(node.mark, f"more than {NODES_MAX} values, with every anchor followed, are not read")
        if len(where) > DEPTH_MAX:
            raise NotYaml(node.mark, f"more than {DEPTH_MAX} levels inside each other are not read")

    def _map(self, node: _Node, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: list[_Node] = []
        for key, value in _pairs(node):
            if key.kind != "scalar":
                raise NotYaml(key.mark, "a key is a word, not a list or a block")
            if key.text == "<<" and key.plain:
                merged.append(value)
                continue
            here = (*where, key.text)
            if key.text in data:
                first = self.document.keys[here].line
                says = f'"{key.text}" stands here a second time, the first is on line {first}'
                self.document.problems.append(Problem(key.mark, where, says))
                continue
            self._entry(data, here, key, value)
        for node_merged in merged:
            for key, value in self._merged_pairs(node_merged):
                self._count(key, where)
                if key.text not in data:
                    self._entry(data, (*where, key.text), key, value)
        return data

    def _entry(self, data: dict[str, Any], here: Where, key: _Node, value: _Node) -> None:
        self.document.keys[here] = key.mark
        left_out = value.kind == "scalar" and value.plain and not value.text
        self.document.values[here] = key.mark if left_out else value.mark
        data[str(here[-1])] = self.expand(value, here)

    def _merged_pairs(self, node: _Node, depth: int = 0) -> Iterator[tuple[_Node, _Node]]:
        """What `<<` brings in, nearest first: a block's own keys, then those that it merges itself."""
        self._count(node, (0,) * depth)
        if node.kind == "list":
            for part in node.parts:
                yield from self._merged_pairs(part, depth + 1)
            return
        if node.kind != "map":
            raise NotYaml(node.mark, '"<<" takes in a block of keys, or a list of them')
        later = []
        for key, value in _pairs(node):
            if key.kind != "scalar":
                raise NotYaml(key.mark, "a key is a word, not a list or a block")
            if key.text == "<<" and key.plain:
                later.append(value)
            else:
                yield key, value
        for value in later:
            yield from self._merged_pairs(value, depth + 1)


def _pairs(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    parts = iter(node.parts)
    return zip(parts, parts, strict=True)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> NotYaml:
    mark = _mark(error.problem_mark or error.context_mark) if error.problem_mark or error.context_mark else Mark(1, 1)
    lines = lines_of(text)
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: mark.column] and not line[: mark.column].strip():
        return NotYaml(Mark(mark.line, line.index("\t") + 1), "a tab stands here, YAML is indented with spaces")
    began = f" ({error.context}, begun on line {error.context_mark.line + 1})" if error.context_mark else ""
    return NotYaml(mark, f"this is not YAML: {error.problem}{began}")
