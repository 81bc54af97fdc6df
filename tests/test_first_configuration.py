"""What `harness init` finds in an application's files, by reading them: routes, variables, tables, files of SQL."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.config.app_config import Settings
from harness.config.init import first_settings
from harness.config.loader import read_settings
from harness.config.sources import FILE_BYTES_MAX, FILES_MAX, read_sources

LAYOUTS = Path(__file__).parent / "apps" / "layouts"
UNKNOWN = "no provider gives this; set a value that your tests use"


def written(folder: Path, files: Mapping[str, str]) -> str:
    """Write files below a folder, and the harness.toml for them; return its text."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    text = first_settings(folder)
    (folder / "harness.toml").write_text(text, "utf-8")
    return text


def configured(folder: Path, files: Mapping[str, str]) -> Settings:
    written(folder, files)
    return read_settings(folder)


def of_layout(name: str, folder: Path) -> tuple[str, Settings]:
    paths = [path for path in (LAYOUTS / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files = {str(path.relative_to(LAYOUTS / name)): path.read_text("utf-8") for path in paths}
    return written(folder, files), read_settings(folder)


def test_a_nextjs_application_with_supabase_in_its_code(tmp_path: Path) -> None:
    text, settings = of_layout("nextjs", tmp_path)
    assert (settings.application.command, settings.application.reach) == ("npm run start", "preload")
    assert settings.application.environment == {
        "WEBHOOK_HMAC_KEY": "{signing_key}",
        "SUNO_API_KEY": "{api_key}",
        "CALLBACK_BASE_URL": "{app}",
        "SUPABASE_SERVICE_ROLE_KEY": "{supabase_key}",
        "PORT": "{port}",
        "STRIPE_SECRET_KEY": "made-up-secret",
        "CRON_SECRET": "made-up-secret",
    }
    assert f'STRIPE_SECRET_KEY = "made-up-secret"  # {UNKNOWN}' in text
    assert (settings.start.request, settings.start.id) == ("POST /api/compose", "taskId")
    assert '\n# headers = { authorization = "Bearer made-up-secret" }' in text
    assert settings.supabase is not None
    assert settings.supabase.host == "qwhzkfmtrblcnxdvpsgy.supabase.co"
    assert [path.name for path in settings.supabase.schema_files] == ["001_songs.sql", "002_covers.sql"]
    assert settings.track.table == "songs"
    assert settings.track.fields == {
        "id": "task_id",
        "status": "status",
        "audio_url": "audio_url",
        "image_url": "cover_url",
        "failure_reason": "error_message",
    }
    assert settings.cron[0].headers == {"authorization": "Bearer made-up-secret"}


def test_an_express_application_with_mounted_routers(tmp_path: Path) -> None:
    text, settings = of_layout("express", tmp_path)
    environment = settings.application.environment
    assert (environment["MUSIC_API_BASE"], environment["IMAGE_API_BASE"]) == ("{suno}", "{kie}")
    assert environment["SUNO_CALLBACK_URL"] == "{app}/api/songs/callback"
    assert settings.application.reach == "variables"
    assert (settings.start.request, settings.start.id) == ("POST /api/songs", "song.id")
    assert (settings.track.read, settings.track.inside) == ("GET /api/songs/{id}", "song")
    assert '\n# headers = { x-api-key = "made-up-secret" }' in text
    fields = settings.track.fields
    assert (fields["status"], fields["audio_url"], fields["image_url"]) == ("state", "audioUrl", "coverUrl")


@pytest.mark.parametrize(
    ("layout", "command", "request_line", "id_path", "table", "id_column"),
    [
        ("fastapi", "uvicorn app.main:app --port {port}", "POST /api/v1/songs", "task_id", "songs", "task_id"),
        ("flask", "flask --app wsgi:app run --port {port}", "POST /api/tracks", "track.id", "tracks", None),
        (
            "django",
            'sh -c "python manage.py migrate --noinput && exec python manage.py runserver --noreload {port}"',
            "POST /api/songs/",
            "id",
            "songs_song",
            None,
        ),
    ],
    ids=["fastapi", "flask", "django"],
)
def test_a_python_application_by_its_layout(
    tmp_path: Path, layout: str, command: str, request_line: str, id_path: str, table: str, id_column: str | None
) -> None:
    _, settings = of_layout(layout, tmp_path)
    assert settings.application.command == command
    assert (settings.start.request, settings.start.id) == (request_line, id_path)
    assert (settings.track.sqlite, settings.track.table) == ("{database}", table)
    assert settings.track.fields.get("id") == id_column


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KIE_TOKEN", "{api_key}"),
        ("MUSIC_API_KEY", "{api_key}"),
        ("SUNO_BASE_URL", "{suno}"),
        ("SUNO", "{suno}"),
        ("NGROK_URL", "{app}"),
        ("WEBHOOK_BASE_URL", "{app}"),
        ("SUNO_WEBHOOK_SECRET", "{signing_key}"),
        ("SIGNING_KEY", "{signing_key}"),
        ("NEXTAUTH_URL", "{app}"),
        ("NEXT_PUBLIC_SUPABASE_URL", "{supabase}"),
        ("DATABASE_PATH", "{database}"),
        ("COOKIE_SECRET", UNKNOWN),
        ("NEXTAUTH_SECRET", UNKNOWN),
        ("STRIPE_WEBHOOK_SECRET", UNKNOWN),
        ("JWT_SECRET", UNKNOWN),
        ("SLACK_WEBHOOK_URL", None),
        ("SIGNUP_URL", None),
        ("SUPABASE_DB_URL", None),
        ("OPENAI_BASE_URL", None),
        ("LOG_LEVEL", None),
    ],
)
def test_a_variable_gets_the_value_of_its_name_or_is_listed(tmp_path: Path, name: str, value: str | None) -> None:
    text = written(tmp_path, {"a.js": f"use(process.env.{name}, process.env.KIE_API_KEY);"})
    if value is None:
        assert f"\n# also read by the code: {name}\n" in text
    elif value == UNKNOWN:
        assert f'\n{name} = "made-up-secret"  # {UNKNOWN}\n' in text
    else:
        assert f'\n{name} = "{value}"\n' in text


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("a.js", "process.env['KIE_API_KEY']"),
        ("a.ts", "const { KIE_API_KEY, PORT } = process.env;"),
        ("a.ts", "import.meta.env.KIE_API_KEY"),
        ("a.ts", "createEnv({ server: { KIE_API_KEY: z.string().min(1) } })"),
        ("a.ts", "Deno.env.get('KIE_API_KEY')"),
        ("a.py", "os.environ['KIE_API_KEY']"),
        ("a.py", "os.getenv('KIE_API_KEY')"),
        ("a.py", "KEY = config('KIE_API_KEY')"),
        ("a.py", "class Settings(BaseSettings):\n    kie_api_key: str\n"),
        ("a.py", "class Settings(BaseSettings):\n    model_config = X(env_prefix='KIE_')\n    api_key: str = ''\n"),
        ("a.py", "class Settings(BaseSettings):\n    key: str = Field(alias='KIE_API_KEY')\n"),
    ],
)
def test_every_usual_way_to_read_a_variable_is_seen(tmp_path: Path, file: str, code: str) -> None:
    environment = configured(tmp_path, {file: code}).application.environment
    assert environment == {"KIE_API_KEY": "{api_key}", "PORT": "{port}"}


@pytest.mark.parametrize(
    ("code", "value", "reach"),
    [
        ('const base = process.env.UPSTREAM || "https://api.kie.ai/api/v1";', "{kie}/api/v1", "variables"),
        ("const base = process.env.UPSTREAM ?? 'https://api.sunoapi.org';", "{suno}", "variables"),
        ('const base = process.env.UPSTREAM; fetch("https://api.kie.ai/x");', None, "preload"),
    ],
    ids=["kie-with-a-path", "suno", "no-default"],
)
def test_a_providers_address_is_a_default_or_hard_coded(
    tmp_path: Path, code: str, value: str | None, reach: str
) -> None:
    application = configured(tmp_path, {"a.js": code}).application
    assert (application.environment.get("UPSTREAM"), application.reach) == (value, reach)


ORDER = "fetch(`${base}/api/v1/generate`, { body: { callBackUrl } })"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"a.js": f"app.post('/pay', x);\napp.post('/go', () => {ORDER});\n"}, "/go"),
        ({"a.js": f"app.post('/a', () => begin());\napp.post('/b', () => 1);\nfunction begin() {{ {ORDER} }}"}, "/a"),
        ({"a.js": "app.post('/api/checkout', x);\napp.post('/api/songs', y);\n"}, "/api/songs"),
        ({"a.js": "app.post('/api/generate-image', x);\napp.post('/api/generate-music', y);\n"}, "/api/generate-music"),
        ({"a.js": "axios.post('/api/other', x);\napp.post('/api/songs', y);\n"}, "/api/songs"),
        ({"tests/a.js": "app.post('/api/songs', x);", "b.js": "app.post('/api/tracks', y);"}, "/api/tracks"),
        ({"pages/api/songs/index.ts": "export default function handler() {}"}, "/api/songs"),
        ({"app/(site)/api/songs/route.ts": "export const POST = make();"}, "/api/songs"),
        (
            {
                "src/index.ts": "import songs from '@/routes/songs';\napp.use('/v2/songs', limit, songs);",
                "src/routes/songs/index.ts": "router.post('/new', create);",
            },
            "/v2/songs/new",
        ),
        (
            {
                "main.py": "from api import router as r\napp = FastAPI()\napp.include_router(r, prefix='/api')\n",
                "api/__init__.py": "from . import b\nrouter = APIRouter(prefix='/v1')\nrouter.include_router(b.r)\n",
                "api/b.py": "r = APIRouter(prefix='/songs')\n@r.post('/', dependencies=[Depends(k)])\ndef f(): ...\n",
            },
            "/api/v1/songs/",
        ),
        (
            {
                "app.py": "from songs import bp\napp = Flask('x')\napp.register_blueprint(bp, url_prefix='/b')\n",
                "songs.py": "bp = Blueprint('s', 's', url_prefix='/a')\n@bp.route('/songs', methods=['POST'])\n",
            },
            "/b/songs",
        ),
        ({"app.py": "routes = [Route('/songs', create, methods=['POST'])]\n"}, "/songs"),
    ],
    ids=[
        *("generates", "through-a-function", "no-checkout", "no-image", "no-client", "no-test", "pages", "group"),
        *("alias", "nested-routers", "blueprint", "table-of-routes"),
    ],
)
def test_the_route_that_starts_a_track_is_found(tmp_path: Path, files: dict[str, str], path: str) -> None:
    assert configured(tmp_path, files).start.request == f"POST {path}"


def test_only_a_checkout_starts_no_track(tmp_path: Path) -> None:
    assert "no route was found, set it" in written(tmp_path, {"a.js": "app.post('/api/checkout', x);"})


@pytest.mark.parametrize(
    ("response", "path"),
    [
        ("res.status(401).json({ error: 'id' }); res.json({ id: row.id })", "id"),
        ("res.json({ success: true, taskId })", "taskId"),
        ("res.json({ userId: u, song_id: s.id })", "song_id"),
        ("res.json({ data: { id: s.id, title } })", "data.id"),
        ("res.json({ track })", "track.id"),
    ],
)
def test_the_path_of_the_id_is_that_in_the_response(tmp_path: Path, response: str, path: str) -> None:
    settings = configured(tmp_path, {"a.js": f"app.post('/songs', (req, res) => {{ {response}; }});"})
    assert settings.start.id == path


@pytest.mark.parametrize(
    ("file", "handler", "header"),
    [
        ("a.js", "app.post('/songs', (q, r) => check(q.headers['x-token']));", "x-token"),
        ("a.js", "const key = (q) => q.headers.authorization;\napp.post('/songs', key, (q, r) => 1);", "authorization"),
        ("a.py", "@app.post('/songs')\ndef f(x_api_key: str = Header()): ...", "x-api-key"),
        (
            "a.py",
            "def user(k=Depends(HTTPBearer())): ...\n@app.post('/songs', dependencies=[Depends(user)])",
            "authorization",
        ),
        ("a.py", "@app.post('/songs')\ndef f():\n    request.META['HTTP_X_API_KEY']", "x-api-key"),
    ],
)
def test_a_header_that_the_route_reads_is_a_comment(tmp_path: Path, file: str, handler: str, header: str) -> None:
    assert f"\n# headers = {{ {header} = " in written(tmp_path, {file: handler})


def test_other_headers_are_none_of_the_routes(tmp_path: Path) -> None:
    handler = "app.post('/songs', (q) => [q.headers['content-type'], q.headers['x-forwarded-for']]);"
    assert "headers =" not in written(tmp_path, {"a.js": handler})


MAKES = "create table tracks (id uuid primary key, status text);"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"supabase/migrations/1.sql": MAKES}, ["1.sql"]),
        ({"supabase-migrations/1.sql": MAKES, "supabase-migrations/2.sql": "insert into x;"}, ["1.sql", "2.sql"]),
        ({"schema.sql": MAKES, "queries.sql": "select 1;"}, ["schema.sql"]),
        ({"supabase/schema.sql": MAKES, "supabase/seed.sql": "insert into x;"}, ["schema.sql"]),
    ],
    ids=["migrations", "supabase-migrations", "beside-package-json", "supabase"],
)
def test_the_schema_is_where_projects_have_it(tmp_path: Path, files: dict[str, str], found: list[str]) -> None:
    settings = configured(tmp_path, {"a.js": "process.env.SUPABASE_URL", "package.json": "{}", **files})
    assert settings.supabase is not None
    assert [path.name for path in settings.supabase.schema_files] == found


def test_an_example_of_a_supabase_host_is_no_project(tmp_path: Path) -> None:
    code = "// https://your-project.supabase.co\ncreateClient('https://example.supabase.co')"
    assert "host" not in written(tmp_path, {"a.js": code, "schema.sql": MAKES}).partition("[supabase]")[2]


def test_a_supabase_host_in_python_is_to_become_a_variable(tmp_path: Path) -> None:
    text = written(tmp_path, {"app.py": "create_client('https://qwhzkfmtrblcnxdvpsgy.supabase.co')", "s.sql": MAKES})
    assert "# qwhzkfmtrblcnxdvpsgy.supabase.co is in the code: read it from a variable that is {supabase}" in text
    assert "\nhost = " not in text


def test_what_is_read_has_bounds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "large.js").write_text("x" * (FILE_BYTES_MAX + 1), "utf-8")
    (tmp_path / "a" / "link.js").symlink_to("/dev/zero")
    for name in ("node_modules", ".next", "tests", "venv"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.js").write_text("process.env.KIE_KEY", "utf-8")
    assert read_sources(tmp_path) == []
    for number in range(FILES_MAX + 10):
        (tmp_path / "a" / f"{number}.ts").touch()
    assert len(read_sources(tmp_path)) <= FILES_MAX


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        (
            "'CREATE TABLE tracks'\n    ' (id TEXT, state TEXT,'\n    ' cover TEXT)'",
            {"status": "state", "image_url": "cover"},
        ),
        (
            "f'CREATE TABLE tracks (id TEXT, {columns})'\ndb.execute(\"UPDATE tracks SET state = 'done'\")",
            {"status": "state"},
        ),
        ("class Track(models.Model):\n    state = models.TextField()\n", {"status": "state"}),
    ],
    ids=["joined", "computed", "model"],
)
def test_columns_are_found_in_python(tmp_path: Path, code: str, fields: dict[str, str]) -> None:
    settings = configured(tmp_path, {"shop/app.py": f"os.environ['DATABASE_PATH']\n{code}\n"})
    assert settings.track.sqlite == "{database}"
    assert {name: value for name, value in settings.track.fields.items() if name in fields} == fields
    assert settings.track.table == ("shop_track" if "models" in code else "tracks")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sql", "create table x (a, " * 20_000),
        ("a.ts", "A" * 390_000),
        ("a.py", "\n" * 390_000),
        ("app/route.ts", "export {" * 48_000),
        ("a.js", 'x.use("/a",' * 35_000),
    ],
    ids=["sql", "one-word", "empty-lines", "exports", "mounts"],
)
def test_no_file_takes_long(tmp_path: Path, name: str, text: str) -> None:
    began = time.process_time()
    written(tmp_path, {name: text})
    assert time.process_time() - began < 30, "a pattern takes time in proportion to the square of a file's size"
