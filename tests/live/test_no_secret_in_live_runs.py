"""What a live application leaks is in no output either, and neither is what is sent to served fakes."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.apps.leaky import COMMANDS, NAMED, PLANTED
from tests.reports.test_no_output_has_a_secret import content, harness, must_be_clean

APPLICATION = """
import http.server, os, sys, leaky

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for line in leaky.lines():
            print(line, file=sys.stderr, flush=True)
        print("Error: " + " | ".join(leaky.lines()), os.environ["OTHER_TOKEN"], file=sys.stderr, flush=True)
        self.send_response(500)
        self.send_header("set-cookie", "session=" + leaky.PLANTED[-1])
        self.end_headers()
        self.wfile.write(" | ".join(leaky.lines()).encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
CONFIGURED = "Zq99x7Kp99Vt-configured"
SETTINGS = f"""
settled_after = "1s"
quiet_after = "2s"

[application]
command = "{sys.executable} app.py"

[application.environment]
SUNO_API_KEY = "{{api_key}}"
OTHER_TOKEN = "{CONFIGURED}"
PORT = "{{port}}"
"""


def test_a_live_application_and_the_doctor(tmp_path: Path) -> None:
    leaky = Path(__file__).parents[1] / "apps" / "leaky.py"
    (tmp_path / "leaky.py").write_text(leaky.read_text("utf-8"), "utf-8")
    (tmp_path / "app.py").write_text(APPLICATION, "utf-8")
    (tmp_path / "harness.toml").write_text(SETTINGS, "utf-8")
    said = harness(tmp_path, "harness", "doctor", ".", code=1)
    must_be_clean("doctor", said)
    words = [".", "baseline/healthy", "-v", "--json", "out.json", "--save", "out.save", "--journal", "journals"]
    said = harness(tmp_path, "harness", "run", *words, code=3)
    must_be_clean("terminal", said + "(redacted-")
    (journal,) = (tmp_path / "journals").iterdir()
    for name, file in {"json": tmp_path / "out.json", "save": tmp_path / "out.save", "journal": journal}.items():
        must_be_clean(name, content(file) + "(redacted-")
        assert CONFIGURED not in content(file)
    assert "(secret-" in content(journal)


def test_served_fakes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "harness", "serve", "--api-key", "own-key-of-a-user", "--journal", "journal"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        given: dict[str, str] = {}
        while "KIE_API_KEY" not in given:
            line = serving.stdout.readline()
            assert line, "it ended"
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                given[name] = value
        leaks = " ".join(form.format(each) for form, each in zip(NAMED, PLANTED, strict=False)) + " ".join(COMMANDS)
        httpx.post(
            f"{given['SUNO_BASE_URL']}/api/v1/generate",
            headers={"authorization": "Bearer own-key-of-a-user", "x-access-token": PLANTED[-1]},
            params={"token": PLANTED[-2], "note": leaks},
            json={"customMode": True, "instrumental": leaks, "password": PLANTED[-3], "callBackUrl": "http://a/?key=1"},
        )
        admin = httpx.get(
            f"{given['HARNESS_ADMIN_URL']}/journal",
            headers={"authorization": f"Bearer {given['HARNESS_ADMIN_TOKEN']}"},
        )
        serving.send_signal(signal.SIGTERM)
        said = serving.stdout.read()
        assert serving.wait(10) == 0
    must_be_clean("serve", said)
    must_be_clean("journal", admin.text)
    must_be_clean("journal", content(tmp_path / "journal"))
    for text in (said, admin.text, content(tmp_path / "journal")):
        assert "own-key-of-a-user" not in text
