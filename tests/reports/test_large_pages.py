"""The page of many runs: details for those that a reader opens first, and it says what is left out."""

import gzip
import json
import re
from base64 import b64decode
from dataclasses import replace
from typing import Any

from harness.report.html import page
from harness.report.html.detailed import WHOLE_MAX, detailed_keys, left_out_sentence
from harness.results.archive import Results
from harness.results.archive_file import packed_run
from tests.reports.runs import made_up_result, made_up_results, real_results


def repeated(results: Results, runs: int) -> Results:
    """Return so many runs: those of one scenario and implementation, under many names."""
    (run,), (scenario,) = results.runs, results.scenarios
    names = [f"{scenario.name}-{number}" for number in range(runs)]
    return replace(
        results,
        scenarios=tuple(replace(scenario, name=name) for name in names),
        runs=tuple(replace(run, result=replace(run.result, scenario=name)) for name in names),
    )


def overview_of(made: str) -> Any:
    found = re.search(r'<script type="application/json" id="overview">(.*?)</script>', made, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def views_of(made: str) -> list[Any]:
    packed = re.findall(r'<script type="text/plain" id="block-\d+">([^<]*)</script>', made)
    return [json.loads(gzip.decompress(b64decode(each)))["runs"]["0"] for each in packed]


def test_the_violated_runs_are_shown_in_detail_before_the_others() -> None:
    results = real_results()
    assert detailed_keys(results) == {run.key for run in results.runs}
    assert left_out_sentence(results, detailed_keys(results)) == ""
    violated = [run.key for run in results.runs if run.result.violated]
    assert 2 < len(violated) < len(results.runs)
    assert detailed_keys(results, whole_max=2, detailed_max=2) == set(violated[:2])
    more = detailed_keys(results, whole_max=2, detailed_max=len(violated) + 1)
    assert set(violated) < more
    assert left_out_sentence(results, more).startswith(
        f"This page has the diagrams and journals of {len(more)} of these {len(results.runs)} runs, the violated ones"
    )


def test_a_page_of_too_many_runs_has_the_rest_in_brief_and_says_so() -> None:
    made = page(repeated(made_up_results(), WHOLE_MAX + 1)).decode()
    assert overview_of(made)["conclusion"][-1].startswith(
        "This page has the diagrams and journals of 1,000 of these 2,001"
    )
    first, *_, last = views_of(made)
    assert (len(first["entries"]), first["left_out"]) == (6, 0)
    assert (last["entries"], last["steps"], last["left_out"]) == ([], [], 6)
    same = ("ending", "simulated", "world", "metrics")
    assert {name: last[name] for name in same} == {name: first[name] for name in same}
    assert [each[:4] for each in last["verdicts"]] == [each[:4] for each in first["verdicts"]]
    assert [track["final"] for track in last["tracks"]] == [track["final"] for track in first["tracks"]]
    assert last["replay"].endswith("--seed 1")


def test_runs_in_brief_have_no_secret_even_if_their_archive_has() -> None:
    secret = "my key-0123456789abcdef here"
    results = made_up_results()
    unredacted = packed_run(made_up_result(text=secret))
    made = page(repeated(replace(results, runs=(unredacted,)), WHOLE_MAX + 1)).decode()
    assert "0123456789abcdef" not in json.dumps(views_of(made))
