"""Ends what a process has started when that process dies without a word: SIGKILL, a crash, the out-of-memory killer.

The guard is a shell in a session of its own that reads which process groups there are, one a line, until the pipe to it
ends. The kernel closes the pipe whatever its writer dies of; then all groups that were not struck off are killed, and
with them what has left its group: whatever has the mark of this harness in its environment. A database server is asked
to end, which it does at once, and takes its shared memory with it. The clocks that were shared with all of these
(`faketime`) and the folders of the runs go as well.
"""

import atexit
import contextlib
import itertools
import os
import secrets
import subprocess
import tempfile
from typing import IO

MARK = "HARNESS_INSTANCE"
"""The environment variable by which what an application has started is known, wherever it went."""
CLOCKS = "harness-faketime-"
"""What the names of shared clocks begin with."""
FOLDERS = "harness-live-"
"""What the names of runs' folders begin with."""

SCRIPT = f"""
mark={MARK}=$1- clocks={CLOCKS}$1- folders=$2/{FOLDERS}$1-
"""
SCRIPT += """
trap '' HUP INT TERM
groups=' ' servers=' '
without() {
  case "$1" in
    *" $2 "*) echo "${1%% $2 *} ${1#* $2 }" ;;
    *) echo "$1" ;;
  esac
}
while read -r what group; do
  case $what in
    begun) groups="$groups$group " ;;
    serves) servers="$servers$group " ;;
    ended) groups=$(without "$groups" "$group") servers=$(without "$servers" "$group") ;;
  esac
done
for server in $servers; do kill -QUIT "$server" 2>/dev/null; done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
for found in $(grep -las -e "$mark" /proc/[0-9]*/environ); do
  found=${found#/proc/}
  kill -9 "${found%/environ}" 2>/dev/null
done
for server in $servers; do
  tries=0
  while kill -0 "$server" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -9 "$server" 2>/dev/null
done
rm -f "/dev/shm/$clocks"* "/dev/shm/sem.$clocks"*
rm -rf "$folders"*
"""
_lines: dict[int, IO[str]] = {}
"""The pipe to the guard by the process that has started it: a forked child needs one of its own."""
_tokens: dict[int, str] = {}
_numbers = itertools.count(1)


def new_name() -> str:
    """A name that nothing else has, by which the guard knows what is this process's."""
    token = _tokens.setdefault(os.getpid(), secrets.token_hex(8))
    return f"{token}-{next(_numbers)}"


def begun(group: int) -> None:
    """The process group `group` is this process's to end."""
    _say("begun", group)


def serves(server: int) -> None:
    """The process `server` is a PostgreSQL server of this process's own."""
    _say("serves", server)


def ended(group: int) -> None:
    """It has ended."""
    if os.getpid() in _lines:
        _say("ended", group)


def _say(what: str, group: int) -> None:
    own = os.getpid()
    line = _lines.get(own)
    if line is None:
        line = _lines[own] = _started()
    with contextlib.suppress(BrokenPipeError, ValueError):  # it ends, or has been closed at exit
        line.write(f"{what} {group}\n")
        line.flush()


def _started() -> IO[str]:
    process = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT, "harness-guard", new_name().partition("-")[0], tempfile.gettempdir()],
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
