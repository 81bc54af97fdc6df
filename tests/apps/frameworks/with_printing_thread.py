"""The shop whose lines are printed by a thread."""

import queue
import threading

import with_nothing

lines = queue.SimpleQueue()


def print_lines():
    while True:
        print(lines.get())


threading.Thread(target=print_lines, daemon=True).start()


async def app(scope, receive, send):
    lines.put(f"INFO for {scope.get('path')}")
    await with_nothing.app(scope, receive, send)
