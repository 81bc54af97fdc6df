"""Prints the fingerprints of the journals of every third shipped pair, under a seed.

    python -m tests.digests 0 2 1    # every second one of them from the first on, under seed 1

The third has every scenario with two or three strategies, which change from one scenario to the next.

Run as a process of its own, so that a test can compare what two processes with different hash seeds have written.
"""

import json
import sys
from itertools import product

from harness.engine.run import resolve, run
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES


def third() -> list[tuple[Scenario, str]]:
    """The pairs of scenario and strategy."""
    return list(product(catalogue.select([]), STRATEGIES))[::3]


def digests(part: int, parts: int, seed: int) -> dict[str, str]:
    """Fingerprints by "strategy scenario", of every `parts`-th pair from the `part`-th on."""
    found: dict[str, str] = {}
    for scenario, name in third()[part::parts]:
        journal = run(scenario, resolve(name), seed).journal
        assert journal is not None
        found[f"{name} {scenario.name}"] = journal.digest()
    return found


if __name__ == "__main__":
    json.dump(digests(*map(int, sys.argv[1:])), sys.stdout)
