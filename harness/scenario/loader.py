"""Scenario files: YAML read into a frozen `Scenario`, or refused with every problem at its line and column.

The words that may be written are the models of `harness.scenario.schema`; this module finds the place in the text that
each finding of pydantic belongs to and says it in a sentence that tells what to write instead.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import ScenarioError, nearest_hint
from harness.scenario.model import Scenario
from harness.scenario.schema import ScenarioKeys
from harness.scenario.values import found
from harness.scenario.yaml import Mark, MarkedData, NotYaml, Problem, Where, lines_of, marked

PROBLEMS_SHOWN_MAX = 10
SHOWN_CHARACTERS_MAX = 120
SCHEMA_ID = "http://json-schema.org/draft-07/schema#"

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


def read_scenario(path: Path, *, name: str | None = None) -> Scenario:
    """The scenario in a file; its name is `folder/stem` unless another is given. Raises ScenarioError."""
    shown = str(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ScenarioError(f"{shown}: there is no such file") from None
    except IsADirectoryError:
        raise ScenarioError(f"{shown}: this is a folder, not a scenario file") from None
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = lines_of(content[: error.start].decode("utf-8"))
        problem = Problem(
            Mark(len(before), len(before[-1]) + 1),
            (),
            f"the byte 0x{content[error.start]:02X} is not UTF-8, save the file as UTF-8",
        )
        raise _refusal([problem], shown, content.decode("utf-8", errors="replace")) from None
    whole = path.absolute()
    return parse_scenario(text, path=shown, name=f"{whole.parent.name}/{whole.stem}" if name is None else name)


def parse_scenario(text: str, *, path: str, name: str) -> Scenario:
    """The scenario that a text describes; `path` is only for messages and for `Scenario.path`.

    Raises ScenarioError with one block per problem: where, what was found, what to write, and the line with a caret.
    """
    text = text.removeprefix("\ufeff")
    try:
        document = marked(text)
    except NotYaml as error:
        raise _refusal([error.problem], path, text) from None
    if document.data is None:
        problem = Problem(Mark(1, 1), (), "the file is empty, write at least why: and what goes wrong here")
        raise _refusal([problem], path, text)
    problems = list(document.problems)
    try:
        keys = ScenarioKeys.model_validate(document.data)
    except ValidationError as error:
        problems += [_problem(details, document) for details in error.errors(include_url=False)]
    if problems:
        raise _refusal(problems, path, text)
    return keys.scenario(name=name, path=path)


def json_schema() -> dict[str, Any]:
    """The schema of scenario files for editors: JSON Schema draft 7, no key allowed that is not named."""
    schema = ScenarioKeys.model_json_schema(ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    head = {"$schema": SCHEMA_ID, "title": "A scenario: what the providers do in one run"}
    shaped = {**head, **_draft_7(schema), "definitions": {name: _draft_7(made) for name, made in definitions.items()}}
    assert isinstance(shaped["properties"], dict)
    return shaped


def _draft_7(schema: Any) -> Any:
    """Without pydantic's titles and its defaults that mean "not written", and no key beside a `$ref`."""
    if isinstance(schema, list):
        return [_draft_7(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for name, part in schema.items():
        if name in ("title", "default") and not isinstance(part, dict):
            continue
        if name in ("properties", "definitions"):
            kept[name] = {inner: _draft_7(value) for inner, value in part.items()}
        else:
            kept[name] = part if name in ("examples", "enum", "required") else _draft_7(part)
    if "$ref" in kept and len(kept) > 1:
        kept["allOf"] = [{"$ref": kept.pop("$ref")}]
    return kept


def _problem(details: ErrorDetails, document: MarkedData) -> Problem:
    """One finding of pydantic, at its place and in this project's words."""
    where: Where = tuple(part for part in details["loc"] if not str(part).startswith("=") and part != "[key]")
    if details["type"] == "extra_forbidden":
        known = sorted(_keys_at(where[:-1]))
        hint = nearest_hint(str(where[-1]), known) or f", known here: {', '.join(known)}"
        return Problem(document.key_mark(where), where[:-1], f'unknown key "{where[-1]}"{hint}')
    if details["type"] == "missing":
        return Problem(document.value_mark(where[:-1]), where, _missing(where))
    at_key = "[key]" in details["loc"]
    return Problem(document.key_mark(where) if at_key else document.value_mark(where), where, _says(details))


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


def _keys_at(where: Where) -> set[str]:
    """The keys that the block at `where` may have."""
    models: list[type[BaseModel]] = [ScenarioKeys]
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


def _refusal(problems: list[Problem], path: str, text: str) -> ScenarioError:
    """All the problems in the order of the text, the first ten in full."""
    lines = lines_of(text)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: problem.mark)
    blocks = [_block(problem, path, lines) for problem in unique[:PROBLEMS_SHOWN_MAX]]
    if more := len(unique) - PROBLEMS_SHOWN_MAX:
        blocks += [f"and {more} more"] if more > 0 else []
    return ScenarioError("\n".join(blocks))


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
