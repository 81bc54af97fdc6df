"""Ends what a process has started when that process dies without a word: SIGKILL, a crash, the out-of-memory killer.

The guard is a shell in a session of its own that reads which process groups there are, one a line, until the pipe to it
ends. The kernel closes the pipe whatever its writer dies of; then all groups that were not struck off are killed.
"""

import atexit
import contextlib
import os
import subprocess
from typing import IO

SCRIPT = """
trap '' HUP INT TERM
groups=' '
while read -r what group; do
  case $what in
    begun) groups="$groups$group " ;;
    ended)
      case "$groups" in
        *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
      esac ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
"""
_lines: dict[int, IO[str]] = {}
"""The pipe to the guard by the process that has started it: a forked child needs one of its own."""


def begun(group: int) -> None:
    """The process group `group` is this process's to end."""
    _say("begun", group)


def ended(group: int) -> None:
    """It has ended."""
    if os.getpid() in _lines:
        _say("ended", group)


def _say(what: str, group: int) -> None:
    own = os.getpid()
    line = _lines.get(own)
    if line is None:
        line = _lines[own] = _started()
    with contextlib.suppress(BrokenPipeError):
        line.write(f"{what} {group}\n")
        line.flush()


def _started() -> IO[str]:
    process = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert process.stdin is not None
    atexit.register(process.stdin.close)
    process.returncode = 0  # nobody waits for it: it outlives whoever started it
    return process.stdin
