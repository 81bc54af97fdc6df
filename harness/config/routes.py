"""The routes in an application's source files, with the text of their handlers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.config.mounts import mounts_of, prefix_of
from harness.config.sources import Source, split_at

HANDLER_CHARACTERS = 3_000
_PYTHON_ROUTE = re.compile(
    r"^[ \t]*@\w+\.(post|get|route|api_route)\(\s*[\"']([^\"']*)[\"']((?:[^()]|\([^()]*\)){0,400})\)", re.M
)
_PYTHON_TABLE = re.compile(
    r"\b(?:Route\(\s*[\"'](/[^\"']*)[\"']\s*,\s*([\w.]+)([^()]*)|add_(post|get)\(\s*[\"'](/[^\"']*)[\"']\s*,\s*([\w.]+))"
)
_DJANGO_ROUTE = re.compile(r"\bpath\(\s*r?[\"']([^\"']*)[\"']\s*,\s*(?!include)(?:\w+\.)*?(\w+)(?:\.as_view\(|\s*[,)])")
_NODE_OBJECT = r"(?:app|server|fastify|hono|\w*[rR]outer|\w*[rR]outes)"
_NODE_ROUTE = re.compile(
    rf"\b{_NODE_OBJECT}\.(?:(post|get)\(\s*[\"'`](/[^\"'`]*)[\"'`]|route\(\s*[\"'`](/[^\"'`]*)[\"'`]\s*\)\s*\.(post|get)\()"
)
_NEXT_EXPORT = re.compile(r"\bexport\s+(?:async\s+function\s+|const\s+|\{[^}]{0,300}\bas\s+)(POST|GET)\b")

_NEXT_STATEMENT = re.compile(r"\n(?=[^\s)}\]])")
_PYTHON_DEF = re.compile(r"\bdef\s+\w+")


@dataclass(frozen=True, slots=True)
class Route:
    """A route: its method ("POST" or "GET"), its whole path, and the text of its handler as far as it was found."""

    method: str
    path: str
    handler: str


def routes_of(sources: Sequence[Source], defined: Mapping[str, str]) -> list[Route]:
    """Return the routes for POST and GET in the sources; `defined` are the definitions in them."""
    mounts = mounts_of(sources)
    found: list[Route] = []
    for source in sources:
        if source.path.suffix == ".sql":
            continue
        if source.is_python:
            prefix = prefix_of(source, mounts, sources)
            own = [*_decorated(source), *_listed(source, defined), *_of_django(source, defined)]
            found += [Route(each.method, _joined(prefix, each.path), each.handler) for each in own]
            continue
        prefix = prefix_of(source, mounts, sources)
        for each in _of_node(source, defined):
            path = _joined(prefix, each.path)
            found.append(Route(each.method, path.rstrip("/") or "/", each.handler))
        found += _of_next(source)
    return found


def _joined(prefix: str, path: str) -> str:
    return re.sub(r"/{2,}", "/", f"/{prefix}/{path}" if path else f"/{prefix}")


def _methods(options: str, otherwise: str) -> list[str]:
    return [method for method in ("POST", "GET") if method in options.upper()] or [otherwise]


def _handler(text: str, begins: re.Pattern[str] | None = None) -> str:
    """Return the text of a handler, up to the next statement that is not within it; it begins where a pattern does."""
    beginning = None if begins is None else begins.search(text)
    end = _NEXT_STATEMENT.search(text, 0 if beginning is None else beginning.end())
    return text[: None if end is None else end.start()][:HANDLER_CHARACTERS]


def _decorated(source: Source) -> Iterator[Route]:
    for match, text in split_at(_PYTHON_ROUTE, source.text):
        methods = _methods(match[3], "GET") if match[1].endswith("route") else [match[1].upper()]
        for method in methods:
            handler = _handler(text[len(match[0]) :], _PYTHON_DEF)
            yield Route(method, match[2], f"{match[3]}\n{handler}")


def _listed(source: Source, defined: Mapping[str, str]) -> Iterator[Route]:
    """The routes of Starlette and aiohttp that name their handlers."""
    for path, handler, options, method, other_path, other_handler in _PYTHON_TABLE.findall(source.text):
        name = (handler or other_handler).rpartition(".")[2]
        for each in [method.upper()] if method else _methods(options, "GET"):
            yield Route(each, path or other_path, defined.get(name, ""))


def _of_django(source: Source, defined: Mapping[str, str]) -> Iterator[Route]:
    if source.path.name != "urls.py":
        return
    for path, name in _DJANGO_ROUTE.findall(source.text):
        handler = defined.get(name, "")
        yield Route("POST", path, handler)
        if "<" in path:
            yield Route("GET", path, handler)


def _of_node(source: Source, defined: Mapping[str, str]) -> Iterator[Route]:
    for match, whole in split_at(_NODE_ROUTE, source.text):
        text = _handler(whole[len(match[0]) :])
        named = re.match(r"[\s,]*([\w.,\s]+)\)", text)
        names = [] if named is None else re.findall(r"(\w+)\s*(?=,|$)", named[1].strip())
        handler = "\n".join([text, *(defined.get(name, "") for name in names)])
        yield Route((match[1] or match[4]).upper(), match[2] or match[3], handler)


def _of_next(source: Source) -> Iterator[Route]:
    """The routes of Next.js, by their paths; a group "(site)" is no part of them."""
    parts = source.path.parts
    if source.path.stem == "route" and "app" in parts:
        path = "/" + "/".join(part for part in parts[parts.index("app") + 1 : -1] if not part.startswith("("))
        for match in _NEXT_EXPORT.finditer(source.text):
            yield Route(match[1], path, source.text[match.end() : match.end() + HANDLER_CHARACTERS])
    elif "pages" in parts and "api" in parts[parts.index("pages") :] and "export default" in source.text:
        path = "/" + "/".join(source.path.with_suffix("").parts[parts.index("pages") + 1 :]).removesuffix("/index")
        for method in ("GET",) if "[" in path else ("POST",):
            yield Route(method, path, source.text[:HANDLER_CHARACTERS])
