"""Own storage: files lie in a folder, shown at relative addresses, and the resolution is a JSON object."""

import json
import os
from pathlib import Path
from typing import Any

from tests.oracles.variants.core import CRON_PATH, HANDLER_S, PROMISED_LOGS, Core

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class OwnStorage(Core):
    """A handler starts the work, and waits for it a little."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(os.environ["DATABASE_PATH"]).with_name("kept")
        self.folder.mkdir(exist_ok=True)

    async def hear_of(self, track: str) -> None:
        await self.work(HANDLER_S, [track])

    def keep(self, name: str, content: bytes) -> str:
        unfinished = self.folder / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.replace(self.folder / name)
        return f"/files/{name}"

    def kept(self, name: str) -> bytes | None:
        path = self.folder / Path(name).name
        return path.read_bytes() if path.is_file() else None

    def resolution(self, width: int, height: int) -> str:
        return json.dumps({"width": width, "height": height})


def create_app() -> Any:
    return OwnStorage()
