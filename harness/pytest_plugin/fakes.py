"""Fakes on ports for tests of your own code: `harness serve` in a subprocess.

def test_music_is_requested(serve_scenario, monkeypatch):
    fakes = serve_scenario("slow/image-16s")
    for name, value in fakes.environment.items():
        monkeypatch.setenv(name, value)
    ...
    fakes.advance(90)
    assert fakes.journal().of("task.created")
"""

import contextlib
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.trace.journal import Journal

STARTED_WITHIN_S = 30.0
ENDED_WITHIN_S = 10.0
RESPONSE_WITHIN_S = 30.0
EXPORT = "export "


class Fakes:
    """Suno, Kie.ai and their file hosts in one scenario, on ports of this machine."""

    def __init__(self, scenario: str, seed: int, speed: float) -> None:
        self._folder = Path.cwd().resolve()
        self._journals = tempfile.TemporaryDirectory(prefix="harness-fakes-")
        journal = str(Path(self._journals.name) / "journal.jsonl")
        words = ["serve", scenario, "--seed", str(seed), "--speed", str(speed), "--journal", journal]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness", *words], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )
        self._is_started = False
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read_output, daemon=True).start()
        self.environment: dict[str, str] = {}
        """Environment variables for the code under test: SUNO_BASE_URL, SUNO_API_KEY, KIE_BASE_URL, KIE_API_KEY."""
        self._read_environment()
        self._is_started = True

    @property
    def suno_url(self) -> str:
        return self.environment["SUNO_BASE_URL"]

    @property
    def kie_url(self) -> str:
        return self.environment["KIE_BASE_URL"]

    def journal(self) -> "Journal":
        """Return the journal so far."""
        from harness.trace.journal import read_journal

        return read_journal(self._request("GET", "/journal").text)

    def advance(self, seconds: float | None = None) -> None:
        """Advance the fakes' clock by `seconds`, or to the next scheduled event."""
        self._request("POST", "/advance", {} if seconds is None else {"seconds": seconds})

    def deliver_again(self, task_id: str | None = None) -> None:
        """Redeliver the latest callback (of a task)."""
        self._request("POST", "/deliver", {} if task_id is None else {"task_id": task_id})

    def play(self, scenario: str) -> None:
        """Serve another scenario from its beginning, on the same ports, with a new journal.

        Of a file outside the folder in which the fakes were started only the text is served, as `inline`."""
        file = Path(scenario)
        is_elsewhere = file.is_file() and not file.resolve().is_relative_to(self._folder)
        self._request("POST", "/scenario", file.read_bytes() if is_elsewhere else {"name": scenario})

    def stop(self) -> None:
        """Stop the fakes."""
        self._process.terminate()
        try:
            self._process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._journals.cleanup()

    def _request(self, method: str, path: str, body: dict[str, Any] | bytes | None = None) -> Any:
        import httpx

        response = httpx.request(
            method,
            self._admin_url + path,
            **({"content": body} if isinstance(body, bytes) else {"json": body}),
            headers={"authorization": f"Bearer {self._admin_token}"},
            timeout=RESPONSE_WITHIN_S,
            trust_env=False,
        )
        if response.is_error:
            raise AssertionError(f"the fakes returned {response.status_code}: {response.text}")
        return response

    def _read_output(self) -> None:
        """Read the output to its end, so that the process never blocks on it."""
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed meanwhile
            for line in self._process.stdout:
                if not self._is_started:
                    self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_environment(self) -> None:
        while True:
            try:
                line = self._lines.get(timeout=STARTED_WITHIN_S)
            except queue.Empty:
                self.stop()
                raise AssertionError(f"the fakes did not start within {STARTED_WITHIN_S:g} s") from None
            if line is None:
                assert self._process.stderr is not None
                reported = self._process.stderr.read().strip()
                self.stop()
                raise AssertionError(reported or "the fakes did not start")
            if line.startswith(EXPORT):
                name, _, value = line.removeprefix(EXPORT).partition("=")
                self.environment[name] = value
            elif self.environment:
                break
        self._admin_url = self.environment.pop("HARNESS_ADMIN_URL")
        self._admin_token = self.environment.pop("HARNESS_ADMIN_TOKEN")


@contextlib.contextmanager
def serving(default_seed: int) -> Iterator[Any]:
    """Yield a function that serves scenarios, and stop everything that it served."""
    with contextlib.ExitStack() as stack:

        def serve(scenario: str = "baseline/healthy", seed: int | None = None, *, speed: float = 1.0) -> Fakes:
            """Serve one scenario until the end of the test."""
            fakes = Fakes(scenario, default_seed if seed is None else seed, speed)
            stack.callback(fakes.stop)
            return fakes

        yield serve
