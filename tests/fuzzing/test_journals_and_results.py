"""Journals and results archives at random: each is read or refused, at once, and never a traceback."""

from pathlib import Path
from random import Random

import pytest

from harness.results.result import Result
from tests.fuzzing.commands import JUDGING, Commands, seeds
from tests.fuzzing.json_lines import gzipped, json_lines

JOURNALS = 200
ARCHIVES = 200
QUICK = 15
REPORTS = ("html", "junit", "markdown", "har", "ndjson", "github")


@pytest.mark.parametrize("seed", seeds(JOURNALS, QUICK))
def test_a_journal_is_judged_or_refused(seed: int, results: list[Result], tmp_path: Path, harness: Commands) -> None:
    random = Random(seed)
    journal = random.choice(results).journal
    assert journal is not None
    (tmp_path / "journal").write_bytes(json_lines(random, journal.to_jsonl()))
    judged = harness(["judge", "journal", "--json", "judged.json"], JUDGING)
    if judged.code == 2:
        assert "journal" in judged.stderr


@pytest.mark.parametrize("seed", seeds(ARCHIVES, QUICK))
def test_a_results_archive_is_reported_or_refused(seed: int, archive: str, tmp_path: Path, harness: Commands) -> None:
    random = Random(seed)
    (tmp_path / "results").write_bytes(gzipped(random, json_lines(random, archive)))
    files = [word for name in REPORTS for word in (f"--{name}", f"report.{name}")]
    reported = harness(["report", "results", *files])
    if reported.code:
        assert "results:" in reported.stderr
        return
    assert harness(["merge", "results", "--save", "merged"]).code == 0
    assert harness(["report", "merged", *files]).code == 0
