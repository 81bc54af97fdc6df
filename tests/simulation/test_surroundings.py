"""An implementation's logged and printed lines, as recorded during a run."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.config import dictConfig

import pytest

from harness.world.log_level import level_of
from harness.world.simulated.environment import surroundings

Lines = list[tuple[str, str, str]]


@contextmanager
def heard() -> Iterator[Lines]:
    """Return the recorded lines of a run that lasts until the context ends."""
    told: Lines = []
    with surroundings({}, lambda level, logger, text, where: told.append((level, logger, text))):
        yield told


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"event": "no picture", "level": "error"}', "error"),
        ('{"severity": "WARNING", "message": "slow"}', "warning"),
        ('{"level":50,"time":1767225600000,"msg":"no picture"}', "error"),
        ('{"level":30,"msg":"an error was expected, and came"}', "info"),
        ("2026-01-01 00:00:00 [error    ] no picture for this track", "error"),
        ("2026-01-01 00:00:00.000 | INFO     | shop:on_music:12 - asking", "info"),
        ("ERROR:shop.pictures:no picture", "error"),
        ("INFO:     127.0.0.1 - POST /tracks 201", "info"),
        ("time=2026-01-01 level=warn msg=slow", "warning"),
        ("2026-01-01 INFO shop: the answer was refused (error), so it asks again", "info"),
        ("\x1b[31mCRITICAL\x1b[0m all is lost", "critical"),
        ("shop.py:12: UserWarning: this goes away", "warning"),
        ("there was an error in the answer", "otherwise"),
        ("{not JSON} ERROR", "otherwise"),
        ("no level at all", "otherwise"),
    ],
)
def test_a_line_has_the_level_that_it_names(line: str, level: str) -> None:
    assert level_of(line, "otherwise") == level


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_log_record_is_recorded_once_with_its_own_level_wherever_it_is_printed(stream: str) -> None:
    with heard() as lines:
        logger = logging.getLogger("shop")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        logger.addHandler(logging.StreamHandler(getattr(sys, stream)))
        logger.error("no picture")
        logger.info("asking again")
    assert lines == [("error", "shop", "no picture"), ("info", "shop", "asking again")]


def test_records_below_the_logging_level_are_omitted() -> None:
    with heard() as lines:
        logging.basicConfig(level=logging.ERROR)
        logging.getLogger("shop").info("asking")
        logging.getLogger("shop").error("no picture")
    assert [text for _, _, text in lines] == ["no picture"]


def test_a_printed_line_has_the_level_that_it_names_or_else_that_of_the_stream() -> None:
    with heard() as lines:
        print('{"level": "error", "event": "no picture"}')
        print("asking")
        print("no picture", file=sys.stderr)
        sys.stdout.buffer.write("ERROR: 🎨\n".encode())
        sys.stderr.write(warnings.formatwarning("this goes away", UserWarning, "shop.py", 12, "warn(stale)"))
    levels = [(level, logger) for level, logger, _ in lines]
    assert levels[:4] == [("error", "stdout"), ("info", "stdout"), ("error", "stderr"), ("error", "stdout")]
    assert levels[4:] == [("warning", "stderr")] * 2
    assert lines[3][2] == "ERROR: 🎨"


def _disables_what_is_there() -> None:
    dictConfig({"version": 1, "root": {"level": "WARNING"}})
    logging.getLogger("of.the.application").error("no picture")


def _raises_levels() -> None:
    logging.getLogger("of.the.application").error("no picture")
    logging.getLogger("of.the.application").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.CRITICAL)


@pytest.mark.parametrize("application", [_disables_what_is_there, _raises_levels])
def test_logging_set_up_in_one_run_does_not_affect_the_next(application: Callable[[], None]) -> None:
    told: Lines = []
    root, handlers = logging.getLogger().level, logging.getLogger().handlers
    for _ in range(2):
        with surroundings({}, lambda level, logger, text, where: told.append((level, logger, text))):
            application()
    assert told == [("error", "of.the.application", "no picture")] * 2
    assert logging.getLogger("httpx").level == logging.NOTSET
    assert (logging.getLogger().level, logging.getLogger().handlers) == (root, handlers)
