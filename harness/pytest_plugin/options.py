"""What the plugin is told: by options of the command line, then by the configuration file of pytest."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.engine.judging import Judging

DEFAULT_SEED = 1
MARKER = (
    "harness(*scenarios, implementation=None, seed=None): of a test that uses the fixtures run_scenario or "
    "harness_result: the scenarios that harness_result runs through, the implementation, the seed"
)
_SETTINGS = pytest.StashKey["Settings"]()


class Settings:
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
        self.speed: float = _number(config, option.harness_speed, "harness_speed", float, 1.0)
        self.expected_failures: list[str] = [
            _failure_from_root(config, line) for line in config.getini("harness_xfail")
        ]
        self.html: str = config.getini("harness_html") if option.harness_html is None else option.harness_html
        self.save: str = config.getini("harness_save") if option.harness_save is None else option.harness_save
        self.off: list[str] = option.harness_off or config.getini("harness_off")
        self.severities: list[str] = option.harness_severity or config.getini("harness_severity")
        self.named_are_wanted: bool = getattr(option, "harness_named", False)
        """Whether the scenarios that the settings name shall run in this session."""
        self.left_out: bool = getattr(option, "harness_left_out", False)
        """Whether they are left out because of the paths that the arguments name."""

    def judging(self) -> "Judging":
        """How runs are judged: by `[invariants]` of harness.toml, and over it by the options. Raises HarnessError."""
        from harness.engine.judging import judging

        return judging(self.off, self.severities)

    def take_from_arguments(self, config: pytest.Config) -> None:
        """Decides what the arguments ask for, once for a session and its workers.

        `IMPLEMENTATION::SCENARIO`, as pytest's report names a scenario, asks for it; files and folders ask for
        themselves alone; without any argument, or with the whole project as one, everything is meant.
        """
        if hasattr(config.option, "harness_named"):
            return  # a worker of pytest-xdist: the controller has decided
        requested = [word for word in config.args if self._scenario_of(word)]
        if requested:
            config.args[:] = [word for word in config.args if word not in requested]
            self.scenarios = [self._scenario_of(word) for word in requested]
            self.implementations = list(dict.fromkeys(word.rpartition("::")[0] for word in requested))
        everything = config.args_source is not pytest.Config.ArgsSource.ARGS or _names_everything(config)
        named = config.option.harness_implementation or config.option.harness_scenarios
        self.named_are_wanted = bool(requested or named or everything)
        self.left_out = not self.named_are_wanted
        config.option.harness_named = self.named_are_wanted
        config.option.harness_left_out = self.left_out
        config.option.harness_implementation = self.implementations
        config.option.harness_scenarios = self.scenarios

    def _scenario_of(self, word: str) -> str:
        """The scenario of `IMPLEMENTATION::SCENARIO`; empty for anything else."""
        who, colons, scenario = word.rpartition("::")
        return scenario if colons and who in self.implementations else ""


def settings_of(config: pytest.Config) -> Settings:
    """The session's settings."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = Settings(config)
    return config.stash[_SETTINGS]


def add_options(parser: pytest.Parser) -> None:
    """The plugin's options and the keys of pytest's configuration file."""
    group = parser.getgroup("harness", "callback-contract-harness")
    group.addoption(
        "--harness-implementation",
        action="append",
        metavar="TARGET",
        help="What to put through scenarios: module:attribute, file.py:attribute, harness.toml, a URL or a strategy.",
    )
    group.addoption(
        "--harness-scenarios",
        action="append",
        metavar="SCENARIOS",
        help="Through which: a name, a group, a pattern, a file or a folder; repeat it for several.",
    )
    group.addoption("--harness-seed", type=int, metavar="N", help="Same seed, same journal. Default: 1.")
    group.addoption("--harness-speed", type=float, metavar="N", help="How fast started applications live. Default: 1.")
    group.addoption("--harness-html", metavar="FILE", help="Where the HTML report goes; none for none.")
    group.addoption("--harness-save", metavar="FILE", help="Keeps the results, for harness report.")
    group.addoption("--harness-off", action="append", metavar="NAME", help="Switch an invariant off; repeatable.")
    group.addoption(
        "--harness-severity",
        action="append",
        metavar="NAME=error|warning",
        help="Change an invariant's severity; repeatable.",
    )
    parser.addini("harness_off", "Like --harness-off, one a line.", "linelist")
    parser.addini("harness_severity", "Like --harness-severity, one a line.", "linelist")
    parser.addini("harness_implementation", "Like --harness-implementation, one a line.", "linelist")
    parser.addini("harness_scenarios", "Like --harness-scenarios, one a line; all shipped ones by default.", "linelist")
    parser.addini("harness_xfail", "Scenarios that are known to fail, one a line: SCENARIO: why", "linelist")
    parser.addini("harness_seed", "Like --harness-seed.", default="")
    parser.addini("harness_speed", "Like --harness-speed.", default="")
    parser.addini("harness_html", "Like --harness-html; in pytest's cache folder by default.", default="")
    parser.addini("harness_save", "Like --harness-save.", default="")


def _names_everything(config: pytest.Config) -> bool:
    """Whether an argument is the root folder, the folder that pytest was called in, or all that `testpaths` names."""
    here = config.invocation_params.dir
    given = {_real(here / word) for word in config.args}
    tests = {_real(each) for word in config.getini("testpaths") for each in _matching(config.rootpath, word)}
    return not given.isdisjoint({_real(config.rootpath), _real(here), *tests})


def _matching(folder: Path, word: str) -> Sequence[Path]:
    """What an entry of `testpaths` means; it may be a pattern."""
    return sorted(folder.glob(word)) if any(c in word for c in "*?[") and not os.path.isabs(word) else [folder / word]


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _from_root(config: pytest.Config, word: str) -> str:
    """What the configuration file names, as it is called from the current folder: its files lie beside it."""
    base = config.rootpath if config.inipath is None else config.inipath.parent
    if _real(base) == _real(Path.cwd()) or "://" in word:
        return word
    from harness.scenario import catalogue
    from harness.strategies.registry import STRATEGIES

    if word in STRATEGIES or word in catalogue.GROUPS or word in catalogue.shipped_names():
        return word
    file, colon, attribute = word.rpartition(":")
    if colon and not file.endswith(".py"):
        sys.path.append(str(base))  # a module, which would be looked for in the current folder
        return word
    path = base / (file if colon else word)
    relative = os.path.relpath(path) if path.exists() else file if colon else word
    return f"{relative}:{attribute}" if colon else relative


def _failure_from_root(config: pytest.Config, line: str) -> str:
    """The same for `SCENARIO: why` and `IMPLEMENTATION::SCENARIO: why`."""
    named, colon, why = line.partition(": ")
    who, colons, scenario = named.strip().rpartition("::")
    return f"{_from_root(config, who) if who else ''}{colons}{_from_root(config, scenario)}{colon}{why}"


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
