"""The environment variables that an application's code reads, and the values that the harness has for them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.config.sources import Source
from harness.fakes.registry import KIE, SUNO

MADE_UP = "made-up-secret"
"""The value of a secret that no provider gives; it opens nothing."""
PROVIDER_HOSTS = (*KIE.hosts, *SUNO.hosts)
_READ = re.compile(
    r"""process\.env\.(\w+)|process\.env\[\s*["'](\w+)["']|import\.meta\.env\.(\w+)|Deno\.env\.get\(\s*["'](\w+)["']"""
    r"""|environ(?:\.get\(|\.setdefault\(|\[)\s*["'](\w+)["']|getenv\(\s*["'](\w+)["']"""
    r"""|\b([A-Z][A-Z0-9_]{2,60})\s*:\s*z\."""
)
_PYTHON_READ = re.compile(r"""\b(?:env|config)(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]+)["']""")
"""Those of django-environ, environs and decouple."""
_TAKEN_APART = re.compile(r"\{([^{}]*)\}\s*=\s*(?:process|import\.meta)\.env\b")
_SETTINGS = re.compile(r"^class\s+\w+\([^)]*\bBaseSettings\b[^)]*\):(.*?)(?=^\S|\Z)", re.M | re.S)
_SETTING = re.compile(r"^[ \t]+(\w+)\s*:\s*(?!ClassVar)[^=\n]+(?:=([^\n]*))?$", re.M)
_ENV_PREFIX = re.compile(r"\benv_prefix\s*=\s*[\"'](\w*)[\"']")
_ALIAS = re.compile(r"\balias\s*=\s*[\"'](\w+)[\"']")
_DEFAULT = (
    r"""\b%s\b["'\])!]*\s*(?:\|\||\?\?|,|\bor\b|(?::\s*[\w.\[\] |]+)?=|:\s*z[\w.()]*\.default\()\s*"""
    r"""(?:Field\(\s*)?(?:default\s*=\s*)?["'`](https?://(?:%s))([^"'`\s]*)["'`]"""
)
"""A variable and its default: `process.env.X || "..."`, `os.getenv("X", "...")`, `x: str = "..."`."""
_WHOLE = r"""call_?back_?url["']?\s*[:=]\s*[\w.]*[\[(.]?["']?%s\b["'\])!]*\s*[,;}\n]"""
FOR_CALLBACKS = re.compile(r"CALL_?BACK|WEBHOOK|TUNNEL|NGROK")
NAMES_MAX = 300
FOREIGN = re.compile(
    r"STRIPE|CLERK|SVIX|GITHUB|GOOGLE|FACEBOOK|APPLE|AWS|S3_|R2_|RESEND|SENDGRID|OPENAI|ANTHROPIC|GEMINI|TWILIO|SENTRY"
    r"|PADDLE|LEMON|POLAR|PAYPAL|SLACK|DISCORD|TELEGRAM|REDIS|UPSTASH|MONGO|POSTHOG|VERCEL|CLOUDINARY|CDN|ELEVENLABS"
)
"""Services that the harness does not play."""
_IS_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|(?<!PUBLIC_)(?<![A-Z])KEY(?![A-Z])|APIKEY|CREDENTIAL")
_ADDRESS = re.compile(r"URL|URI|BASE|HOST|ORIGIN|ENDPOINT|ADDRESS")
_SIGNS = re.compile(r"(?<!DE)SIGN(?!UP|_UP|_IN|IN(?!G))")
_KIE, _SUNO = re.compile(r"(?<!COO)KIE"), re.compile(r"SUNO|MUSIC_API")
_OWN = re.compile(r"PUBLIC|SITE|APP|BASE|SERVER|BACKEND|EXTERNAL|^(?:\w*_)?API_URL$|^NEXTAUTH_URL$|^AUTH_URL$")


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that the code reads, in its order, and the providers' hosts in it."""

    names: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Base URLs of providers that are the defaults of variables, with placeholders for their origins."""
    hosts: frozenset[str] = frozenset()
    """The providers' hosts that are no such defaults."""
    whole: frozenset[str] = frozenset()
    """Variables that are the whole callback URL, not only its base."""


def read_variables(sources: Sequence[Source]) -> Variables:
    """Return the variables that the sources read."""
    names = tuple(dict.fromkeys(name for source in sources for name in _names(source)))[:NAMES_MAX]
    texts = [source.text for source in sources]
    hosts = "|".join(map(re.escape, PROVIDER_HOSTS))
    defaults: dict[str, str] = {}
    whole: set[str] = set()
    for name in names:
        default, direct = (
            re.compile(_DEFAULT % (re.escape(name), hosts), re.I),
            re.compile(_WHOLE % re.escape(name), re.I),
        )
        for index, text in enumerate(texts):
            if name not in text and name.lower() not in text:
                continue
            found = default.search(text)
            if found is not None:
                defaults.setdefault(name, _placeholder(name, found[1]) + found[2].rstrip("/"))
                texts[index] = default.sub("", text)
            if FOR_CALLBACKS.search(name.upper()) and direct.search(text):
                whole.add(name)
    literal = frozenset(host for host in PROVIDER_HOSTS if any(f"//{host}" in text for text in texts))
    return Variables(names, defaults, literal, frozenset(whole))


def _names(source: Source) -> Iterator[str]:
    if source.path.suffix == ".sql":
        return
    for found in _READ.findall(source.text):
        yield next(filter(None, found))
    if not source.is_python:
        for inside in _TAKEN_APART.findall(source.text):
            yield from re.findall(r"(?:^|,)\s*(\w+)", inside)
        return
    yield from _PYTHON_READ.findall(source.text)
    for body in _SETTINGS.findall(source.text):
        prefix = _ENV_PREFIX.search(body)
        for name, default in _SETTING.findall(body):
            alias = _ALIAS.search(default)
            if name != "model_config":
                yield alias[1] if alias is not None else f"{prefix[1] if prefix is not None else ''}{name}".upper()


def _placeholder(name: str, origin: str) -> str:
    is_kie = any(host in origin for host in KIE.hosts) and _SUNO.search(name.upper()) is None
    return "{kie}" if is_kie else "{suno}"


def values_of(variables: Variables, database_url: str, callback: str | None) -> dict[str, str]:
    """Return the values for the variables that the harness knows something for; `callback` is the path of the
    application's route for callbacks."""
    found: dict[str, str] = {}
    for name in variables.names:
        value = variables.defaults.get(name) or _value(name.upper(), database_url)
        if value is not None:
            found[name] = value + callback if value == "{app}" and callback and name in variables.whole else value
    return found


def _value(name: str, database_url: str) -> str | None:
    if "SUPABASE" in name:
        return _of_supabase(name)
    if FOREIGN.search(name):
        return None
    is_for_callbacks = FOR_CALLBACKS.search(name) is not None
    has_key = _IS_SECRET.search(name) is not None
    if _SIGNS.search(name) or (is_for_callbacks and (has_key or "HMAC" in name)):
        return "{signing_key}"
    if is_for_callbacks and _ADDRESS.search(name):
        return "{app}"
    is_kie, is_suno = _KIE.search(name) is not None, _SUNO.search(name) is not None
    if name == "API_KEY" or ((is_kie or is_suno) and has_key):
        return "{api_key}"
    if name in ("KIE", "SUNO") or ((is_kie or is_suno) and _ADDRESS.search(name)):
        return "{kie}" if is_kie else "{suno}"
    if "DATABASE" in name or name in ("DB_PATH", "SQLITE_PATH", "DB_FILE", "SQLITE_FILE"):
        return None if has_key or re.search(r"USER|NAME$|HOST|PORT", name) else database_url
    return "{app}" if "URL" in name and _OWN.search(name) else None


def _of_supabase(name: str) -> str | None:
    if "URL" in name and "DB" not in name and "DATABASE" not in name:
        return "{supabase}"
    if "KEY" in name:
        return "{supabase_anon_key}" if "ANON" in name or "PUBLISHABLE" in name else "{supabase_key}"
    return None


def secrets_without_provider(variables: Variables, known: Mapping[str, str]) -> list[str]:
    """Return the names of secrets that the code reads and for which the harness knows no value."""
    return [name for name in variables.names if name not in known and _IS_SECRET.search(name.upper())]


def others(variables: Variables, known: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that the code reads besides."""
    secret = secrets_without_provider(variables, known)
    usual = ("PORT", "NODE_ENV", "HOST", "CI", "VERCEL_URL", "DJANGO_SETTINGS_MODULE")
    return [name for name in variables.names if name not in known and name not in secret and name not in usual]
