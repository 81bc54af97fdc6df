"""`--save`, `--html` and `harness report` on the command line, and what the page's file is made of."""

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import HarnessError
from harness.report.html import page
from harness.results.archive_file import read_results
from tests.reports.runs import made_up_results, real_results


def harness(*words: str) -> str:
    done = CliRunner().invoke(cli, words, catch_exceptions=True)
    if isinstance(done.exception, HarnessError):
        raise done.exception
    return done.output


def test_a_comparison_is_saved_and_reported_later(tmp_path: Path) -> None:
    saved, at_once, later = (str(tmp_path / name) for name in ("all.results", "at-once.html", "later.html"))
    words = ["compare", "baseline/healthy", "slow/image-16s", "--only", "strict", "--only", "synchronous", "-q"]
    printed = harness(*words, "--save", saved, "--html", at_once)
    assert printed == harness(*words)
    results = read_results(saved)
    assert [implementation.name for implementation in results.implementations] == ["strict", "synchronous"]
    assert len(results.runs) == 4
    assert "A picture after 16 s is one second more than Suno waits" in results.scenarios[1].why
    assert results.scenarios[1].text.startswith("# yaml-language-server") or "why:" in results.scenarios[1].text
    harness("report", saved, "--html", later)
    assert Path(later).read_bytes() == Path(at_once).read_bytes()


def test_a_run_is_saved_with_the_same_words_on_the_screen(tmp_path: Path) -> None:
    words = ["run", "synchronous", "slow/image-16s", "baseline/healthy"]
    wall = re.compile(r"(?<= in )[0-9.]+ m?s")
    printed = harness(*words, "--save", str(tmp_path / "run.results"), "--html", str(tmp_path / "run.html"))
    assert wall.sub("", printed) == wall.sub("", harness(*words))
    assert [run.result.scenario for run in read_results(str(tmp_path / "run.results")).runs] == [
        "slow/image-16s",
        "baseline/healthy",
    ]


def test_a_scenario_from_a_file_is_replayed_by_its_file(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("why: Nothing.\n", "utf-8")
    harness("run", "strict", str(own), "--save", str(tmp_path / "own.results"))
    [scenario] = read_results(str(tmp_path / "own.results")).scenarios
    assert scenario.selector.endswith("own.yaml")
    assert scenario.text == "why: Nothing.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["report", "none.results", "--html", "x.html"], "none.results: there is no such file"),
        (["report", __file__, "--html", "x.html"], ":1: not a results archive"),
        (["report", __file__], "nothing to do: pass a report option"),
        (["compare", "baseline/healthy", "--save", "no/such/folder/x"], "cannot be written"),
        (["run", "strict", "baseline/healthy", "--html", "no/such/folder/x"], "cannot be written"),
        (["compare", "baseline/healthy", "--save", "-"], "--save: expected a file"),
    ],
    ids=str,
)
def test_a_mistake_is_reported_before_anything_runs(words: list[str], told: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(told)):
        harness(*words)


def test_a_report_can_go_to_a_pipe(tmp_path: Path) -> None:
    saved = str(tmp_path / "run.results")
    harness("run", "strict", "baseline/healthy", "--save", saved)
    command = [sys.executable, "-m", "harness", "report", saved, "--html", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout == page(read_results(saved))
    command = [sys.executable, "-m", "harness", "run", "strict", "baseline/healthy", "--html", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout == page(read_results(saved))


def test_the_same_results_make_the_same_page() -> None:
    assert page(real_results()) == page(real_results())


def test_the_pages_policy_names_its_own_style_and_script_and_nothing_else() -> None:
    text = page(real_results()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        [inner] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert rules[rule] == f"'sha256-{b64encode(sha256(inner.encode()).digest()).decode()}'"
    assert "unsafe" not in policy[1]


def test_nothing_in_the_page_points_elsewhere() -> None:
    text = page(real_results()).decode()
    markup = re.sub(r"<script type=.*?</script>", "", text, flags=re.DOTALL)
    assert set(re.findall(r"https?://[^\s\"'<)]+", markup)) == {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"|url\((?!#)|@import", markup)


def test_hostile_names_do_not_end_an_element() -> None:
    hostile = "</script></title></style><img src=x onerror=alert(1)>{{blocks}}"
    text = page(made_up_results(text=hostile, scenario=hostile, implementation=hostile)).decode()
    calm = page(made_up_results()).decode()
    assert "<img" not in text
    for tag in ("<script", "</script>", "</title>", "</style>"):
        assert text.count(tag) == calm.count(tag)
