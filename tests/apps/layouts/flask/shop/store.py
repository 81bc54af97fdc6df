import os
import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS tracks (
    id TEXT PRIMARY KEY, task_id TEXT UNIQUE, title TEXT, state TEXT, audio TEXT, cover TEXT
)
"""


def connect() -> sqlite3.Connection:
    return sqlite3.connect(os.environ.get("SQLITE_PATH", "shop.db"), isolation_level=None)


def prepare() -> None:
    connect().execute(SCHEMA)
