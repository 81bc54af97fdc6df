"""Markdown: tables, and the tables of a JSON schema."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def schema_tables(schema: Mapping[str, Any], title: str, skip: Iterable[str] = ()) -> Iterator[str]:
    """A table for the schema's top level, and one for each definition, in the order in which they are first used."""
    definitions = schema.get("definitions", {})
    order, left_out = [""], set(skip)
    for name in order:
        part = definitions[name] if name else schema
        for found in references(part.get("properties", {})):
            if found not in order and found not in left_out:
                order.append(found)
    for name in order:
        part = definitions[name] if name else schema
        yield f"\n## {heading(name) if name else title}\n\n{part.get('description', '')}\n"
        required = part.get("required", ())
        yield table(
            ("key", "value", "meaning"),
            [
                (
                    f"`{key}`" + (" (required)" if key in required and skip else ""),
                    _kind(value),
                    value.get("description", ""),
                )
                for key, value in part["properties"].items()
            ],
        )


def references(part: Any) -> Iterator[str]:
    """The names of the definitions with properties that a part of a schema refers to."""
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def _kind(part: Mapping[str, Any]) -> str:
    """What may stand for a key, in a few words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{heading(name)}](#{_anchor(heading(name))})" if name != "FaultKeys" else "[fault](faults.md)"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return listed(dict.fromkeys("null" if value is None else str(value) for value in part["enum"]))
    for word in ("oneOf", "anyOf", "allOf"):
        if word in part:
            kinds = list(dict.fromkeys(_kind(each) for each in part[word]))
            if any("LognormalKeys" in str(each) for each in part[word]):
                return "duration or distribution" + (
                    ", or a list" if any("items" in each for each in part[word]) else ""
                )
            return "[fault](faults.md)" if "connection-refused" in str(part[word]) else " or ".join(kinds)
    kind = part.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_kind(part['items'])}" if "items" in part else "list"
    pattern = str(part.get("pattern", ""))
    if "ms|s|m|h" in pattern:
        return "duration or `never`" if "never" in pattern else "duration"
    if "x[1-9]" in pattern:
        return "size, `2048x1152`"
    return {"string": "text", "boolean": "true or false"}.get(kind, str(kind))


def heading(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Keys")).capitalize()


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def sentence(text: str) -> str:
    text = one_line(text)
    return text[:1].upper() + text[1:]


def listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
