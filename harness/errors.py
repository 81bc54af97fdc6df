"""Everything that can go wrong before there is a verdict, each with the exit code it ends a command with.

HarnessError                what a user can mend; its text says where, what was found, what was expected, what to do
  ScenarioError             a scenario file that cannot be read or does not say what it must
  ImplementationError       an implementation that cannot be imported, or is not of a shape that can be plugged in
  JournalError              a journal that cannot be read back
  PluginError               an extension of the user's that cannot be imported, or is not what belongs there
  UnknownNameError          a scenario, strategy or invariant that does not exist

A violation is not an error: it is a value in a Result. A bug of the harness is an assert.
"""

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_HELD = 0
EXIT_VIOLATED = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_THRESHOLD = 4
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
"""What shells say of a program that was ended because nobody reads its output: 128 + SIGPIPE."""


class HarnessError(Exception):
    """Something that the user of the harness can mend."""

    exit_code = EXIT_USAGE


class ScenarioError(HarnessError):
    """A scenario file is missing, unreadable, or says something that no scenario can say."""


class ImplementationError(HarnessError):
    """An implementation cannot be found, imported or plugged in."""


class JournalError(HarnessError):
    """A journal file is not one, is cut off, or is of a version that this harness does not read."""


class PluginError(HarnessError):
    """An extension that an entry point or a setting names cannot be imported, or is not what belongs there."""


class UnknownNameError(HarnessError):
    """A name that nothing here has."""

    def __init__(self, kind: str, name: str, known: Iterable[str], advice: str = "") -> None:
        super().__init__(f'no {kind} is called "{name}"{nearest_hint(name, known)}{advice}')


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """`, did you mean "x"?` for the known name nearest to `name`, or an empty string when none is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f', did you mean "{close[0]}"?' if close else ""
