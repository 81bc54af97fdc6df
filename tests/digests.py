"""Prints the fingerprint of the journal of every shipped pair, or of a share of them: `python -m tests.digests 0 2`.

Run as a process of its own, so that a test can compare what two processes with different hash seeds have written.
"""

import json
import sys

from harness import catalogue
from harness.runner import resolve, run
from harness.strategies import STRATEGIES


def digests(part: int, parts: int, seed: int) -> dict[str, str]:
    """Fingerprints by "strategy scenario", of every `parts`-th scenario from the `part`-th on."""
    found: dict[str, str] = {}
    for scenario in catalogue.select([])[part::parts]:
        for name in STRATEGIES:
            journal = run(scenario, resolve(name), seed).journal
            assert journal is not None
            found[f"{name} {scenario.name}"] = journal.digest()
    return found


if __name__ == "__main__":
    json.dump(digests(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
