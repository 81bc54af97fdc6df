"""A line of an application's log: its level, as far as it says so itself, and its text as a journal has it."""

import json
import re

LEVELS = {
    **dict.fromkeys(("critical", "fatal", "emergency", "emerg", "alert", "panic"), "critical"),
    **dict.fromkeys(("error", "err"), "error"),
    **dict.fromkeys(("warning", "warn"), "warning"),
    **dict.fromkeys(("info", "notice", "information"), "info"),
    **dict.fromkeys(("debug", "trace", "verbose", "silly"), "debug"),
}
"""What the libraries of Python and Node call their levels, and what Python's `logging` calls them."""
PINO = ((60, "critical"), (50, "error"), (40, "warning"), (30, "info"), (0, "debug"))
"""pino's and bunyan's numbers."""
KEYS = ("level", "levelname", "severity", "lvl", "log.level", "log_level")

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_NAMES = "|".join(LEVELS)
_IN_WORDS = (
    re.compile(rf"\b(?:level|levelname|severity|lvl)\W{{1,3}}({_NAMES})\b", re.IGNORECASE),
    re.compile(rf"^\W*({_NAMES})\s*[\]:|>)]", re.IGNORECASE),
    re.compile(rf"[\[<(|]\s*({_NAMES})\s*[\]>)|]", re.IGNORECASE),
    re.compile(rf"(?:^|\s)({_NAMES.upper()})(?=\s|:|$)"),
)
_ACCESS = re.compile(r'"[A-Z]+ \S+ HTTP/\d(?:\.\d)?" \d{3}')
"""A web server's line about a request that it has answered; Python's write it to stderr."""
_PYTHONS_WARNING = re.compile(r":\d+: \w*Warning: ")
ADDRESS = re.compile(r"0x[0-9a-f]{4,}")
"""Addresses of objects differ from run to run and say nothing."""
TEXT_CHARACTERS_MAX = 2_000
WHERE_CHARACTERS = 120
"""How far into a line its level is looked for; what comes later is what it tells."""


def level_of(line: str, otherwise: str) -> str:
    """`critical`, `error`, `warning`, `info` or `debug`: what the line itself says, or `otherwise` where it says
    nothing."""
    text = _ESCAPE.sub("", line).strip()
    if text.startswith("{"):
        return _of_json(text) or otherwise
    begin = text[:WHERE_CHARACTERS]
    found = [match for pattern in _IN_WORDS if (match := pattern.search(begin))]
    if found:
        return LEVELS[min(found, key=lambda match: match.start(1))[1].lower()]
    if _PYTHONS_WARNING.search(text):
        return "warning"
    return "info" if _ACCESS.search(text) else otherwise


def _of_json(text: str) -> str | None:
    try:
        reported = json.loads(text)
    except (ValueError, RecursionError):
        return None
    given = next((reported[key] for key in KEYS if key in reported), None)
    if isinstance(given, str):
        return LEVELS.get(given.lower())
    if isinstance(given, int | float):
        return next((name for least, name in PINO if given >= least), None)
    return None


def tidy(text: str) -> str:
    """A line as it may stand in a journal: without objects' addresses, and not endless."""
    return ADDRESS.sub("0x…", text)[:TEXT_CHARACTERS_MAX]
