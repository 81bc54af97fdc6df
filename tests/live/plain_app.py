"""The application in `tests/apps/plain`, and others in Python with its variables, as a `harness.toml` starts them."""

import sys
from pathlib import Path

APPS = Path(__file__).parent.parent / "apps"
APP = APPS / "plain" / "app.py"


def started(app: Path = APP) -> str:
    """Return the tables of an application that the harness starts."""
    return f"""
[application]
command = "{sys.executable} {app}"

[application.environment]
SUNO = "{{suno}}"
KIE = "{{kie}}"
API_KEY = "{{api_key}}"
PUBLIC_URL = "{{app}}"
DATABASE_PATH = "{{database}}"
PORT = "{{port}}"
"""


def tracks(start: str = 'id = "track.id"') -> str:
    """Return the tables that say how a track is started, and that it is in the application's SQLite file."""
    return f"""
[start]
{start}

[track]
sqlite = "{{database}}"
"""


def waits(settled_after: str, quiet_after: str) -> str:
    """Return how long a run goes on, which comes before any table."""
    return f'settled_after = "{settled_after}"\nquiet_after = "{quiet_after}"\n'
