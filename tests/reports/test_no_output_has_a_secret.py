"""No output has a secret, and none of them repeats a command of a CI system that an application has written."""

import gzip
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from harness.trace.journal import read_journal
from harness.world.run_header import keys
from tests.apps.leaky import PLANTED, by_value

LEAKY = Path(__file__).parents[1] / "apps" / "leaky.py"
IMPLEMENTATION = "leaky.py:on_music"
OBEYED = re.compile(
    r"::(error file|set-output|add-mask)|##(\[|vso\[|teamcity\[)|section_start:|\x1b\]|\x1b\[0K", re.IGNORECASE
)
FILES = ("json", "save", "ndjson", "junit", "markdown", "github", "html", "har")
FORMS = [form for key in keys(1) for name, form in by_value(key).items() if name != "basic"]


def harness(folder: Path, *words: str, code: int | None = None) -> str:
    """Run a command and return all that it wrote to its terminal, in colours."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COLUMNS": "90", "FORCE_COLOR": "1"}
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert code is None or done.returncode == code, done.stderr
    return done.stdout + done.stderr


def must_be_clean(name: str, text: str) -> None:
    lower = "".join(text.split()).lower()  # a terminal breaks long lines
    assert [secret for secret in PLANTED if secret.lower() in lower] == [], name
    assert [form for form in FORMS if form.lower() in lower] == [], name
    if name != "github":  # a line that names the first cause
        assert "(redacted-" in text, f"{name} has nothing of what was leaked"
    if name not in ("save", "journal", "html"):
        assert OBEYED.search(text) is None, name


def content(file: Path) -> str:
    """Return the text of a file; of an archive what is packed in it, and of a page with its packed parts."""
    read = file.read_bytes()
    text = gzip.decompress(read).decode() if read[:2] == b"\x1f\x8b" else read.decode()
    packed = re.findall(r'<script type="text/plain" id="block-\d+">([^<]*)</script>', text)
    return "\n".join([text, *(gzip.decompress(b64decode(each)).decode() for each in packed)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the application and all files of its run, and what the run's terminal showed."""
    made = tmp_path_factory.mktemp("leaky")
    (made / "leaky.py").write_text(LEAKY.read_text("utf-8"), "utf-8")
    reports = [word for name in FILES for word in (f"--{name}", f"out.{name}")]
    words = ["harness", "run", IMPLEMENTATION, "callbacks/forgery-unsigned", "-v", "--journal", "journals", *reports]
    (made / "terminal").write_text(harness(made, *words, code=1), "utf-8")
    return made


def test_no_file_of_a_run_has_a_secret(folder: Path) -> None:
    for name in FILES:
        must_be_clean(name, content(folder / f"out.{name}"))
    (journal,) = (folder / "journals").iterdir()
    must_be_clean("journal", content(journal))


def test_the_terminal_shows_no_secret(folder: Path) -> None:
    must_be_clean("terminal", content(folder / "terminal"))


@pytest.mark.slow
def test_what_is_made_of_files_shows_no_secret(folder: Path) -> None:
    (journal,) = (folder / "journals").iterdir()
    must_be_clean("judge", harness(folder, "harness", "judge", "-v", str(journal), code=1))
    must_be_clean("judge --json", harness(folder, "harness", "judge", str(journal), "--json", "-", code=1))
    reports = [word for name in FILES if name != "save" for word in (f"--{name}", f"again.{name}")]
    harness(folder, "harness", "report", "out.save", *reports, code=0)
    for name in FILES:
        if name != "save":
            must_be_clean(name, content(folder / f"again.{name}"))


@pytest.mark.slow
def test_verdicts_of_saved_files_are_those_of_the_run(folder: Path) -> None:
    (journal,) = (folder / "journals").iterdir()
    harness(folder, "harness", "judge", str(journal), "--json", "judged.json", code=1)
    verdicts = re.compile(r'"verdicts": \[.*?\]', re.DOTALL)
    assert verdicts.findall(content(folder / "judged.json")) == verdicts.findall(content(folder / "out.json"))
    assert '"keeps-secrets",\n     "state": "violated"' in content(folder / "out.json")
    again = ["harness", "run", IMPLEMENTATION, "callbacks/forgery-unsigned", "--baseline", "out.save"]
    assert "nothing changed in 1 runs" in harness(folder, *again, code=0)


def test_an_archive_of_an_earlier_version_is_redacted_when_it_is_read(folder: Path) -> None:
    old = content(folder / "out.save").replace("(secret-1)", keys(1)[0]).replace("(redacted-1)", PLANTED[0])
    (folder / "old").write_bytes(gzip.compress(old.encode()))
    harness(folder, "harness", "merge", "old", "--save", "new", "--ndjson", "new.ndjson", code=0)
    must_be_clean("save", content(folder / "new"))
    must_be_clean("ndjson", content(folder / "new.ndjson"))


def test_a_comparison_shows_no_secret(folder: Path) -> None:
    words = ["compare", "baseline/healthy", "--only", "polling", "--with", IMPLEMENTATION]
    said = harness(folder, "harness", *words, "--json", "compared.json", code=0)
    must_be_clean("compare", said + "(redacted-")
    must_be_clean("compare --json", content(folder / "compared.json"))


@pytest.mark.slow
def test_changes_since_a_baseline_show_no_secret(folder: Path) -> None:
    before = content(folder / "out.save").replace('"violated"', '"held"')
    (folder / "held").write_bytes(gzip.compress(before.encode()))
    again = ["harness", "run", IMPLEMENTATION, "callbacks/forgery-unsigned", "--baseline", "held"]
    said = harness(folder, *again, code=1)
    assert "was held" in said
    must_be_clean("baseline", said)


@pytest.mark.slow
def test_differences_of_two_runs_show_no_secret(folder: Path) -> None:
    text = LEAKY.read_text("utf-8").replace("said = ", "said = f'{hash(track[\"title\"])} ' + ")
    (folder / "changing.py").write_text(text, "utf-8")
    said = harness(folder, "harness", "run", "changing.py:on_music", "baseline/healthy", "--twice", code=1)
    assert "is not deterministic" in said
    must_be_clean("--twice", said)


def test_an_error_shows_no_secret(folder: Path) -> None:
    text = "import os\nfrom leaky import lines\nraise RuntimeError(' | '.join(lines()))\n"
    (folder / "broken.py").write_text(text, "utf-8")
    must_be_clean("error", harness(folder, "harness", "run", "broken.py:app", "baseline/healthy"))


@pytest.mark.slow
def test_pytest_shows_no_secret(folder: Path) -> None:
    test = f"""
from harness.pytest_plugin import explained

def test_it(run_scenario):
    result = run_scenario("baseline/healthy", "{IMPLEMENTATION}")
    assert result.violated == (), explained(result)
"""
    (folder / "test_it.py").write_text(test, "utf-8")
    words = [f"--harness-implementation={IMPLEMENTATION}", "--harness-scenarios=baseline/healthy", "-vv", "."]
    said = harness(folder, "pytest", "-p", "no:cacheprovider", *words, code=1)
    assert "2 failed" in said
    must_be_clean("pytest", said)


@pytest.mark.slow
def test_every_shipped_pair_is_judged_alike_when_redacted() -> None:
    from harness.engine.run import judged_again, resolve, run
    from harness.scenario import catalogue

    for scenario in catalogue.select(["callbacks", "baseline"]):
        result = run(scenario, resolve("acknowledge-first"), 1)
        assert result.journal is not None
        again = judged_again(read_journal(result.journal.to_jsonl()))
        assert (again.verdicts, again.metrics) == (result.verdicts, result.metrics)
        assert again.journal == result.journal or again.journal.to_jsonl() == result.journal.to_jsonl()  # type: ignore[union-attr]
