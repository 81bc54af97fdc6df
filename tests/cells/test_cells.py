"""A cell gives what the same run gives in the harness's process, and ends what would not end, for the right reason."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import run
from harness.errors import ImplementationError
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.targets import load
from harness.targets.limits import Limits

SHOP = (Path(__file__).parent / "shop.py").read_text("utf-8")
(HEALTHY,) = catalogue.select(["baseline/healthy"])
SCENARIOS = [
    pytest.param(scenario, id=scenario.name, marks=() if scenario.group == "baseline" else pytest.mark.slow)
    for scenario in catalogue.select(["baseline", "slow", "low-resolution"])
]

Play = Callable[..., Result]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a shop whose callback does something: `play(body, scenario=..., **limits)`."""
    monkeypatch.chdir(tmp_path)

    def played(body: str = "pass", scenario: Scenario = HEALTHY, **limits: Any) -> Result:
        number = len(list(tmp_path.glob("shop*.py")))
        file = tmp_path / f"shop{number}.py"
        file.write_text(f"{SHOP}\n\ndef on_callback():\n{textwrap.indent(body, '    ')}\n", "utf-8")
        return run(scenario, replace(load(f"{file.name}:app"), limits=Limits(**limits)))

    return played


def reason(result: Result) -> str:
    """Return why a run is inconclusive, after checking that it is."""
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    return result.verdicts[0].reason


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cell_records_what_the_harness_s_own_process_does(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    implementation = load("shop.py:app")
    here = run(scenario, replace(implementation, in_process=True))
    first, second = run(scenario, implementation), run(scenario, implementation)
    assert here.journal is not None
    assert first.journal is not None
    assert second.journal is not None
    assert first.journal.to_jsonl() == here.journal.to_jsonl()
    assert second.journal.to_jsonl() == here.journal.to_jsonl()
    assert first.verdicts == here.verdicts
    assert first.metrics == here.metrics


def test_a_shipped_strategy_as_an_application_of_ones_own_gets_the_same_verdicts() -> None:
    """Its libraries are imported in the first cell and before the second one; the journals are the same."""
    own = replace(load("harness.strategies.synchronous:create_app", "synchronous"))
    shipped = load("harness.strategies.synchronous:create_app", "synchronous", shipped=True)
    journals = [run(HEALTHY, each).journal for each in (shipped, own, own)]
    assert len({journal.to_jsonl() for journal in journals if journal is not None}) == 1


@pytest.mark.slow
def test_a_cell_beside_threads_records_the_same(play: Play) -> None:
    """The process that forks cells is then spawned, since a process with threads should not be forked."""
    script = textwrap.dedent(
        """
        import sys, threading
        from harness.engine.run import run
        from harness.scenario import catalogue
        from harness.targets import load
        if sys.argv[1] == "threads":
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        (scenario,) = catalogue.select(["baseline/healthy"])
        for _ in range(2):
            print(run(scenario, load("shop.py:app")).journal.digest())
        """
    )
    Path("shop.py").write_text(SHOP, "utf-8")
    digests = [
        subprocess.run([sys.executable, "-c", script, how], capture_output=True, text=True, check=True).stdout.split()
        for how in ("alone", "threads")
    ]
    assert len({digest for each in digests for digest in each}) == 1


@pytest.mark.slow
def test_patience_counts_the_cells_own_processor_time(play: Play) -> None:
    busy = "import time\nuntil = time.process_time() + 0.4\nwhile time.process_time() < until: pass"
    assert play(busy, patience_s=5).violated
    sentence = reason(play("while True: sum(range(10))", patience_s=0.5))
    assert "has not returned control after 0.5 s of processor time" in sentence
    assert re.search(r"shop1\.py, line \d+, in on_callback", sentence)


@pytest.mark.slow
def test_a_stopped_cell_is_not_accused(play: Play) -> None:
    """Ctrl-Z, or a machine that sleeps: no time passes for it."""
    body = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    woken: list[int] = []

    def wake() -> None:
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s and not woken:
            for pid in _stopped_descendants(os.getpid()):
                time.sleep(2)
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)

    waker = threading.Thread(target=wake)
    waker.start()
    try:
        assert play(f"global DONE\nif 'DONE' not in globals(): DONE = 1; {body}", patience_s=0.5).violated
    finally:
        woken.append(1)
        waker.join()


def _stopped_descendants(pid: int) -> list[int]:
    parents, stopped = {}, []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = Path(f"/proc/{name}/stat").read_text("utf-8").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        parents[int(name)] = int(parent)
        if state == "T":
            stopped.append(int(name))

    def descends(child: int) -> bool:
        while child in parents:
            child = parents[child]
            if child == pid:
                return True
        return False

    return [each for each in stopped if descends(each)]


@pytest.mark.parametrize(
    ("body", "limits", "sentence"),
    [
        ("import ctypes; ctypes.string_at(0)", {}, "ends its process by SIGSEGV"),
        ("import posix; posix._exit(3)", {}, "ends its process with exit status 3"),
        ("import threading; threading.Event().wait()", {"patience_s": 0.5}, "waits for something outside"),
        ("x = []\nwhile True: x.append(b'x' * 10**7)", {"memory_bytes": 300 * 2**20}, "memory, the limit of a run"),
        ("while True: print('x' * 1000, flush=True)", {"output_bytes": 10**6}, "the limit of a run"),
        (
            "import time\nuntil = time.process_time() + 0.02\nwhile time.process_time() < until: pass\non_callback()",
            {"processor_s": 1, "patience_s": 30},
            "processor time, the limit of a run",
        ),
    ],
)
def test_what_ends_a_cell_is_named_with_its_line(body: str, limits: dict[str, Any], sentence: str, play: Play) -> None:
    found = reason(play("import sys; sys.setrecursionlimit(10**6)\n" + body, **limits))
    assert sentence in found
    if "exit status" not in sentence:
        assert re.search(r"shop\d+\.py, line \d+, in on_callback", found), found


def test_a_long_run_is_not_accused(play: Play) -> None:
    """Patience is for a turn of the loop, not for a run: it has 200 tracks."""
    many = replace(HEALTHY, name="many", tracks=200)
    result = play("pass", many, patience_s=2)
    assert not result.unknown
    assert len(result.tracks) == 200


def test_an_implementation_that_ends_its_process_when_imported_does_not_start(play: Play) -> None:
    Path("bad.py").write_text("import os, posix\nposix._exit(0)\n", "utf-8")
    with pytest.raises(ImplementationError, match=r"bad\.py:app ends its process with exit status 0"):
        run(HEALTHY, load("bad.py:app"))


@pytest.mark.slow
def test_without_the_kernel_python_still_refuses_and_the_harness_says_so(play: Play) -> None:
    script = textwrap.dedent(
        """
        from harness.cell import seccomp
        from harness.engine.run import run
        from harness.scenario import catalogue
        from harness.targets import load
        seccomp.seal = lambda line: None
        seccomp.why_not = lambda: "no kernel today"
        (scenario,) = catalogue.select(["baseline/healthy"])
        for _ in range(2):
            print(run(scenario, load("shop.py:app")).verdicts[0].reason)
        """
    )
    connects = "import socket\ndef on_callback(): socket.socket().connect(('127.0.0.1', 9))\n"
    Path("shop.py").write_text(f"{SHOP}\n\n{connects}", "utf-8")
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.count("connects a blocking socket to 127.0.0.1:9") == 2
    assert ended.stderr == "harness: calls below Python are not sealed off here: no kernel today\n"


def test_breakpoint_without_a_terminal_is_inconclusive(play: Play) -> None:
    assert "calls breakpoint() in shop" in reason(play("breakpoint()"))


def test_the_output_of_a_cell_is_not_the_harness_s(play: Play, capfd: pytest.CaptureFixture[str]) -> None:
    assert play("import os; os.write(1, b'noise'); os.write(2, b'noise'); print('noise')").violated
    captured = capfd.readouterr()
    assert "noise" not in captured.out + captured.err


@pytest.mark.slow
def test_handlers_of_what_started_the_harness_do_not_reach_a_cell(tmp_path: Path) -> None:
    """A test runner's alarm would raise its exception in the application."""
    script = textwrap.dedent(
        """
        import signal
        from harness.engine.run import run
        from harness.scenario import catalogue
        from harness.targets import load
        signal.signal(signal.SIGALRM, lambda *a: 1 / 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        (scenario,) = catalogue.select(["baseline/healthy"])
        print(run(scenario, load("shop.py:app")).journal.of("log")[0].event.text)
        """
    )
    tells = (
        "import logging, signal\n"
        "def on_callback():\n"
        "    handlers = [signal.getsignal(n) is signal.SIG_DFL for n in (signal.SIGALRM, signal.SIGHUP)]\n"
        "    logging.info('%s %s', handlers, signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
    )
    (tmp_path / "shop.py").write_text(f"{SHOP}\n\n{tells}", "utf-8")
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "[True, True] set()\n"


@pytest.mark.slow
def test_the_process_that_starts_cells_keeps_nothing_open_that_it_inherits(tmp_path: Path) -> None:
    """What waits for the end of a pipe would wait until the session ends."""
    script = textwrap.dedent(
        """
        import os, select
        from harness.engine.run import run
        from harness.scenario import catalogue
        from harness.targets import load
        reading, writing = os.pipe()
        (scenario,) = catalogue.select(["baseline/healthy"])
        run(scenario, load("shop.py:app"))
        os.close(writing)
        print(select.select([reading], [], [], 0)[0] == [reading])
        """
    )
    (tmp_path / "shop.py").write_text(f"{SHOP}\n\ndef on_callback(): pass\n", "utf-8")
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"


@pytest.mark.slow
def test_hundreds_of_connections_take_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is collected within a run; what the world keeps of a connection is not the implementation's memory."""
    monkeypatch.chdir(tmp_path)
    Path("polls.py").write_text(
        "import httpx\n"
        "async def on_music(payload, track):\n"
        "    async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as client:\n"
        "        for _ in range(400):\n"
        "            await client.get('https://api.kie.ai/api/v1/jobs/recordInfo?taskId=1')\n",
        "utf-8",
    )
    inherited_bytes = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * os.sysconf("SC_PAGE_SIZE")
    limits = Limits(memory_bytes=inherited_bytes + 130 * 2**20)
    result = run(HEALTHY, replace(load("polls.py:on_music"), limits=limits))
    assert [verdict for verdict in result.verdicts if "memory" in verdict.reason] == []
    assert result.violated
