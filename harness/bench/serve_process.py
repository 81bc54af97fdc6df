"""Serves one implementation with uvicorn on a port: `python -m harness.bench.serve_process TARGET PORT`, for `--real`.

In this process the names of the providers' file hosts resolve to this machine: applications rightly refuse to fetch
from an address like 127.0.0.1.
"""

import socket
import sys
from typing import Any

from harness.world.hosts import MEDIA_HOSTS

_real_getaddrinfo = socket.getaddrinfo


def _getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return _real_getaddrinfo("127.0.0.1" if name in MEDIA_HOSTS else host, *args, **kwargs)


def main(target: str, port: int) -> None:
    """Serve until terminated."""
    import uvicorn

    from harness.targets import load

    socket.getaddrinfo = _getaddrinfo
    application = load(target).start()
    uvicorn.run(application, host="127.0.0.1", port=port, loop="asyncio", log_level="critical", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
