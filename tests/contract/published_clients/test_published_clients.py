"""Published clients, unmodified, in processes of their own: each completes its normal flow and breaks no rule."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.fakes.account import API_KEY
from tests.contract.published_clients.stage import Place, served
from tests.contract.published_clients.table import PLAYS, PublishedClient, read

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(900)]

CLIENTS = {client.name: client for client in read()}
INSTALLING_S, PLAYING_S = 840, 120


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which clients are installed: a temporary one unless the environment names one."""
    named = os.environ.get("HARNESS_CLIENTS_FOLDER")
    return Path(named) if named else tmp_path_factory.mktemp("clients")


def installed(client: PublishedClient, folder: Path) -> Path:
    """Install a client if it is not there yet, and return its folder."""
    place = folder / f"{client.name.rpartition('/')[2]}-{client.version}"
    done = place / "installed"
    if not done.exists():
        if client.registry == "pypi":
            command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(place)]
            command.append(f"{client.name}=={client.version}")
        else:
            options = ("--no-audit", "--no-fund", "--prefix", str(place))
            command = ["npm", "install", *options, f"{client.name}@{client.version}"]
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALLING_S)
        done.touch()
    return place


async def played(client: PublishedClient, place: Place, where: Path, out: Path, **variables: str) -> Any:
    """Play a client and return what its play reports; `where` is the client's folder, `out` one for its files."""
    module = where / "node_modules" / client.name / "dist" / "index.js"
    words = {
        "play_suno_music_cli.py": [sys.executable, str(PLAYS / client.play), str(out)],
        "play_hermes_music.py": [sys.executable, str(PLAYS / client.play), str(out), place.url],
        "play_kie_ai_mcp_server.py": [sys.executable, str(PLAYS / client.play), str(module)],
        "play_sprites.mjs": ["node", str(PLAYS / client.play), str(module), str(out)],
    }[client.play]
    if client.registry == "npm":
        variables = {**place.preload, **variables}
    environment = {**os.environ, **variables, "HOME": str(out), "PYTHONPATH": str(where), "NO_PROXY": "127.0.0.1"}
    done = await asyncio.to_thread(
        subprocess.run, words, env=environment, capture_output=True, text=True, timeout=PLAYING_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def accused(place: Place) -> list[dict[str, Any]]:
    """Return whatever the fakes noted against a client."""
    kinds = ("contract.broken", "endpoint.not-reproduced", "task.refused", "rate.limited")
    return [facts for kind in kinds for facts in place.notes.of(kind)]


def created(place: Place) -> list[tuple[str, str]]:
    """Return purpose and endpoint of each task."""
    return [(facts["what"], facts["endpoint"]) for facts in place.notes.of("task.created")]


async def test_suno_music_cli(folder: Path, tmp_path: Path) -> None:
    client = CLIENTS["suno-music-cli"]
    where = installed(client, folder)
    async with served(client.dialect, real_names=False) as place:
        variables = {"SUNO_API_KEY": API_KEY, "SUNO_BASE_URL": place.url, "SUNO_CALLBACK_URL": f"{place.url}/callback"}
        report = await played(client, place, where, tmp_path, **variables)

    assert report["status"] == "SUCCESS"
    assert [purpose for purpose, _ in created(place)] == ["music", "variant", "other"]
    assert len(list(tmp_path.glob("*.mp3"))) == 2
    assert accused(place) == []


async def test_hermes_music(folder: Path, tmp_path: Path) -> None:
    client = CLIENTS["hermes-music"]
    where = installed(client, folder)
    async with served(client.dialect, real_names=False) as place:
        report = await played(client, place, where, tmp_path, SUNO_API_KEY=API_KEY)

    assert report["success"]
    assert [track["title"] for track in report["tracks"]] == ["Quiet Rivers"] * 2
    assert report["bytes"] > 100_000
    assert accused(place) == []


async def test_kie_ai_mcp_server(folder: Path, tmp_path: Path) -> None:
    client = CLIENTS["@felores/kie-ai-mcp-server"]
    where = installed(client, folder)
    variables = {"KIE_AI_CALLBACK_URL": "https://localhost/callback", "KIE_AI_DB_PATH": str(tmp_path / "tasks.db")}
    async with served(client.dialect, real_names=True) as place:
        report = await played(client, place, where, tmp_path, KIE_AI_API_KEY=API_KEY, **variables)

    assert report["uploaded"].startswith("https://tempfile.redpandaai.co/kieai/")
    statuses = [json.loads(task["status"]) for task in report["tasks"]]
    assert [bool(status["result_urls"]) for status in statuses] == [True] * 8
    job, kontext, music = "/api/v1/jobs/createTask", "/api/v1/flux/kontext/generate", "/api/v1/generate"
    assert created(place) == [*[("image", job)] * 6, ("image", kontext), ("music", music)]
    assert accused(place) == []


async def test_ai_sprite_image_generator(folder: Path, tmp_path: Path) -> None:
    client = CLIENTS["ai-sprite-image-generator"]
    where = installed(client, folder)
    async with served(client.dialect, real_names=True) as place:
        report = await played(client, place, where, tmp_path, KIE_API_KEY=API_KEY)

    assert report["errors"] == []
    assert len(report["imagePaths"]) == 4
    assert accused(place) == []


_TESTS: tuple[Callable[..., Any], ...] = (
    test_suno_music_cli,
    test_hermes_music,
    test_kie_ai_mcp_server,
    test_ai_sprite_image_generator,
)


async def test_every_client_of_the_table_is_played() -> None:
    assert len(_TESTS) == len(CLIENTS)
