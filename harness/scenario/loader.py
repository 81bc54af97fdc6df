"""Reading scenario files: YAML into a frozen `Scenario`, or an error with every problem at its line and column.

The models of `harness.scenario.schema` define the keys; this module turns the findings of pydantic into messages with
their location.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ScenarioError
from harness.input_file import read_input, read_stdin
from harness.scenario.lint import in_vain
from harness.scenario.model import Scenario
from harness.scenario.problems import pydantic_problem, refusal_text
from harness.scenario.schema import ScenarioKeys
from harness.scenario.yaml import NotYaml, Position, Problem, lines_of, marked

STDIN = ("-", "/dev/stdin")
SCHEMA_ID = "http://json-schema.org/draft-07/schema#"


def read_scenario(path: Path, *, name: str | None = None) -> Scenario:
    """Return the scenario in a file, by default named `folder/stem`, or in stdin. Raise ScenarioError."""
    shown = str(path)
    try:
        content = read_stdin() if shown in STDIN else read_input(path)
    except FileNotFoundError:
        raise ScenarioError(f"{shown}: there is no such file") from None
    except IsADirectoryError:
        raise ScenarioError(f"{shown}: expected a scenario file, found a folder") from None
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{shown}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = lines_of(content[: error.start].decode("utf-8"))
        problem = Problem(
            Position(len(before), len(before[-1]) + 1),
            (),
            f"the byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8",
        )
        raise _refusal([problem], shown, content.decode("utf-8", errors="replace")) from None
    whole = path.absolute()
    return parse_scenario(text, path=shown, name=f"{whole.parent.name}/{whole.stem}" if name is None else name)


def parse_scenario(text: str, *, path: str, name: str) -> Scenario:
    """Return the scenario in a text; `path` is only used in messages and for `Scenario.path`.

    Raise ScenarioError with a block per problem: where, what was found, what to write, and the line with a caret.
    """
    text = text.removeprefix("\ufeff")
    try:
        document = marked(text)
    except NotYaml as error:
        raise _refusal([error.problem], path, text) from None
    if document.data is None:
        problem = Problem(Position(1, 1), (), "the file is empty; only why: is required")
        raise _refusal([problem], path, text)
    problems = list(document.problems)
    try:
        keys = ScenarioKeys.model_validate(document.data)
    except ValidationError as error:
        marks = document.marks
        problems += [pydantic_problem(details, marks, ScenarioKeys) for details in error.errors(include_url=False)]
    if problems:
        raise _refusal(problems, path, text)
    return replace(keys.scenario(name=name, path=path), text=text)


def warnings_of(scenario: Scenario) -> tuple[int, str]:
    """Return how much a scenario that was read says in vain, and a message about it with a block for each."""
    marks = marked(scenario.text).marks
    problems = [Problem(marks.key_mark(each.where), each.where, each.says) for each in in_vain(scenario)]
    return len(problems), refusal_text(problems, str(scenario.path), scenario.text)


def json_schema() -> dict[str, Any]:
    """Return the schema of scenario files for editors: JSON Schema draft 7, without additional keys."""
    schema = ScenarioKeys.model_json_schema(ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    head = {"$schema": SCHEMA_ID, "title": "A scenario: the behaviour of the providers in a run"}
    shaped = {**head, **_draft_7(schema), "definitions": {name: _draft_7(made) for name, made in definitions.items()}}
    assert isinstance(shaped["properties"], dict)
    return shaped


def _draft_7(schema: Any) -> Any:
    """Return a schema without pydantic's titles and defaults, and without keys next to a `$ref`."""
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


def _refusal(problems: list[Problem], path: str, text: str) -> ScenarioError:
    return ScenarioError(refusal_text(problems, path, text))
