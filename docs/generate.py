"""A mkdocs hook: the reference pages that are made from the code when the site is built.

What is taken from the project is imported in `Source`, and nowhere else.
"""

import ast
import dataclasses
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "docs" / "reference"


class Source:
    """The registries, models and schemas of the project."""

    @cached_property
    def commands(self) -> Any:
        """The group of click's with all commands."""
        from harness.cli import cli

        return cli

    @cached_property
    def exit_codes(self) -> dict[str, int]:
        from harness import errors

        return {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}

    @cached_property
    def scenario_schema(self) -> dict[str, Any]:
        from harness.scenario.loader import json_schema

        return json_schema()

    @cached_property
    def scenarios(self) -> Sequence[Any]:
        """Values with `name`, `group`, `why` and `impossible`."""
        from harness.scenario import catalogue

        return catalogue.select([])

    @cached_property
    def faults(self) -> Mapping[str, type]:
        from harness.faults import HARMS

        return HARMS

    @cached_property
    def fault_methods(self) -> Sequence[str]:
        from harness.faults import METHODS

        return METHODS

    @cached_property
    def faults_of_callbacks(self) -> Sequence[str]:
        from harness.faults import CALLBACK_HARMS

        return CALLBACK_HARMS

    @cached_property
    def invariants(self) -> Sequence[Any]:
        """Values with `name`, `sentence` and `severity`."""
        from harness.invariants.registry import PROMISES

        return list(PROMISES.values())

    @cached_property
    def strategies(self) -> Sequence[Any]:
        """Values with `name` and `sentence`."""
        from harness.strategies import STRATEGIES

        return list(STRATEGIES.values())

    @cached_property
    def configuration(self) -> Mapping[str, type]:
        """The model of each table of harness.toml; "" is the top level."""
        from harness.config import app_config

        return {
            "application": app_config.Application,
            "start": app_config.Start,
            "track": app_config.TrackReading,
            "supabase": app_config.Supabase,
            "cron": app_config.Cron,
        }

    @cached_property
    def placeholders(self) -> Sequence[str]:
        from harness.config.app_config import PLACEHOLDERS

        return PLACEHOLDERS

    @cached_property
    def log_events(self) -> Sequence[str]:
        from harness.invariants.registry import LOG_EVENTS

        return LOG_EVENTS

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """Options with a default of one's own: values with `variable`, `expected`, `default` and `told`."""
        from harness.cli.options_file import SETTINGS

        return SETTINGS

    @cached_property
    def add_pytest_options(self) -> Callable[[Any], None]:
        from harness.pytest_plugin.options import add_options

        return add_options

    @cached_property
    def fixtures(self) -> Any:
        """The module of the pytest fixtures."""
        from harness.pytest_plugin import fixtures

        return fixtures

    @cached_property
    def journal_kinds(self) -> list[dict[str, Any]]:
        """`kind`, `what` and `facts` of each kind of journal entry.

        To be read from the dataclasses of harness/trace/events.py: the kind, the docstring, and the fields.
        """
        kinds: list[dict[str, Any]] = yaml.safe_load((DATA / "journal-kinds.yaml").read_text("utf-8"))
        return kinds


EXIT_MEANINGS = {
    "EXIT_HELD": "No invariant of severity `error` is violated. `compare`: the comparison was made.",
    "EXIT_VIOLATED": "An invariant of severity `error` is violated, `--twice` found a difference, or a result is worse "
    "than in the `--baseline`.",
    "EXIT_USAGE": "A mistake in the command, a scenario file, a configuration or a journal; or an implementation that "
    "cannot be imported or started.",
    "EXIT_UNKNOWN": "Nothing is violated, but a verdict is inconclusive. `compare --baseline`: nothing could be "
    "compared. `judge`: the journal is incomplete.",
    "EXIT_THRESHOLD": "`bench`: a `--fail-if` threshold was exceeded.",
    "EXIT_INTERRUPTED": "Interrupted (128 + SIGINT).",
    "EXIT_PIPE": "The reader of stdout closed it (`| head`) before there was a result (128 + SIGPIPE). With a result, "
    "the result's code is used; a listing ends with 0.",
}
FAULT_STAGES = {
    "on_connect": ("Before the connection is established", "one after the other, until one fails"),
    "on_request": ("While the request is in transit", "one after the other, until one ends the request"),
    "spoil": ("On the content of the response", "each changes what the one before left"),
    "hold_s": ("Before the response", "delays add up"),
    "on_end": ("Instead of a response", "the first one in the file, of this stage and the next"),
    "on_send": ("While the response is sent", "the first one in the file, of this stage and the one before"),
}


# Pages


def commands(source: Source) -> Iterator[str]:
    """Each command with its help. mkdocs-click 0.9 flattens examples, and prints click 8.5's sentinels as defaults."""
    import click

    yield (
        "# Commands\n\nReports go to stdout, messages to stderr. `NO_COLOR`, `FORCE_COLOR` and `COLUMNS` are "
        "honoured. Every command ends with one of the [exit codes](exit-codes.md). SCENARIOS are names "
        "(`slow/image-16s`), groups (`slow`), patterns (`slow/image-*`), files or folders; all shipped ones by "
        "default.\n"
    )
    group = source.commands
    context = click.Context(group, info_name="harness")
    yield f"\n{_help(group)}\n"
    yield table(
        ("command", "purpose"),
        [(f"[`{name}`](#harness-{name})", each.get_short_help_str(200)) for name, each in group.commands.items()],
    )
    for name, command in group.commands.items():
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join([inner.command_path, *command.collect_usage_pieces(inner)])
        yield f"\n## harness {name}\n\n```text\n{usage}\n```\n"
        yield f"\n{_help(command)}\n"
        records = [record for each in command.get_params(inner) if (record := each.get_help_record(inner))]
        rows = [(" ".join(f"`{names}`".split()), _one_line(says)) for names, says in records if "--help" not in names]
        if rows:
            yield table(("option", "meaning"), rows)


def _help(command: Any) -> str:
    """A command's help; what click must not wrap (after `\\b`) as it stands."""
    parts = []
    for part in inspect.cleandoc(command.help or "").split("\n\n"):
        verbatim = part.removeprefix("\b\n")
        parts.append(f"```text\n{inspect.cleandoc(verbatim)}\n```" if verbatim != part else part)
    return "\n\n".join(parts)


def exit_codes(source: Source) -> Iterator[str]:
    yield "# Exit codes\n\nEvery command ends with one of these.\n"
    assert source.exit_codes.keys() == EXIT_MEANINGS.keys(), "each exit code has a meaning in docs/generate.py"
    yield table(("code", "meaning"), [(str(source.exit_codes[name]), EXIT_MEANINGS[name]) for name in EXIT_MEANINGS])


def scenario_file(source: Source) -> Iterator[str]:
    schema = source.scenario_schema
    yield (
        "# Scenario file\n\nOnly `why` is required; everything you omit behaves normally. `harness schema` prints this "
        "page as JSON Schema, for editors:\n\n"
        "```yaml\n# yaml-language-server: $schema=scenario.schema.json\nwhy: The picture takes 16 s.\n```\n\n"
        "A duration is a number with a unit (`ms`, `s`, `m`, `h`, `d`). Where a table says *duration or distribution*, "
        "a distribution may stand: `{median: 8s, p95: 40s}`, `{between: [5s, 20s]}` or "
        "`{usually: 8s, sometimes: 5m, share: 0.05}`. "
        "See [Write a scenario](../guides/scenarios.md) for an example with all blocks.\n"
    )
    yield from schema_tables(schema, "The top level", skip=("HarmKeys", *_fault_blocks(schema)))
    yield "\nThe kinds of fault and their parameters are listed under [Faults](faults.md).\n"


def _fault_blocks(schema: Mapping[str, Any]) -> set[str]:
    blocks = schema["definitions"]["HarmKeys"]["properties"].values()
    return {name for block in blocks for name in _references(block)}


def scenarios(source: Source) -> Iterator[str]:
    yield f"# Scenarios\n\nThe {len(source.scenarios)} scenarios that ship with the harness. `harness show NAME` "
    yield "prints the purpose and the file of one.\n"
    for group, members in groupby(source.scenarios, key=lambda scenario: scenario.group):
        yield f"\n## {group}\n"
        yield table(
            ("scenario", "purpose"),
            [(f"`{each.name}`", _one_line(each.why)) for each in members],
        )


def faults(source: Source) -> Iterator[str]:
    assert tuple(FAULT_STAGES) == tuple(source.fault_methods), "each stage has its words in docs/generate.py"
    yield (
        "# Faults\n\nA fault happens to a message on its way, at the provider's end of the connection. A scenario "
        "names its kind with the key `harm`, as a word (`harm: lost-request`) or with parameters "
        "(`harm: {slow-answer: {takes: 2s}}`). Faults act in the order of the stages below, whatever their order in "
        "the file. Of a response to a callback a provider reads only the status, so some kinds are not available "
        "for `to: callbacks`. See [Write a fault](../guides/faults.md).\n"
    )
    for method, (stage, several) in FAULT_STAGES.items():
        kinds = [kind for kind in source.faults.values() if hasattr(kind, method)]
        yield f"\n## {stage}\n\nSeveral on one message: {several}.\n"
        rows = []
        for kind in kinds:
            name = str(vars(kind)["name"])
            parameters = ", ".join(_parameter(each) for each in dataclasses.fields(kind)) or "none"
            callbacks = "yes" if name in source.faults_of_callbacks else "no"
            rows.append((f"`{name}`", _one_line(kind.__doc__ or ""), parameters, callbacks))
        yield table(("kind", "what happens", "parameters", "callbacks"), rows)


def _parameter(each: "dataclasses.Field[Any]") -> str:
    name = each.name.removesuffix("_s").replace("_", "-")
    if each.default is dataclasses.MISSING:
        return f"`{name}` (required)"
    unit = "s" if each.name.endswith("_s") and isinstance(each.default, int | float) else ""
    value = f"{each.default:g}" if isinstance(each.default, float) else str(each.default)
    return f"`{name}` ({value}{unit})" if value else f"`{name}` (empty)"


def invariants(source: Source) -> Iterator[str]:
    yield (
        f"# Invariants\n\nThe {len(source.invariants)} invariants that every run is judged by, in the order in which "
        "they are reported. Each verdict is *held*, *violated*, *not applicable* (the situation did not occur, or the "
        "scenario declares the invariant impossible) or *unknown* (inconclusive), with a sentence and the journal "
        "entries that show it. A violated invariant of severity `warning` is reported and does not fail a run.\n"
    )
    rows = [(f"`{each.name}`", each.sentence, each.severity) for each in source.invariants]
    yield table(("invariant", "what must hold", "severity"), rows)
    yield "\nSee [Write an invariant](../guides/invariants.md) for your own, and "
    yield "[How the invariants are tested](../explanations/testing-the-invariants.md).\n"


def strategies(source: Source) -> Iterator[str]:
    yield (
        "# Strategies\n\nThe reference implementations that ship with the harness: ordinary web applications that are "
        "run like yours. [The three fixes](../explanations/three-fixes.md) explains the ideas behind them.\n"
    )
    yield table(("strategy", "what it does"), [(f"`{each.name}`", each.sentence) for each in source.strategies])


def harness_toml(source: Source) -> Iterator[str]:
    yield (
        "# harness.toml\n\nDescribes an application that runs as a process of its own. `harness init` writes a first "
        "one, `harness doctor` checks it. The same tables may stand in `pyproject.toml`, below `[tool.harness]`. "
        "[Live applications](../guides/live-applications.md) shows complete examples.\n"
    )
    for name, model in source.configuration.items():
        yield f"\n## [{name}]\n\n{_sentence(_table_purpose(model))}\n"
        yield table(("key", "default", "meaning"), list(_model_rows(model)))
    yield "\n## Top level\n"
    yield table(
        ("key", "default", "meaning"),
        [
            ("`settled_after`", "90s", "Scenario time without any event after which finished tracks are final."),
            ("`quiet_after`", "10m", "The same for tracks that are not finished."),
            ("`patience`", "2m", "Real time that the repetition of one scenario at a lower speed may take."),
        ],
    )
    yield "\n## [logs]\n\nTexts that the application logs when something happens, for the warning "
    yield "[`logs-as-promised`](invariants.md): a text, or a list of texts in their order. The keys are "
    yield f"{_listed(source.log_events)}.\n"
    yield "\n## [options]\n\nDefaults of command-line options. A flag takes precedence over the environment variable, "
    yield "and the variable over this table; `harness config` shows the values in force.\n"
    rows = []
    for name, option in source.options.items():
        rows.append(
            (f"`{name}`", f"`{option.variable}`", option.expected, "" if option.default is None else option.default)
        )
    yield table(("key", "environment variable", "value", "default"), rows)
    yield "\n## Placeholders\n\nIn `command`, `environment` and paths these names in braces are replaced: "
    yield f"{_listed('{' + name + '}' for name in source.placeholders)}.\n"


def _table_purpose(model: type) -> str:
    return (model.__doc__ or "").partition(": ")[2] or (model.__doc__ or "")


def _model_rows(model: type) -> Iterator[tuple[str, str, str]]:
    """The keys of a settings model, whether it is a dataclass or a pydantic model."""
    if hasattr(model, "model_fields"):
        for name, each in model.model_fields.items():
            default = "required" if each.is_required() else _default(name, each.get_default(call_default_factory=True))
            yield f"`{each.alias or name}`", default, each.description or ""
        return
    notes = _attribute_docstrings(model)
    for field in dataclasses.fields(model):
        if field.name == "schema_files":
            continue
        value = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        meaning = notes.get(field.name) or KEYS.get((model.__name__, field.name), "")
        yield f"`{field.name.removesuffix('_s')}`", _default(field.name, value), _one_line(meaning)


KEYS = {
    ("Application", "command"): "The command that starts the application. Either this or `url`.",
    ("Application", "url"): "Where an application runs that the harness does not start.",
    ("Application", "folder"): "Its working directory, relative to the file.",
    ("Application", "environment"): "Environment variables; values may contain placeholders.",
    ("Application", "reach"): "How its requests reach the fakes: `variables`, `preload` or `proxy`.",
    ("Start", "request"): "The request that creates a track.",
    ("Start", "headers"): "Headers of that request.",
    ("Start", "body"): "Its JSON body; `{title}` and `{prompt}` are replaced.",
    ("TrackReading", "headers"): "Headers of the request in `read`.",
    ("TrackReading", "table"): "The table of the tracks, in SQLite, PostgreSQL or Supabase.",
    ("TrackReading", "fields"): "The application's names of the fields, by the harness's names.",
    ("TrackReading", "complete"): "Values of its status that mean finished.",
    ("Cron", "request"): "The request that the platform makes periodically.",
    ("Cron", "headers"): "Headers of that request.",
    ("Cron", "every_s"): "The period, in scenario time.",
}
"""Keys whose attribute has no docstring."""


def _default(name: str, value: Any) -> str:
    if value is None or value in ((), "", {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("_s"):
        return f"{value:g}s"
    if isinstance(value, tuple):
        return f"`{json.dumps(list(value))}`"
    return f"`{json.dumps(value)}`" if isinstance(value, Mapping) else f"`{value}`"


def _attribute_docstrings(model: type) -> dict[str, str]:
    """The text below each attribute of a class."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(node, ast.ClassDef)
    found = {}
    for one, other in zip(node.body, node.body[1:], strict=False):
        match one, other:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found


class _Options:
    """Takes the place of pytest's parser and keeps what is added."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        self.settings: list[tuple[str, str]] = []

    def getgroup(self, *_: str) -> "_Options":
        return self

    def addoption(self, name: str, *, metavar: str = "", help: str = "", **_: Any) -> None:
        self.options.append((f"`{name} {metavar}`", help))

    def addini(self, name: str, help: str, *_: Any, **__: Any) -> None:
        self.settings.append((f"`{name}`", help))


def pytest_options(source: Source) -> Iterator[str]:
    options = _Options()
    source.add_pytest_options(options)
    yield (
        "# pytest options\n\nThe plugin is installed with the harness and does nothing until one of these is used. "
        "`-p no:harness.pytest_plugin` turns it off. [pytest in CI](../tutorials/pytest-in-ci.md) shows how it is "
        "used.\n\n## Command line\n"
    )
    yield table(("option", "meaning"), options.options)
    yield "\n## Configuration\n\nIn `[tool.pytest.ini_options]` of `pyproject.toml`, or in `pytest.ini`.\n"
    yield table(("key", "meaning"), options.settings)
    yield "\n## Fixtures\n"
    rows = []
    for name in ("run_scenario", "make_scenario", "harness_result", "serve_scenario"):
        fixture = getattr(source.fixtures, name)
        rows.append((f"`{name}`", _one_line(inspect.getdoc(getattr(fixture, "__wrapped__", fixture)) or "")))
    yield table(("fixture", "what it gives"), rows)
    yield "\n## Marker\n\n`@pytest.mark.harness(*scenarios, implementation=None, seed=None)` on a test that uses "
    yield "`run_scenario` or `harness_result`: the scenarios that `harness_result` runs through, the implementation, "
    yield "and the seed.\n"


def journal(source: Source) -> Iterator[str]:
    yield (
        '# Journal\n\nA journal is JSON Lines. The first line is `{"journal": 1}`, the format version; each further '
        "line is an entry:\n\n"
        "| key | meaning |\n|---|---|\n| `n` | the entry's number, from 1 |\n"
        "| `at_s` | virtual seconds since the start of the run |\n| `kind` | one of the kinds below |\n"
        "| `cause` | the number of the entry that caused it, or 0 |\n"
        "| `facts` | an object whose keys depend on the kind |\n\n"
        "Bodies are JSON where they are JSON, text where they are short text, otherwise size and digest. API keys in a "
        "journal are made up for the run. `harness run --journal FOLDER` writes journals, `harness judge` reads them."
        "\n\n"
        "## Kinds\n"
    )
    rows = []
    for kind in source.journal_kinds:
        rows.append((f"`{kind['kind']}`", kind["what"], " ".join(f"`{fact}`" for fact in kind.get("facts") or ())))
    yield table(("kind", "what happened", "facts"), rows)


def results(source: Source) -> Iterator[str]:
    yield from format_page(
        "Results format",
        "harness-results-1.schema.json",
        "`harness compare`, `run` and `judge` write this JSON with `--json FILE`, and `harness report --json` makes it "
        "from a results archive. `--ndjson` writes one result a line.",
    )


def bench(source: Source) -> Iterator[str]:
    yield from format_page(
        "Bench format", "harness-bench-1.schema.json", "`harness bench` writes this JSON with `--json FILE`."
    )


def format_page(title: str, file: str, purpose: str) -> Iterator[str]:
    schema = json.loads((DATA / file).read_text("utf-8"))
    yield f"# {title}\n\n{purpose} Its [JSON Schema]({file}) is versioned with the `format` field: a change that "
    yield "readers have to know of gets a new number.\n"
    yield from schema_tables(schema, "The top level")


def provider_rules(source: Source) -> Iterator[str]:
    text = (ROOT / "fakes" / "FIDELITY.md").read_text("utf-8")
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.DOTALL)
    text = re.sub(r"\[([^\]]+)\]\(\.\./tests/[^)]+\)", r"\1", text)
    yield re.sub(r"\A# .*\n", "# Provider rules\n", text)


def changelog(source: Source) -> Iterator[str]:
    yield (ROOT / "CHANGELOG.md").read_text("utf-8")


def architecture(source: Source) -> Iterator[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    yield re.sub(r"\]\(docs/([^)]+)\)", r"](../\1)", text)


PAGES: dict[str, Callable[[Source], Iterator[str]]] = {
    "reference/commands.md": commands,
    "reference/exit-codes.md": exit_codes,
    "reference/scenario-file.md": scenario_file,
    "reference/scenarios.md": scenarios,
    "reference/faults.md": faults,
    "reference/invariants.md": invariants,
    "reference/strategies.md": strategies,
    "reference/harness-toml.md": harness_toml,
    "reference/pytest.md": pytest_options,
    "reference/journal.md": journal,
    "reference/results.md": results,
    "reference/bench.md": bench,
    "reference/provider-rules.md": provider_rules,
    "contributing/changelog.md": changelog,
    "contributing/architecture.md": architecture,
}


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the generated pages to the site."""
    from mkdocs.structure.files import File

    source = Source()
    for name, page in PAGES.items():
        files.append(File.generated(config, name, content="".join(page(source))))
    return files


# Markdown


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
        for found in _references(part.get("properties", {})):
            if found not in order and found not in left_out:
                order.append(found)
    for name in order:
        part = definitions[name] if name else schema
        yield f"\n## {_heading(name) if name else title}\n\n{part.get('description', '')}\n"
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


def _references(part: Any) -> Iterator[str]:
    """The names of the definitions with properties that a part of a schema refers to."""
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str):
            yield reference.rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _kind(part: Mapping[str, Any]) -> str:
    """What may stand for a key, in a few words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{_heading(name)}](#{_anchor(_heading(name))})" if name not in ("HarmKeys",) else "[fault](faults.md)"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return _listed(dict.fromkeys("null" if value is None else str(value) for value in part["enum"]))
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


def _heading(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Keys")).capitalize()


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    text = _one_line(text)
    return text[:1].upper() + text[1:]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
