import sqlite3

from app.config import settings

db = sqlite3.connect(settings.database_path, isolation_level=None, check_same_thread=False)
db.execute(
    "CREATE TABLE IF NOT EXISTS songs (id INTEGER PRIMARY KEY, task_id TEXT UNIQUE, title TEXT, status TEXT,"
    " audio_url TEXT, image_url TEXT)"
)


def add(task_id: str, title: str) -> None:
    db.execute("INSERT INTO songs (task_id, title, status) VALUES (?, ?, 'pending')", (task_id, title))


def claim(task_id: str) -> str | None:
    changed = "UPDATE songs SET status = 'finishing' WHERE task_id = ? AND status = 'pending' RETURNING title"
    row = db.execute(changed, (task_id,)).fetchone()
    return None if row is None else row[0]


def finish(task_id: str, audio_url: str, image_url: str) -> None:
    change = "UPDATE songs SET status = 'completed', audio_url = ?, image_url = ? WHERE task_id = ?"
    db.execute(change, (audio_url, image_url, task_id))
