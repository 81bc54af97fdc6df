"""The admin endpoint takes shipped scenarios, texts, and files below the folder in which the fakes were started."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.served import Served, serving

SCENARIO = "why: It is below the folder.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with good scenarios, and with ways out of it."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text(SCENARIO, "utf-8")
    (outside / "secret").write_text("password: hunter2\n", "utf-8")
    folder = tmp_path_factory.mktemp("served")
    (folder / "mine").mkdir()
    (folder / "mine" / "own.yaml").write_text(SCENARIO, "utf-8")
    (folder / "inner.yml").symlink_to(folder / "mine" / "own.yaml")
    (folder / "way-out.yaml").symlink_to(outside / "secret.yaml")
    (folder / "other").symlink_to(outside)
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "circle.yaml").symlink_to(folder / "circle.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / ".env").write_text("TOKEN=hunter2\n", "utf-8")
    (folder / "hidden.yaml").symlink_to(folder / ".env")
    os.mkfifo(folder / "pipe.yaml")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    with serving(folder, "baseline/healthy") as served:
        yield served


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        ("slow/image-16s", "slow/image-16s"),
        ("slow/image-16*", "slow/image-16s"),
        ("mine/own.yaml", "mine/own"),
        ("./mine/../mine/own.yaml", "mine/own"),
        ("{folder}/mine/own.yaml", "mine/own"),
        ("inner.yml", "mine/own"),
    ],
)
def test_a_shipped_scenario_and_a_file_below_the_folder_are_served(
    served: Served, folder: Path, name: str, scenario: str
) -> None:
    answer = served.admin("POST", "/scenario", {"name": name.format(folder=folder)})
    assert (answer.status_code, answer.json().get("scenario")) == (200, scenario), answer.text


OUT = "leads out of the folder"


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("way-out.yaml", 403, OUT),
        ("other/secret.yaml", 403, OUT),
        ("other/../secret.yaml", 403, OUT),
        ("../secret.yaml", 403, OUT),
        ("mine/../../secret.yaml", 403, OUT),
        ("/etc/passwd", 403, OUT),
        ("/dev/zero", 403, OUT),
        ("/proc/self/environ", 403, OUT),
        ("zero.yaml", 403, OUT),
        ("/etc/nowhere.yaml", 403, OUT),
        ("hidden.yaml", 403, "is no scenario file"),
        ("{folder}/.env", 403, "is no scenario file"),
        ("circle.yaml", 403, "cannot be a path"),
        ("x" * 5_000 + ".yaml", 400, "is too long for a path"),
        ("x" * 300 + ".yaml", 400, "File name too long"),
        ("zero\0.yaml", 403, "cannot be a path (embedded null byte)"),
        ("pipe.yaml", 400, "it is a pipe, expected a file"),
        ("folder.yaml", 400, "expected a scenario file, found a folder"),
        ("nowhere.yaml", 400, "there is no such file"),
        ("mine", 400, 'unknown scenario "mine"'),
        (".env", 400, 'unknown scenario ".env"'),
        ("", 400, 'unknown scenario ""'),
    ],
)
def test_anything_else_is_refused_without_being_read(
    served: Served, folder: Path, name: str, status: int, sentence: str
) -> None:
    before = served.admin("POST", "/scenario", {"name": "baseline/healthy"}).json()["scenario"]
    began_s = time.monotonic()
    answer = served.admin("POST", "/scenario", {"name": name.format(folder=folder)})
    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text
    assert "hunter2" not in answer.text
    assert time.monotonic() - began_s < 10
    if status == 403:
        assert answer.json()["error"].startswith('"name": ')
        assert "expected a shipped scenario, or a scenario file (*.yaml, *.yml) below the folder" in answer.text
        assert "send the text of any other file as the body" in answer.text
    assert served.admin("GET", "/state").json()["scenario"] == before
