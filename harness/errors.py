"""Errors that prevent a verdict, and the exit codes of commands.

HarnessError                an error that the user can fix; says where, what was found, what was expected, what to do
  ScenarioError             a scenario file that is missing, unreadable or invalid
  ImplementationError       an implementation that cannot be found, imported or called
  JournalError              a journal that cannot be read
  PluginError               a plugin that cannot be imported, or is of the wrong type
  UnknownNameError          a scenario, strategy or invariant that does not exist

A violation is not an error: it is a value in a Result. A bug of the harness is an assert, a traceback
and an exit code of its own.
"""

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_HELD = 0
EXIT_VIOLATED = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_THRESHOLD = 4
EXIT_BUG = 70
"""An exception that the harness did not expect; sysexits.h calls this number EX_SOFTWARE."""
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
"""The exit code of a program that was ended by a closed pipe, as shells report it: 128 + SIGPIPE."""
EXIT_TERMINATED = 143
NEARNESS_MIN = 0.6
"""The least similarity, from 0 to 1, at which a known name is likely to be meant: that of `difflib`."""
NAME_CHARACTERS_MAX = 200
"""A longer name would only fill the screen."""


class HarnessError(Exception):
    """An error that the user can fix."""

    exit_code = EXIT_USAGE


class ScenarioError(HarnessError):
    """A scenario file is missing, unreadable or invalid."""


class ImplementationError(HarnessError):
    """An implementation cannot be found, imported or called."""


class JournalError(HarnessError):
    """A file is not a journal, is truncated, or is of an unsupported version."""


class PluginError(HarnessError):
    """A plugin named by an entry point or a setting cannot be imported, or is of the wrong type."""


class UnknownNameError(HarnessError):
    """A name is unknown."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        shown = name if len(name) <= NAME_CHARACTERS_MAX else f"{name[:NAME_CHARACTERS_MAX]}..."
        super().__init__(f'unknown {kind} "{shown}"{nearest_hint(name, known)}{advice}')


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the known name nearest to `name`, or an empty string if none is near.

    `known` has only what would be valid in this place: a name of another kind is no help.
    """
    close = get_close_matches(name, list(known), n=1, cutoff=NEARNESS_MIN)
    return f'; did you mean "{close[0]}"?' if close else ""
