"""A folder for the files of this process and its workers, gone with the process."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

SCRATCH_VARIABLE = "HARNESS_SCRATCH_FOLDER"
"""Worker processes find the folder of the process that started them here."""


@cache
def scratch_folder() -> Path:
    """The folder for the databases of this process and its workers, in memory where the system has such a place."""
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
