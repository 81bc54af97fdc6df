"""The kernel's half of the seal: system calls that would leave the cell are stopped below Python, for C clients, too.

A process that seals itself loses the calls for ever, and so does everything that it could start. No privilege is
needed. The kernel does not carry out a stopped call but asks the supervisor, which holds the other end: it learns what
was tried, and the caller gets "operation not permitted". Linux 5.0 or later, on x86-64 and arm64.
"""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import platform
import socket
import struct
import sys
from dataclasses import dataclass

PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8
NOTIFY, ALLOW, ERRNO = 0x7FC00000, 0x7FFF0000, 0x00050000
EPERM, ENOENT, ENOSYS = 1, 2, 38
LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_OR_EQUAL, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Offsets in the kernel's `seccomp_data`; an argument has eight bytes, the low half first."""
CLONE_THREAD = 0x00010000
X32 = 0x40000000
"""The first number of another calling convention of x86-64, by which a call could be made unseen."""
RECEIVE, SEND = 0xC0502100, 0xC0182101
"""The requests of `ioctl` for a notification (80 bytes) and its answer (24 bytes)."""
CONTINUE = 1

X86_64, ARM64 = "x86_64", "aarch64"
MACHINES = {X86_64: 0xC000003E, ARM64: 0xC00000B7}
SECCOMP = {X86_64: 317, ARM64: 277}
NAMES = {
    X86_64: {
        "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "listen": 50, "clone": 56, "fork": 57, "vfork": 58,
        "execve": 59, "kill": 62, "ptrace": 101, "rt_sigqueueinfo": 129, "tkill": 200, "tgkill": 234, "unshare": 272,
        "accept4": 288, "rt_tgsigqueueinfo": 297, "sendmmsg": 307, "setns": 308, "process_vm_writev": 311,
        "execveat": 322, "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435,
    },
    ARM64: {
        "connect": 203, "accept": 202, "sendto": 206, "sendmsg": 211, "listen": 201, "clone": 220, "execve": 221,
        "kill": 129, "ptrace": 117, "rt_sigqueueinfo": 138, "tkill": 130, "tgkill": 131, "unshare": 97, "accept4": 242,
        "rt_tgsigqueueinfo": 240, "sendmmsg": 269, "setns": 268, "process_vm_writev": 271, "execveat": 281,
        "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435,
    },
}  # fmt: skip
NETWORK = ("connect", "sendto", "sendmsg", "sendmmsg", "listen", "accept", "accept4")
PROCESSES = ("fork", "vfork", "clone", "execve", "execveat")
QUIET = ("ptrace", "process_vm_writev", "unshare", "setns", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
"""Refused without a word: they reach other processes, or a way around the filter."""
SYSTEM_SERVICES = ("/var/run/nscd/", "/run/nscd/", "/run/systemd/", "/var/run/systemd/", "/run/uuidd/", "/dev/log")
"""Sockets that the C library asks on its own, for names of users or a random number; it goes on without an answer."""


class _Program:
    """A filter in the kernel's own instructions (classic BPF)."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int]] = []

    def load(self, offset: int) -> None:
        self._code.append((LOAD, 0, 0, offset))

    def answer(self, action: int) -> None:
        self._code.append((RETURN, 0, 0, action))

    def answer_if(self, test: int, value: int, action: int) -> None:
        """Answer if the loaded word passes the test; else go on with the next instruction."""
        self._code += [(test, 0, 1, value & 0xFFFFFFFF), (RETURN, 0, 0, action)]

    def block(self, number: int, inner: "_Program") -> None:
        """Run `inner`, which answers in every case, for the system call with this number."""
        self._code += [(JUMP_IF_EQUAL, 0, len(inner._code), number), *inner._code]

    def bytes(self) -> bytes:
        return b"".join(struct.pack("HBBI", *each) for each in self._code)

    def __len__(self) -> int:
        return len(self._code)


def _filter(machine: str, line: int) -> _Program:
    """Return the filter of the calling process, which may send messages on its descriptor `line`."""
    numbers, program = NAMES[machine], _Program()
    program.load(ARCHITECTURE)
    program._code.append((JUMP_IF_EQUAL, 1, 0, MACHINES[machine]))
    program.answer(ERRNO | EPERM)
    program.load(NUMBER)
    if machine == X86_64:
        program.answer_if(JUMP_IF_GREATER_OR_EQUAL, X32, ERRNO | EPERM)
    program.answer_if(JUMP_IF_EQUAL, numbers["clone3"], ERRNO | ENOSYS)  # the C library then uses clone
    program.answer_if(JUMP_IF_EQUAL, numbers["io_uring_setup"], ERRNO | ENOSYS)  # and libuv goes without it
    for name in QUIET:
        program.answer_if(JUMP_IF_EQUAL, numbers[name], ERRNO | EPERM)
    for name in ("kill", "tgkill", "tkill"):
        program.block(numbers[name], _to_itself(name))
    program.block(numbers["clone"], _a_thread())
    program.block(numbers["sendto"], _without_address())
    program.block(numbers["sendmsg"], _on_descriptor(line))
    for name in (*NETWORK, *PROCESSES):
        if name in numbers and name not in ("clone", "sendto", "sendmsg"):
            program.answer_if(JUMP_IF_EQUAL, numbers[name], NOTIFY)
    program.answer(ALLOW)
    return program


def _to_itself(name: str) -> _Program:
    """Allow a signal to the process itself or to its group."""
    inner, own = _Program(), os.getpid()
    inner.load(ARGUMENTS)
    for allowed in (own, -own, 0) if name == "kill" else (own,):
        inner.answer_if(JUMP_IF_EQUAL, allowed, ALLOW)
    inner.answer(ERRNO | EPERM)
    return inner


def _a_thread() -> _Program:
    inner = _Program()
    inner.load(ARGUMENTS)
    inner.answer_if(JUMP_IF_SET, CLONE_THREAD, ALLOW)
    inner.answer(NOTIFY)
    return inner


def _without_address() -> _Program:
    """Allow what goes to the other end of a pair of sockets."""
    inner = _Program()
    for half in (0, 4):
        inner.load(ARGUMENTS + 4 * 8 + half)
        inner._code.append((JUMP_IF_EQUAL, 1, 0, 0))
        inner.answer(NOTIFY)
    inner.answer(ALLOW)
    return inner


def _on_descriptor(line: int) -> _Program:
    inner = _Program()
    inner.load(ARGUMENTS)
    inner.answer_if(JUMP_IF_EQUAL, line, ALLOW)
    inner.answer(NOTIFY)
    return inner


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def why_not() -> str | None:
    """Return why this system cannot seal a process, or None."""
    machine = platform.machine()
    if not sys.platform.startswith("linux"):
        return f"{platform.system()} has no seccomp"
    if machine not in MACHINES or sys.maxsize < 2**32:
        return f"no seccomp filter for {machine}"
    action = ctypes.c_uint32(NOTIFY)
    if ctypes.CDLL(None).syscall(SECCOMP[machine], 2, 0, ctypes.byref(action)) != 0:
        return "the kernel, or the container, has no seccomp notifications"
    return None


def seal(line: int) -> int | None:
    """Seal the calling process, which has one thread, for ever. Return the descriptor of its notifications; None if
    the system refuses."""
    if why_not() is not None:
        return None
    machine, libc = platform.machine(), ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return None
    program = _filter(machine, line)
    code = program.bytes()
    request = _SockFprog(len(program), code)
    descriptor = libc.syscall(
        SECCOMP[machine], SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, ctypes.byref(request)
    )
    return descriptor if descriptor >= 0 else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that the kernel stopped."""

    call: str
    """The name of the system call."""
    address: str | None = None
    """Where it would have gone, if it names that."""

    @property
    def starts_a_process(self) -> bool:
        return self.call in PROCESSES


def answer(descriptor: int) -> Attempt | None:
    """Refuse the next stopped call and return it; None for one that does not leave the cell, or whose caller died."""
    notification = bytearray(80)
    try:
        fcntl.ioctl(descriptor, RECEIVE, notification)
    except OSError:
        return None
    identity, pid, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", notification)
    calls = {known: name for name, known in NAMES[platform.machine()].items()}
    call = calls.get(number, f"system call {number}")
    address = _address(pid, call, arguments)
    attempt, error, flags = Attempt(call, address or None), -EPERM, 0
    harmless = address is not None and address.startswith(SYSTEM_SERVICES)
    if address == "":
        error, flags = 0, CONTINUE
    elif harmless:
        error = -ENOENT
    with contextlib.suppress(OSError):  # if the caller died meanwhile
        fcntl.ioctl(descriptor, SEND, struct.pack("QqiI", identity, 0, error, flags))
    return None if address == "" or harmless else attempt


def _address(pid: int, call: str, arguments: list[int]) -> str | None:
    """Return where a call goes; "" for a message without an address, None if that is unknown."""
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            if call == "connect":
                return _spelt(_read(memory, arguments[1], arguments[2]))
            if call == "sendto":
                return _spelt(_read(memory, arguments[4], arguments[5]))
            if call == "sendmsg":
                where, length = struct.unpack("QI", _read(memory, arguments[1], 12))
                return _spelt(_read(memory, where, length)) if where else ""
    except (OSError, ValueError, struct.error):
        pass
    return None


def _read(memory: "object", where: int, length: int) -> bytes:
    memory.seek(where)  # type: ignore[attr-defined]
    found: bytes = memory.read(min(length, 128))  # type: ignore[attr-defined]
    return found


def _spelt(address: bytes) -> str | None:
    """Return a socket address as text."""
    family = int.from_bytes(address[:2], sys.byteorder)
    port = int.from_bytes(address[2:4], "big")
    if family == socket.AF_INET:
        return f"{ipaddress.IPv4Address(address[4:8])}:{port}"
    if family == socket.AF_INET6:
        return f"[{ipaddress.IPv6Address(address[8:24])}]:{port}"
    if family == socket.AF_UNIX:
        return os.fsdecode(address[2:].split(b"\0")[0]) or "an unnamed socket"
    return None
