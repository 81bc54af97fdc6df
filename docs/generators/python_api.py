"""The pages of the Python API and of the journal."""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from docs.generators.markdown import one_line, table
from harness.trace.events import EVENTS, field_docs

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


def journal() -> Iterator[str]:
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
        [(f"[`{kind}`](#{_kind_anchor(kind)})", one_line(event.__doc__)) for kind, event in EVENTS.items()],
    )
    for kind, event in EVENTS.items():
        yield f"\n### `{kind}` {{: #{_kind_anchor(kind)} }}\n\n{one_line(event.__doc__)} "
        yield f"In Python: `{event.__name__}`.\n"
        docs = field_docs(event)
        rows = [(f"`{name}`", f"`{event.__annotations__[name]}`", one_line(text)) for name, text in docs.items()]
        yield table(("fact", "type", "meaning"), [(fact, _type(kind), text) for fact, kind, text in rows])


def _kind_anchor(kind: str) -> str:
    return kind.replace(".", "-")


def _type(annotation: str) -> str:
    """A type without modules, and without the words that only Python needs."""
    text = re.sub(r"<class '([^']*)'>", r"\1", annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])|[~+](?=[A-Z])", "", text)


def python_api() -> Iterator[str]:
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
            rows.append((f"`{one_line(shown).replace('( ', '(')}`", _prose(plain)))
    if rows:
        yield table(("member", "meaning"), rows)


def _attribute_docstrings(model: type) -> dict[str, str]:
    """The text below each annotated attribute of a class, "" where there is none."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(node, ast.ClassDef)
    found: dict[str, str] = {}
    for one, other in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            is_text = isinstance(other, ast.Expr) and isinstance(other.value, ast.Constant)
            found[one.target.id] = one_line(str(other.value.value)) if is_text else ""  # type: ignore[attr-defined]
    return found


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
    return "" if text.startswith(f"{getattr(value, '__name__', '')}(") else one_line(text)
