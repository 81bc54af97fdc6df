"""Implementations: what the scenarios test.

    load("shop.web:app")                 an ASGI application (called with scope, receive, send)
    load("shop.web:create_app")          a factory (no argument) that returns one
    load("shop/callbacks.py:on_music")   a callback function (called with payload, track)

    load_live("harness.toml", 50)         an application in any language, started as the file says
    load_live("http://127.0.0.1:3000")   a running one

Each start imports the target's own Python modules afresh, as a new process would, with the run's environment.
"""

from typing import TypeAlias

from harness.targets.live import LiveImplementation, Postponed, cores, is_live, load_live
from harness.targets.python import Implementation, Unstarted, load

AnyImplementation: TypeAlias = Implementation | LiveImplementation | Unstarted

__all__ = [
    "AnyImplementation",
    "Implementation",
    "LiveImplementation",
    "Postponed",
    "Unstarted",
    "cores",
    "is_live",
    "load",
    "load_live",
]
