"""Exit codes of commands whose output cannot be written: a closed pipe, a full disk, a closed stdout."""

import codecs
import errno
import os
import sys
from io import TextIOWrapper

from harness.errors import EXIT_HELD, EXIT_PIPE, HarnessError

LISTINGS = frozenset({"list", "show", "schema", "config", "completion", "serve"})
"""Commands that only print; a reader that stops early is no failure for them."""
LETTERS = {
    **{"✓": "v", "✗": "x", "·": ".", "›": ">", "→": ">", "←": "<", "…": "~", "–": "-", "●": "*", "•": "*"},
    **{"─": "-", "━": "-", "│": "|", "’": "'", "“": '"', "”": '"', "×": "x", "≤": "<", "≥": ">"},
}
"""Replacements for characters that the terminal's encoding lacks; never "?", which means inconclusive."""
_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EINVAL})
_known: list[int] = []


def is_known(code: int) -> int:
    """Remember the exit code for the case that the report cannot be written to its end; return it."""
    _known[:] = [code]
    return code


def begin() -> None:
    """Prepare the standard streams for writing. Raise HarnessError if there is no stdout."""
    _known.clear()
    codecs.register_error("harness.letters", _letters)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = sys.stderr
        raise HarnessError("stdout is closed; redirect it to a file or to /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="harness.letters")


def _letters(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return replacements for the characters that cannot be encoded."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    reported = (LETTERS.get(each) or each.encode("ascii", "backslashreplace").decode() for each in characters)
    return "".join(reported), error.end


def code_of_broken_pipe(command: str | None) -> int:
    """Return the exit code of the result if it is known; else that of a listing, or of a closed pipe."""
    silence()
    if _known:
        return _known[0]
    return EXIT_HELD if command in LISTINGS else EXIT_PIPE


def sentence_of(error: OSError) -> str | None:
    """Return a message for an unexpected OSError; None for one that is a bug of the harness."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the current folder no longer exists; change to another one"
    if not is_of_writing(error):
        return None
    silence()
    return f"cannot write to stdout: {error.strerror}"


def is_of_writing(error: OSError) -> bool:
    """Return whether an error is about stdout, not about a named file or a socket."""
    return error.filename is None and error.errno in _WRITING


def silence() -> None:
    """Discard pending output, which Python would otherwise fail to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
