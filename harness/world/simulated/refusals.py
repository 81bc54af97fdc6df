"""What a simulated run refuses of an implementation: calls that would leave the simulated world.

Python tells an audit hook of each such call before it happens, whatever library makes it. The call is refused with a
sentence that names it and the line of the implementation, and the run is inconclusive. What is called below Python
meets the kernel's refusal, in `harness.cell`.
"""

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from harness.world.code_location import LIBRARIES, PACKAGE, is_own_code
from harness.world.unsupported import INSTEAD_OF_A_PROCESS, INSTEAD_OF_A_SOCKET

PACKAGES = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))

SOCKETS = {
    "socket.connect": "connects a blocking socket",
    "socket.sendto": "sends a datagram",
    "socket.sendmsg": "sends a datagram",
    "socket.getaddrinfo": "looks up a host",
    "socket.gethostbyname": "looks up a host",
    "socket.gethostbyaddr": "looks up a host",
    "socket.getnameinfo": "looks up a host",
}
PROCESSES = {
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "replaces its process",
    "os.posix_spawn": "starts a process",
    "os.spawn": "starts a process",
    "os.startfile": "starts a process",
    "os.fork": "forks its process",
    "os.forkpty": "forks its process",
}
SYSTEM_QUESTIONS = ("ctypes/util.py", "platform.py", "uuid.py")
"""Modules of the standard library that ask a program about the system, and go on without its answer."""


LOOKUP = "socket.getaddrinfo"
TOOLS = frozenset(("git",))
"""Programs by which libraries find out the version of an application, and which no server has."""


def refuse_calls(
    is_refused: Callable[[], bool],
    refuse: Callable[[str], BaseException],
    fails: Callable[[Any, Any], OSError | None] = lambda host, port: None,
) -> None:
    """Have such calls refused from now on, in this process for ever: those made while `is_refused`. `refuse` receives
    the sentence of each, and returns the exception to raise; `fails` returns that of a lookup that may fail as in the
    simulated network."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in SOCKETS:
            if event == "socket.sendmsg" and arguments[1] is None:
                return
            what, instead = _with_address(SOCKETS[event], arguments), INSTEAD_OF_A_SOCKET
        elif event in PROCESSES:
            what, instead = _with_program(PROCESSES[event], event, arguments), INSTEAD_OF_A_PROCESS
        else:
            return
        if is_refused():
            frame = sys._getframe(1)
            if asks_the_system(frame) or (event in PROCESSES and asks_a_tool(frame, arguments)):
                raise FileNotFoundError(f"{event} in a simulated run")
            failure = fails(*arguments[:2]) if event == LOOKUP else None
            if failure is not None:
                raise failure
            raise refuse(f"the implementation {what} ({event}{line_of(frame)}), {instead}")

    sys.addaudithook(hook)


def asks_the_system(frame: FrameType | None) -> bool:
    """Return whether the standard library asks a program about the system, deeper than any code of others."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.endswith(SYSTEM_QUESTIONS) and file.startswith(LIBRARIES):
            return True
        if not file.startswith(LIBRARIES):
            return False
        frame = frame.f_back
    return False


def asks_a_tool(frame: FrameType | None, arguments: tuple[Any, ...]) -> bool:
    """Return whether a library starts one of `TOOLS`."""
    program = arguments[0] if arguments else None
    return isinstance(program, str) and Path(program).name in TOOLS and is_called_by_a_library(frame) is True


def is_called_by_a_library(frame: FrameType | None) -> bool | None:
    """Return whether the innermost code that is neither the standard library's nor the harness's is an installed
    package's; None if there is none."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_own_code(file):
            return False
        if (file.startswith(PACKAGES) or "site-packages" in file) and not file.startswith(PACKAGE):
            return True
        frame = frame.f_back
    return None


def line_of(frame: FrameType | None) -> str:
    """Return the innermost line of the implementation's own code, as " in FILE, line N"; "" if there is none."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_own_code(file):
            return f" in {Path(file).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""


def line_of_traceback(trace: TracebackType | None) -> str:
    """Return the innermost line of a traceback, as " in FILE, line N"."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"


def _with_address(what: str, arguments: tuple[Any, ...]) -> str:
    address = arguments[1] if hasattr(arguments[0], "fileno") and len(arguments) > 1 else arguments[0]
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{what} to {address[0]}:{address[1]}"
    if isinstance(address, bytes):
        address = address.decode(errors="replace")
    return f"{what} to {address}" if isinstance(address, str) and "connects" in what else f"{what}: {address}"


def _with_program(what: str, event: str, arguments: tuple[Any, ...]) -> str:
    program = arguments[0] if arguments and event != "os.fork" else None
    if isinstance(program, bytes):
        program = program.decode(errors="replace")
    return f"{what}: {program}" if isinstance(program, str) else what
