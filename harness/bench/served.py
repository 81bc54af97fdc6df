"""Serves one implementation by uvicorn at a port: `python -m harness.bench.served TARGET PORT`, for `--real`."""

import sys


def main(target: str, port: int) -> None:
    """Serves until it is asked to end."""
    import uvicorn

    from harness.implementations import load

    uvicorn.run(
        load(target).start(), host="127.0.0.1", port=port, log_level="critical", access_log=False, lifespan="on"
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
