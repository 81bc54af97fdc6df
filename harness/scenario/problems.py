"""Problems of a file that a user has written: what pydantic finds, where that is, and what to write instead."""

import re
from collections.abc import Iterator
from typing import Any, Protocol, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from harness.errors import nearest_hint
from harness.scenario.values import found
from harness.scenario.yaml import Mark, Problem, Where, lines_of

PROBLEMS_SHOWN_MAX = 10
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


class Marks(Protocol):
    """Where the keys and values of a file are."""

    def value_mark(self, where: Where) -> Mark: ...

    def key_mark(self, where: Where) -> Mark: ...


def pydantic_problem(details: ErrorDetails, marks: Marks, model: type[BaseModel], prefix: Where = ()) -> Problem:
    """One finding of pydantic about a file that `model` describes, whose blocks are below `prefix`."""
    where: Where = tuple(part for part in details["loc"] if not str(part).startswith("=") and part != "[key]")
    if details["type"] == "extra_forbidden":
        known = sorted(_keys_at(where[:-1], model))
        hint = nearest_hint(str(where[-1]), known) or f", known here: {', '.join(known)}"
        return Problem(marks.key_mark((*prefix, *where)), where[:-1], f'unknown key "{where[-1]}"{hint}')
    if details["type"] == "missing":
        return Problem(marks.value_mark((*prefix, *where[:-1])), where, _missing(where))
    at_key = "[key]" in details["loc"]
    return Problem(
        marks.key_mark((*prefix, *where)) if at_key else marks.value_mark((*prefix, *where)), where, _says(details)
    )


def _missing(where: Where) -> str:
    if where == ("why",):
        return "is missing, say in a sentence or two what goes wrong here and for whom"
    return "is missing"


def _says(details: ErrorDetails) -> str:
    kind, value, limits = details["type"], details["input"], details.get("ctx", {})
    if kind in _WANTED:
        return f"{found(value)} stands here, {_WANTED[kind]} belongs here"
    match kind:
        case "value_error":
            return str(limits["error"])
        case "literal_error":
            known = _QUOTED.findall(limits["expected"])
            hint = nearest_hint(value, known) if isinstance(value, str) else ""
            return f"{found(value)} is not known here{hint or ', write ' + ' or '.join(known)}"
        case "greater_than_equal":
            return f"{found(value)} is too small, the least is {limits['ge']:g}"
        case "less_than_equal":
            return f"{found(value)} is too large, the most is {limits['le']:g}"
        case "too_long":
            return f"the list has {limits['actual_length']} entries, at most {limits['max_length']} are read"
        case "too_short":
            return f"the list has {limits['actual_length']} entries, it needs at least {limits['min_length']}"
        case "string_pattern_mismatch":
            return f'{found(value)} does not begin with "/"'
        case "spread":
            return details["msg"]
        case _:
            return f"{found(value)} cannot stand here: {details['msg']}"


def _keys_at(where: Where, model: type[BaseModel]) -> set[str]:
    """The keys that the block at `where` may have."""
    models: list[type[BaseModel]] = [model]
    for part in where:
        if isinstance(part, int):
            continue
        models = [
            inner
            for model in models
            for field in model.model_fields.values()
            if field.alias == part
            for inner in _models_in(field.annotation)
        ]
    return {str(field.alias) for model in models for field in model.model_fields.values()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def refusal_text(problems: list[Problem], path: str, text: str) -> str:
    """The message about all the problems, in the order of the text, the first ten in full."""
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
    # A long line is shown from a little before the problem, so that the caret stays on the screen.
    start = max(0, mark.column - 1 - SHOWN_CHARACTERS_MAX // 2) if len(line) > SHOWN_CHARACTERS_MAX else 0
    shown = line[start : start + SHOWN_CHARACTERS_MAX].rstrip()
    padding = "".join("\t" if character == "\t" else " " for character in line[start : mark.column - 1])
    return f"{place}{way}{problem.says}\n    {shown}\n    {padding}^"


def _spelled_way(where: Where) -> str:
    spelled = ""
    for part in where:
        spelled += f"[{part}]" if isinstance(part, int) else f".{part}" if spelled else str(part)
    return spelled
