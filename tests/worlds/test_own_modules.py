"""An implementation's own modules: imported anew in each run, wherever and in whatever order the runs take place."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import run
from harness.scenario import catalogue
from harness.targets import load
from harness.targets.modules import forget_own_modules, own_modules_set_aside

PROJECT = {
    "fakes/__init__.py": "",
    "fakes/db.py": """
        import os, sqlite3
        db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        db.execute(
            "CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, title, status, audio_url, image_url,"
            " image_resolution, image_label, failure_reason)"
        )
        """,
    "orders.py": """
        from fakes import db
        numbers = iter(range(1, 100))
        def insert(title):
            number = next(numbers)
            db.db.execute(
                "INSERT INTO tracks (id, title, status, failure_reason) VALUES (?, ?, 'failed', ?)",
                (str(number), title, f"order {number}: no music today"),
            )
            return str(number)
        """,
    "shop.py": """
        import json
        import orders
        requests = []
        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            requests.append(scope["path"])
            status, answer = 404, {}
            if scope["path"] == "/tracks":
                status, answer = 201, {"id": orders.insert(f"{json.loads(body)['title']}, request {len(requests)}")}
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
        """,
}
"""Three nested modules with a connection, a counter and a list, which would show state left by an earlier run."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        lines = text.strip("\n").splitlines()
        (tmp_path / name).write_text("\n".join(line[8:] for line in lines) + "\n")
    return tmp_path


def test_packages_without_an_init_are_forgotten_with_their_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "leaf.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with own_modules_set_aside():
        importlib.import_module("outer.inner.leaf")
        forget_own_modules()
        assert [name for name in sys.modules if name.startswith("outer")] == []


def results_of(project: Path, workers: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "harness", "run", "shop.py:app", "-q", "--json", "-", "--workers", str(workers)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return [{**result, "wall_s": 0} for result in results]


@pytest.mark.timeout(600)
def test_verdicts_over_the_whole_catalogue_do_not_depend_on_the_number_of_workers(project: Path) -> None:
    alone = results_of(project, workers=1)

    assert len(alone) == len(catalogue.shipped_names())
    assert results_of(project, workers=2) == alone
    assert results_of(project, workers=4) == alone


def test_a_run_finds_no_state_in_modules_imported_by_the_process(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.setenv("DATABASE_PATH", str(project / "tests.db"))
    import shop  # type: ignore[import-not-found]

    shop.orders.insert("a unit test's")
    scenario = catalogue.select(["baseline/healthy"])[0]
    first, second = (run(scenario, load("shop:app"), 1) for _ in range(2))

    assert first.tracks == second.tracks
    assert first.tracks[0] is not None
    assert first.tracks[0]["failure_reason"] == "order 1: no music today"
    assert sys.modules["shop"] is shop, "the session's own modules are back after the run"
