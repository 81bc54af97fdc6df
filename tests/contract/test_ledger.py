"""The fidelity ledger: complete, up to date, and naming only tests that exist."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from docs.generators.fidelity import CONFIDENCES, RENDERED, Ledger, Rule, read, render

TESTS = Path(__file__).parent.parent
LEDGER = read()


def collected() -> set[str]:
    """Return every test function of these folders that pytest collects, named as in the ledger."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", ""]
    folders = [str(TESTS / name) for name in ("fakes", "contract", "live")]
    done = subprocess.run([*command, *folders], cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.partition("[")[0].removeprefix("tests/") for line in done.stdout.splitlines() if "::" in line}


def unknown_tests(ledger: Ledger, known: set[str]) -> list[str]:
    """Return the tests in a ledger that do not exist."""
    return sorted({test for rule in ledger.rules for test in rule.tests} - known)


@pytest.mark.slow
def test_every_test_in_the_ledger_is_collected() -> None:
    known = collected()

    assert unknown_tests(LEDGER, known) == []
    invented = replace(LEDGER.rules[0], tests=("fakes/test_suno.py::test_that_nobody_wrote",))
    assert unknown_tests(replace(LEDGER, rules=(invented,)), known) == ["fakes/test_suno.py::test_that_nobody_wrote"]


def test_every_section_of_the_contract_has_entries_and_every_entry_a_section() -> None:
    ruled, missing = {rule.section for rule in LEDGER.rules}, {gap.section for gap in LEDGER.gaps}

    assert ruled | missing == set(LEDGER.sections)
    assert set(LEDGER.sections) - ruled == {"7"}, "the platform's limits are no provider's"


@pytest.mark.parametrize("rule", LEDGER.rules, ids=lambda rule: rule.rule[:40])
def test_every_rule_has_its_confidence_and_its_tests(rule: Rule) -> None:
    assert rule.confidence
    assert set(rule.confidence) <= set(CONFIDENCES)
    assert ("captured" in rule.confidence) is (rule.captured is not None), "a capture has a place and a time"
    assert rule.tests
    assert rule.rule.endswith(".")
    assert rule.where is None or (TESTS.parent / rule.where).is_file()


def test_no_rule_is_listed_twice() -> None:
    sentences = [rule.rule for rule in LEDGER.rules] + [gap.rule for gap in LEDGER.gaps]

    assert len(set(sentences)) == len(sentences)


def test_the_page_is_up_to_date() -> None:
    assert RENDERED.read_text(encoding="utf-8") == render(LEDGER), "python -m docs.generators.fidelity"
