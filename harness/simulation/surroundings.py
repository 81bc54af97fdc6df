"""What surrounds an implementation while it runs: its environment variables, its log and what it prints."""

import io
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ADDRESS = re.compile(r"0x[0-9a-f]{4,}")
"""Addresses of objects differ from run to run and say nothing."""
QUIET_LOGGERS = tuple(
    logging.getLogger(name)
    for name in ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "faker", "PIL", "trustme")
)
PROXIES = tuple(
    name for stem in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (stem, stem.upper())
)
"""The developer's own proxy is no part of a simulated network."""
TEXT_CHARACTERS_MAX = 2_000

OnLine = Callable[[str, str, str], None]
"""Takes (level, logger, text) of one line."""


class _LineHandler(logging.Handler):
    def __init__(self, on_line: OnLine) -> None:
        super().__init__(logging.INFO)
        self._on_line = on_line

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception as error:
            text = f"{record.msg!r} cannot be formatted: {error}"
        raised = record.exc_info[1] if record.exc_info else None
        if raised is not None:
            text = f"{text.rstrip()}: {type(raised).__name__}: {raised}"
        self._on_line(record.levelname.lower(), record.name, tidy(text))


class _PrintedLines(io.TextIOBase):
    def __init__(self, on_line: OnLine, level: str, name: str) -> None:
        self._on_line = on_line
        self._level = level
        self._name = name
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self._on_line(self._level, self._name, tidy(line))
        return len(text)


def tidy(text: str) -> str:
    """A line as it may stand in a journal: without objects' addresses, and not endless."""
    return ADDRESS.sub("0x…", text)[:TEXT_CHARACTERS_MAX]


@contextmanager
def surroundings(environment: Mapping[str, str], on_line: OnLine) -> Iterator[None]:
    """Sets environment variables, and hands every logged or printed line to `on_line`, until the context ends."""
    kept: dict[str, str | None] = {name: os.environ.pop(name) for name in PROXIES if name in os.environ}
    for name, value in environment.items():
        before = os.environ.get(name)
        if before != value:
            kept[name] = before
            os.environ[name] = value
    root = logging.getLogger()
    handler, level = _LineHandler(on_line), root.level
    others, root.handlers = root.handlers, [handler]
    root.setLevel(logging.INFO)
    quiet = [logger for logger in QUIET_LOGGERS if not logger.disabled]
    for logger in quiet:
        logger.disabled = True
    out, err = sys.stdout, sys.stderr
    sys.stdout = _PrintedLines(on_line, "info", "stdout")
    sys.stderr = _PrintedLines(on_line, "error", "stderr")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        for logger in quiet:
            logger.disabled = False
        root.setLevel(level)
        root.handlers = others
        for name, old in kept.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


def first_line(error: BaseException) -> str:
    """An exception as one line: its type and the first line of its message."""
    message: Any = str(error).strip().partition("\n")[0]
    return tidy(f"{type(error).__name__}: {message}" if message else type(error).__name__)
