"""``python -m runbooks`` is the command ``runbooks``."""

import signal
from typing import Never


def run() -> Never:
    """Run the command line. While its modules load, Ctrl-C ends the process at once.

    An exception in the middle of an import can get lost, or leave the lock of a module behind.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # not where SIGINT is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from runbooks.cli import main

    signal.signal(signal.SIGINT, handler)
    main()


if __name__ == "__main__":
    run()
