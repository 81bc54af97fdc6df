"""URLs in messages and rows: finding them, and checking whether a value can be one."""

import contextlib
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from harness.json_text import parse_json

NOT_A_URL = frozenset({"", "undefined", "null", "none"})
"""Texts that mean a missing URL."""
_FIRST_OF_A_URL = ("h", "H")


def urls_in(message: Any) -> list[str]:
    """Return every http(s) URL in a message, also inside JSON strings, which some fields of the providers are."""
    found: list[str] = []
    to_see = [message]
    while to_see:
        value = to_see.pop()
        if isinstance(value, str):
            if value[:1] in _FIRST_OF_A_URL and value[:8].lower().startswith(("http://", "https://")):
                found.append(value)
            elif value[:1] in ("{", "["):
                with contextlib.suppress(ValueError):
                    to_see.append(parse_json(value))
        elif isinstance(value, dict):
            to_see.extend(reversed(value.values()))
        elif isinstance(value, list):
            to_see.extend(reversed(value))
    return found


def host_of(url: str) -> str | None:
    """Return the host of a URL; None if it has none or is not a URL."""
    return _host_of_origin("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=64)
def _host_of_origin(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


def usable_url(value: Any) -> str | None:
    """Return `value` if it can be a URL: a text other than those that mean a missing one; else None."""
    return value if isinstance(value, str) and value.strip().lower() not in NOT_A_URL else None
