"""What surrounds an implementation while it runs: its environment variables, its log and its printed output."""

import contextlib
import io
import locale
import logging
import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from logging.handlers import QueueListener
from typing import Any

from harness.config.environment import Surroundings
from harness.world.code_location import Where, current_location, raised_at
from harness.world.log_level import level_of, tidy

QUIET_LOGGERS = tuple(
    logging.getLogger(name)
    for name in ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "faker", "PIL", "trustme")
)
LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

LINE_CHARACTERS_MAX = 64 * 1024
"""A longer printed or logged line is cut off."""

OnLine = Callable[[str, str, str, Where], None]
"""Called with (level, logger, text, where) for each line."""


def _text_of(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{record.msg!r} cannot be formatted: {error}"
    raised = record.exc_info[1] if record.exc_info else None
    if raised is not None:
        text = f"{text.rstrip()}: {type(raised).__name__}: {raised}"
    return text


def _location_of(record: logging.LogRecord) -> Where:
    """Return where the error that a record is about was raised, or else where it was logged."""
    raised = record.exc_info[1] if record.exc_info else None
    return (raised_at(raised) if raised is not None else ()) or current_location()


class _Unfinished(threading.local):
    """What a stream knows of each thread that writes to it."""

    def __init__(self, level: str) -> None:
        self.level = level
        """The level of its last line."""
        self.rest = ""
        self.is_muted = False


class _PrintedLines(io.TextIOBase):
    """A stream that reports each line, with the level that the line names, or else the stream's."""

    def __init__(self, on_line: OnLine, level: str, name: str) -> None:
        self._on_line = on_line
        self._level = level
        self._name = name
        self.here = _Unfinished(level)
        self.buffer = _PrintedBytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        here = self.here
        if here.is_muted:
            return len(text)
        *lines, rest = text.split("\n")
        if lines:
            lines[0] = here.rest + lines[0]
            here.rest = ""
        here.rest = (here.rest + rest)[:LINE_CHARACTERS_MAX]  # more of a line would only be cut off later
        for line in lines:
            if line.strip():
                if not line.startswith((" ", "\t")):  # an indented line continues the previous one
                    here.level = level_of(line, self._level)
                self._on_line(here.level, self._name, tidy(line[:LINE_CHARACTERS_MAX]), ())
        return len(text)


class _PrintedBytes(io.RawIOBase):
    """The binary side of such a stream."""

    def __init__(self, lines: _PrintedLines) -> None:
        self._lines = lines

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._lines.write(bytes(content).decode("utf-8", "replace"))
        return len(content)


@contextmanager
def surroundings(
    environment: Mapping[str, str], on_line: OnLine, left_out: Iterable[str] | None = None
) -> Iterator[None]:
    """Set environment variables and pass every logged or printed line to `on_line` until the context ends. The
    implementation's own logging setup is then undone, so that every run begins as in a fresh process.

    `left_out` are the variables of this process's environment that do not stay; by default those of `Surroundings`.
    """
    names = Surroundings().left_out() if left_out is None else left_out
    kept: dict[str, str | None] = {name: os.environ.pop(name) for name in names}
    for name, value in environment.items():
        before = os.environ.get(name)
        if before != value:
            kept.setdefault(name, before)
            os.environ[name] = value
    character_set = _set_locale(os.environ.get("LC_ALL"))
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _PrintedLines(on_line, "info", "stdout"), _PrintedLines(on_line, "error", "stderr")
    try:
        with _logging(on_line, (sys.stdout, sys.stderr)):
            yield
    finally:
        sys.stdout, sys.stderr = out, err
        for name, old in kept.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
        _set_locale(character_set)


def _set_locale(language: str | None) -> str:
    """Have this process take its time zone from the environment and its character set from a language; return the
    previous setting of that."""
    time.tzset()
    before = locale.setlocale(locale.LC_CTYPE)
    if language not in (None, before):
        with contextlib.suppress(locale.Error):  # a language that this machine lacks
            locale.setlocale(locale.LC_CTYPE, language)
    return before


@contextmanager
def _logging(on_line: OnLine, streams: tuple[_PrintedLines, ...]) -> Iterator[None]:
    """Pass every logged record to `on_line` with its own level, whatever the implementation's handlers do with it; what
    they print of it meanwhile is a duplicate and ignored."""
    real, real_listener = logging.Logger.callHandlers, QueueListener.handle

    def reported(self: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= logging.INFO:
            text = tidy(_text_of(record)[:LINE_CHARACTERS_MAX])
            on_line(record.levelname.lower(), record.name, text, _location_of(record))
        muted(real, self, record)

    def listened(self: QueueListener, record: logging.LogRecord) -> None:
        muted(real_listener, self, record)

    def muted(handle: Callable[[Any, logging.LogRecord], None], self: Any, record: logging.LogRecord) -> None:
        for stream in streams:
            stream.here.is_muted = True
        try:
            handle(self, record)
        finally:
            for stream in streams:
                stream.here.is_muted = False

    root = logging.getLogger()
    before = {logger: _state(logger) for logger in (root, *_loggers())}
    root.handlers = []
    root.setLevel(logging.INFO)
    for logger in QUIET_LOGGERS:
        logger.disabled = True
    logging.Logger.callHandlers = reported  # type: ignore[method-assign]
    QueueListener.handle = listened  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Logger.callHandlers = real  # type: ignore[method-assign]
        QueueListener.handle = real_listener  # type: ignore[method-assign]
        for logger in (root, *_loggers()):
            if logger in before or _is_a_librarys(logger):
                _set_back(logger, before.get(logger))
            else:
                del root.manager.loggerDict[logger.name]


def _loggers() -> list[logging.Logger]:
    return [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]


def _is_a_librarys(logger: logging.Logger) -> bool:
    """Return whether the logger's module stays imported; the implementation's modules are imported anew and create
    theirs again."""
    module = sys.modules.get(logger.name.partition(".")[0])
    return (getattr(module, "__file__", None) or "").startswith(LIBRARIES)


def _state(logger: logging.Logger) -> tuple[bool, int, bool, list[logging.Handler], list[Any]]:
    return logger.disabled, logger.level, logger.propagate, logger.handlers, [*logger.filters]


def _set_back(logger: logging.Logger, state: tuple[bool, int, bool, list[logging.Handler], list[Any]] | None) -> None:
    """Reset a logger to its saved state, or, if it did not exist, to that of a new one."""
    disabled, level, propagate, handlers, filters = state or (False, logging.NOTSET, True, [], [])
    logger.disabled, logger.propagate, logger.handlers, logger.filters = disabled, propagate, handlers, filters
    if logger.level != level:
        logger.setLevel(level)


def first_line(error: BaseException) -> str:
    """Return an exception as one line: its type and the first line of its message."""
    try:
        message: Any = str(error).strip().partition("\n")[0]
    except Exception as unspeakable:
        message = f"its text cannot be read: {type(unspeakable).__name__}"
    return tidy(f"{type(error).__name__}: {message}" if message else type(error).__name__)
