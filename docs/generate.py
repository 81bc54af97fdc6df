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
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

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
    def faults(self) -> Mapping[str, Any]:
        """Classes derived from one of `fault_kinds`."""
        from harness.faults.registry import FAULTS

        return FAULTS

    @cached_property
    def fault_kinds(self) -> Sequence[type]:
        """The base classes, in the order in which they act."""
        from harness.faults.kinds import KINDS

        return KINDS

    @cached_property
    def callback_faults(self) -> Sequence[str]:
        from harness.faults.registry import CALLBACK_FAULTS

        return CALLBACK_FAULTS

    @cached_property
    def invariants(self) -> Sequence[Any]:
        """Values with `name`, `sentence`, `severity`, `consequence` and `gravity`."""
        from harness.invariants.registry import INVARIANTS

        return list(INVARIANTS.values())

    @cached_property
    def strategies(self) -> Sequence[Any]:
        """Values with `name` and `sentence`."""
        from harness.strategies.registry import STRATEGIES

        return list(STRATEGIES.values())

    @cached_property
    def reports(self) -> Sequence[Any]:
        """Values with `name` and `sentence`."""
        from harness.report.registry import SHIPPED

        return list(SHIPPED.values())

    @cached_property
    def stores(self) -> Sequence[str]:
        """The keys of `[track]` that name a store."""
        from harness.stores.registry import STORES

        return list(STORES)

    @cached_property
    def providers(self) -> Sequence[Any]:
        """Values with `name`, `title`, `hosts`, `paths`, `base_url` and `api_key`."""
        from harness.fakes.registry import PROVIDERS

        return list(PROVIDERS.values())

    @cached_property
    def plugin_kinds(self) -> Sequence[str]:
        from harness.plugins import KINDS

        return KINDS

    @cached_property
    def configuration(self) -> Any:
        """The pydantic model of a whole harness.toml."""
        from harness.config.schema import ConfigBlock

        return ConfigBlock

    @cached_property
    def placeholders(self) -> Sequence[str]:
        from harness.config.app_config import PLACEHOLDERS

        return PLACEHOLDERS

    @cached_property
    def log_events(self) -> Sequence[str]:
        from harness.invariants.logging import LOG_EVENTS

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
    def events(self) -> Mapping[str, Any]:
        """The class of each kind of journal entry; `event_fields` has what its fields say."""
        from harness.trace.events import EVENTS

        return EVENTS

    @cached_property
    def event_fields(self) -> Callable[[Any], dict[str, str]]:
        from harness.trace.events import field_docs

        return field_docs


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
    "EXIT_TERMINATED": "Terminated (128 + SIGTERM); `serve` ends with 0, since a signal is how it is stopped.",
    "EXIT_PIPE": "The reader of stdout closed it (`| head`) before there was a result (128 + SIGPIPE). With a result, "
    "the result's code is used; a listing ends with 0.",
}
FAULT_STAGES = {
    "ConnectFault": ("Before the connection is established", "one after the other, until one fails"),
    "RequestFault": ("While the request is in transit", "one after the other, until one ends the request"),
    "ResponseFault": ("On the content of the response", "each changes what the one before left"),
    "HoldFault": ("Before the response", "delays add up"),
    "EndFault": ("Instead of a response", "the first one in the file, of this stage and the next"),
    "SendFault": ("While the response is sent", "the first one in the file, of this stage and the one before"),
}
PYTHON_API: Sequence[tuple[str, str, Sequence[str]]] = (
    ("Run", "harness.engine.run", ("resolve", "run", "judged_again")),
    ("Sessions", "harness.engine.session", ("Plan", "Session")),
    ("Outputs", "harness.engine.outputs", ("Outputs",)),
    ("Judging", "harness.engine.judging", ("judging", "Judging")),
    ("Scenarios", "harness.scenario.catalogue", ("select",)),
    ("Scenario files", "harness.scenario.loader", ("read_scenario", "parse_scenario")),
    ("Results", "harness.results.result", ("Result",)),
    ("Comparisons", "harness.results.comparison", ("Comparison",)),
    ("Invariants", "harness.invariants.invariant", ("Invariant", "of_every_track")),
    (
        "Findings",
        "harness.invariants.verdict",
        ("Verdict", "Finding", "held", "violated", "not_applicable", "unknown", "unseen"),
    ),
    ("Trace", "harness.trace.view", ("TraceView",)),
    ("Tracks", "harness.trace.tracks", ("Track", "Generation", "Attempt")),
    ("Journal", "harness.trace.journal", ("Journal", "Entry")),
    ("Fixtures", "harness.pytest_plugin.fixtures", ("ScenarioRunner", "explained")),
)


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
    yield from schema_tables(schema, "The top level", skip=("FaultKeys", *_fault_blocks(schema)))
    yield "\nThe kinds of fault and their parameters are listed under [Faults](faults.md).\n"


def _fault_blocks(schema: Mapping[str, Any]) -> set[str]:
    blocks = schema["definitions"]["FaultKeys"]["properties"].values()
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
    assert list(FAULT_STAGES) == [kind.__name__ for kind in source.fault_kinds], "each kind has its words here"
    yield (
        "# Faults\n\nA fault happens to a message on its way, at the provider's end of the connection. A scenario "
        "names it with the key `fault`, as a word (`fault: lost-request`) or with parameters "
        "(`fault: {slow-answer: {takes: 2s}}`); `harm` is an alias of that key until the next release. Faults act in "
        "the order of the stages below, whatever their order in the file. Of a response to a callback a provider reads "
        "only the status, so some faults are not available for `to: callbacks`. See "
        "[Write a fault](../guides/faults.md).\n"
    )
    for kind, (stage, several) in zip(source.fault_kinds, FAULT_STAGES.values(), strict=True):
        yield f"\n## {stage}\n\nDerived from `{kind.__name__}`. Several on one message: {several}.\n"
        rows = []
        for name, fault in source.faults.items():
            if issubclass(fault, kind):
                parameters = ", ".join(_parameter(each) for each in dataclasses.fields(fault)) or "none"
                callbacks = "yes" if name in source.callback_faults else "no"
                live = "yes" if fault.live_supported else "no"
                rows.append((f"`{name}`", _one_line(fault.__doc__ or ""), parameters, callbacks, live))
        yield table(("fault", "what happens", "parameters", "callbacks", "live"), rows)


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
    rows = [
        (f"`{each.name}`", each.sentence, each.severity, each.consequence, each.gravity or "")
        for each in source.invariants
    ]
    yield table(("invariant", "what must hold", "severity", "an implementation that violates it ...", "gravity"), rows)
    yield (
        "\nReports name violations of higher gravity first. `[invariants]` in "
        "[harness.toml](harness-toml.md#invariants) switches invariants off and changes severities, and so do the "
        "options `--off` and `--severity`.\n"
    )
    yield "\nSee [Write an invariant](../guides/invariants.md) for your own, and "
    yield "[How the invariants are tested](../explanations/testing-the-invariants.md).\n"


def strategies(source: Source) -> Iterator[str]:
    yield (
        "# Strategies\n\nThe reference implementations that ship with the harness: ordinary web applications that are "
        "run like yours. [The three fixes](../explanations/three-fixes.md) explains the ideas behind them.\n"
    )
    yield table(("strategy", "what it does"), [(f"`{each.name}`", each.sentence) for each in source.strategies])


def reports(source: Source) -> Iterator[str]:
    yield (
        "# Reports\n\nEach report is written by the option of its name, `--html FILE`, or by `--report NAME=FILE`, "
        "which also takes those of [plugins](../guides/plugins.md#reports). `-` as the file is stdout. "
        "[Reports](../guides/reports.md) shows what they are for.\n"
    )
    yield table(("report", "what it is"), [(f"`{each.name}`", _sentence(each.sentence)) for each in source.reports])


def providers(source: Source) -> Iterator[str]:
    yield (
        "# Providers\n\nThe services that an application sends requests to, and what names them. The name stands in "
        "`to:` of faults, in the journal, and as a placeholder (`{kie}`) in [harness.toml](harness-toml.md). A "
        "provider with paths answers only these on its hosts. [Plugins](../guides/plugins.md#providers) add others.\n"
    )
    rows = []
    for each in source.providers:
        variables = [name for name in (each.base_url, each.api_key) if name]
        rows.append((f"`{each.name}`", each.title, *(_listed(names) for names in (each.hosts, each.paths, variables))))
    yield table(("name", "title", "hosts", "paths", "environment variables"), rows)


def harness_toml(source: Source) -> Iterator[str]:
    yield (
        "# harness.toml\n\nDescribes an application that runs as a process of its own. `harness init` writes a first "
        "one, `harness doctor` checks it. The same tables may stand in `pyproject.toml`, below `[tool.harness]`. "
        "[Live applications](../guides/live-applications.md) shows complete examples.\n\n## Top level\n"
    )
    yield table(TOML_HEAD, list(_toml_rows(source.configuration)))
    for name, block in _toml_blocks(source.configuration).items():
        yield f"\n## [{name}]\n\n{_one_line(block.__doc__ or '')}\n"
        yield table(TOML_HEAD, list(_toml_rows(block)))
        if name == "track":
            yield f"\nThe tracks are read at one place: {_listed(source.stores)}, or a plugin's store.\n"
    yield "\n## [logs]\n\nTexts that the application logs when something happens, for the warning "
    yield "[`logs-as-promised`](invariants.md): a text, or a list of texts in their order. The keys are "
    yield f"{_listed(source.log_events)}.\n"
    yield (
        '\n## [invariants]\n\nHow runs in this folder are judged. `off = ["image-durable"]` switches invariants off, '
        '`severity = { image-native = "error" }` changes severities (`error` or `warning`). `--off NAME` and '
        "`--severity NAME=SEVERITY` add to it and take precedence.\n"
    )
    yield "\n## [plugins]\n\nWhat a project adds of its own, as lists of `module:NAME`; see "
    yield f"[Plugins](../guides/plugins.md). The keys are {_listed(source.plugin_kinds)}.\n"
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


TOML_HEAD = ("key", "default", "meaning", "example")
UNSPELLED = ("store",)
"""Fields that no key of a file is called as: a plugin's store has a key of its own name."""


def _toml_blocks(config: Any) -> dict[str, Any]:
    """The model of each table of harness.toml, by its name."""
    blocks = {name: _block_of(field.annotation) for name, field in config.model_fields.items()}
    return {name: block for name, block in blocks.items() if block is not None}


def _block_of(annotation: Any) -> Any:
    """The block among the parts of an annotation, if there is one."""
    if isinstance(annotation, type) and hasattr(annotation, "makes"):
        return annotation
    return next((block for part in get_args(annotation) if (block := _block_of(part)) is not None), None)


def _toml_rows(block: Any) -> Iterator[tuple[str, str, str, str]]:
    """A row for each key of a block."""
    defaults = _defaults(block)
    for name, field in block.model_fields.items():
        if name not in UNSPELLED:
            key = field.alias or name
            default = "required" if field.is_required() else _default(name, defaults.get(name.removesuffix("_")))
            example = f"`{_toml(field.examples[0])}`" if field.examples else ""
            yield f"`{key}`", default, field.description or "", example


def _defaults(block: Any) -> dict[str, Any]:
    """What holds for the keys that are omitted, by the names of the value that the block makes."""
    found = {}
    for field in dataclasses.fields(block.makes) if hasattr(block, "makes") else dataclasses.fields(_settings()):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found


def _settings() -> Any:
    from harness.config.app_config import Settings

    return Settings


def _toml(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _default(name: str, value: Any) -> str:
    if value is None or value in ((), "", {}) or dataclasses.is_dataclass(value):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if name.endswith("_s"):
        return f'`"{value:g}s"`'
    return f"`{_toml(list(value) if isinstance(value, tuple) else value)}`"


def _attribute_docstrings(model: type) -> dict[str, str]:
    """The text below each annotated attribute of a class, "" where there is none."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(node, ast.ClassDef)
    found: dict[str, str] = {}
    for one, other in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            is_text = isinstance(other, ast.Expr) and isinstance(other.value, ast.Constant)
            found[one.target.id] = _one_line(str(other.value.value)) if is_text else ""  # type: ignore[attr-defined]
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
    yield table(
        ("kind", "when it is recorded"),
        [(f"[`{kind}`](#{_kind_anchor(kind)})", _one_line(event.__doc__)) for kind, event in source.events.items()],
    )
    for kind, event in source.events.items():
        yield f"\n### `{kind}` {{: #{_kind_anchor(kind)} }}\n\n{_one_line(event.__doc__)} "
        yield f"In Python: `{event.__name__}`.\n"
        docs = source.event_fields(event)
        rows = [(f"`{name}`", f"`{event.__annotations__[name]}`", _one_line(text)) for name, text in docs.items()]
        yield table(("fact", "type", "meaning"), [(fact, _type(kind), text) for fact, kind, text in rows])


def _kind_anchor(kind: str) -> str:
    return kind.replace(".", "-")


def _type(annotation: str) -> str:
    """A type without modules, and without the words that only Python needs."""
    text = re.sub(r"<class '([^']*)'>", r"\1", annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])|[~+](?=[A-Z])", "", text)


def python_api(source: Source) -> Iterator[str]:
    yield (
        "# Python API\n\nWhat the command line and the pytest plugin use themselves. "
        "[Use it from Python](../guides/python.md) shows examples. Names that are not on this page may change without "
        "notice.\n"
    )
    for heading, module, names in PYTHON_API:
        yield f"\n## {heading}\n\n`{module}`\n"
        for name in names:
            yield from _api_entry(name, getattr(import_module(module), name))


def _api_entry(name: str, value: Any) -> Iterator[str]:
    """A function, or a class with its fields and public methods."""
    yield f"\n### `{name}` {{: #{name} }}\n"
    if not inspect.isclass(value):
        yield f"\n```python\n{_signature(name, value)}\n```\n\n{_prose(value)}\n"
        return
    named_tuple = hasattr(value, "_fields")
    if dataclasses.is_dataclass(value) or named_tuple or value.__init__ is not object.__init__:
        yield f"\n```python\n{_signature(name, value)}\n```\n"
    yield f"\n{_prose(value)}\n"
    rows = [(f"`{field}`", text) for field, text in _attribute_docstrings(value).items()]
    for attribute, member in vars(value).items():
        plain = getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__wrapped__", member)
        if attribute == "__call__" or (inspect.isfunction(plain) and not attribute.startswith("_")):
            is_method = inspect.isfunction(member)
            called = "run_scenario" if attribute == "__call__" else attribute
            shown = _signature(called, member, bound=True) if is_method else attribute
            rows.append((f"`{_one_line(shown).replace('( ', '(')}`", _prose(plain)))
    if rows:
        yield table(("member", "meaning"), rows)


def _signature(name: str, value: Any, *, bound: bool = False) -> str:
    """A call as it is written, without the modules of its types."""
    signature = inspect.signature(value)
    if bound:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    if inspect.isclass(value):
        signature = signature.replace(return_annotation=inspect.Signature.empty)
    text = re.sub(r"<function [^>]*<lambda>[^>]*>|<factory>", "...", f"{name}{signature}")
    text = re.sub(r"((?:: |-> ))'([^']*)'", r"\1\2", _type(text))
    return text if len(text) <= 100 else re.sub(r"(?<=\(|,) ?(?=\w+:|\*)", "\n    ", text)


def _prose(value: Any) -> str:
    """The docstring, without the blank lines of its own layout; of a class its own, not one that Python makes."""
    text = inspect.getdoc(value) or ""
    return "" if text.startswith(f"{getattr(value, '__name__', '')}(") else _one_line(text)


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
    "reference/reports.md": reports,
    "reference/providers.md": providers,
    "reference/harness-toml.md": harness_toml,
    "reference/pytest.md": pytest_options,
    "reference/journal.md": journal,
    "reference/python.md": python_api,
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
        return f"[{_heading(name)}](#{_anchor(_heading(name))})" if name != "FaultKeys" else "[fault](faults.md)"
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
