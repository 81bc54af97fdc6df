"""The command line, used as a user does: through a subprocess where the process matters, otherwise through `main`."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import cli
from harness.invariants import registry
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from tests import in_process

ESCAPE = "\x1b["
HEALTHY = "baseline/healthy"
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    {body}
"""
ANSWER = """
    await send({{"type": "http.response.start", "status": {status}, "headers": []}})
    await send({{"type": "http.response.body", "body": {content!r}}})
"""


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`harness(*words) -> Said`, in this process, in an empty folder, at 100 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def command(*words: str, columns: int = 100) -> Said:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        kept = list(sys.path)
        with pytest.raises(SystemExit) as ended:
            in_process.main()
        sys.path[:] = kept
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return command


def process(*words: str, folder: Path, env: dict[str, str] | None = None) -> Said:
    """The command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=folder,
        env=_environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def _environment(more: dict[str, str] | None = None) -> dict[str, str]:
    root = str(Path(cli.__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": root, "COLUMNS": "100", **(more or {})}


def one_line(text: str) -> str:
    """Text as if the screen were endlessly wide."""
    return " ".join(text.split())


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


# Exit codes


def test_0_when_every_invariant_holds(harness: Any) -> None:
    said = harness("run", "strict", HEALTHY)
    assert said.code == 0
    assert "1 held" in said.out
    assert said.err == ""


def test_1_when_an_invariant_is_violated_and_the_report_says_how_to_replay_it(harness: Any) -> None:
    said = harness("run", "synchronous", "slow/image-16s", "--seed", "3")
    assert said.code == 1
    assert 'callback-answered: the "complete" callback was ' in one_line(said.out)
    assert "replay: harness run synchronous slow/image-16s --seed 3" in said.out
    assert "app.test → api.kie.ai POST /api/v1/generate/image" in one_line(said.out), "where the time went"


def test_a_warning_alone_is_one_line_and_no_failure(harness: Any) -> None:
    said = harness("run", "strict", HEALTHY)
    assert said.code == 0
    assert "! image-durable (warning)" in said.out
    assert "1 held (1 with a warning) of 1 scenario, seed 1" in said.out
    assert "#" not in said.out, "no sequence of events for a warning"


def test_3_when_nothing_is_violated_but_something_is_inconclusive(harness: Any, tmp_path: Path) -> None:
    body = ANSWER.format(status=201, content=b'{"id": "t1"}')
    written(tmp_path, "blind.py", ASGI.format(body=body.strip()))
    said = harness("run", "blind.py:app", HEALTHY)
    assert said.code == 3
    assert "DATABASE_PATH has no `tracks` table" in one_line(said.out)
    assert "1 inconclusive" in said.out


def test_comparing_succeeds_despite_violations(harness: Any) -> None:
    said = harness("compare", HEALTHY, "--only", "trusting")
    assert said.code == 0
    assert "✗" in said.out


# Mistakes at the prompt


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["compar"], 'unknown command "compar"; did you mean "compare"?'),
        (["run", "synchronus", HEALTHY], 'unknown strategy "synchronus"; did you mean "synchronous"?'),
        (["compare", "--only", "strct"], 'unknown strategy "strct"; did you mean "strict"?'),
        (["run", "strict", "slow/image-16"], 'unknown scenario "slow/image-16"; did you mean "slow/image-16s"?'),
        (["compare", "slw"], 'unknown scenario "slw"; did you mean "slow"?'),
        (["run", "strict", HEALTHY, "--twicee"], "'--twice'?"),
        (["run"], "Missing argument 'IMPLEMENTATION'"),
        (["run", "strict", ""], 'unknown scenario ""'),
        (["run", "strict", HEALTHY, "--seed", "-1"], "-1 is not in the range"),
        (["list", "scenaros"], "'scenaros' is not one of 'scenarios', 'invariants', 'strategies'"),
        (["list", "strategies", "slow"], '"list strategies" takes no further arguments'),
        (["run", ":app", HEALTHY], '":app" does not name an implementation'),
        (["run", "http://127.0.0.1:9", HEALTHY], "nothing listens on 127.0.0.1:9"),
        (["run", "http://127.0.0.1:9", HEALTHY, "--twice"], "live runs cannot be repeated byte for byte"),
        (["serve", "baseline"], f"matches {len(catalogue.select(['baseline']))} scenarios, expected one"),
        (["serve", "--speed", "auto"], "--speed auto has no effect here"),
        (["run", "strict", HEALTHY, "--speed", "fast"], 'nor "auto"'),
        (["run", "strict", "nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["run", "strict", "."], "expected scenario files (*.yaml, *.yml), found none"),
        (["validate", "nosuch.yaml"], "nosuch.yaml: there is no such file"),
        (["validate"], "Missing argument"),
        (["show", "nosuch"], 'unknown scenario "nosuch"'),
        (["judge", "nosuch.jsonl"], "nosuch.jsonl: there is no such file"),
    ],
)
def test_2_and_a_sentence_for_a_mistake(harness: Any, words: list[str], sentence: str) -> None:
    said = harness(*words)
    assert said.code == 2
    assert sentence in one_line(said.err)
    assert "Traceback" not in said.err


def test_an_invalid_scenario_file_is_reported_with_file_line_and_column(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "late.yaml", "why: late\nkie:\n  images:\n    - takes: 16\n")
    for words in (["validate", "late.yaml"], ["run", "strict", "late.yaml"], ["show", "late.yaml"]):
        said = harness(*words)
        assert said.code == 2
        assert 'late.yaml:4:14: kie.images[0].takes: "16" has no unit, write "16s"' in said.err


def test_two_scenario_files_with_one_name_are_refused(harness: Any, tmp_path: Path) -> None:
    for folder in ("one/mine", "two/mine"):
        (tmp_path / folder).mkdir(parents=True)
        written(tmp_path / folder, "same.yaml", "why: all is well\n")
    said = harness("run", "strict", "one", "two")
    assert said.code == 2
    assert 'are both named "mine/same"' in one_line(said.err)


def test_an_unwritable_file_is_reported_before_anything_runs(harness: Any, tmp_path: Path) -> None:
    imported = tmp_path / "imported"
    written(tmp_path, "app.py", f"open({str(imported)!r}, 'w').close()\nasync def on_callback(payload, track): ...\n")
    for target, why in ((tmp_path / "nowhere" / "x.json", "no such folder"), (tmp_path, "it is a folder")):
        said = harness("run", str(tmp_path / "app.py:on_callback"), "--json", str(target))
        assert said.code == 2
        assert why in one_line(said.err)
        assert not imported.exists()
    harness("run", str(tmp_path / "app.py:on_callback"), "baseline/healthy", "-q")
    assert imported.exists()


def test_an_unwritable_journal_folder_is_reported(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "taken", "a file")
    said = harness("run", "strict", HEALTHY, "--journal", "taken")
    assert said.code == 2
    assert "cannot be written" in said.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "found an empty file"),
        ("hello\n", "bad.jsonl:1:1: invalid JSON"),
        ('{"journal":9}\n', "expected journal version 1, found journal version 9"),
        ('{"journal":1}\n', "expected at least one entry, found none"),
        (
            '{"journal":1}\n{"n":1,"at_s":0,"kind":"log","cause":0,'
            '"facts":{"level":"info","logger":"app","text":""}}\n',
            'expected a first entry "run.began", found "log"',
        ),
        ('{"journal":1}\n{"n":1,"at_s":0,"kind":"run.began","cause":0,"facts":{}}\n', 'lacks the fact "scenario"'),
    ],
)
def test_a_file_that_is_not_a_journal_is_refused(harness: Any, tmp_path: Path, text: str, sentence: str) -> None:
    written(tmp_path, "bad.jsonl", text)
    said = harness("judge", "bad.jsonl")
    assert said.code == 2
    assert sentence in one_line(said.err)


# Implementations that misbehave


@pytest.mark.parametrize(
    ("name", "text", "target", "sentence"),
    [
        ("a0.py", "x = 1 / 0\n", "a0:x", 'importing "a0" raises ZeroDivisionError: division by zero'),
        ("a1.py", "x = 1 / 0\n", "a1.py:x", "(a1.py, line 1)"),
        ("a2.py", "def app(:\n", "a2.py:app", "raises SyntaxError"),
        ("a3.py", "import no_such_package\n", "a3:app", '"a3" imports "no_such_package", which is not installed'),
        ("a4.py", "def on_music(payload, track): ...\n", "a4.py:on_musik", 'did you mean "on_music"?'),
        ("a5.py", "import sys\nsys.exit(3)\n", "a5.py:app", "raises SystemExit: 3"),
        (
            "a6.py",
            "def make():\n    raise ValueError('no')\n",
            "a6.py:make",
            "raises an exception when it is started: ValueError: no",
        ),
        ("a7.py", "def make(): ...\n", "a7.py:make", "returned None, expected an ASGI application"),
        ("a8.py", "async def make(): ...\n", "a8.py:make", "is async; make it a plain function"),
        ("a9.py", "number = 4\n", "a9.py:number", "is a value of type int, expected an ASGI application"),
        ("b0.py", "def five(a, b, c, d, e): ...\n", "b0.py:five", "takes 5 parameters, expected"),
        ("b4.py", "def app(environ, start_response): ...\n", "b4.py:app", "is a WSGI application (Flask, Django)"),
        ("b5.py", "import flask\napp = flask.Flask('x')\n", "b5.py:app", "`harness init` writes a harness.toml"),
        ("b6.py", "import flask\ndef make(): return flask.Flask('x')\n", "b6.py:make", "is a WSGI application"),
        ("b7.py", "def on_music(*args, **more): ...\n", "b7.py:on_music", "which hides its parameters"),
        ("b1.py", "", "nowhere.py:app", 'no such file: "nowhere.py"'),
        ("b2.py", "", "nowhere:app", 'no module "nowhere" in'),
        (
            "b3.py",
            "async def app(scope, receive, send):\n"
            "    await receive()\n"
            "    await send({'type': 'lifespan.startup.failed', 'message': 'no redis'})\n",
            "b3.py:app",
            "the application does not start: no redis",
        ),
    ],
)
def test_an_implementation_that_does_not_start_is_one_sentence(
    harness: Any, tmp_path: Path, name: str, text: str, target: str, sentence: str
) -> None:
    written(tmp_path, name, text)
    said = harness("run", target, HEALTHY)
    assert said.code == 2
    assert sentence in one_line(said.err)
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize("target", ["bound", "Callback()", "nothing_left", "wrapped", "Methods().on_music", "made"])
def test_what_takes_payload_and_track_is_a_callback_function(harness: Any, tmp_path: Path, target: str) -> None:
    written(
        tmp_path,
        "shapes.py",
        "import functools\n"
        "def three(settings, payload, track): return {'status': 'failed', 'failure_reason': 'by me'}\n"
        "bound = functools.partial(three, {})\n"
        "nothing_left = lambda payload, track, more=None: three({}, payload, track)\n"
        "def wraps(function):\n"
        "    @functools.wraps(function)\n"
        "    def inner(*args, **more): return function(*args, **more)\n"
        "    return inner\n"
        "wrapped = wraps(bound)\n"
        "class Callback:\n"
        "    def __call__(self, payload, track): return bound(payload, track)\n"
        "class Methods:\n"
        "    def on_music(self, payload, track): return bound(payload, track)\n"
        "made = functools.partial(lambda give: give, bound)\n"
        f"target = {target}\n",
    )
    said = harness("run", "shapes.py:target", HEALTHY, "--json", "-")
    (result,) = json.loads(said.out)["results"]
    assert result["tracks"][0]["final"]["failure_reason"] == "by me"


@pytest.mark.parametrize(
    ("name", "body", "code", "sentence"),
    [
        ("c0.py", "import asyncio; await asyncio.Event().wait()", 1, "POST /tracks got no answer within 300 s"),
        ("c1.py", ANSWER.format(status=201, content=b"<html>").strip(), 3, "POST /tracks answered '<html>'"),
        ("c2.py", "raise KeyError('oops')", 1, "log error: Exception in ASGI application: KeyError: 'oops'"),
        ("c3.py", "import sys; sys.exit(4)", 1, "POST /tracks answered HTTP 500"),
        ("c4.py", "import os; os._exit(7)", 1, "SystemExit: 7"),
    ],
)
def test_an_implementation_that_misbehaves_gets_an_honest_verdict(
    harness: Any, tmp_path: Path, name: str, body: str, code: int, sentence: str
) -> None:
    written(tmp_path, name, ASGI.format(body=body))
    said = harness("run", f"{name}:app", HEALTHY)
    assert said.code == code
    assert sentence in one_line(said.out)
    assert "Traceback" not in said.out + said.err


def test_a_livelock_is_reported(tmp_path: Path) -> None:
    written(tmp_path, "c5.py", ASGI.format(body="import asyncio\n    while True: await asyncio.sleep(0)"))
    said = process("run", "c5.py:app", HEALTHY, folder=tmp_path)
    assert said.code in (1, 3)
    assert "livelock: work keeps being scheduled" in said.out
    assert "Traceback" not in said.out + said.err


def test_an_endless_loop_ends_in_a_verdict_about_it(tmp_path: Path) -> None:
    written(tmp_path, "c6.py", ASGI.format(body="while True: pass"))
    said = process("run", "c6.py:app", HEALTHY, folder=tmp_path)
    assert said.code == 3
    assert "? every invariant: the run could not be simulated: the implementation has not returned control" in one_line(
        said.out
    )


def test_a_callback_function_that_returns_a_wrong_type_gets_the_expected_one(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "d0.py", "def on_music(payload, track):\n    return 5\n")
    said = harness("run", "d0.py:on_music", HEALTHY)
    assert said.code == 1
    assert "the callback function returned int, expected a dict or None" in one_line(said.out)


# Results for programs


def test_json_on_stdout_is_json_and_nothing_else(harness: Any) -> None:
    said = harness("run", "synchronous", "slow/image-16s", "--json", "-")
    assert said.code == 1
    results = json.loads(said.out)
    assert results["format"] == "harness-results/1"
    assert results["seed"] == 1
    (result,) = results["results"]
    assert set(result) == {
        *(
            "scenario",
            "implementation",
            "seed",
            "ending",
            "simulated_s",
            "wall_s",
            "verdicts",
            "causes",
            "tracks",
            "metrics",
        ),
        "never_acted",
    }
    assert [verdict["invariant"] for verdict in result["verdicts"]] == list(registry.INVARIANTS)
    assert {tuple(verdict) for verdict in result["verdicts"]} == {
        ("invariant", "state", "severity", "reason", "evidence")
    }
    assert result["metrics"]["generations_accepted"] == 1
    assert result["tracks"][0]["outcome"] == "2k"
    assert result["tracks"][0]["final"]["status"] == "complete"


def test_json_of_a_comparison_holds_every_run_and_a_summary_for_each(harness: Any, tmp_path: Path) -> None:
    said = harness("compare", HEALTHY, "slow/image-16s", "--json", "x.json", "-q")
    assert said.code == 0
    results = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert len(results["results"]) == 2 * len(STRATEGIES)
    assert [summary["implementation"] for summary in results["summaries"]] == list(STRATEGIES)
    synchronous = next(s for s in results["summaries"] if s["implementation"] == "synchronous")
    assert synchronous["runs"] == 2
    assert synchronous["violations"] == {"callback-answered": 1}
    assert "NaN" not in (tmp_path / "x.json").read_text(encoding="utf-8")


def test_a_journal_is_judged_again_to_the_same_verdicts(harness: Any, tmp_path: Path) -> None:
    names = ["slow/image-76s", "callbacks/forgery-unsigned"]
    ran = harness("run", "synchronous", *names, "--journal", "kept", "--json", "-")
    first = {result["scenario"]: result for result in json.loads(ran.out)["results"]}
    journals = sorted((tmp_path / "kept").glob("*.jsonl"))
    assert len(journals) == len(names)
    for journal in journals:
        judged = harness("judge", str(journal), "--json", "-")
        (again,) = json.loads(judged.out)["results"]
        assert judged.code == 1
        assert {**again, "wall_s": 0} == {**first[again["scenario"]], "wall_s": 0}
    judged = harness("judge", str(journals[0]))
    assert judged.code == 1
    assert "replay: harness run synchronous" in judged.out


def test_the_same_seed_gives_the_same_journal_byte_for_byte_in_another_process(tmp_path: Path) -> None:
    for hash_seed in ("1", "2"):
        words = ["run", "acknowledge-first", "slow/image-76s", "--journal", hash_seed, "-q"]
        assert process(*words, folder=tmp_path, env={"PYTHONHASHSEED": hash_seed}).code == 0
    (one,), (other,) = (list((tmp_path / hash_seed).iterdir()) for hash_seed in ("1", "2"))
    assert one.read_bytes() == other.read_bytes()


def test_twice_is_content_with_a_deterministic_implementation(harness: Any) -> None:
    said = harness("run", "acknowledge-first", HEALTHY, "--twice")
    assert said.code == 0
    assert "not deterministic" not in said.out


@pytest.mark.parametrize("impurity", ["', '.join({'alpha', 'beta', 'gamma', 'delta', 'epsilon'})", "id(payload)"])
def test_twice_names_the_first_entry_that_differs(tmp_path: Path, impurity: str) -> None:
    code = f"import logging\ndef on_music(payload, track):\n    logging.info('it is %s', {impurity})\n"
    written(tmp_path, "f0.py", code)
    said = process("run", "f0.py:on_music", HEALTHY, "--twice", "-q", folder=tmp_path, env={"PYTHONHASHSEED": "1"})
    assert said.code == 1
    assert re.search(
        r"✗ baseline/healthy is not deterministic; the first difference is entry #\d+ at 9\.000 s", said.out
    )
    first, second = re.findall(r"(?:first|second) run: +log info: it is (.+)", said.out)
    assert first != second


# The screen


def test_a_pipe_gets_no_escape_codes_and_no_trailing_blanks(tmp_path: Path) -> None:
    said = process("compare", "baseline", folder=tmp_path)
    assert said.code == 0
    assert ESCAPE not in said.out + said.err
    assert not [line for line in said.out.splitlines() if line != line.rstrip()]


def test_colours_can_be_forced_and_forbidden(tmp_path: Path) -> None:
    forced = process("run", "strict", HEALTHY, folder=tmp_path, env={"FORCE_COLOR": "1"})
    assert ESCAPE in forced.out
    forbidden = process("run", "strict", HEALTHY, folder=tmp_path, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert "\x1b[3" not in forbidden.out, "NO_COLOR wins over FORCE_COLOR"


@pytest.mark.parametrize("columns", [80, pytest.param(100, marks=pytest.mark.thorough), 200])
def test_no_line_is_longer_than_the_screen_and_every_name_can_be_read(
    harness: Any, tmp_path: Path, columns: int
) -> None:
    body = ANSWER.format(status=201, content=b'{"id": "t1"}')
    written(tmp_path, "a_rather_long_module_name.py", ASGI.format(body=body.strip()))
    mine = "a_rather_long_module_name.py:app"
    for words in (
        ["compare", HEALTHY, "slow", "--only", "strict", "--with", mine],
        ["compare", HEALTHY, "--with", mine],
        ["compare", "baseline/healthy-twenty-tracks", "slow/image-lognormal"],
        ["run", "synchronous", "slow/image-76s", "-v"],
        ["list", "scenarios", "slow"],
        ["list", "strategies"],
        ["list", "invariants"],
        ["show", "baseline"],
    ):
        said = harness(*words, columns=columns)
        too_long = [line for line in said.out.splitlines() if len(line) > columns]
        assert not too_long, f"{words}: {too_long[0]}"
        if "--with" in words:
            assert mine in said.out
        elif words[0] == "compare":
            assert all(name in said.out for name in STRATEGIES)
            assert "baseline/healthy-twenty-tracks" in said.out


@pytest.mark.parametrize("columns", [30, 40, 60, 80])
def test_no_number_is_left_out_on_a_narrow_screen(harness: Any, tmp_path: Path, columns: int) -> None:
    """Every cell of the tables, read again from the screen."""
    folder = tmp_path / "some" / "longer" / "path" / "of" / "a" / "project"
    folder.mkdir(parents=True)
    written(folder, "callbacks.py", "on_music = lambda payload, track: None\n")
    mine = f"{folder.relative_to(tmp_path)}/callbacks.py:on_music"
    said = harness("compare", "slow/image-5s", "slow/image-16s", "--with", mine, "--json", "x.json", columns=columns)
    assert not [line for line in said.out.splitlines() if len(line) > columns]
    tables = said.out.partition("could not be" if columns < 60 else "judged")[2].partition("keep")[0]
    assert not re.findall(r"\S*\d…", said.out.partition(mine)[0] + tables), said.out
    results = json.loads((tmp_path / "x.json").read_text("utf-8"))
    cells: dict[str, list[str]] = {}
    for line in said.out.splitlines():
        if line.strip().startswith(("slow/image", "image-2k", "all held")):
            name, *values = re.split(r"\s{2,}", line.strip())
            cells.setdefault(name, []).extend(values)
    for name in ("slow/image-5s", "slow/image-16s"):
        broken = [
            sum(each["state"] == "violated" and each["severity"] == "error" for each in result["verdicts"])
            for result in results["results"]
            if result["scenario"] == name
        ]
        assert cells[name] == [f"✗{count}" if count else "✓" for count in broken]
    counts = [summary["violations"].get("image-2k", 0) for summary in results["summaries"]]
    assert cells["image-2k"] == [str(count) if count else "·" for count in counts]


def test_a_terminal_without_these_characters_shows_others(tmp_path: Path) -> None:
    said = process("run", "synchronous", "slow/image-16s", folder=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert said.code == 1
    assert "Traceback" not in said.err
    assert "callback-answered" in said.out


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "harness", "list", "scenarios"],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    running.stdout.close()
    with running:
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_quiet_prints_only_the_conclusion(harness: Any) -> None:
    run = harness("run", "synchronous", "slow/image-16s", "-q")
    assert run.out == "0 held, 1 violated of 1 scenario, seed 1\n"
    compared = harness("compare", HEALTHY, "-q")
    assert "scenario " not in compared.out.splitlines()[0]
    assert "acknowledge-first" in compared.out


def test_verbose_shows_every_verdict(harness: Any) -> None:
    said = harness("run", "strict", HEALTHY, "-v")
    assert all(name in said.out for name in registry.INVARIANTS)


def test_interrupting_ends_with_130_and_without_a_traceback(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "harness", "compare", "--workers", "2"],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        time.sleep(1.5)  # real: the process must be in the middle of its work
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in out + err


# The other commands


def test_help_is_there_for_every_command(harness: Any) -> None:
    assert "harness compare" in harness("--help").out
    for name in cli.cli.commands:
        said = harness(name, "-h")
        assert said.code == 0
        assert said.out.startswith(f"Usage: harness {name}")


def test_help_of_every_command_fits_80_columns_and_has_an_example(harness: Any) -> None:
    for name in cli.cli.commands:
        said = harness(name, "--help", columns=80)
        assert said.code == 0
        assert [line for line in said.out.splitlines() if len(line) > 80] == []
        assert re.search(r"^  Examples?:\n    .*harness", said.out, re.MULTILINE), name


@pytest.mark.parametrize("columns", [40, 80])
def test_help_lists_every_command_in_a_section_with_its_whole_summary(harness: Any, columns: int) -> None:
    said = harness("--help", columns=columns)
    sections = said.out.partition("Run and compare:")[2]
    assert [line for line in sections.splitlines() if len(line) > columns] == []
    for name, command in cli.cli.commands.items():
        assert re.search(rf"^  {name}  ", sections, re.MULTILINE)
        assert command.get_short_help_str(80) in one_line(sections)
        assert not command.get_short_help_str(80).endswith("...")
    assert "Commands of plugins" not in said.out


def test_help_lists_options_in_groups(harness: Any) -> None:
    said = harness("run", "--help", columns=80)
    titles = re.findall(r"^(\w[\w ]*):$", said.out, re.MULTILINE)
    assert titles == ["Selection", "Judging", "Execution", "Output", "Other options"]
    other = said.out.partition("Other options:")[2]
    assert other.split() == ["-h,", "--help", "Show", "this", "message", "and", "exit."]


def test_the_version_is_shown_installed_or_not(harness: Any) -> None:
    said = harness("--version")
    assert said.code == 0
    assert said.out.startswith("harness ")


def test_lists_name_everything_there_is(harness: Any) -> None:
    from harness.scenario import catalogue

    scenarios, invariants, strategies, slow = (
        harness("list", *words).out for words in (["scenarios"], ["invariants"], ["strategies"], ["scenarios", "slow"])
    )
    assert not [name for name in catalogue.shipped_names() if name not in scenarios]
    assert not [name for name in registry.INVARIANTS if name not in invariants]
    assert not [name for name in STRATEGIES if name not in strategies]
    assert "slow/image-16s" in slow
    assert "baseline" not in slow


def test_show_prints_the_purpose_and_the_file_of_several_scenarios(harness: Any) -> None:
    said = harness("show", "baseline")
    assert said.code == 0
    assert "baseline/healthy\n" in said.out
    assert "baseline/healthy.yaml\n" in said.out


def test_show_prints_exactly_the_file_when_piped(harness: Any, tmp_path: Path) -> None:
    said = piped("harness show slow/image-16s | harness validate /dev/stdin", tmp_path)
    assert (said.code, said.out) == (0, "1 of 1 scenario file valid\n")
    assert harness("show", "slow/image-16s").out == harness("show", "slow/image-16s", "--raw").out


def test_show_raw_prints_exactly_the_file(harness: Any, tmp_path: Path) -> None:
    from harness.scenario import catalogue

    (shipped,) = catalogue.select(["slow/image-16s"])
    assert shipped.path is not None
    said = harness("show", "slow/image-16s", "--raw", columns=40)
    assert said.out == Path(shipped.path).read_text("utf-8")
    assert harness("validate", str(written(tmp_path, "mine.yaml", said.out))).code == 0
    refused = harness("show", "baseline", "--raw")
    assert refused.code == 2
    assert re.search(r'"baseline" matches \d+ scenarios; --raw prints one', refused.err)


def test_validate_counts_what_is_good(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "good.yaml", "why: all is well\n")
    said = harness("validate", "good.yaml", "slow")
    assert said.code == 0
    assert re.search(r"(\d+) of \1 scenario files valid", said.out)


def test_the_schema_is_the_one_in_the_scenarios_folder(harness: Any) -> None:
    from harness.scenario import catalogue

    said = harness("schema")
    assert said.code == 0
    assert json.loads(said.out) == json.loads((catalogue.shipped_root() / "scenario.schema.json").read_text("utf-8"))


def test_a_users_own_scenario_is_replayed_by_its_file(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "mine.yaml", "why: slow\nkie:\n  images:\n    - takes: 20s\n")
    said = harness("run", "synchronous", "mine.yaml")
    assert said.code == 1
    assert "replay: harness run synchronous mine.yaml --seed 1" in said.out


def test_a_comparison_leaves_no_temporary_files_behind(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    said = process(
        *("compare", "baseline", "--workers", "2", "-q"),
        folder=tmp_path,
        env={"TMPDIR": str(folder), "HARNESS_SCRATCH_FOLDER": str(scratch)},
    )
    assert said.code == 0
    assert list(folder.iterdir()) == []
    assert [path.name for path in scratch.iterdir() if path.suffix == ".db"] == []


def test_serve_prints_the_environment_and_writes_a_journal_that_can_be_judged(tmp_path: Path) -> None:
    journal = tmp_path / "served.jsonl"
    words = ["serve", "slow/image-5s", "--api-key", "my-key", "--journal", str(journal)]
    with subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=tmp_path,
        env=_environment(None),
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        given: dict[str, str] = {}
        while "NODE_EXTRA_CA_CERTS" not in given:  # the last one
            line = serving.stdout.readline()
            assert line, "it ended"
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                given[name] = value
        answer = httpx.post(
            f"{given['SUNO_BASE_URL']}/api/v1/generate",
            headers={"authorization": f"Bearer {given['SUNO_API_KEY']}"},
            json={"customMode": True, "instrumental": "yes", "model": "V4_5", "callBackUrl": "http://127.0.0.1:9/cb"},
        )
        assert answer.json()["code"] == 422
        lines = [serving.stdout.readline() for _ in range(3)]
        assert any("violates the contract: instrumental" in line for line in lines)
        assert any("→ POST /api/v1/generate 200 code 422" in line for line in lines)
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(10) == 0
    kinds = [json.loads(line).get("kind") for line in journal.read_text(encoding="utf-8").splitlines()]
    assert kinds[1] == "run.began"
    assert "contract.broken" in kinds
    assert kinds[-1] == "run.ended"


# Output that cannot be written


def piped(command: str, folder: Path, **environment: str) -> Said:
    """Run a line of bash with `harness` in it, with pipefail."""
    line = command.replace("harness ", f"{sys.executable} -m harness ")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("harness run trusting failing | (exec <&-; sleep 0)", 1),
        ("harness run trusting failing --json - | (exec <&-; sleep 0)", 1),
        ("harness run strict baseline -v | (exec <&-; sleep 0)", 0),
        ("harness compare baseline/healthy | (exec <&-; sleep 0)", 0),
        ("harness bench strict --tracks 20 --json - | (exec <&-; sleep 0)", 0),
        ("harness show slow | (exec <&-; sleep 0)", 0),
    ],
)
def test_a_closed_pipe_does_not_change_what_came_of_it(tmp_path: Path, command: str, code: int) -> None:
    said = piped(command, tmp_path)
    assert (said.code, said.err) == (code, "")


@pytest.mark.parametrize("command", ["harness list scenarios", "harness run strict baseline/healthy", "harness schema"])
def test_an_unwritable_stdout_is_reported_in_a_sentence(tmp_path: Path, command: str) -> None:
    full = piped(f"{command} >/dev/full", tmp_path)
    assert (full.code, full.err) == (2, "error: cannot write to stdout: No space left on device\n")
    closed = piped(f"{command} >&-", tmp_path)
    assert (closed.code, closed.err[:24]) == (2, "error: stdout is closed;")
    assert piped(f"{command} 2>&- <&-", tmp_path).code == 0


def test_a_server_with_an_unwritable_stdout_reports_it(tmp_path: Path) -> None:
    said = piped("harness serve >/dev/full", tmp_path)
    assert (said.code, said.err) == (2, "error: cannot write to stdout: No space left on device\n")


def test_a_deleted_current_folder_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    said = piped("cd gone && rmdir ../gone && harness run strict baseline/healthy", tmp_path)
    assert said.code == 2
    assert said.err == "error: the current folder no longer exists; change to another one\n"


def test_what_a_terminal_has_not_got_never_looks_like_a_question_mark(tmp_path: Path) -> None:
    said = piped("harness compare slow/image-16s", tmp_path, PYTHONIOENCODING="ascii")
    assert said.code == 0
    assert "v all held   x3 3 violated   ? inconclusive" in said.out
    row = next(line for line in said.out.splitlines() if "slow/image-16s" in line)
    assert "x1" in row
    assert "?" not in row


def test_a_journal_that_was_cut_is_not_held(harness: Any, tmp_path: Path) -> None:
    harness("run", "strict", HEALTHY, "--journal", "kept")
    (whole,) = (tmp_path / "kept").iterdir()
    lines = whole.read_text("utf-8").splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if '"run.ended"' in line)
    for count, message in ((2, "nothing could be checked"), (end, "the journal ends before the run")):
        written(tmp_path, "cut.jsonl", "".join(lines[:count]))
        said = harness("judge", "cut.jsonl")
        assert said.code == 3
        assert message in one_line(said.out)
        assert "1 inconclusive" in said.out
    assert harness("judge", str(whole)).code == 0


# Files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "strict", HEALTHY, "--html", "a", "--junit", "./a"], "--html and --junit both write"),
        (["run", "strict", HEALTHY, "--save", "x", "--json", "x"], "--save and --json both write x"),
        (["run", "strict", HEALTHY, "--json", "-", "--ndjson", "-"], "only one output can go to stdout"),
        (["compare", HEALTHY, "--json", "-", "--har", "-"], "only one output can go to stdout"),
        (["report", "all.results", "--html", "all.results"], "--html all.results: would overwrite an input"),
        (["merge", "1", "all.results", "--save", "all.results"], "--save all.results: would overwrite an input"),
        (["judge", "all.results", "--json", "all.results"], "--json all.results: would overwrite an input"),
        (["bench", "strict", "--html", "-", "--json", "-"], "only one output can go to stdout"),
        (["bench", "strict", "--html", "b", "--json", "b"], "--html and --json both write b"),
    ],
)
def test_no_output_is_lost_to_another_one(harness: Any, tmp_path: Path, words: list[str], message: str) -> None:
    written(tmp_path, "all.results", "kept")
    said = harness(*words)
    assert (said.code, said.out) == (2, "")
    assert message in one_line(said.err)
    assert [path.name for path in tmp_path.iterdir()] == ["all.results"]
    assert (tmp_path / "all.results").read_text() == "kept"


def test_nothing_may_be_written_twice_into_nothing(harness: Any) -> None:
    assert harness("run", "strict", HEALTHY, "--html", "/dev/null", "--junit", "/dev/null").code == 0


def test_a_page_on_stdout_is_alone_there(harness: Any) -> None:
    said = harness("bench", "strict", "--tracks", "20", "--html", "-")
    assert said.code == 0
    assert said.out.startswith("<!doctype html>")
    assert said.out.rstrip().endswith("</html>")


def test_every_run_has_a_journal_of_its_own(harness: Any, tmp_path: Path) -> None:
    names = ["sp ace.yaml", "sp_ace.yaml", "Sp_ace.yaml", "ümlaut.yaml", f"{'long' * 55}.yaml"]
    for name in names:
        written(tmp_path, name, "why: Nothing.\n")
    assert harness("run", "strict", *names, "--journal", "kept", "-q").code == 0
    kept = sorted((tmp_path / "kept").iterdir())
    assert len({path.name.casefold() for path in kept}) == len(names)
    assert len({harness("judge", str(path)).out.split()[1] for path in kept}) == len(names)


HOSTILE = """
import logging
def on_music(payload, track):
    logging.getLogger("shop").error("\\x1b[2Jgone \\x00 \\udc80 end")
    raise ValueError("\\x1b[2J \\udc80")
"""


def test_what_an_application_logs_cannot_work_the_terminal(harness: Any, tmp_path: Path) -> None:
    written(tmp_path, "hostile.py", HOSTILE)
    (tmp_path / "mine").mkdir()
    for name in ("own.yaml", "mine/one.yaml", "mine/two.yaml"):
        written(tmp_path, name, 'why: "Clears \\e[2J the screen."\n')
    outputs = [f"--{name}={name}.out" for name in ("markdown", "html", "junit", "github", "ndjson", "har", "json")]
    said = harness("run", "hostile.py:on_music", "own.yaml", "-v", "--journal", "kept", *outputs)
    assert said.code == 1, said.err
    markdown = (tmp_path / "markdown.out").read_text("utf-8")
    for text in (said.out, markdown, harness("show", "mine").out, harness("list", "scenarios", "own.yaml").out):
        assert not re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert "\\x1b[2J" in harness("show", "mine").out
    (journal,) = (tmp_path / "kept").iterdir()
    assert harness("judge", str(journal)).code == 1


def test_an_implementation_whose_name_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"sh\xffop.py")).write_text("on_music = lambda payload, track: None\n")
    reports = " ".join(f"--{name} {name}.out" for name in ("save", "markdown", "html", "junit", "har", "json"))
    said = piped(f"harness run $'sh\\xffop.py:on_music' baseline/healthy --journal kept {reports}", tmp_path)
    assert said.code == 1, said.err
    assert "\\udcff" in said.out


@pytest.mark.parametrize("columns", ["0", "", "wide"])
def test_invalid_columns_are_ignored(tmp_path: Path, columns: str) -> None:
    said = process("run", "strict", HEALTHY, folder=tmp_path, env={"COLUMNS": columns})
    assert "1 held (1 with a warning) of 1 scenario, seed 1" in said.out


@pytest.mark.parametrize("text", ["tool = 5\n", "[tool]\nharness = 5\n"])
def test_a_pyproject_without_our_table_is_ignored(harness: Any, tmp_path: Path, text: str) -> None:
    written(tmp_path, "pyproject.toml", text)
    assert harness("run", "strict", HEALTHY).code == 0


def test_a_bug_of_the_harness_is_not_taken_for_a_violation(harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("harness.engine.session.exit_code", broken)
    said = harness("run", "synchronous", "baseline/healthy")
    assert said.code == 70
    assert "RuntimeError: a bug" in said.err
    assert "this is a bug of the harness, and says nothing about what was tested" in said.err


def test_a_file_without_a_name_in_it_is_told_what_to_write(harness: Any) -> None:
    said = harness("run", "shop.py", "baseline/healthy")
    assert said.code == 2
    assert "write shop.py:app" in said.err
