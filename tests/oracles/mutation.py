"""Mutation: correct code is broken on purpose, one spot at a time, and a judge has to notice.

`mutants.yaml` holds the mutants as data. Each takes an implementation as its base, replaces one text in its source
(which must stand there exactly once, or the mutant is reported as lost), and says what that breaks. It is caught when
in some scenario an invariant has nothing against the base and is violated by the mutant. The file names one such pair
for each, `caught-by: invariant @ scenario`, and the test runs just that one. A mutant that nobody catches says why:
`equivalent` when no promise speaks of what it changes, `survives` when one ought to.

    python -m tests.oracles.mutation                 every mutant in every scenario (a quarter of an hour on two cores)
    python -m tests.oracles.mutation NAME ...        the same for some
    python -m tests.oracles.mutation --rewrite       and writes catchers into mutants.yaml where they are amiss

Sources are compiled from memory under a package name of their own, so nothing of the real modules is touched.
"""

import argparse
import importlib
import importlib.abc
import importlib.machinery
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import yaml

from harness.engine.run import run
from harness.invariants.registry import INVARIANTS
from harness.scenario.catalogue import select, shipped_names
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.targets import Implementation, load

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("mutants.yaml")
MUTATED = "mutated"
"""The package that mutated sources are loaded into."""
SECOND = "second-opinion"
OWN_SCENARIOS = Path(__file__).with_name("scenarios")
"""What no shipped scenario asks, and some mutant answers wrongly; named `own/...`."""
PACKAGES = {"harness.strategies": ROOT / "harness/strategies", "tests.oracles.second": ROOT / "tests/oracles/second"}
KEYS = ("name", "base", "file", "find", "put", "also", "given", "breaks", "caught-by", "equivalent", "survives")
SOUND = ("held", "not applicable")


class LostMutantError(Exception):
    """A mutant no longer fits the source that it was made for; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text in a file, and what is put in its place."""

    file: str
    find: str
    put: str


@dataclass(frozen=True, slots=True)
class Catch:
    """An invariant that is violated by a mutant and not by its base, and the scenario where."""

    invariant: str
    scenario: str

    def __str__(self) -> str:
        return f"{self.invariant} @ {self.scenario}"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to be wrong."""

    name: str
    base: str
    edits: tuple[Edit, ...]
    breaks: str
    given: tuple[Edit, ...] = ()
    """Changes that the base gets, too, to bring a part into play that it does not use."""
    caught_by: Catch | None = None
    excuse: str | None = None
    written: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)
    """As it stands in the file."""


def mutants() -> list[Mutant]:
    """All of them, in the file's order."""
    return [_mutant(written) for written in yaml.safe_load(FILE.read_text())]


def _mutant(written: dict[str, Any]) -> Mutant:
    unknown = set(written) - set(KEYS)
    assert not unknown, f"{written.get('name')}: unknown keys {unknown}"
    file = written["file"]
    first = Edit(file, written["find"], written["put"])
    also = tuple(Edit(more.get("file", file), more["find"], more["put"]) for more in written.get("also", ()))
    given = tuple(Edit(more["file"], more["find"], more["put"]) for more in written.get("given", ()))
    caught_by = None
    if "caught-by" in written:
        invariant, _, scenario = written["caught-by"].partition(" @ ")
        caught_by = Catch(invariant, scenario)
    excuse = written.get("equivalent") or written.get("survives")
    return Mutant(
        written["name"], written["base"], (first, *also), written["breaks"], given, caught_by, excuse, written
    )


# Building


def target_of(base: str) -> tuple[str, str]:
    """The module and the attribute of a base."""
    module = "tests.oracles.second.app" if base == SECOND else STRATEGIES[base].module
    return module, "create_app"


def built(name: str, base: str, edits: Iterable[Edit]) -> Implementation:
    """The base with the edits, ready to be run. Raises LostMutantError when an edit's text is not there just once."""
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.get(edit.file) or (ROOT / edit.file).read_text()
        count = text.count(edit.find)
        if count != 1:
            raise LostMutantError(f"{name}: this text stands {count} times in {edit.file}, not once:\n{edit.find}")
        texts[edit.file] = text.replace(edit.find, edit.put)
    module_name, attribute = target_of(base)
    alias = f"{MUTATED}_{name.replace('-', '_')}"
    sys.modules[alias] = _loaded(module_name, {str(ROOT / file): text for file, text in texts.items()}, name)
    return load(f"{alias}:{attribute}", name, shipped=True)


def _loaded(module_name: str, texts: dict[str, str], name: str) -> ModuleType:
    package = module_name.rpartition(".")[0]
    finder = _Sources(PACKAGES[package], package, texts)
    sys.meta_path.insert(0, finder)
    try:
        for stem in _untouched(package, frozenset(Path(file).stem for file in texts)):
            sys.modules[f"{MUTATED}.{stem}"] = importlib.import_module(f"{package}.{stem}")
        return importlib.import_module(f"{MUTATED}.{module_name.rpartition('.')[2]}")
    except SyntaxError as error:
        raise LostMutantError(f"{name}: its text is not Python: {error}") from error
    finally:
        sys.meta_path.remove(finder)
        for known in [known for known in sys.modules if known == MUTATED or known.startswith(f"{MUTATED}.")]:
            del sys.modules[known]


def _untouched(package: str, edited: frozenset[str]) -> set[str]:
    """The modules that import nothing edited: the real ones will do, and remember pictures that they have seen."""
    imports = _imports(package)
    touched = set(edited)
    while more := {stem for stem, others in imports.items() if others & touched} - touched:
        touched |= more
    return set(imports) - touched


@cache
def _imports(package: str) -> dict[str, set[str]]:
    files = [file for file in PACKAGES[package].glob("*.py") if file.stem != "__init__"]
    found = {}
    for file in files:
        text = file.read_text()
        found[file.stem] = {
            other.stem for other in files if re.search(rf"\b{other.stem}\b", _import_lines(text, package))
        }
    return found


def _import_lines(text: str, package: str) -> str:
    return "\n".join(line for line in text.splitlines() if "import" in line and package in line)


class _Sources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of one package, some of them with another text, under the name `mutated`."""

    def __init__(self, folder: Path, package: str, texts: dict[str, str]) -> None:
        self._folder, self._package, self._texts = folder, package, texts

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name == MUTATED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return importlib.machinery.ModuleSpec(name, self) if name.startswith(f"{MUTATED}.") else None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        if name == MUTATED:
            return
        file = str(self._folder / f"{name.rpartition('.')[2]}.py")
        text = self._texts.get(file) or Path(file).read_text()
        exec(_compiled(text.replace(self._package, MUTATED), file), module.__dict__)


@cache
def _compiled(text: str, file: str) -> CodeType:
    return compile(text, file, "exec")


# Running


def states(implementation: Implementation, scenario: Scenario) -> dict[str, str]:
    """What each invariant says of one run."""
    result = run(scenario, implementation, keep_journal=False)
    assert result.ending != "refused", f"{implementation.name} in {scenario.name}: {result.verdicts[0].reason}"
    return {verdict.invariant: verdict.state for verdict in result.verdicts}


@cache
def _base_of(base: str, given: tuple[Edit, ...]) -> Implementation:
    return built(f"base-{base}-{abs(hash(given))}", base, given)


@cache
def _base_states(base: str, given: tuple[Edit, ...], scenario: str) -> dict[str, str]:
    return states(_base_of(base, given), _scenario(scenario))


@cache
def _scenario(name: str) -> Scenario:
    own = OWN_SCENARIOS / f"{name.removeprefix('own/')}.yaml"
    return select([str(own) if name.startswith("own/") else name])[0]


def scenario_names() -> list[str]:
    """The shipped scenarios, and those that are here for the mutants' sake."""
    return [*shipped_names(), *sorted(f"own/{file.stem}" for file in OWN_SCENARIOS.glob("*.yaml"))]


@cache
def mutated(mutant: Mutant) -> Implementation:
    """The mutant, ready to be run."""
    return built(mutant.name, mutant.base, (*mutant.given, *mutant.edits))


def catches(mutant: Mutant, scenario: str) -> list[Catch]:
    """Who catches the mutant in a scenario."""
    found = states(mutated(mutant), _scenario(scenario))
    guilty = [name for name, state in found.items() if state == "violated"]
    if not guilty:
        return []
    sound = _base_states(mutant.base, mutant.given, scenario)
    return [Catch(name, scenario) for name in guilty if sound[name] in SOUND]


def everywhere(mutant: Mutant) -> list[Catch]:
    """Who catches the mutant in any of the scenarios, in the catalogue's order."""
    return [catch for name in scenario_names() for catch in catches(mutant, name)]


def all_of(chosen: Sequence[Mutant]) -> Iterator[tuple[Mutant, list[Catch]]]:
    """Each mutant with all that catches it, in parallel."""
    with ProcessPoolExecutor() as pool:
        yield from zip(chosen, pool.map(everywhere, chosen), strict=True)


def best(found: Sequence[Catch]) -> Catch:
    """The catcher to name: of the invariants that only few scenarios need, in the simplest scenario."""
    often = Counter(catch.invariant for catch in found)
    usual = max(often.values())
    order = list(INVARIANTS)
    return max(found, key=lambda catch: (often[catch.invariant] == usual, -order.index(catch.invariant)))


# The command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="mutants; all of them unless named")
    parser.add_argument("--rewrite", action="store_true", help="write missing and wrong catchers into mutants.yaml")
    options = parser.parse_args(arguments)
    known = mutants()
    chosen = [mutant for mutant in known if not options.names or mutant.name in options.names]
    wrong = 0
    for mutant, found in all_of(chosen):
        ok = mutant.caught_by in found if mutant.caught_by else not found
        wrong += not ok
        print(f"{' ' if ok else '!'} {mutant.name:44} {_told(found) or mutant.excuse or 'nobody'}", flush=True)
        if not ok:
            print(f"    expected: {mutant.caught_by or mutant.excuse or 'nothing yet'}")
        if options.rewrite and not ok and found:
            for key in ("equivalent", "survives"):
                mutant.written.pop(key, None)
            mutant.written["caught-by"] = str(best(found))
            FILE.write_text(_written(known))
    caught = sum(mutant.caught_by is not None for mutant in chosen)
    print(f"{len(chosen)} mutants, {caught} expected to be caught, {wrong} not as expected")
    return 1 if wrong else 0


def _told(found: Sequence[Catch]) -> str:
    counts = Counter(catch.invariant for catch in found)
    first = {catch.invariant: catch.scenario for catch in reversed(found)}
    return ", ".join(f"{name} {count}x ({first[name]})" for name, count in counts.most_common())


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, keys in the order of KEYS."""


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    block = "\n" in text or text != text.strip()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else None)


_Dumper.add_representer(str, _represented)


def _written(known: Iterable[Mutant]) -> str:
    head = "".join(line for line in FILE.read_text().splitlines(keepends=True) if line.startswith("#"))
    entries = [{key: m.written[key] for key in KEYS if key in m.written} for m in known]
    blocks = [yaml.dump([entry], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116) for entry in entries]
    return head + "\n".join(blocks)


if __name__ == "__main__":
    sys.exit(main())
