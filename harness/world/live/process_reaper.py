"""Kills what a process has started if that process dies abruptly: SIGKILL, a crash, the out-of-memory killer.

The reaper is a shell in a session of its own that reads the process groups to kill, one a line, until the pipe to it
closes. The kernel closes the pipe however its writer dies; then the reaper kills all groups that were not removed from
the list, and the processes that have left their group: every process with the mark of this harness in its environment.
A database server gets SIGQUIT, so it ends at once and removes its shared memory. The clocks shared with these processes
(`faketime`) and the folders of the runs are deleted as well.
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
"""The environment variable that marks every process an application has started, whatever its group."""
CLOCKS = "harness-faketime-"
"""The prefix of the names of shared clocks."""
FOLDERS = "harness-live-"
"""The prefix of the names of runs' folders."""

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
"""The pipe to the reaper by the id of the process that started it: a forked child needs its own."""
_tokens: dict[int, str] = {}
_numbers = itertools.count(1)


def new_name() -> str:
    """Return a unique name by which the reaper recognises what belongs to this process."""
    token = _tokens.setdefault(os.getpid(), secrets.token_hex(8))
    return f"{token}-{next(_numbers)}"


def begun(group: int) -> None:
    """Add the process group `group` to those to kill."""
    _say("begun", group)


def serves(server: int) -> None:
    """Add the process `server` as a PostgreSQL server of this process."""
    _say("serves", server)


def ended(group: int) -> None:
    """Remove a group or server that has ended."""
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
    process.returncode = 0  # not awaited: it outlives the process that started it
    return process.stdin
