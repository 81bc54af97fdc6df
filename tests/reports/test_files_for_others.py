"""Reports that other tools read, held against readers that others wrote."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from haralyzer import HarParser
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml
from markdown_it import MarkdownIt

from harness.engine.session import results_of
from harness.invariants.verdict import Verdict
from harness.report.annotations import annotations
from harness.report.har import har
from harness.report.json import ndjson, stored_json
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.mermaid import mermaid
from harness.results.archive import Results
from harness.results.archive_file import packed_run
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.trace.events import FaultTriggered, Request, Response
from harness.trace.journal import Journal
from tests.reports.runs import made_up_result, made_up_results, real_results

HOSTILE = "`|*_]( <b>@all</b> ::error::%0A \x1b[31m \x00 ]]> &amp; #1; end\n## a heading\n```\nsequenceDiagram"
MERMAID = "mermaid@11.17.2"
PARSE = """
import { readFileSync } from "node:fs";
const mermaid = (await import("mermaid")).default;
for (const text of JSON.parse(readFileSync(0, "utf8"))) await mermaid.parse(text);
console.log("parsed");
"""


def results_with(*results: Result) -> Results:
    """Made-up runs of one implementation, one in each scenario."""
    runs = [replace(result, scenario=f"made/up-{number}") for number, result in enumerate(results)]
    scenarios = [Scenario(run.scenario, "Made up.") for run in runs]
    return results_of(scenarios, ["shop:app"], 1, [packed_run(run) for run in runs])


def unjudged(result: Result) -> Result:
    return replace(result, verdicts=(Verdict("settles", "unknown", "the store cannot be seen"),))


# JUnit


def test_junit_distinguishes_failures_and_errors(tmp_path: Path) -> None:
    results = results_with(made_up_result(), unjudged(made_up_result()), replace(made_up_result(), verdicts=()))
    (tmp_path / "junit.xml").write_text(junit(results), "utf-8")
    report = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (report.tests, report.failures, report.errors) == (3, 1, 1)
    violated, unknown, held = [case for suite in report for case in suite]
    assert [type(each) for each in violated.result] == [Failure]
    assert violated.result[0].message == "failure-visible: a line"
    assert [type(each) for each in unknown.result] == [Error]
    assert not held.result


def test_junit_has_seed_and_replay_of_every_run_and_a_suite_for_every_implementation() -> None:
    results = real_results()
    report = JUnitXml.fromstring(junit(results).encode())
    assert [suite.name for suite in report] == ["synchronous", "polling", "acknowledge-first"]
    for suite in report:
        for case in suite:
            properties = {each.get("name"): each.get("value") for each in case._elem.iter("property")}
            assert properties["replay"] == f"harness run {suite.name} {case.name} --seed 1"
            result = results.by_key()[case.name, suite.name].result
            assert bool(case.result) == bool(result.violated)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_junit_can_be_read_whatever_a_log_says(text: str) -> None:
    report = JUnitXml.fromstring(junit(made_up_results(text)).encode("utf-8", errors="surrogatepass"))
    assert report.failures == 1


# Markdown


def test_markdown_has_the_figures_as_a_table_and_the_worst_first() -> None:
    text = markdown(real_results())
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == 1 + 3
    assert text.startswith("## ✗ harness: ")
    assert text.index("polling in callbacks/forgery-unsigned") < text.index("polling in slow/image-16s")


def test_markdown_stays_within_its_budget_and_says_what_is_omitted() -> None:
    results = real_results()
    whole = markdown(results)
    for budget in (len(whole.encode()) - 1, 9_000, 2_500):
        text = markdown(results, budget)
        assert len(text.encode()) <= budget
        diagrams, runs = text.count("```mermaid"), text.count("<details>")
        assert diagrams <= runs < whole.count("<details>") + 1
        assert diagrams < whole.count("```mermaid")
        assert "are not shown here" in text or runs == whole.count("<details>")
        assert text.count("<details>") == text.count("</details>")


def test_hostile_words_stay_words_in_markdown() -> None:
    text = markdown(made_up_results(HOSTILE, scenario="a|b/`<i>c", implementation="x*y:_z_"))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    headings = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    assert len(headings) == 1
    markup = [each.content for token in tokens for each in [token, *(token.children or ())] if "html" in each.type]
    assert {re.sub(r"[^<]*(<[^ >]*>)[^<]*", r"\1", each).strip() for each in markup} <= {
        "<details><summary><b></b></summary>",
        "</details>",
    }
    assert sum(token.type == "td_open" for token in tokens) == 7
    assert [token.info for token in tokens if token.type == "fence"] == ["sh", "mermaid"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="Node and npm are not installed")
@pytest.mark.timeout(240)
def test_mermaid_itself_reads_the_diagrams(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("mermaid"))
    if not (folder / "node_modules" / "mermaid").is_dir():
        (folder / "package.json").write_text("{}", "utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", MERMAID]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
        if done.returncode != 0:
            pytest.skip(f"{MERMAID} cannot be installed: {done.stderr[-200:]}")
    (folder / "parse.mjs").write_text(PARSE, "utf-8")
    journals = [run.journal for run in (*real_results().runs, *made_up_results(HOSTILE).runs)]
    diagrams = json.dumps([mermaid(journal, {2, 4}) for journal in journals])
    command = ["node", "parse.mjs"]
    done = subprocess.run(command, cwd=folder, input=diagrams, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "parsed\n", done.stderr
    broken = json.dumps(["sequenceDiagram\n  app->>: nobody\n"])
    done = subprocess.run(command, cwd=folder, input=broken, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0


def test_a_long_diagram_keeps_its_evidence_and_says_what_it_omits() -> None:
    run = next(run for run in real_results().runs if run.key == ("slow/image-never", "polling"))
    journal = run.journal
    last = journal.of(Response)[-1].number
    text = mermaid(journal, {last})
    assert text.count("✗ ") == 1
    assert re.search(r"\d+ steps are not shown", text)


# GitHub


def test_annotations_are_no_more_than_github_shows_and_the_last_one_counts() -> None:
    lines = annotations(results_with(*[made_up_result()] * 14)).splitlines()
    assert len(lines) == 10
    assert all(line.startswith("::error ") for line in lines)
    assert lines[-1].endswith("::14 runs violate an invariant; the worst 9 are shown, the report has all")
    assert len(annotations(results_with(*[made_up_result()] * 10)).splitlines()) == 10


def test_an_annotation_names_the_run_the_invariant_and_the_replay_command() -> None:
    (line,) = annotations(results_with(made_up_result())).splitlines()
    assert line == (
        "::error title=shop%3Aapp in made/up-0::failure-visible: a line"
        "%0Areplay: harness run shop:app made/up-0 --seed 1"
    )


def test_an_inconclusive_run_is_a_warning_and_a_held_one_is_omitted() -> None:
    (line,) = annotations(results_with(unjudged(made_up_result()))).splitlines()
    assert line.startswith("::warning ")
    assert annotations(results_with(replace(made_up_result(), verdicts=()))) == ""


def test_hostile_words_stay_within_their_annotation() -> None:
    lines = annotations(made_up_results(HOSTILE, scenario="a,b::c\nd%")).splitlines()
    assert len(lines) == 1
    assert "title=shop%3Aapp in a%2Cb%3A%3Cc" not in lines[0]
    assert "title=shop%3Aapp in a%2Cb%3A%3Ac%0Ad%25::" in lines[0]


# JSON


def test_json_and_ndjson_say_what_the_runs_said() -> None:
    results = real_results()
    whole = json.loads(stored_json(results))
    lines = [json.loads(line) for line in ndjson(results).splitlines()]
    assert len(lines) == len(whole["results"]) == len(results.runs) == 12
    assert [summary["implementation"] for summary in whole["summaries"]] == [
        "synchronous",
        "polling",
        "acknowledge-first",
    ]
    for line, told, run in zip(lines, whole["results"], results.runs, strict=True):
        assert (line["scenario"], line["implementation"]) == (told["scenario"], told["implementation"]) == run.key
        violated = [each["invariant"] for each in line["verdicts"] if each["state"] == "violated"]
        assert violated == [each.invariant for each in run.result.of("violated")]


# HAR


def test_har_can_be_read_by_a_reader_of_archives() -> None:
    results = real_results()
    archive = HarParser(json.loads(har(results)))
    assert len(archive.pages) == 12
    titles = [page.title for page in archive.pages]
    assert titles[0] == "synchronous in baseline/healthy, seed 1"
    page = archive.pages[titles.index("synchronous in slow/image-16s, seed 1")]
    by_url = {entry.url: entry for entry in page.entries}
    picture = by_url["http://api.kie.ai/api/v1/generate/image"]
    assert picture.status == 200
    assert picture.timings["wait"] == 16_000
    assert picture.response.mimeType.startswith("application/json")
    late = next(entry for entry in page.entries if entry.url.endswith("/callbacks/suno") and entry.status == 0)
    assert late.time == 15_000
    assert late.raw_entry["_error"] == "the client gave up"


def test_har_has_every_exchange_of_a_run_and_its_faults() -> None:
    from harness.engine.run import resolve
    from harness.engine.session import stored_run
    from harness.scenario import catalogue

    scenarios = catalogue.select(["slow/image-answer-dribbles"])
    run = stored_run(scenarios[0], resolve("strict"), 1)
    log = json.loads(har(results_of(scenarios, ["strict"], 1, [run])))["log"]
    assert log["version"] == "1.2"
    assert len(log["entries"]) == len(run.journal.of(Request))
    harmed = [entry["_fault"] for entry in log["entries"] if "_fault" in entry]
    assert len(harmed) == len({entry.cause for entry in run.journal.of(FaultTriggered)}) > 0


# Secrets


@pytest.mark.parametrize("report", [junit, markdown, annotations, ndjson, stored_json, har])
def test_no_report_contains_a_key(report: object) -> None:
    assert callable(report)
    leaky = "the answer to Bearer key-0123456789abcdef was no"
    text = report(results_with(made_up_result(text=leaky)))
    assert "0123456789abcdef" not in text
    assert "session=1" not in text
    assert "failure-visible" in text or report is har


def test_har_of_a_request_without_its_facts_is_an_archive_all_the_same() -> None:
    journal = Journal()
    journal.add(0.0, "run.began", 0, {})
    journal.add(0.0, "request", 1, {})
    journal.add(0.0, "response", 2, {"request": 2})
    (entry,) = json.loads(har(results_with(replace(made_up_result(), journal=journal))))["log"]["entries"]
    assert (entry["request"]["method"], entry["request"]["url"]) == ("", "http://")
