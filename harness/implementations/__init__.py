"""Implementations: what is put through the scenarios.

    load("shop.web:app")                 an ASGI application (called with scope, receive, send)
    load("shop.web:create_app")          a factory (no argument) that gives one
    load("shop/callbacks.py:on_music")   a callback function (called with payload, track)

Each start imports the target's own modules afresh, as a new process would, with the run's environment in place.
"""

from harness.implementations.target import Implementation, load

__all__ = ["Implementation", "load"]
