"""Excuses, taken away one by one: each has a test in which it is needed, and one in which it must not apply.

`excuses.yaml` lists the excuses of the invariants as data: the text in a file of `harness/invariants` (which stands
there exactly once, or the excuse is reported as lost), what stands there if the excuse never applies and if it always
does, and the two tests that fail then.

    python -m tests.invariants.excused              every excuse whose tests do not notice, and the tests that would
    python -m tests.invariants.excused --rewrite    and writes them into excuses.yaml

The tests run in one pytest session, for which this module is a plugin. It forks a process for each excuse and way, in
which the functions of the edited file have their other code, so that nothing of it outlives one test.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Literal, get_args

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HERE = "tests/invariants"
FILE = Path(__file__).with_name("excuses.yaml")
FOLDER = ROOT / "harness" / "invariants"
TESTS = (
    "test_what_excuses_a_payment.py",
    "test_what_excuses_a_track.py",
    "test_what_excuses_a_picture.py",
    "test_paying_and_waiting.py",
    "test_false_alarms_and_misses.py",
    "test_the_four_answers.py",
    "test_looks.py",
    "test_true_2k.py",
    "test_judging.py",
    "test_audio_kept.py",
    "test_small_to_nothing.py",
    "test_what_excuses_a_deletion.py",
    "test_purposes.py",
)
KEYS = ("excuse", "file", "find", "never", "always", "needed-by", "refused-by")
TO = "HARNESS_EXCUSES_TO"
"""The variable with the file for the results, as JSON: the tests that failed, by excuse and way."""
SEARCH = "HARNESS_EXCUSES_SEARCH"
"""The variable with the excuses and ways for which all tests are run."""
Way = Literal["never", "always"]
WAYS: tuple[Way, ...] = get_args(Way)
NAMED = {"never": "needed-by", "always": "refused-by"}


@dataclass(frozen=True, slots=True)
class ListedExcuse:
    """An excuse of an invariant, judged otherwise in one way, and the test that has to notice."""

    number: int
    way: Way
    written: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.number}:{self.way}"

    @property
    def test(self) -> str:
        """The id of the test, below this folder."""
        return self.written.get(NAMED[self.way], "")

    @property
    def source(self) -> Path:
        return FOLDER / self.written["file"]

    def edited(self) -> str:
        """Return the source in which the excuse never applies, or always."""
        text, find = self.source.read_text("utf-8"), self.written["find"]
        count = text.count(find)
        assert count == 1, f"this text stands {count} times in {self.source.name}, not once:\n{find}"
        return text.replace(find, self.written[self.way])

    def install(self) -> None:
        """Give the functions of the module the code of the edited source."""
        module = import_module(f"harness.invariants.{self.source.stem}")
        edited: dict[str, Any] = dict(vars(module))
        exec(compile(self.edited(), self.source, "exec"), edited)
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                function.__code__ = edited[name].__code__


def listed() -> list[ListedExcuse]:
    """Return all of them, in both ways."""
    excuses = yaml.safe_load(FILE.read_text("utf-8"))
    return [ListedExcuse(number, way, written) for number, written in enumerate(excuses) for way in WAYS]


# In the session of the tests


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the named test of each excuse, or all tests, in a process of its own."""
    if TO not in os.environ:
        return None
    items = {item.nodeid.removeprefix(f"{HERE}/"): item for item in session.items}
    search = os.environ.get(SEARCH, "").split()
    found: dict[str, list[str]] = {}
    for excuse in listed():
        chosen = list(items.values()) if excuse.key in search else [items[excuse.test]] if excuse.test in items else []
        if excuse.key in search or not search:
            found[excuse.key] = _failing(excuse, chosen)
    Path(os.environ[TO]).write_text(json.dumps(found), "utf-8")
    return True


def _failing(excuse: ListedExcuse, items: Sequence[pytest.Item]) -> list[str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            excuse.install()
            os.write(writing, json.dumps(_first_failure(items)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reported = pipe.read()
    os.waitpid(child, 0)
    return [name.removeprefix(f"{HERE}/") for name in json.loads(reported)]


def _first_failure(items: Sequence[pytest.Item]) -> list[str]:
    """Run tests until one fails, and return its id in a list."""
    recorder = _Recorder()
    for item in items:
        item.config.pluginmanager.register(recorder)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        item.config.pluginmanager.unregister(recorder)
        if recorder.failed:
            break
    return recorder.failed[:1]


class _Recorder:
    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


# From outside


def noticed(search: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the tests that fail, by excuse and way: of the named ones, or for those in `search` of all."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "noticed.json"
        environment = {**os.environ, TO: str(to), SEARCH: " ".join(search)}
        words = ["-p", "tests.invariants.excused", "-q", "-s", "-m", "", "-p", "no:cacheprovider", "-p", "no:xdist"]
        tests = [f"{HERE}/{name}" for name in TESTS]
        command = [sys.executable, "-m", "pytest", *words, *tests]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert to.is_file(), done.stdout + done.stderr
        found: dict[str, list[str]] = json.loads(to.read_text("utf-8"))
    return found


def main(arguments: Sequence[str]) -> int:
    excuses = {excuse.key: excuse for excuse in listed()}
    quiet = [key for key, tests in noticed().items() if not tests]
    found = noticed(quiet) if quiet else {}
    for key, tests in found.items():
        print(f"{key} {excuses[key].written['excuse']}\n    {min(tests, key=len, default='nobody notices')}")
        if tests:
            excuses[key].written[NAMED[excuses[key].way]] = min(tests, key=len)
    if "--rewrite" in arguments:
        by_number = {excuse.number: excuse.written for excuse in excuses.values()}
        for excuse in excuses.values():
            by_number[excuse.number] |= excuse.written
        FILE.write_text(_dumped(list(by_number.values())), "utf-8")
    return 1 if any(not tests for tests in found.values()) else 0


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks."""


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represented)


def _dumped(excuses: Sequence[dict[str, str]]) -> str:
    head = "".join(line for line in FILE.read_text("utf-8").splitlines(keepends=True) if line.startswith("#"))
    entries = [{key: each[key] for key in KEYS if key in each} for each in excuses]
    blocks = [yaml.dump([each], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116) for each in entries]
    return head + "\n".join(blocks)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
