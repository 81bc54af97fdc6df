"""How a command ends when its output cannot be written: nobody reads on, the disk is full, stdout is closed."""

import codecs
import errno
import os
import sys
from io import TextIOWrapper

from harness.errors import EXIT_HELD, EXIT_PIPE, HarnessError

LISTINGS = frozenset({"list", "show", "schema", "config", "completion", "serve"})
"""Commands that only print: a reader who has seen enough of that has had what they asked for, so that is no failure."""
LETTERS = {
    **{"✓": "v", "✗": "x", "·": ".", "›": ">", "→": ">", "←": "<", "…": "~", "–": "-", "●": "*", "•": "*"},
    **{"─": "-", "━": "-", "│": "|", "’": "'", "“": '"', "”": '"', "×": "x", "≤": "<", "≥": ">"},
}
"""What is shown where the terminal has not got a character; never "?", which means that something was not judged."""
_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EINVAL})
_known: list[int] = []


def is_known(code: int) -> int:
    """Keeps the code that the command ends with if its report cannot be told to the end; gives it back."""
    _known[:] = [code]
    return code


def begin() -> None:
    """Makes the standard streams fit to be written to; raises HarnessError when there is no stdout."""
    _known.clear()
    codecs.register_error("harness.letters", _letters)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = sys.stderr
        raise HarnessError("stdout cannot be written: it is closed; send it to a file or to /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="harness.letters")


def _letters(error: UnicodeError) -> tuple[str | bytes, int]:
    """A handler of encoding errors."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    reported = (LETTERS.get(each) or each.encode("ascii", "backslashreplace").decode() for each in characters)
    return "".join(reported), error.end


def code_of_broken_pipe(command: str | None) -> int:
    """The code of the result if that is known; else that of a listing that was cut off, or of a program that was."""
    silence()
    if _known:
        return _known[0]
    return EXIT_HELD if command in LISTINGS else EXIT_PIPE


def sentence_of(error: OSError) -> str | None:
    """What to tell of an error that no command has expected; None for one that is a bug of the harness."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the current folder is not there any more; change to one that is"
    if not is_of_writing(error):
        return None
    silence()
    return f"stdout cannot be written: {error.strerror}"


def is_of_writing(error: OSError) -> bool:
    """Whether it is an error of stdout, and not of a file with a name or of a socket."""
    return error.filename is None and error.errno in _WRITING


def silence() -> None:
    """Sends what is still to be written nowhere; else Python complains when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
