"""Stores that read one track at a time: by a request to the application, or by a command."""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import httpx

from harness.config.app_config import TrackReading, at_path, filled
from harness.death_signal import die_with_parent
from harness.errors import ImplementationError
from harness.json_text import parse_json
from harness.stores.polling import Row, Rows, sampled

HTTP_EVERY_S = 0.1
COMMAND_EVERY_S = 0.25
COMPLAINT_SHOWN = 200
OUTPUT_BYTES_MAX = 1024 * 1024
"""What a command prints beyond that is ignored."""
COMMAND_S = 10.0
"""The timeout of a command, in real seconds."""


class HttpStore:
    """Tracks read by a request to the application."""

    source = "http"
    every_s = HTTP_EVERY_S
    how = sampled(HTTP_EVERY_S)

    def __init__(self, base_url: str, reading: TrackReading, client: httpx.AsyncClient) -> None:
        assert reading.read is not None
        self.problem = ""
        self._method, self._path = reading.read.split(" ", 1)
        self._base_url = base_url.rstrip("/")
        self._reading = reading
        self._client = client

    async def states(self, ids: list[str]) -> list[Rows]:
        return _whole(ids, [await self._track(track_id) for track_id in ids])

    async def _track(self, track_id: str) -> Row | None:
        url = self._base_url + filled(self._path, {"id": track_id})
        with contextlib.suppress(httpx.HTTPError, ValueError):
            response = await self._client.request(self._method, url, headers=dict(self._reading.headers))
            self.problem = f"{self._reading.read} answered HTTP {response.status_code}"
            track = at_path(response.json(), self._reading.inside) if response.status_code == 200 else None
            if isinstance(track, dict):
                self.problem = ""
                return track
            inside = f' at "{self._reading.inside}"' if self._reading.inside else ""
            self.problem += f", with no object{inside}" if response.status_code == 200 else ""
        return None

    def close(self) -> None: ...


class CommandStore:
    """Tracks printed as JSON by a command, which prints nothing while there is none."""

    source = "command"
    every_s = COMMAND_EVERY_S
    how = sampled(COMMAND_EVERY_S)

    def __init__(
        self,
        reading: TrackReading,
        folder: Path,
        values: Mapping[str, str],
        speed: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is the command's whole environment; without it, that of this process."""
        assert reading.command is not None
        self.problem = ""
        self._environment = environment
        self._words = shlex.split(reading.command)
        self._inside = reading.inside
        self._folder = folder
        self._values = values
        self._patience_s = COMMAND_S * speed

    async def states(self, ids: list[str]) -> list[Rows]:
        return _whole(ids, [await self._track(track_id) for track_id in ids])

    async def _track(self, track_id: str) -> Row | None:
        words = [filled(word, {**self._values, "id": track_id}) for word in self._words]
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=self._folder,
                env=None if self._environment is None else dict(self._environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        except (OSError, ValueError) as error:
            raise ImplementationError(f'track.command "{words[0]}" cannot be started: {error}') from error
        try:
            async with asyncio.timeout(self._patience_s):
                printed, complained = await asyncio.gather(_beginning(process.stdout), _beginning(process.stderr))
                await process.wait()
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, TimeoutError):
                self.problem = f"the command takes more than {COMMAND_S:g} s"
                return None
            raise
        last = complained.decode(errors="replace").strip().rpartition("\n")[2][:COMPLAINT_SHOWN]
        with contextlib.suppress(ValueError):
            track = at_path(parse_json(printed), self._inside) if process.returncode == 0 else None
            if isinstance(track, dict):
                self.problem = ""
                return track
        self.problem = f"the command printed no track and ended with status {process.returncode}"
        self.problem += f"; it said: {last}" if last else ""
        self.problem += (
            f"; only the first {OUTPUT_BYTES_MAX} bytes are read" if len(printed) == OUTPUT_BYTES_MAX else ""
        )
        return None

    def close(self) -> None: ...


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """Read a stream to its end, and return its first `OUTPUT_BYTES_MAX` bytes."""
    assert stream is not None
    kept = b""
    while part := await stream.read(OUTPUT_BYTES_MAX):
        kept = (kept + part)[:OUTPUT_BYTES_MAX] if len(kept) < OUTPUT_BYTES_MAX else kept
    return kept


def _whole(ids: list[str], tracks: list[Row | None]) -> list[Rows]:
    """Return one state if every track could be read, else none."""
    found = {track_id: track for track_id, track in zip(ids, tracks, strict=True) if track is not None}
    return [found] if ids and len(found) == len(ids) else []
