"""The HTML report: a single page with every run, which needs no network.

The overview is part of the page. Each scenario's runs, with their journals, are a block of gzip'd JSON that the browser
unpacks on demand, so a thousand runs open as fast as one. Journals are redacted. The script writes only text nodes and
attributes, so no journal content becomes markup, and the page's policy forbids all requests and other scripts.
"""

import gzip
import json
import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from harness.report.html.detailed import detailed_keys, left_out_sentence
from harness.report.html.overview import overview
from harness.report.html.runs import Shared, brief_view, run_view
from harness.results.archive import Results
from harness.trace.journal import Journal

SCRIPTS = ("page", "words", "charts", "matrix", "diagram", "journal", "run", "routes")
"""The parts of the page's script, in order."""
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_HERE = Path(__file__).parent


def page(results: Results) -> bytes:
    """Return the whole report."""
    pictures = {
        digest: [picture.format, picture.width, picture.height, b64encode(picture.webp).decode()]
        for digest, picture in results.thumbnails().items()
    }
    detailed = detailed_keys(results)
    return filled(
        _file("page.html"),
        title=_title(results),
        style=_style(),
        script=_script(),
        overview=overview(results, left_out_sentence(results, detailed)),
        pictures=_json(pictures),
        blocks="\n".join(_blocks(results, detailed)),
    )


def filled(template: str, *, title: str, style: str, script: str, overview: Any, **more: str) -> bytes:
    """Return a template with its placeholders filled; nothing but its own style and script has an effect there."""
    parts = {
        "title": escape(title),
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "overview": _json(overview),
        **more,
    }
    words = _PLACE.split(template)  # text, name, text, name, ..., text
    return "".join(parts[word] if place % 2 else word for place, word in enumerate(words)).encode(errors="replace")


def _title(results: Results) -> str:
    names = [implementation.name for implementation in results.implementations]
    whose = names[0] if len(names) == 1 else f"{len(names)} implementations"
    count = len(results.scenarios)
    return f"{whose}, {count} scenario{'s' if count != 1 else ''}"


def _blocks(results: Results, detailed: set[tuple[str, str]]) -> list[str]:
    """Return an element for each scenario with its file and its runs, packed; the runs that are not `detailed` in
    brief."""
    runs = results.by_key()
    others: dict[str, Journal] = {}
    blocks = []
    for number, scenario in enumerate(results.scenarios):
        views: dict[int, Any] = {}
        facts = Shared()
        for position, implementation in enumerate(results.implementations):
            run = runs.get((scenario.name, implementation.name))
            if run is None:
                continue
            if run.key in detailed:
                views[position] = run_view(run, scenario, facts)
            else:
                if implementation.name not in others:
                    others[implementation.name] = run.journal
                views[position] = brief_view(run, scenario, others[implementation.name])
        content = _encode({"text": scenario.text, "facts": facts.values, "runs": views}).encode()
        packed = b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode()
        blocks.append(f'<script type="text/plain" id="block-{number}">{packed}</script>')
    return blocks


def _json(value: Any) -> str:
    """Return JSON that is safe inside a script element."""
    return _encode(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False, default=str).encode


def _policy(style: str, script: str) -> str:
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'{_digest(style)}'",
        "script-src": f"'{_digest(script)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@lru_cache(maxsize=1)
def _style() -> str:
    return "\n" + _file("page.css")


@lru_cache(maxsize=1)
def _script() -> str:
    parts = "\n".join(_file(f"{name}.js") for name in SCRIPTS)
    return f'\n"use strict";\n{parts}'


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
