"""URLs in what applications and providers send and store: which there are, and whether one is any use."""

import contextlib
import json
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

NOT_A_URL = frozenset({"", "undefined", "null", "none"})
"""What stands for "no value" where a URL belongs."""
_FIRST_OF_A_URL = ("h", "H")


def urls_in(message: Any) -> list[str]:
    """Every http(s) URL in a message, also inside the JSON strings that some fields of these providers are."""
    found: list[str] = []
    to_see = [message]
    while to_see:
        value = to_see.pop()
        if isinstance(value, str):
            if value[:1] in _FIRST_OF_A_URL and value[:8].lower().startswith(("http://", "https://")):
                found.append(value)
            elif value[:1] in ("{", "["):
                with contextlib.suppress(ValueError):
                    to_see.append(json.loads(value))
        elif isinstance(value, dict):
            to_see.extend(reversed(value.values()))
        elif isinstance(value, list):
            to_see.extend(reversed(value))
    return found


@lru_cache(maxsize=1024)
def host_of(url: str) -> str | None:
    """The host that a URL names; None where it names none, or is no URL at all."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def usable_url(value: Any) -> str | None:
    """`value` if it can be a URL: text, and not one of the words that stand for "no value"."""
    return value if isinstance(value, str) and value.strip().lower() not in NOT_A_URL else None
