"""The warm process: has imported what every cell needs, and forks one for each run.

It never imports a module of an implementation. The libraries that the first cell of an implementation imported it
imports on demand, as a run does: sealed in Python, at the beginning of virtual time, with drawn numbers that are always
the same.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from contextvars import copy_context
from typing import Any

from harness.cell import inside
from harness.config.environment import Surroundings
from harness.death_signal import die_with_parent
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from harness.targets import load
from harness.targets.modules import all_modules_are_libraries
from harness.world.simulated.world import SimulatedWorld

SPOKEN_BYTES_MAX = 4096
"""A message between the supervisor and this process."""


def serve(channel: socket.socket) -> None:
    """Do what the supervisor asks for until it is gone. Messages are JSON, with the descriptors of their files."""
    _warm_up()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is gone, before an answer
        while True:
            message, descriptors, _, _ = socket.recv_fds(channel, SPOKEN_BYTES_MAX, 8)
            if not message:
                return
            if message == b"play":
                _play(channel, descriptors)
            else:
                with os.fdopen(descriptors[0], "rb") as file:
                    names = json.load(file)
                channel.send(json.dumps({"failed": _import(names)}).encode())


def _warm_up() -> None:
    import faker  # noqa: F401
    import PIL.Image
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.WebPImagePlugin  # noqa: F401

    from harness.fakes import sample_text

    sample_text.titles(0, 1)
    os.environ.update(Surroundings().fixed(None, {}))
    time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.resetwarnings()  # those of a test session are not the implementation's: Python's own filters instead
    for usual in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", usual)
    _settle()


def _play(channel: socket.socket, descriptors: list[int]) -> None:
    """Fork a cell, tell its number, wait for it, and tell how it ended."""
    request, output, reports, board, line = descriptors
    sys.stdout.flush()
    warm = os.getpid()
    pid = os.fork()
    if pid == 0:
        channel.close()
        die_with_parent(warm)
        inside.live(os.fdopen(request, "rb"), output, reports, os.fdopen(board, "r+b"), line)
    for descriptor in descriptors:
        os.close(descriptor)
    channel.send(json.dumps({"pid": pid}).encode())
    gone = select.poll()
    gone.register(channel, select.POLLRDHUP if hasattr(select, "POLLRDHUP") else select.POLLHUP)
    ended = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    if ended is not None:
        gone.register(ended, select.POLLIN)
        if any(descriptor != ended for descriptor, _ in gone.poll()):
            os.kill(pid, signal.SIGKILL)
        os.close(ended)
    _, status = os.waitpid(pid, 0)
    channel.send(json.dumps({"status": status}).encode())


def _import(names: list[str]) -> str | None:
    """Import modules as a run does. Return the name of the first that fails; the process must not be used then."""
    from harness.world.simulated import patches
    from harness.world.simulated.event_loop import SimulatedLoop
    from harness.world.simulated.network import Network

    patches.seal()
    loop: Any = SimulatedLoop(Network())
    try:
        with patches.takeover(loop, 0), warnings.catch_warnings():
            patches.draw_for_import(0)
            for name in names:
                try:
                    copy_context().run(importlib.import_module, name)  # as in a run, which imports in a task
                except BaseException:
                    return name
    finally:
        patches.seal(False)
        loop.close()
    _rehearse()
    _settle()
    return None


def _rehearse() -> None:
    """Play what many runs have in common: pictures are drawn, patterns compiled and caches filled for all cells."""
    (scenario,) = catalogue.select(["baseline/healthy"])
    for strategy in ("synchronous", "jobs-polling"):
        named = STRATEGIES[strategy]
        SimulatedWorld(scenario, load(named.target, named.name, shipped=True), 0).run()


def _settle() -> None:
    """Make what is in memory cheap to share with cells."""
    all_modules_are_libraries()
    gc.collect()
    gc.freeze()
