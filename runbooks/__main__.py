"""``python -m runbooks`` is the command ``runbooks``."""

import sys
from typing import Never


def run() -> Never:
    """Run the command line. Its modules take a moment to load, in which Ctrl-C must not end in a traceback."""
    try:
        from runbooks.cli import main

        main()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run()
