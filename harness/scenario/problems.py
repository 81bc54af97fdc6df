"""Error messages for a user's file: the findings of pydantic, with their location and a correction."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

from harness.errors import nearest_hint
from harness.scenario.values import found
from harness.scenario.yaml import Marks, Problem, Where, lines_of

PROBLEMS_SHOWN_MAX = 10
PLACES_SHOWN_MAX = 3
SHOWN_CHARACTERS_MAX = 120
_WANTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a block of keys",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
}
_QUOTED = re.compile(r"'([^']*)'")


def pydantic_problem(details: ErrorDetails, marks: Marks, model: type[BaseModel], prefix: Where = ()) -> Problem:
    """Return a finding of pydantic as a problem of the file; `model` describes the file's blocks, below `prefix`."""
    where: Where = tuple(part for part in details["loc"] if not str(part).startswith("=") and part != "[key]")
    if details["type"] == "extra_forbidden":
        says = _unknown_key(str(where[-1]), details["loc"][:-1], model)
        return Problem(marks.key_mark((*prefix, *where)), where[:-1], says)
    if details["type"] == "missing":
        return Problem(marks.value_mark((*prefix, *where[:-1])), where, _missing(where))
    at_key = "[key]" in details["loc"]
    return Problem(
        marks.key_mark((*prefix, *where)) if at_key else marks.value_mark((*prefix, *where)), where, _says(details)
    )


def _missing(where: Where) -> str:
    if where == ("why",):
        return "is missing; describe in a sentence or two what goes wrong and who is affected"
    return "is missing"


def _says(details: ErrorDetails) -> str:
    kind, value, limits = details["type"], details["input"], details.get("ctx", {})
    if kind in _WANTED:
        return f"expected {_WANTED[kind]}, got {found(value)}"
    match kind:
        case "value_error":
            return str(limits["error"])
        case "literal_error":
            known = _QUOTED.findall(limits["expected"]) or [limits["expected"]]
            hint = nearest_hint(value, known) if isinstance(value, str) else ""
            return f"unknown value {found(value)}{hint or ', expected ' + ' or '.join(known)}"
        case "greater_than_equal":
            return f"expected at least {limits['ge']:g}, got {found(value)}"
        case "less_than_equal":
            return f"expected at most {limits['le']:g}, got {found(value)}"
        case "too_long":
            return f"expected a list with at most {limits['max_length']} entries, got {limits['actual_length']}"
        case "too_short":
            return f"expected a list with at least {limits['min_length']} entries, got {limits['actual_length']}"
        case "string_too_long":
            return f"expected at most {limits['max_length']} characters, got {len(value)}"
        case "string_pattern_mismatch":
            return f'expected a path that begins with "/", got {found(value)}'
        case "spread":
            return details["msg"]
        case _:
            return f"invalid value {found(value)}: {details['msg']}"


def _unknown_key(key: str, block: Sequence[str | int], model: type[BaseModel]) -> str:
    """Return what is wrong with a key: a key of another block is in the wrong place, others are misspelt."""
    known = sorted(_keys_at(block, model))
    names = [str(part) for part in block if isinstance(part, str)]
    places = sorted(
        dict.fromkeys(_places_of(key, model)),
        key=lambda place: (-_in_common(place.split("."), names), place.count(".")),
    )
    if places:
        more = " and others" if len(places) > PLACES_SHOWN_MAX else ""
        return f'unknown key "{key}"; it belongs to {", ".join(places[:PLACES_SHOWN_MAX])}{more}'
    return f'unknown key "{key}"' + (nearest_hint(key, known) or f", expected {' or '.join(known)}")


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many blocks from the top two places share."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (this, that) in enumerate(pairs) if this != that), min(len(one), len(other)))


def _keys_at(block: Sequence[str | int], model: type[BaseModel]) -> set[str]:
    """Return the keys that are allowed in a block; of several branches in the one that pydantic has read it as."""
    models: list[type[BaseModel]] = [model]
    tags = {part for part in block if str(part).startswith("=")}
    for part in block:
        if isinstance(part, int) or part in tags:
            continue
        models = [
            inner
            for model in models
            for field in model.model_fields.values()
            if field.alias == part
            for inner in _models_in(field.annotation, tags)
        ]
    return {str(field.alias) for model in models for field in model.model_fields.values()}


def _models_in(annotation: Any, tags: Container[Any]) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    parts = get_args(annotation)
    if any(isinstance(part, Tag) and part.tag not in tags for part in parts):
        return
    for part in parts:
        yield from _models_in(part, tags)


def _places_of(key: str, model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the blocks that have a key of this name, from the top, with dots between their names."""
    if not above and any(field.alias == key for field in model.model_fields.values()):
        yield "the top of the file"
    for field in model.model_fields.values():
        place = f"{above}.{field.alias}" if above else str(field.alias)
        for inner in dict.fromkeys(_models_in(field.annotation, _EveryTag())):
            if any(each.alias == key for each in inner.model_fields.values()):
                yield place
            yield from _places_of(key, inner, place)


class _EveryTag:
    """All tags: the branches of every union are searched."""

    def __contains__(self, tag: object) -> bool:
        return True


def refusal_text(problems: list[Problem], path: str, text: str) -> str:
    """Return the message about all problems, in the order of the text, the first ten in full."""
    lines = lines_of(text)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: problem.mark)
    blocks = [_block(problem, path, lines) for problem in unique[:PROBLEMS_SHOWN_MAX]]
    if more := len(unique) - PROBLEMS_SHOWN_MAX:
        blocks += [f"and {more} more"] if more > 0 else []
    return "\n".join(blocks)


def _block(problem: Problem, path: str, lines: list[str]) -> str:
    mark = problem.mark
    place = f"{path}:{mark.line}:{mark.column}: "
    way = f"{_spelled_way(problem.where)}: " if problem.where else ""
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    # Cut a long line around the problem, so that the caret stays on the screen.
    start = max(0, mark.column - 1 - SHOWN_CHARACTERS_MAX // 2) if len(line) > SHOWN_CHARACTERS_MAX else 0
    shown = line[start : start + SHOWN_CHARACTERS_MAX].rstrip()
    padding = "".join("\t" if character == "\t" else " " for character in line[start : mark.column - 1])
    return f"{place}{way}{problem.says}\n    {shown}\n    {padding}^"


def _spelled_way(where: Where) -> str:
    spelled = ""
    for part in where:
        spelled += f"[{part}]" if isinstance(part, int) else f".{part}" if spelled else str(part)
    return spelled
