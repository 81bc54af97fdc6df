"""The shop that logs through a queue, to handlers in a thread."""

import atexit
import logging
import queue
from logging.handlers import QueueHandler, QueueListener

import song
import with_nothing

records = queue.SimpleQueue()
listener = QueueListener(records, logging.StreamHandler())
listener.start()
atexit.register(listener.stop)
logging.basicConfig(level=logging.INFO, handlers=[QueueHandler(records)])
LOG = logging.getLogger("shop")


async def app(scope, receive, send):
    LOG.info("%s %s", scope["type"], scope.get("path", ""))
    await with_nothing.app(scope, receive, send)


async def hear(track, hear=song.hear):
    LOG.info("a callback")
    await hear(track)


song.hear = hear
