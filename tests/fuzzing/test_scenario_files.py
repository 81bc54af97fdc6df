"""Scenario files at random: each is valid or refused with its location, at once, and never a traceback."""

from pathlib import Path
from random import Random

import pytest

from tests.fuzzing.commands import JUDGING, READING, Commands, seeds
from tests.fuzzing.scenario_files import scenario_file

FILES = 1000
RUN_EVERY = 25
"""Every so many files are run, too."""
QUICK = 25


@pytest.mark.parametrize("seed", seeds(FILES, QUICK))
def test_a_scenario_file_is_valid_or_refused(seed: int, tmp_path: Path, harness: Commands) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(scenario_file(Random(seed)))
    validated = harness(["validate", path.name])
    if validated.code:
        assert "file.yaml:" in validated.stderr
    if seed % RUN_EVERY == 0:
        ran = harness(["run", "strict", path.name], JUDGING if validated.code == 0 else READING)
        assert (ran.code == 2) == (validated.code == 2)
