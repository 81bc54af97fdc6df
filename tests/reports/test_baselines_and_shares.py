"""Baselines, shares and their merging, on the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import HarnessError
from harness.invariants.metrics import Metrics, TrackMetrics
from harness.invariants.verdict import Verdict
from harness.results.archive_file import read_results, write_results
from harness.results.baseline import changes_since
from harness.results.merge import merged
from tests.reports.runs import made_up_result, made_up_results, real_results

SCENARIOS = ("baseline/healthy", "slow/image-16s", "failing/code-500-always")
KEY = ("made/up", "shop:app")


def harness(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """What `synchronous` did in three scenarios."""
    path = str(tmp_path / "before.results")
    assert harness("run", "synchronous", *SCENARIOS, "--save", path).exit_code == 1
    return path


def test_nothing_changed_is_exit_code_0_although_invariants_are_violated(saved: str) -> None:
    done = harness("run", "synchronous", *SCENARIOS, "-q", "--baseline", saved)
    assert done.exit_code == 0
    assert "nothing changed in 3 runs since" in done.output


def test_a_comparison_with_a_baseline_reports_what_got_worse(saved: str, tmp_path: Path) -> None:
    results = read_results(saved)
    healed = tuple(
        replace(
            run,
            result=replace(run.result, verdicts=tuple(each._replace(state="held") for each in run.result.verdicts)),
        )
        for run in results.runs
    )
    now = {run.key: run.result for run in results.runs}
    before = {run.key: run.result for run in healed}
    told = {(change.key[0], change.sentence.split()[0]) for change in changes_since(before, now).of("regression")}
    assert told == {
        ("slow/image-16s", "callback-answered"),
        ("failing/code-500-always", "image-present"),
    }
    assert len(changes_since(now, before).of("improvement")) == 2
    done = harness("compare", *SCENARIOS, "--only", "synchronous", "--baseline", saved)
    assert done.exit_code == 0


def test_another_strategy_under_the_same_name_is_a_regression(tmp_path: Path) -> None:
    """An application that is changed between two runs, as in a pull request."""
    import os

    app, path = tmp_path / "shop_of_yesterday.py", str(tmp_path / "main.results")
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        app.write_text("from harness.strategies.acknowledge_first import create_app\n", "utf-8")
        words = ["run", "shop_of_yesterday.py:create_app", *SCENARIOS]
        assert harness(*words, "--save", path).exit_code == 0
        app.write_text("from harness.strategies.synchronous import create_app\n", "utf-8")
        done = harness(*words, "--baseline", path, "-q")
        assert done.exit_code == 1
        text = " ".join(done.output.split())
        assert "callback-answered violated, was held" in text
        assert "image-present violated, was held" in text
        assert "callback answered after 16 s, was 0 s" in text
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("before_s", "now_s", "kind"),
    [
        (10.0, 11.5, "regression"),
        (10.0, 10.5, None),
        (100.0, 105.0, None),
        (100.0, 111.0, "regression"),
        (60.0, 8.0, "improvement"),
        (None, 8.0, None),
        (8.0, None, None),
    ],
)
def test_latencies_count_from_a_tenth_and_a_second_on(
    before_s: float | None, now_s: float | None, kind: str | None
) -> None:
    def took(seconds: float | None) -> Metrics:
        return Metrics(tracks=(TrackMetrics("2k", seconds),))

    before, now = (replace(made_up_result(), metrics=took(seconds)) for seconds in (before_s, now_s))
    assert [change.kind for change in changes_since({KEY: before}, {KEY: now}).changes] == ([kind] if kind else [])


def test_becoming_inconclusive_is_a_regression_and_a_warning_is_none() -> None:
    def judged(state: str, severity: str = "error") -> object:
        return replace(made_up_result(), verdicts=(Verdict("settles", state, "why", (), severity),))  # type: ignore[arg-type]

    def kinds(*states: str, severity: str = "error") -> list[str]:
        before, now = (judged(state, severity) for state in states)
        return [change.kind for change in changes_since({KEY: before}, {KEY: now}).changes]  # type: ignore[dict-item]

    assert kinds("held", "unknown") == ["regression"]
    assert kinds("unknown", "violated") == ["regression"]
    assert kinds("violated", "not applicable") == ["improvement"]
    assert kinds("not applicable", "held") == []
    assert kinds("held", "violated", severity="warning") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--baseline", "none.results"], "none.results: there is no such file"),
        (["--baseline", __file__], "not a results archive"),
    ],
)
def test_an_invalid_baseline_is_reported_before_anything_runs(words: list[str], told: str) -> None:
    done = harness("run", "strict", "baseline/healthy", *words)
    assert isinstance(done.exception, HarnessError)
    assert told in str(done.exception)


def test_a_baseline_of_another_seed_is_refused(saved: str) -> None:
    done = harness("run", "synchronous", "baseline/healthy", "--seed", "2", "--baseline", saved)
    assert isinstance(done.exception, HarnessError)
    assert "pass --seed 1" in str(done.exception)


def test_a_scenario_that_was_changed_meanwhile_is_named(tmp_path: Path) -> None:
    own, path = tmp_path / "own.yaml", str(tmp_path / "own.results")
    own.write_text("why: Nothing.\n", "utf-8")
    harness("run", "strict", str(own), "--save", path)
    own.write_text("why: Nothing yet.\n", "utf-8")
    done = harness("run", "strict", str(own), "-q", "--baseline", path)
    assert "differ from the baseline" in done.output


def test_runs_that_are_not_in_the_baseline_are_judged_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapes.py").write_text("lam = lambda payload, track: None\n", "utf-8")
    assert harness("run", "shapes.py:lam", "baseline/healthy", "-q", "--save", "w.results").exit_code == 1
    same = harness("run", "./shapes.py:lam", "baseline/healthy", "-q", "--baseline", "w.results")
    assert (same.exit_code, "nothing changed in 1 runs" in same.output) == (0, True), "another spelling"
    more = harness("run", "shapes.py:lam", "baseline/healthy", "slow/image-16s", "-q", "--baseline", "w.results")
    assert more.exit_code == 1
    assert "not in the baseline: 1 run, judged without it: 1 violated" in more.output
    none = harness("run", "shapes.py:lam", "slow/image-16s", "-q", "--baseline", "w.results")
    assert none.exit_code == 1
    assert "nothing was compared: w.results has none of these runs" in none.output
    good = harness("run", "strict", "baseline/healthy", "-q", "--baseline", "w.results")
    assert good.exit_code == 0
    assert "judged without it: all held" in good.output
    compared = harness("compare", "baseline/healthy", "--only", "trusting", "-q", "--baseline", "w.results")
    assert compared.exit_code == 3
    assert "nothing was compared" in compared.output


def test_an_inconclusive_run_that_the_baseline_lacks_is_3(saved: str, tmp_path: Path) -> None:
    (tmp_path / "blind.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 201, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'{\"id\": 1}'})\n",
        "utf-8",
    )
    done = harness("run", f"{tmp_path}/blind.py:app", "baseline/healthy", "-q", "--baseline", saved)
    assert done.exit_code == 3
    assert "judged without it: 1 inconclusive" in done.output


# Shares


@pytest.mark.slow
def test_merged_shares_equal_the_whole_byte_for_byte(tmp_path: Path) -> None:
    words = ["compare", "slow/image-*s", "baseline/healthy", "--only", "strict", "--only", "polling", "-q"]
    for number in (1, 2, 3):
        done = harness(*words, "--shard", f"{number}/3", "--save", str(tmp_path / f"{number}.results"))
        assert done.exit_code == 0
    parts = [str(tmp_path / f"{number}.results") for number in (2, 3, 1)]
    assert harness("merge", *parts, "--save", str(tmp_path / "merged")).exit_code == 0
    whole = ["compare", "baseline/healthy", "slow/image-*s", "--only", "strict", "--only", "polling", "-q"]
    assert harness(*whole, "--save", str(tmp_path / "whole")).exit_code == 0
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("share", ["0/3", "4/3", "2", "a/b", "1/0", "-1/3"])
def test_a_share_that_is_none_is_a_usage_error(share: str) -> None:
    done = harness("compare", "baseline/healthy", "--shard", share)
    assert done.exit_code == 2


def test_an_empty_share_is_reported() -> None:
    done = harness("compare", "baseline/healthy", "--shard", "2/2")
    assert "--shard 2/2: the share of 1 scenarios is empty" in str(done.exception)


def test_results_that_do_not_belong_together_are_not_merged(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="of seed 1 and seed 2"):
        merged([real_results(), replace(real_results(), seed=2)])
    with pytest.raises(HarnessError, match=r"of harness .* and 0\.0\.9"):
        merged([real_results(), replace(real_results(), harness="0.0.9")])
    other = made_up_results()
    scenario = replace(other.scenarios[0], text="why: Something else.\n")
    with pytest.raises(HarnessError, match="made/up differs between the results"):
        merged([other, replace(other, scenarios=(scenario,))])
    done = harness("merge", str(tmp_path / "none"))
    assert "nothing to do: pass --save FILE" in str(done.exception)


def test_of_a_run_that_is_in_several_parts_the_last_counts(tmp_path: Path) -> None:
    first, again = made_up_results("first"), made_up_results("again")
    again = replace(again, scenarios=first.scenarios)
    both = merged([first, again])
    assert [run.result.verdicts[0].reason for run in both.runs] == ["again"]
    write_results(str(tmp_path / "both"), both)
    assert read_results(str(tmp_path / "both")).runs[0].result.verdicts[0].reason == "again"
