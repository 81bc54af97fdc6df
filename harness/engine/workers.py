"""Worker processes: each plays a chunk at a time, and sends each outcome as soon as it is known.

Each worker has a pipe of its own. One that is ended from outside, even in the middle of sending, delays no other: its
pipe ends, another one takes its place, and what it has not played is reported to be played again.
"""

import contextlib
import gc
import multiprocessing
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from harness.death_signal import die_with_parent

LOOK_EVERY_S = 0.5
"""Real seconds between two looks at workers whose pipe does not end, because a process they have forked has it, too."""

Item = TypeVar("Item")
Chunk: TypeAlias = Sequence[Item]
Play: TypeAlias = Callable[[Any], Any]
"""Plays an item in a worker. It comes with the worker and not with each chunk, because a user's own invariants may be
closures, which cannot be sent."""


class Outcome(NamedTuple):
    """What `play` has returned for an item."""

    item: Any
    value: Any


class ChunkEnded(NamedTuple):
    """A chunk has ended, with what `play` has raised, if anything."""

    chunk: Chunk[Any]
    error: BaseException | None


class WorkerLost(NamedTuple):
    """A worker was ended from outside: it was playing the first of these items, and had not begun the others."""

    left: Chunk[Any]


class Workers(Generic[Item]):
    """Some worker processes; a context manager that ends them."""

    def __init__(self, count: int, play: Play) -> None:
        self._context = _context()
        self._play = play
        self._idle = [self._new() for _ in range(count)]
        self._busy: dict[Connection, _Worker] = {}

    def __enter__(self) -> "Workers[Item]":
        return self

    def __exit__(self, *of_exception: object) -> None:
        """End all workers; the outcomes of busy ones are not needed any more."""
        for worker in self._busy.values():
            worker.process.terminate()
        for worker in self._idle:
            worker.dismiss()
        for worker in (*self._idle, *self._busy.values()):
            worker.process.join()
            worker.line.close()

    @property
    def busy(self) -> int:
        """Return how many workers are playing."""
        return len(self._busy)

    def begin(self, chunk: Chunk[Item]) -> None:
        """Have an idle worker play a chunk."""
        worker = self._idle.pop()
        if not worker.process.is_alive():
            worker.line.close()
            worker = self._new()
        worker.begin(chunk)
        self._busy[worker.line] = worker

    def events(self) -> Iterator[Outcome | ChunkEnded | WorkerLost]:
        """Wait for news of busy workers, for a moment, and yield them."""
        readable = connection.wait(list(self._busy), LOOK_EVERY_S)
        for line, worker in list(self._busy.items()):
            if line not in readable and worker.process.is_alive():
                continue
            event = worker.receive()
            if not isinstance(event, Outcome):
                del self._busy[line]
                self._idle.append(worker if isinstance(event, ChunkEnded) else self._new())
            yield event

    def _new(self) -> "_Worker":
        return _Worker(self._context, self._play)


class _Worker:
    """The parent's end of a worker process."""

    def __init__(self, context: BaseContext, play: Play) -> None:
        self.line, theirs = context.Pipe()
        # typeshed lacks Process of a BaseContext
        self.process = context.Process(target=_serve, args=(theirs, play))  # type: ignore[attr-defined]
        self.process.start()
        theirs.close()
        self._chunk: Chunk[Any] = ()
        self._played = 0

    def begin(self, chunk: Chunk[Any]) -> None:
        self._chunk, self._played = chunk, 0
        with contextlib.suppress(OSError):  # it has just been ended, which `receive` reports
            self.line.send((chunk, sys.path))

    def dismiss(self) -> None:
        """Let the process exit, which is idle."""
        with contextlib.suppress(OSError):
            self.line.send(None)

    def receive(self) -> Outcome | ChunkEnded | WorkerLost:
        """Return the next event of a worker that has sent something or has died."""
        try:
            if not self.line.poll():
                raise EOFError
            is_outcome, value = self.line.recv()
        except (EOFError, OSError):  # perhaps in the middle of a message
            self.process.join()
            self.line.close()
            return WorkerLost(self._chunk[self._played :])
        if not is_outcome:
            return ChunkEnded(self._chunk, value)
        self._played += 1
        return Outcome(self._chunk[self._played - 1], value)


def _serve(line: Connection, play: Play) -> None:
    """Play chunks until the parent sends None, or is gone.

    Its imported modules are never garbage. Interrupts are left to the parent, which ends its workers; a killed parent
    ends them, too.
    """
    parent = multiprocessing.parent_process()
    die_with_parent(parent.pid if parent is not None else None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    with contextlib.suppress(EOFError, OSError):
        while (received := line.recv()) is not None:
            chunk, path = received
            sys.path[:] = path
            line.send((False, _played(line, chunk, play)))


def _played(line: Connection, chunk: Chunk[Any], play: Play) -> BaseException | None:
    """Play a chunk and send the outcomes; return what has been raised, as it can be sent."""
    try:
        for item in chunk:
            line.send((True, play(item)))
    except BaseException as error:
        error.add_note("".join(traceback.format_exception(error)).rstrip())
        return error if _can_be_sent(error) else RuntimeError("\n".join(error.__notes__))
    return None


def _can_be_sent(error: BaseException) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _context() -> BaseContext:
    """Return the context for workers: forked if possible, which starts faster; spawned if there are threads."""
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return multiprocessing.get_context("fork" if can_fork and threading.active_count() == 1 else "spawn")
