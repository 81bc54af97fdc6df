"""Reading files that a user names: only files, and only as large as they may be.

A pipe without a writer would wait for ever, and a device may have no end; both are refused like a file that cannot be
read. What a shell gives as `/dev/fd/63` is read, up to the limit.
"""

import errno
import os
import stat
import sys
from typing import IO

TEXT_BYTES_MAX = 32 * 2**20
"""The largest scenario, configuration, journal or baseline of a bench."""


def read_input(path: str | os.PathLike[str], bytes_max: int = TEXT_BYTES_MAX) -> bytes:
    """Return a file's content. Raise OSError with a reason in its `strerror`, and ValueError for an impossible path."""
    with open(open_input(path), "rb") as file:
        return _up_to(file, bytes_max)


def read_stdin(bytes_max: int = TEXT_BYTES_MAX) -> bytes:
    """Return what comes from stdin. Raise OSError with a reason in its `strerror`."""
    return _up_to(sys.stdin.buffer, bytes_max)


def _up_to(file: IO[bytes], bytes_max: int) -> bytes:
    content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise OSError(errno.EFBIG, f"it has more than {bytes_max / 2**20:,.0f} MiB")
    return content


def open_input(path: str | os.PathLike[str]) -> int:
    """Return the descriptor of a file that is open for reading. Raise as `read_input` does."""
    is_handed_over = os.fspath(path).startswith("/dev/fd/") or os.fspath(path) == "/dev/stdin"
    wait = 0 if is_handed_over else getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDONLY | wait | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (is_handed_over and not stat.S_ISDIR(mode)):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, f"it is a {_kind(mode)}, expected a file")


def _kind(mode: int) -> str:
    names = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return names.get(stat.S_IFMT(mode), "special file")
