"""A Node process with hard-coded hosts, not a line of it changed: the preloaded module leads it to the fakes."""

import shutil
from pathlib import Path

import pytest

from fakes.durations import Fixed, Never
from fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.implementations import load_live
from harness.live.faketime import library
from harness.result import Result
from harness.runner import run
from harness.scenario import Scenario

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
]
APP = Path(__file__).parent.parent / "apps" / "node" / "app.cjs"
CONFIGURATION = f"""
settled_after = "20s"
quiet_after = "40s"

[application]
command = "node {APP}"
reach = "preload"
environment = {{ API_KEY = "{{api_key}}", PUBLIC_URL = "{{app}}", PORT = "{{port}}" }}

[track]
read = "GET /tracks/{{id}}"
inside = "data"
complete = ["done"]

[track.fields]
status = "state"
audio_url = "audio"
image_url = "picture"
image_resolution = "size"
failure_reason = "problem"
"""


def played(folder: Path, image: Image, speed: float) -> Result:
    path = folder / "harness.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(10.0)),), delivery=DeliveryRules(retries_after_s=()))
    scenario = Scenario("live/node", "A short run.", script=Script(suno, KieScript(images=(image,))))
    return run(scenario, load_live(str(path), speed))


def test_fetch_and_https_with_hard_coded_hosts_reach_the_fakes(tmp_path: Path) -> None:
    result = played(tmp_path, Image(takes=Fixed(4.0)), 20)
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    asked = [
        (entry.facts["host"], entry.facts["path"].partition("?")[0].rpartition("-")[2])
        for entry in result.journal.of("request")
        if entry.facts["by"] == "app.test"
    ]
    assert asked == [
        ("api.sunoapi.org", "/api/v1/generate"),
        ("api.kie.ai", "/api/v1/generate/image"),
        ("tempfile.aiquickdraw.com", "2048x1152.png"),
    ]


def test_a_timeout_of_300_s_fires_in_six_real_seconds_at_speed_50(tmp_path: Path) -> None:
    result = played(tmp_path, Image(takes=Never()), 50)
    assert "callback-answered" in result.violated
    assert "image-present" in result.violated
    assert result.journal is not None
    (given_up,) = [
        entry.facts["after_s"]
        for entry in result.journal.of("request.abandoned")
        if result.journal[entry.facts["request"]].facts["by"] == "app.test"
    ]
    assert 298 <= given_up < 310  # it counts from the call, some milliseconds before the request is there
    assert result.track is not None
    assert "TimeoutError" in result.track["failure_reason"]
