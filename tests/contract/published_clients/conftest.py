"""Clients are installed and played on demand only: it takes their registries and minutes."""

import os

collect_ignore = [] if os.environ.get("HARNESS_PUBLISHED_CLIENTS") else ["test_published_clients.py"]
