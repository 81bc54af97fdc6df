"""Plays suno-music-cli: its commands, in the order that its own help suggests. Arguments: a folder for the files."""

import json
import sys
import time

from suno_cli.cli import app
from typer.testing import CliRunner

folder = sys.argv[1]
runner = CliRunner()


def suno(*words: str) -> str:
    done = runner.invoke(app, list(words))
    assert done.exit_code == 0, (words, done.output, done.exception)
    return str(done.stdout)


custom = ("--custom", "--style", "folk", "--title", "Quiet Rivers")
suno("generate", "--prompt", "quiet rivers", *custom, "--wait", "--interval", "1")
time.sleep(1.0)  # the provider allows three queries a second, and the last ones are a moment old
status = json.loads(suno("status", "--last", "--json"))
suno("download", "--last", "--output", folder)
suno("extend", status["taskId"], "--use-defaults", "--model", "V5")
suno("lyrics", "--prompt", "quiet rivers")
print(json.dumps({"status": status["status"], "credits": suno("credits").strip()}))
