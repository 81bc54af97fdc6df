"""A running `harness serve`, as a developer or a program uses it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from harness.trace.journal import Journal, read_journal

TOKEN = "token-of-the-tests"
PATIENCE_S = 20.0


class Served:
    """A running `harness serve`, with its streams."""

    def __init__(self, process: "subprocess.Popen[str]", journal: Path) -> None:
        self.process = process
        self.journal_file = journal
        self.given: dict[str, str] = {}
        self.lines: list[str] = []
        assert process.stdout is not None
        while "KIE_API_KEY" not in self.given:
            line = process.stdout.readline()
            assert line, "it ended: " + "".join(self.lines)
            self.lines.append(line)
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                self.given[name] = value
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines += iter(self.process.stdout.readline, "")

    def ask(self, provider: str, path: str, body: Any) -> Any:
        """What a fake answers to a POST."""
        key = {"Authorization": f"Bearer {self.given[f'{provider}_API_KEY']}"}
        url = f"{self.given[f'{provider}_BASE_URL']}{path}"
        return httpx.post(url, json=body, headers=key, timeout=PATIENCE_S).json()

    def admin(self, method: str, path: str, body: Any = None, token: str = TOKEN, text: str = "") -> httpx.Response:
        """What an admin endpoint answers."""
        content = text.encode() if text else b"" if body is None else json.dumps(body).encode()
        url, key = f"{self.given['HARNESS_ADMIN_URL']}{path}", {"Authorization": f"Bearer {token}"}
        return httpx.request(method, url, content=content, headers=key, timeout=PATIENCE_S)

    def journal(self) -> Journal:
        return read_journal(self.admin("GET", "/journal").text)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Waits until something is true, and gives it."""
        until_s = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < until_s, "".join(self.lines)
            time.sleep(0.02)
        return found


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Served]:
    journal = folder / "served.jsonl"
    command = [sys.executable, "-m", "harness", "serve", *words, "--admin-token", TOKEN, "--journal", str(journal)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1", "COLUMNS": "80"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process, journal)
        finally:
            process.kill()
