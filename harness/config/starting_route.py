"""Which of an application's routes starts a track and which one reads it, and what their handlers show."""

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.config.routes import Route
from harness.fakes.paths import GENERATE_MUSIC

NOT_A_START = re.compile(r"callback|webhook|hook|cron|\bauth\b|\[|:|<|\{")
"""Paths that others call, or that concern an existing track."""
CALLBACK = re.compile(r"callback|webhook|hook")
OTHER_CALLERS = re.compile(r"stripe|clerk|github|paddle|lemon|auth|slack|discord")
MUSIC_WORDS = re.compile(r"track|song|music|suno|generat|compos")
OTHER_PURPOSES = re.compile(
    r"checkout|stripe|pay|bill|subscri|login|logout|log-in|sign|session|register|user|account|profile|upload|contact"
    r"|newsletter|email|feedback|credit|delete|retry|like|share|admin|health"
)
OTHER_PRODUCTS = re.compile(r"image|cover|lyric|video|wav|midi|stem|extend|vocal|style")
ORDERS_MUSIC = re.compile(rf"{GENERATE_MUSIC}(?![/\w])")
MENTIONS_CALLBACK = re.compile(r"call_?back_?url", re.I)
TOO_GENERAL = frozenset(
    ("create", "post", "POST", "GET", "get", "main", "handler", "handle", "request", "run", "send", "fetch", "call")
)
"""Names of functions whose mention says nothing."""
ROUNDS, NAMES_MAX = 2, 50
"""Through how many functions a handler is followed to the provider's call, and the most functions that make it."""
FROM_THE_PROVIDER, BY_A_CALLBACK, BY_ITS_WORD = 8, 3, 4
AGAINST_ITS_PATH, AGAINST_ITS_PRODUCT = 10, 5
TRACK_KEYS = frozenset(("track", "song", "music", "generation", "item", "data", "result", "task", "job"))
NOT_A_TRACK = frozenset({"error", "message", "detail", "ok", "success", "status", "id"})
NOT_ITS_ID = re.compile(r"(?i)^(user|session|request|customer|owner|client)_?id$")
USUAL_HEADERS = re.compile(
    r"^(content-|accept|user-agent|host$|origin$|referer|x-forwarded|x-real|x-request|cookie|cf-|stripe|svix|x-webhook|retry-|x-ratelimit|etag|location)"
)
_ANSWER = re.compile(r"(?:json(?:ify)?\(|\breturn)\s*(?=\{)")
_ONLY_KEY = re.compile(r"""\{\s*["']?(\w+)["']?\s*(?::\s*(?=\{)|:\s*[\w.()\[\]]+\s*\}|\})""")
"""The only key of an object, whose value is an object, or a name, or (`{ song }`) the key itself."""
_RESPONSE = re.compile(r"(?:\b(?:json(?:ify)?|\w*Response|send|dict)\(\s*|\breturn\s*)(?=\{|\w+\s*=[^=])")
_NESTED_ID = re.compile(r"[\"']?(\w+)[\"']?\s*[:=]\s*(?:\{|dict\()\s*[\"']?(id|\w+_id|\w+Id)\b")
_FLAT_ID = re.compile(r"(?:^|[{,(\s])[\"']?(id|uuid|\w+_id|\w+Id)[\"']?\s*(?=[:=,}])")
_OBJECT_ALONE = re.compile(r"[\"']?\b(\w+)[\"']?\s*(?::\s*\w+(?=\s*[,}])|=\s*\w[\w.]*(?=\(\)|[,)]|$)|(?=\s*[,}]))")
RESPONSE_CHARACTERS = 400
_HEADER = re.compile(
    r"""headers\.get\(\s*["']([\w-]+)["']|headers\(\)\)?\.get\(\s*["']([\w-]+)["']|headers\[\s*["']([\w-]+)["']\s*\]"""
    r"""|headers\.(authorization)\b|\b(?:req|request|c\.req)\.(?:get|header)\(\s*["']([\w-]+)["']"""
    r"""|META(?:\.get\(|\[)\s*["']HTTP_(\w+)["']|\b(\w+)\s*:[^,()=]{0,80}=\s*Header\(|APIKeyHeader\(\s*name\s*=\s*["']([\w-]+)["']"""
)
_BEARER = re.compile(r"\b(?:HTTPBearer\(|OAuth2PasswordBearer\(|HTTPAuthorizationCredentials\b)")


def starting_route(routes: Sequence[Route], defined: Mapping[str, str]) -> Route | None:
    """Return the route that probably starts a track; of equally probable ones the first."""
    ordering = _ordering(defined)
    candidates = [
        route for route in routes if route.method == "POST" and NOT_A_START.search(route.path.lower()) is None
    ]
    best = max(candidates, key=lambda route: _score(route, ordering), default=None)
    return None if best is None or _score(best, ordering) < 0 else best


def callback_path(routes: Sequence[Route]) -> str | None:
    """Return the path that the music provider calls, if a route has such a name."""
    posts = [route.path for route in routes if route.method == "POST" and CALLBACK.search(route.path.lower())]
    own = [path for path in posts if OTHER_CALLERS.search(path.lower()) is None and not re.search(r"[\[:<{]", path)]
    return next((path for path in own if "suno" in path.lower() or MUSIC_WORDS.search(path.lower())), None) or next(
        iter(own), None
    )


def reading_route(routes: Sequence[Route], start: Route | None) -> Route | None:
    """Return the route that reads a track by its id: that below the starting route, or one whose path says so."""
    by_id = [route for route in routes if route.method == "GET" and re.search(r"/[\[:<{][^/]*/?$", route.path)]
    below = None if start is None else start.path.rstrip("/")
    beside = next((route for route in by_id if _without_id(route.path) == below), None)
    return beside or next((route for route in by_id if MUSIC_WORDS.search(route.path.lower())), None)


def request_of(route: Route) -> str:
    """Return the path of a reading route with `{id}` in the place of its parameter."""
    return f"{_without_id(route.path)}/{{id}}" + ("/" if route.path.endswith("/") else "")


def _without_id(path: str) -> str:
    return re.sub(r"/[\[:<{][^/]*/?$", "", path)


def _ordering(defined: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the functions that order music, themselves or through others."""
    found = {name for name, text in defined.items() if ORDERS_MUSIC.search(text)} - TOO_GENERAL
    for _ in range(ROUNDS):
        if not found:
            break
        named = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(found)[:NAMES_MAX]))})\b")
        found |= {name for name, text in defined.items() if named.search(text)} - TOO_GENERAL
    return frozenset(found)


def _score(route: Route, ordering: frozenset[str]) -> int:
    path = route.path.lower()
    orders = ORDERS_MUSIC.search(route.handler) or ordering.intersection(re.findall(r"\w+", route.handler))
    return (
        (FROM_THE_PROVIDER if orders else 0)
        + (BY_A_CALLBACK if MENTIONS_CALLBACK.search(route.handler) else 0)
        + (BY_ITS_WORD if MUSIC_WORDS.search(path) else 0)
        - (AGAINST_ITS_PATH if OTHER_PURPOSES.search(path) else 0)
        - (AGAINST_ITS_PRODUCT if OTHER_PRODUCTS.search(path) else 0)
    )


def id_path(handler: str) -> str:
    """Return the path of the track's id in the response, as far as the handler shows it: "song.id", "task_id"."""
    for response in _responses(handler):
        nested = _NESTED_ID.search(response)
        if nested is not None:
            return f"{nested[1]}.{nested[2]}"
        flat = [name for name in _FLAT_ID.findall(response) if NOT_ITS_ID.match(name) is None]
        if flat:
            return "id" if "id" in flat else flat[0]
        wrapped = next((name for name in _OBJECT_ALONE.findall(response) if name in TRACK_KEYS), None)
        if wrapped is not None:
            return f"{wrapped}.id"
    return "id"


def _responses(handler: str) -> Iterator[str]:
    """The objects in a handler's responses, except errors."""
    for found in _RESPONSE.finditer(handler):
        text = _balanced(handler, found.end())
        if re.search(r"[\"']?\b(error|detail)\b[\"']?\s*[:=,}]", text) is None:
            yield text


def _balanced(text: str, start: int) -> str:
    """Return the text up to where the brackets that open in it are closed, or what surrounds it is."""
    depth = 0
    for index in range(start, min(len(text), start + RESPONSE_CHARACTERS)):
        depth += (text[index] in "{([") - (text[index] in "})]")
        if depth < 0 or (depth == 0 and text[index] == "}"):
            return text[start : index + (depth == 0)]
    return text[start : start + RESPONSE_CHARACTERS]


def wrapping_keys(handler: str) -> str:
    """Return the keys around the first response that is not an error: "data.song" for `{ data: { song: row } }`."""
    for answer in _ANSWER.finditer(handler):
        keys: list[str] = []
        at = answer.end()
        while (found := _ONLY_KEY.match(handler, at)) is not None and found[1] not in NOT_A_TRACK:
            keys.append(found[1])
            at = found.end()
        if keys:
            return ".".join(keys)
    return ""


def checked_headers(handler: str, defined: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a handler reads, or a function that it names, each with the code just around it."""
    named = [defined[name] for name in dict.fromkeys(re.findall(r"\w+", handler)) if name in defined]
    found: dict[str, str] = {}
    for text in (handler, *named):
        for match in _HEADER.finditer(text):
            name = next(filter(None, match.groups())).replace("_", "-").lower()
            if USUAL_HEADERS.match(name) is None:
                found.setdefault(name, text[max(0, match.start() - 80) : match.end() + 120])
        if _BEARER.search(text):
            found.setdefault("authorization", "")
    return found
