"""The reference pages that are made from the code, by their places in the site."""

from collections.abc import Callable, Iterator

from docs.generators import command_line, files, harness_toml, pytest_options, python_api, registries, scenarios

PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "reference/commands.md": command_line.commands,
    "reference/exit-codes.md": command_line.exit_codes,
    "reference/scenario-file.md": scenarios.scenario_file,
    "reference/scenarios.md": scenarios.scenarios,
    "reference/faults.md": scenarios.faults,
    "reference/invariants.md": registries.invariants,
    "reference/strategies.md": registries.strategies,
    "reference/reports.md": registries.reports,
    "reference/providers.md": registries.providers,
    "reference/harness-toml.md": harness_toml.harness_toml,
    "reference/pytest.md": pytest_options.pytest_options,
    "reference/journal.md": python_api.journal,
    "reference/python.md": python_api.python_api,
    "reference/results.md": files.results,
    "reference/explanation.md": files.explanation,
    "reference/bench.md": files.bench,
    "reference/provider-rules.md": files.provider_rules,
    "contributing/changelog.md": files.changelog,
    "contributing/architecture.md": files.architecture,
}
