"""The same seed gives the same journal, byte for byte: across processes, hash seeds and earlier runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from tests.digests import third

ROOT = Path(__file__).parent.parent
PARTS = 2
SEED = 20_261_121


def _digests_of_processes(hash_seed: str) -> dict[str, str]:
    """The fingerprints of a third of the shipped pairs, from processes that run with this hash seed."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.digests", str(part), str(PARTS), str(SEED)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in range(PARTS)
    ]
    found: dict[str, str] = {}
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0
        found |= json.loads(output)
    return found


@pytest.mark.timeout(480)
def test_a_third_of_the_shipped_pairs_write_the_same_journals_under_another_hash_seed() -> None:
    pairs = third()
    assert {scenario.name for scenario, _ in pairs} == set(catalogue.shipped_names())
    assert {name for _, name in pairs} == set(STRATEGIES)
    one, other = _digests_of_processes("1"), _digests_of_processes("4294967295")
    assert len(one) == len(pairs)
    assert {pair: digest for pair, digest in one.items() if other[pair] != digest} == {}


def test_another_seed_writes_another_journal() -> None:
    scenario = catalogue.select(["baseline/healthy"])[0]
    journals = [run(scenario, resolve("synchronous"), seed).journal for seed in (1, 2, 1)]
    digests = [journal.digest() for journal in journals if journal is not None]
    assert digests[0] == digests[2]
    assert digests[0] != digests[1]
