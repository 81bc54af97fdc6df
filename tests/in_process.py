"""The command line in the process of the tests."""

import signal

from harness import cli

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run the command of `sys.argv` as its process does, to SystemExit; signals are handled as before afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        cli.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
