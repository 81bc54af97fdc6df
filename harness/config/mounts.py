"""The prefixes of routes: where a router, a blueprint or a module of URLs is mounted in another file."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.config.sources import Source

DEPTH_MAX = 5
_PYTHON_MOUNT = re.compile(r"\b(include_router|register_blueprint)\(\s*([\w.]+)([^()]*)\)")
_DJANGO_MOUNT = re.compile(r"\bpath\(\s*r?[\"']([^\"']*)[\"']\s*,\s*include\(\s*\(?\s*[\"']([\w.]+)[\"']")
_NODE_MOUNT = re.compile(
    r"\.(?:use|route)\(\s*[\"'`](/[^\"'`]*)[\"'`]\s*,[^;\n]{0,300}?(?:require\(\s*[\"']([^\"']+)[\"']\s*\)|(\w+))\s*\)"
)
_OWN_PREFIX = re.compile(r"\b(APIRouter|Blueprint)\([^()]*?\b(?:url_)?prefix\s*=\s*([^,()]+)")
_PREFIX = re.compile(r"\b(?:url_)?prefix\s*=\s*([^,()]+)")
_PYTHON_IMPORT = re.compile(r"^[ \t]*from\s+(\.*[\w.]*)\s+import\s+(\([^()]*\)|[^\n]*)", re.M)


@dataclass(frozen=True, slots=True)
class Mount:
    """One file's routes in another file, under a prefix."""

    parent: Source
    child: Source
    prefix: str
    replaces: bool
    """Whether it replaces the prefix that the routes have at home, as Flask's does."""


def mounts_of(sources: Sequence[Source]) -> list[Mount]:
    """Return the mounts in the sources whose files are known."""
    return [mount for source in sources for mount in _mounts(source, sources)]


def prefix_of(source: Source, mounts: Sequence[Mount], sources: Sequence[Source], depth: int = DEPTH_MAX) -> str:
    """Return the prefix of the routes in a file, or "" if they have none."""
    own = _OWN_PREFIX.search(source.text) if source.is_python else None
    at_home = "" if own is None else _value(own[2], sources)
    mount = next((each for each in mounts if each.child == source), None)
    if mount is None or depth == 0:
        return at_home
    outer = "" if mount.parent == source else prefix_of(mount.parent, mounts, sources, depth - 1)
    return outer + mount.prefix + ("" if mount.replaces and mount.prefix else at_home)


def _mounts(source: Source, sources: Sequence[Source]) -> Iterator[Mount]:
    if not source.is_python:
        for prefix, required, name in _NODE_MOUNT.findall(source.text):
            child = _node_module(source, required or _imported_by_node(source, name), sources)
            if child is not None:
                yield Mount(source, child, prefix, False)
        return
    for prefix, module in _DJANGO_MOUNT.findall(source.text):
        child = _module(module.replace(".", "/"), sources)
        if child is not None:
            yield Mount(source, child, prefix, False)
    for call, written, options in _PYTHON_MOUNT.findall(source.text):
        child = _imported_by_python(source, written.split(".")[0], sources)
        given = _PREFIX.search(options)
        if child is not None:
            prefix = "" if given is None else _value(given[1], sources)
            yield Mount(source, child, prefix, call == "register_blueprint")


def _value(written: str, sources: Sequence[Source]) -> str:
    """Return a prefix that is written as text, or as the name of a constant somewhere in the sources."""
    literal = re.match(r"\s*[\"']([^\"']*)[\"']", written)
    if literal is not None:
        return literal[1]
    name = re.escape(written.strip().rpartition(".")[2])
    constant = re.compile(rf"\b{name}\s*(?::\s*\w+\s*)?=\s*[\"'](/[^\"']*)[\"']")
    found = (constant.search(source.text) for source in sources if source.is_python)
    return next((each[1] for each in found if each is not None), "")


def _module(name: str, sources: Sequence[Source]) -> Source | None:
    return next((source for source in sources if name and source.is_module(name)), None)


def _imported_by_python(source: Source, name: str, sources: Sequence[Source]) -> Source | None:
    """Return the file that `name` comes from: a module, that of an imported name, or the file itself."""
    for module, imported in _PYTHON_IMPORT.findall(source.text):
        for item in imported.strip("()").split(","):
            words = item.split("#")[0].split()
            if words and words[-1] == name:
                place = module.strip(".").replace(".", "/")
                within = f"{place}/{words[0]}" if place else words[0]
                return _module(within, sources) or _module(place, sources)
    return source if re.search(rf"^{re.escape(name)}\s*=", source.text, re.M) else None


def _imported_by_node(source: Source, name: str) -> str:
    pattern = rf"\b{re.escape(name)}\b[^;\n]{{0,300}}?(?:\bfrom\s*|=\s*require\(\s*)[\"']([^\"']+)[\"']"
    found = re.search(pattern, source.text)
    return "" if found is None else found[1]


def _node_module(source: Source, written: str, sources: Sequence[Source]) -> Source | None:
    """Return the file of `./routes/songs.js`, relative to a source, or of an alias such as `@/routes/songs`."""
    name = re.sub(r"\.(?:[cm]?[jt]s|[jt]sx)$", "", written)
    if not name.startswith("."):
        return _module(name.removeprefix("@/").removeprefix("~/"), sources)
    wanted = posixpath.normpath(posixpath.join(str(source.path.parent), name)).removesuffix("/index")
    return next((each for each in sources if not each.is_python and each.module == wanted), None)
