"""The temporary folder of this process and its workers, removed at exit."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

SCRATCH_VARIABLE = "HARNESS_SCRATCH_FOLDER"
"""The environment variable that gives worker processes their parent's folder."""


@cache
def scratch_folder() -> Path:
    """Return the folder for the databases of this process and its workers, in memory where the system supports it."""
    known = os.environ.get(SCRATCH_VARIABLE)
    if known:
        return Path(known)
    memory = "/dev/shm"
    usable = os.path.isdir(memory) and os.access(memory, os.W_OK)
    folder = tempfile.mkdtemp(prefix="harness-", dir=memory if usable else None)
    os.environ[SCRATCH_VARIABLE] = folder
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return Path(folder)
