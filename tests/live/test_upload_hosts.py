"""Uploads in the live world: on the provider's own upload host, and what is there afterwards."""

import shutil
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.scenario.model import Scenario
from harness.targets import load_live
from harness.trace.events import LogLine, Request

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
APP = """
const http = require("node:http");
http.createServer(async (asked, answer) => {
  if (asked.method === "GET") return answer.writeHead(404).end();
  const headers = { Authorization: `Bearer ${process.env.API_KEY}` };
  const form = new FormData();
  form.append("uploadPath", "covers");
  form.append("file", new Blob(["some bytes"], { type: "image/png" }), "mine.png");
  const url = "https://kieai.redpandaai.co/api/file-stream-upload";
  const stored = await (await fetch(url, { method: "POST", headers, body: form })).json();
  const file = await fetch(stored.data.downloadUrl);
  console.log(new URL(stored.data.downloadUrl).hostname, file.headers.get("content-type"), await file.text());
  answer.writeHead(201).end('{"id": "1"}');
}).listen(process.env.PORT);
"""
CONFIGURATION = """
settled_after = "1s"
quiet_after = "2s"
[application]
command = "node app.cjs"
reach = "preload"
environment = { PORT = "{port}", API_KEY = "{api_key}" }
"""


def test_a_hard_coded_upload_host_leads_to_the_fake_and_the_file_is_served(tmp_path: Path) -> None:
    (tmp_path / "app.cjs").write_text(APP, encoding="utf-8")
    (tmp_path / "harness.toml").write_text(CONFIGURATION, encoding="utf-8")
    result = run(Scenario("live/uploads", "A short run."), load_live(str(tmp_path), 1))

    assert result.journal is not None
    assert [entry.facts["text"] for entry in result.journal.of(LogLine)] == [
        "tempfile.redpandaai.co image/png some bytes"
    ]
    asked = [entry.facts for entry in result.journal.of(Request) if entry.facts["by"] == "app.test"]
    assert [(facts["path"], facts["link"]) for facts in asked] == [
        ("/api/file-stream-upload", "kie"),
        (asked[1]["path"], "media"),
    ]
    assert asked[1]["path"].endswith("/covers/mine.png")
    assert {verdict.invariant: verdict.state for verdict in result.verdicts}["honours-contract"] == "held"
