"""A first harness.toml is written by looking at a project, and the doctor says what does not fit in it."""

import shutil
import sys
from pathlib import Path

import pytest

from harness.config.app_config import Cron
from harness.config.init import first_settings
from harness.config.loader import read_settings
from harness.world.live.faketime import library
from tests import in_process
from tests.live.plain_app import APP, APPS, started, tracks, waits

WRAPPED = """echo '{\\"song\\": {\\"id\\": 1}}'"""
FITTING = waits("1s", "2s") + started() + tracks()


def said_by_the_doctor(
    folder: Path, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    (folder / "harness.toml").write_text(text, "utf-8")
    monkeypatch.setattr(sys, "argv", ["harness", "doctor", str(folder)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        in_process.main()
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a_matching_configuration_has_no_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = said_by_the_doctor(tmp_path, FITTING, capsys, monkeypatch)
    assert code == 0
    assert "✗" not in said
    assert "its requests reach the fakes" in said
    assert "the track ends as complete" in said
    assert "!" not in said
    assert said.splitlines()[-1] == f"next: harness run {tmp_path} baseline slow" + (" --speed 50" if library() else "")


def test_a_track_without_its_picture_is_a_warning_that_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "app.py"
    synchronous = 'url = answer["data"]["response"]["imageUrl"]\n        assert len(ask(url)) > 1000\n'
    text = APP.read_text("utf-8").replace(synchronous, "url = None\n")
    order = '"resolution": "2048x1152"}'
    asking = text.replace(order, order.replace("}", ', "callBackUrl": f"{os.environ[\'PUBLIC_URL\']}/none"}'))
    assert len({APP.read_text("utf-8"), text, asking}) == 3
    app.write_text(asking, "utf-8")
    code, said = said_by_the_doctor(tmp_path, waits("1s", "2s") + started(app) + tracks(), capsys, monkeypatch)
    assert code == 0
    warning = " ".join(said.partition("! ")[2].split())
    assert warning.startswith("nothing was slow and nothing failed, and yet: image-present")
    assert "with a callBackUrl), so its response brought a task id and no picture" in warning


@pytest.mark.parametrize(
    ("before", "after", "seen", "advice"),
    [
        ('"track.id"', '"id"', 'the track\'s id at "id"', "set request, body and id in [start]"),
        ('"{suno}"', '"http://127.0.0.1:9"', "none of its requests reached the fakes", "KIE"),
        ('"{app}"', '"http://127.0.0.1:9"', "are not received (refused)", 'PUBLIC_URL = "{app}"'),
        ('sqlite = "{database}"', 'sqlite = "other.db"', "no track can be read", "set [track]"),
        ('sqlite = "{database}"', 'read = "GET /none"', "GET /none answered HTTP 404", "set [track]"),
        ('sqlite = "{database}"', f'command = "{WRAPPED}"', 'the track is wrapped in "song"', 'inside = "song"'),
        (
            'sqlite = "{database}"',
            'sqlite = "{database}"\ncomplete = ["done"]',
            'the track ends with the status "complete (not an end',
            "complete = [",
        ),
        (
            'sqlite = "{database}"',
            'sqlite = "{database}"\nfields = { image_url = "cover" }',
            'the track has no "image_url"',
            "[track.fields]",
        ),
    ],
    ids=["id", "base-url", "callbacks", "store", "answer", "inside", "status", "fields"],
)
def test_a_mismatch_is_reported_with_what_to_do(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
    seen: str,
    advice: str,
) -> None:
    assert before in FITTING
    code, said = said_by_the_doctor(tmp_path, FITTING.replace(before, after, 1), capsys, monkeypatch)
    assert code == 1
    assert seen in said
    assert advice in said.partition(seen)[2]


def test_a_first_configuration_contains_what_the_code_shows(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "next start", "build": "next build"}}', "utf-8")
    (tmp_path / "vercel.json").write_text('{"crons": [{"path": "/api/cron", "schedule": "* * * * *"}]}', "utf-8")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.js").write_text("process.env.KIE_URL_OF_SOMEBODY_ELSE", "utf-8")
    routes = {
        "callbacks/suno": "export async function POST(request) { await image(); }",
        "songs/[id]": "export async function POST(request) {}",
        "songs": "export async function POST(r) { return Response.json({ song: { id: row.id } }, { status: 201 }); }",
    }
    for name, text in routes.items():
        folder = tmp_path / "src" / "app" / "api" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "route.ts").write_text(text, "utf-8")
    (tmp_path / "lib.ts").write_text(
        'const key = process.env.KIE_TOKEN; fetch("https://api.kie.ai/api/v1/jobs/createTask");'
        "const back = `${process.env.NEXT_PUBLIC_SITE_URL}/api/callback`;"
        'createClient(process.env.NEXT_PUBLIC_SUPABASE_URL, process.env.SUPABASE_ANON_KEY); song.state = "done";',
        "utf-8",
    )
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    sql = "create table users (id int);\ncreate table public.tracks (id uuid, state text, cover_url text, error text);"
    (tmp_path / "supabase" / "migrations" / "1.sql").write_text(sql, "utf-8")
    text = first_settings(tmp_path)
    (tmp_path / "harness.toml").write_text(text, "utf-8")
    settings = read_settings(tmp_path)
    assert settings.application.command == "npm run start"
    assert "npm run build" in text
    assert settings.application.reach == "preload"
    assert settings.application.environment == {
        "KIE_TOKEN": "{api_key}",
        "NEXT_PUBLIC_SITE_URL": "{app}",
        "NEXT_PUBLIC_SUPABASE_URL": "{supabase}",
        "SUPABASE_ANON_KEY": "{supabase_anon_key}",
        "PORT": "{port}",
    }
    assert (settings.start.request, settings.start.id) == ("POST /api/songs", "song.id")
    assert settings.supabase is not None
    assert [path.name for path in settings.supabase.schema_files] == ["1.sql"]
    assert settings.track.read is None
    fields = settings.track.fields
    assert (fields["status"], fields["image_url"], fields["failure_reason"]) == ("state", "cover_url", "error")
    assert "image_resolution" not in fields
    assert settings.track.complete == ("done",)
    assert settings.cron == (Cron("GET /api/cron", every_s=60.0),)


def test_a_first_configuration_of_a_python_application_needs_no_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("flask")
    (tmp_path / "app.py").write_text((APPS / "flask_requests" / "app.py").read_text("utf-8"), "utf-8")
    text = first_settings(tmp_path)
    assert 'command = "python app.py"' in text
    code, said = said_by_the_doctor(
        tmp_path, text.replace('"python app.py"', f'"{sys.executable} app.py"'), capsys, monkeypatch
    )
    assert (code, "✗" in said) == (0, False), said


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("app = FastAPI()\n", "uvicorn main:app --port {port}"),
        ("api: Flask = Flask(__name__)\n", "flask --app main:api run --port {port}"),
        ('app = FastAPI()\nif __name__ == "__main__":\n    uvicorn.run(app)\n', "uvicorn main:app --port {port}"),
        (
            'app = FastAPI()\nif __name__ == "__main__":\n    uvicorn.run(app, port=int(os.environ["PORT"]))\n',
            "python main.py",
        ),
        ("from flask import Flask\ndef create_app():\n    pass\n", "flask --app main:create_app run --port {port}"),
        ("def create_app() -> FastAPI:\n    pass\n", "uvicorn main:create_app --port {port} --factory"),
    ],
    ids=["fastapi", "flask", "starts-itself-at-its-own-port", "starts-itself", "flask-factory", "factory"],
)
def test_an_application_without_a_start_in_its_file_is_started_by_its_server(
    tmp_path: Path, text: str, command: str
) -> None:
    (tmp_path / "main.py").write_text(text, "utf-8")
    assert f'command = "{command}"' in first_settings(tmp_path)


def test_a_python_only_project_is_not_detected_as_node(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text('BASE = "https://api.kie.ai"\nweb.run_app(make())\n', "utf-8")
    text = first_settings(tmp_path)
    assert 'command = "python bot.py"' in text
    assert 'reach = "proxy"' in text
    (tmp_path / "bot.py").rename(tmp_path / "library.py")
    (tmp_path / "library.py").write_text('BASE = "https://api.kie.ai"\n', "utf-8")
    assert "node" not in first_settings(tmp_path).partition("[application.environment]")[0].lower()


def test_a_postgres_client_is_not_detected_as_sqlite(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"start": "node a.js"}, "dependencies": {"pg": "^8"}}', "utf-8")
    code = "new pg.Pool({ connectionString: process.env.DATABASE_URL }); // create table songs (id uuid, status text);"
    (tmp_path / "a.js").write_text(code, "utf-8")
    (tmp_path / "harness.toml").write_text(first_settings(tmp_path), "utf-8")
    settings = read_settings(tmp_path)
    assert (settings.track.postgres, settings.track.sqlite, settings.track.table) == ("$DATABASE_URL", None, "songs")
    assert "DATABASE_URL" not in settings.application.environment


@pytest.mark.parametrize(
    ("name", "read", "inside"),
    [
        (
            "a.js",
            "app.get('/songs/:id', (q, r) => { const t = of(q); t ? r.json({ song: t }) : r.json({}); });",
            "song",
        ),
        (
            "a.js",
            "app.get('/songs/:id', (q, r) => { if (no) return r.json({ error: 'x' }); r.json({ song }); });",
            "song",
        ),
        ("a.js", "app.get('/songs/:id', (q, r) => r.json(rows[0]));", ""),
        ("a.js", "app.get('/songs/:id', (q, r) => r.json({ id: row.id, status: row.status }));", ""),
        (
            "a.py",
            "@app.get('/songs/{key}')\ndef read(key):\n    return {'data': {'song': {c: x for c in y}}}",
            "data.song",
        ),
    ],
    ids=["ternary", "shorthand", "plain", "columns", "python"],
)
def test_the_path_of_the_track_in_the_response_is_found_in_the_code(
    tmp_path: Path, name: str, read: str, inside: str
) -> None:
    (tmp_path / name).write_text(f"app.post('/songs', 0)\n{read}\n", "utf-8")
    (tmp_path / "harness.toml").write_text(first_settings(tmp_path), "utf-8")
    track = read_settings(tmp_path).track
    assert (track.read, track.inside) == ("GET /songs/{id}", inside)


def test_an_applications_own_error_message_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.cjs").write_text(
        'const http = require("node:http");'
        'http.createServer((q, r) => { console.error(new Error("KIE_TOKEN is not set")); r.writeHead(500).end(); })'
        ".listen(process.env.PORT);",
        "utf-8",
    )
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    text = '[application]\ncommand = "node app.cjs"\nenvironment = { PORT = "{port}" }\n'
    code, said = said_by_the_doctor(tmp_path, text, capsys, monkeypatch)
    assert code == 1
    assert "it logged: Error: KIE_TOKEN is not set" in said
    assert "check its environment variables; it has PORT" in said
    assert "HTTPS_PROXY" not in said, "what follows from a failed start is no sign of its own"


def test_a_refused_start_is_advised_to_send_headers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text(
        "import os\nfrom http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "class Refuses(BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n        self.send_error(401)\n"
        "HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Refuses).serve_forever()\n",
        "utf-8",
    )
    text = f'[application]\ncommand = "{sys.executable} app.py"\nenvironment = {{ PORT = "{{port}}" }}\n'
    code, said = said_by_the_doctor(tmp_path, text, capsys, monkeypatch)
    assert code == 1
    assert "answered HTTP 401" in said
    assert "set headers in [start]" in said


def test_an_existing_configuration_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "harness.toml").write_text("# mine", "utf-8")
    monkeypatch.setattr(sys, "argv", ["harness", "init", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        in_process.main()
    assert ended.value.code == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert (tmp_path / "harness.toml").read_text("utf-8") == "# mine"
