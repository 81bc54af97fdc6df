"""The plugin's settings: command-line options, then pytest's configuration file."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.engine.judging import Judging

DEFAULT_SEED = 1
SPEED_MIN, SPEED_MAX = 0.1, 200.0
MARKER = (
    "harness(*scenarios, implementation=None, seed=None): for tests with the fixtures run_scenario or "
    "harness_result: the scenarios of harness_result, the implementation, the seed"
)
_SETTINGS = pytest.StashKey["PluginSettings"]()


class PluginSettings:
    """The settings of one pytest session."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        self.implementations: list[str] = option.harness_implementation or [
            _from_root(config, word) for word in config.getini("harness_implementation")
        ]
        self.scenarios: list[str] = option.harness_scenarios or [
            _from_root(config, word) for word in config.getini("harness_scenarios")
        ]
        self.seed: int = _number(config, option.harness_seed, "harness_seed", int, DEFAULT_SEED)
        self.speed: float | None = _speed(option.harness_speed or config.getini("harness_speed") or "1")
        """None if one is to be found."""
        self.clean_environment: bool = option.harness_clean_environment or config.getini("harness_clean_environment")
        self.strict: bool = option.harness_strict or config.getini("harness_strict")
        self.expected_failures: list[str] = [
            _failure_from_root(config, line) for line in config.getini("harness_xfail")
        ]
        self.html: str = config.getini("harness_html") if option.harness_html is None else option.harness_html
        self.save: str = config.getini("harness_save") if option.harness_save is None else option.harness_save
        self.off: list[str] = option.harness_off or config.getini("harness_off")
        self.severities: list[str] = option.harness_severity or config.getini("harness_severity")
        self.runs_configured: bool = getattr(option, "harness_named", False)
        """Whether the configured scenarios run in this session."""
        self.skips_configured: bool = getattr(option, "harness_skips_configured", False)
        """Whether they are skipped because paths are given."""

    def judging(self) -> "Judging":
        """Return how runs are judged: by options, then `[invariants]` of harness.toml. Raise HarnessError."""
        from harness.engine.judging import judging

        return judging(self.off, self.severities)

    def take_from_arguments(self, config: pytest.Config) -> None:
        """Take requested scenarios from the arguments, once for a session and its workers.

        `IMPLEMENTATION::SCENARIO`, a scenario's name in pytest's report, requests that scenario; files and folders
        request only themselves; no argument, or the whole project as one, requests everything.
        """
        if hasattr(config.option, "harness_named"):
            return  # in a worker of pytest-xdist the controller has decided
        requested = [word for word in config.args if self._scenario_of(word)]
        if requested:
            config.args[:] = [word for word in config.args if word not in requested]
            self.scenarios = [self._scenario_of(word) for word in requested]
            self.implementations = list(dict.fromkeys(word.rpartition("::")[0] for word in requested))
        everything = config.args_source is not pytest.Config.ArgsSource.ARGS or _names_everything(config)
        named = config.option.harness_implementation or config.option.harness_scenarios
        self.runs_configured = bool(requested or named or everything)
        self.skips_configured = not self.runs_configured
        config.option.harness_named = self.runs_configured
        config.option.harness_skips_configured = self.skips_configured
        config.option.harness_implementation = self.implementations
        config.option.harness_scenarios = self.scenarios

    def _scenario_of(self, word: str) -> str:
        """Return the scenario of `IMPLEMENTATION::SCENARIO`; empty for anything else."""
        who, colons, scenario = word.rpartition("::")
        return scenario if colons and who in self.implementations else ""


def settings_of(config: pytest.Config) -> PluginSettings:
    """Return the session's settings."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = PluginSettings(config)
    return config.stash[_SETTINGS]


def add_options(parser: pytest.Parser) -> None:
    """Add the plugin's options and the keys of pytest's configuration file."""
    group = parser.getgroup("harness", "callback-contract-harness")
    group.addoption(
        "--harness-implementation",
        action="append",
        metavar="TARGET",
        help="Implementation to test: module:attribute, file.py:attribute, harness.toml, URL or strategy; repeatable.",
    )
    group.addoption(
        "--harness-scenarios",
        action="append",
        metavar="SCENARIOS",
        help="Scenarios to run: a name, a group, a pattern, a file or a folder; repeatable.",
    )
    group.addoption(
        "--harness-seed", type=int, metavar="N", help="Seed; the same seed gives the same journal. Default: 1."
    )
    group.addoption("--harness-speed", metavar="N|auto", help="Speed of a live application's clock. Default: 1.")
    group.addoption(
        "--harness-clean-environment",
        action="store_true",
        help="Pass on only what harness.toml names, PATH, HOME and the like, not the shell's environment.",
    )
    group.addoption(
        "--harness-strict",
        action="store_true",
        help="A scenario of which a fault or an answer never acted is an error.",
    )
    group.addoption("--harness-html", metavar="FILE", help="File of the HTML report; `none` for no report.")
    group.addoption("--harness-save", metavar="FILE", help="Save a results archive, for `harness report`.")
    group.addoption("--harness-off", action="append", metavar="NAME", help="Switch an invariant off; repeatable.")
    group.addoption(
        "--harness-severity",
        action="append",
        metavar="NAME=error|warning",
        help="Change an invariant's severity; repeatable.",
    )
    parser.addini("harness_off", "Like --harness-off, one per line.", "linelist")
    parser.addini("harness_severity", "Like --harness-severity, one per line.", "linelist")
    parser.addini("harness_implementation", "Like --harness-implementation, one per line.", "linelist")
    parser.addini(
        "harness_scenarios", "Like --harness-scenarios, one per line; all shipped ones by default.", "linelist"
    )
    parser.addini("harness_xfail", "Scenarios that are expected to fail, one per line: SCENARIO: why", "linelist")
    parser.addini("harness_seed", "Like --harness-seed.", default="")
    parser.addini("harness_speed", "Like --harness-speed.", default="")
    parser.addini("harness_clean_environment", "Like --harness-clean-environment.", "bool", default=False)
    parser.addini("harness_strict", "Like --harness-strict.", "bool", default=False)
    parser.addini("harness_html", "Like --harness-html; in pytest's cache folder by default.", default="")
    parser.addini("harness_save", "Like --harness-save.", default="")


def _names_everything(config: pytest.Config) -> bool:
    """Return whether an argument is the root folder, the current folder, or one of `testpaths`."""
    here = config.invocation_params.dir
    given = {_real(here / word) for word in config.args}
    tests = {_real(each) for word in config.getini("testpaths") for each in _matching(config.rootpath, word)}
    return not given.isdisjoint({_real(config.rootpath), _real(here), *tests})


def _matching(folder: Path, word: str) -> Sequence[Path]:
    """Return the paths of an entry of `testpaths`, which may be a pattern."""
    return sorted(folder.glob(word)) if any(c in word for c in "*?[") and not os.path.isabs(word) else [folder / word]


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _from_root(config: pytest.Config, word: str) -> str:
    """Return a name in the configuration file relative to the current folder."""
    base = config.rootpath if config.inipath is None else config.inipath.parent
    if _real(base) == _real(Path.cwd()) or "://" in word:
        return word
    from harness.scenario import catalogue
    from harness.strategies.registry import STRATEGIES

    if word in STRATEGIES or word in catalogue.GROUPS or word in catalogue.shipped_names():
        return word
    file, colon, attribute = word.rpartition(":")
    if colon and not file.endswith(".py"):
        sys.path.append(str(base))  # a module, which is otherwise only found in the current folder
        return word
    path = base / (file if colon else word)
    relative = os.path.relpath(path) if os.path.exists(path) else file if colon else word
    return f"{relative}:{attribute}" if colon else relative


def _failure_from_root(config: pytest.Config, line: str) -> str:
    """Return `SCENARIO: why` or `IMPLEMENTATION::SCENARIO: why` relative to the current folder."""
    named, colon, why = line.partition(": ")
    who, colons, scenario = named.strip().rpartition("::")
    return f"{_from_root(config, who) if who else ''}{colons}{_from_root(config, scenario)}{colon}{why}"


def _speed(text: str) -> float | None:
    try:
        speed = None if text == "auto" else float(text)
    except ValueError:
        speed = 0.0
    if speed is not None and not SPEED_MIN <= speed <= SPEED_MAX:
        raise pytest.UsageError(
            f'harness_speed = "{text}" is neither a number from {SPEED_MIN:g} to {SPEED_MAX:g} nor "auto"'
        )
    return speed


def _number(config: pytest.Config, option: Any, name: str, kind: Callable[[str], Any], default: Any) -> Any:
    if option is not None:
        return option
    text = str(config.getini(name)).strip()
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        raise pytest.UsageError(f'{name} = "{text}" is not a number') from None
