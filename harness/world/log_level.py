"""Parses a line of an application's log: its level, if it names one, and its text as the journal has it."""

import re

from harness.json_text import parse_json

LEVELS = {
    **dict.fromkeys(("critical", "fatal", "emergency", "emerg", "alert", "panic"), "critical"),
    **dict.fromkeys(("error", "err"), "error"),
    **dict.fromkeys(("warning", "warn"), "warning"),
    **dict.fromkeys(("info", "notice", "information"), "info"),
    **dict.fromkeys(("debug", "trace", "verbose", "silly"), "debug"),
}
"""Level names of Python's and Node's libraries, and the names that Python's `logging` uses for them."""
PINO = ((60, "critical"), (50, "error"), (40, "warning"), (30, "info"), (0, "debug"))
"""The numbers that pino and bunyan use."""
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
"""A web server's access log line; Python's servers write it to stderr."""
_PYTHONS_WARNING = re.compile(r":\d+: \w*Warning: ")
ADDRESS = re.compile(r"0x[0-9a-f]{4,}")
"""Addresses of objects: they differ between runs and carry no information."""
TEXT_CHARACTERS_MAX = 2_000
CUT = " … (cut)"
WHERE_CHARACTERS = 120
"""The first characters of a line, where a level is searched; the rest is its message."""


def level_of(line: str, otherwise: str) -> str:
    """Return `critical`, `error`, `warning`, `info` or `debug`: the level that the line names, or else `otherwise`."""
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
        reported = parse_json(text)
    except ValueError:
        return None
    given = next((reported[key] for key in KEYS if key in reported), None)
    if isinstance(given, str):
        return LEVELS.get(given.lower())
    if isinstance(given, int | float):
        return next((name for least, name in PINO if given >= least), None)
    return None


def tidy(text: str) -> str:
    """Return a line fit for the journal: without objects' addresses, and cut to the limit, which it then says."""
    text = ADDRESS.sub("0x…", text)
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - len(CUT)] + CUT
