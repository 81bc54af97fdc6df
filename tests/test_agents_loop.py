"""The loop of `docs/guides/agents.md`: check, explain, edit where the cause says, verify; the edits are scripted."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SHOP = """
import os
import httpx

KIE = "https://api.kie.ai/api/v1/generate/image"


async def on_music(payload, track):
    if payload["data"]["callbackType"] != "complete":
        return None
    song = payload["data"]["data"][0]
    return {"status": "complete", "audio_url": song["audio_url"], "image_url": await cover(track)}


async def cover(track):
    order = {
        "model": "bytedance/seedream-v4-text-to-image",
        "prompt": f"a cover for {track['title']}",
        "resolution": "2048x1152",
        "callBackUrl": "http://app.test/callbacks/kie",
    }
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {os.environ['KIE_API_KEY']}"}) as client:
        answer = await client.post(KIE, json=order)
    return answer.json()["data"].get("response", {}).get("imageUrl")
"""
SCENARIO = "slow/image-5s"
"""The picture takes as long as httpx waits by default; Suno waits 15 s."""


class Edit(NamedTuple):
    """What to do about a cause: `apply` changes the source, given the number of the line that the cause names."""

    cause: str
    apply: Callable[[str, int], str]


def without_callback(source: str, _line: int) -> str:
    return re.sub(r'\n *"callBackUrl": .*', "", source)


def patient(source: str, line: int) -> str:
    """Have the client before the line that failed wait longer."""
    lines = source.splitlines()
    made = max(number for number in range(line) if "httpx.AsyncClient(" in lines[number])
    lines[made] = lines[made].replace("AsyncClient(", "AsyncClient(timeout=300, ")
    return "\n".join(lines) + "\n"


EDITS = (Edit("with a callBackUrl", without_callback), Edit("ReadTimeout", patient))


def said(folder: Path, *words: str) -> tuple[int, Any]:
    """Return the exit code of a command, and the JSON that it prints."""
    command = [sys.executable, "-m", "harness", *words, "--json", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout)


def test_two_edits_where_the_causes_say_lead_to_a_run_that_holds(tmp_path: Path) -> None:
    path = tmp_path / "shop.py"
    path.write_text(SHOP, encoding="utf-8")
    applied = []
    while True:
        code, checked = said(tmp_path, "run", "shop.py:on_music", SCENARIO)
        (result,) = checked["results"]
        if code == 0:
            break
        assert code == 1
        (cause, *_) = result["causes"]
        edit = next(each for each in EDITS if each.cause in cause["sentence"])
        assert edit not in applied, cause["sentence"]
        _, explained = said(tmp_path, "explain", "shop.py:on_music", SCENARIO)
        (explanation, *_) = explained["explanations"]
        assert explanation["cause"]["sentence"] == cause["sentence"]
        assert explanation["look_at"]["strategy"] == "acknowledge-first"
        file, _, line = cause["where"][0].partition(" ")[0].partition(":")
        path = tmp_path / file
        path.write_text(edit.apply(path.read_text("utf-8"), int(line)), encoding="utf-8")
        applied.append(edit)
    assert applied == list(EDITS)
    assert [verdict for verdict in result["verdicts"] if verdict["state"] == "violated"] != [], "warnings remain"
