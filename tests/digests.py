"""Prints the fingerprints of the journals of all shipped pairs in a share of the scenarios, under a seed.

    python -m tests.digests 0 2 1    # every second scenario from the first on, under seed 1

Run as a process of its own, so that a test can compare what two processes with different hash seeds have written.
"""

import json
import sys
from itertools import product

from harness.engine.run import resolve, run
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES


def digests(part: int, parts: int, seed: int) -> dict[str, str]:
    """Fingerprints by "strategy scenario", of every `parts`-th scenario from the `part`-th on."""
    found: dict[str, str] = {}
    for scenario, name in product(catalogue.select([])[part::parts], STRATEGIES):
        journal = run(scenario, resolve(name), seed).journal
        assert journal is not None
        found[f"{name} {scenario.name}"] = journal.digest()
    return found


if __name__ == "__main__":
    json.dump(digests(*map(int, sys.argv[1:])), sys.stdout)
