"""The warm process where it cannot be forked: beside threads, and on macOS."""

import os
import socket


def main(descriptor: int) -> None:
    """Serve the supervisor at the other end of a descriptor, and end without what others registered for that."""
    from harness.cell import warm

    try:
        warm.serve(socket.socket(fileno=descriptor))
    finally:
        os._exit(0)
