"""The pages that list what is registered."""

from collections.abc import Iterator

from docs.generators.markdown import listed, sentence, table
from harness.fakes.registry import PROVIDERS
from harness.invariants.registry import INVARIANTS
from harness.report.registry import SHIPPED
from harness.strategies.registry import STRATEGIES


def invariants() -> Iterator[str]:
    yield (
        f"# Invariants\n\nThe {len(INVARIANTS.values())} invariants that every run is judged by, in the order in which "
        "they are reported. Each verdict is *held*, *violated*, *not applicable* (the situation did not occur, or the "
        "scenario declares the invariant impossible) or *unknown* (inconclusive), with a sentence and the journal "
        "entries that show it. A violated invariant of severity `warning` is reported and does not fail a run.\n"
    )
    rows = [
        (f"`{each.name}`", each.sentence, each.severity, each.consequence, each.gravity or "")
        for each in INVARIANTS.values()
    ]
    yield table(("invariant", "what must hold", "severity", "an implementation that violates it ...", "gravity"), rows)
    yield (
        "\nReports name violations of higher gravity first. `[invariants]` in "
        "[harness.toml](harness-toml.md#invariants) switches invariants off and changes severities, and so do the "
        "options `--off` and `--severity`.\n"
    )
    yield "\nSee [Write an invariant](../guides/invariants.md) for your own, and "
    yield "[How the invariants are tested](../explanations/testing-the-invariants.md).\n"


def strategies() -> Iterator[str]:
    yield (
        "# Strategies\n\nThe reference implementations that ship with the harness: ordinary web applications that are "
        "run like yours. [The three fixes](../explanations/three-fixes.md) explains the ideas behind them.\n"
    )
    yield table(("strategy", "what it does"), [(f"`{each.name}`", each.sentence) for each in STRATEGIES.values()])


def reports() -> Iterator[str]:
    yield (
        "# Reports\n\nEach report is written by the option of its name, `--html FILE`, or by `--report NAME=FILE`, "
        "which also takes those of [plugins](../guides/plugins.md#reports). `-` as the file is stdout. "
        "[Reports](../guides/reports.md) shows what they are for.\n"
    )
    yield table(("report", "what it is"), [(f"`{each.name}`", sentence(each.sentence)) for each in SHIPPED.values()])


def providers() -> Iterator[str]:
    yield (
        "# Providers\n\nThe services that an application sends requests to, and what names them. The name stands in "
        "`to:` of faults, in the journal, and as a placeholder (`{kie}`) in [harness.toml](harness-toml.md). A "
        "provider with paths answers only these on its hosts. [Plugins](../guides/plugins.md#providers) add others.\n"
    )
    rows = []
    for each in PROVIDERS.values():
        variables = [name for name in (each.base_url, each.api_key) if name]
        rows.append((f"`{each.name}`", each.title, *(listed(names) for names in (each.hosts, each.paths, variables))))
    yield table(("name", "title", "hosts", "paths", "environment variables"), rows)
