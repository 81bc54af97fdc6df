"""The determinism check: a second run in another process, and the first difference."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.death_signal import die_with_parent
from harness.errors import HarnessError
from harness.report.describe import clock, narrate, short
from harness.results.result import Result
from harness.trace.events import EnvironmentRead, LogLine, RunBegan
from harness.trace.journal import AnyEntry, Journal, first_difference, read_journal
from harness.world.scratch import disk_folder

OTHER_HASH_SEED = "4242"
FACTS_MAX = 160


def differences(target: str, selectors: Sequence[str], results: Sequence[Result], seed: int) -> list[str]:
    """Return a sentence for each scenario whose second run, with another PYTHONHASHSEED, wrote another journal."""
    reported = []
    with tempfile.TemporaryDirectory(prefix="twice-", dir=disk_folder()) as folder:
        command = [sys.executable, "-m", "harness", "run", target, *selectors, "--seed", str(seed), "--quiet"]
        if any(result.journal and result.journal.entry(1, RunBegan).event.clean_environment for result in results):
            command.append("--clean-environment")
        environment = {**os.environ, "PYTHONHASHSEED": OTHER_HASH_SEED, **_import_path()}
        done = subprocess.run(
            [*command, "--journal", folder, "--json", str(Path(folder) / "results.json")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        if not (Path(folder) / "results.json").exists():
            raise HarnessError(f"the second run failed: {done.stderr.strip()}")
        again = {
            journal.entry(1, RunBegan).event.scenario: journal
            for path in sorted(Path(folder).glob("*.jsonl"))
            for journal in [read_journal(path.read_text(encoding="utf-8"), path=path.name)]
        }
    for result in results:
        assert result.journal is not None
        pair = first_difference(result.journal, again[result.scenario])
        if pair is not None:
            reported.append(f"✗ {result.scenario} is not deterministic; the first difference is {_reported(*pair)}")
            names = _different_variables(result.journal, again[result.scenario])
            if names:
                reported.append(f"    the environment differed in what the application reads: {', '.join(names)}")
    return reported


def _different_variables(one: Journal, other: Journal) -> list[str]:
    """Return the variables of the environment that both runs read with different values."""
    first, second = one.first(EnvironmentRead), other.first(EnvironmentRead)
    if first is None or second is None:
        return []
    mine, theirs = first.event.variables, second.event.variables
    return [name for name in mine if name in theirs and mine[name] != theirs[name]]


def _import_path() -> dict[str, str]:
    """Return a PYTHONPATH for a checkout that is not installed; else nothing."""
    root = Path(__file__).parents[2]
    if "site-packages" in root.parts:
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))}


def _reported(one: AnyEntry | None, other: AnyEntry | None) -> str:
    entry = one or other
    assert entry is not None
    return (
        f"entry #{entry.number} at {clock(entry.at_s)}\n    first run:  {_facts(one)}\n    second run: {_facts(other)}"
    )


def _facts(entry: AnyEntry | None) -> str:
    if entry is None:
        return "no such entry"
    if isinstance(entry.event, LogLine):
        return narrate(entry)
    return f"{narrate(entry)} {short(json.dumps(entry.facts, ensure_ascii=False), FACTS_MAX)}"
