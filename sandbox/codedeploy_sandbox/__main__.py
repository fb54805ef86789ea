"""`python -m codedeploy_sandbox`: one sandbox, until a signal or the end of its input."""

import argparse
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from botocore import loaders

from codedeploy_sandbox.clock import parse
from codedeploy_sandbox.server import serve

USAGE = 64  # sysexits.h: the command was used wrongly


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{message}\n")


def main(argv: list[str] | None = None) -> int:
    """Start a sandbox, print one line of JSON that says how to reach it, and wait for a signal or the end of input."""
    options = _options(argv)
    _read_models_once()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with serve(
            options.scenario,
            port=options.port,
            host=options.host,
            clock=options.clock,
            probe=options.probe.read_text(encoding="utf-8") if options.probe else "",
        ) as sandbox:
            print(json.dumps(sandbox.address()), flush=True)
            sys.stdout = sys.stderr  # standard output holds that line only; moto prints, too
            if options.until_eof:
                threading.Thread(target=_wait_for_eof, args=(ended,), daemon=True).start()
            ended.wait()
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE
    return 0


def _read_models_once() -> None:
    """Share what botocore reads between its sessions, of which moto makes many, and do not look it through for garbage.

    The models of AWS's services are a million objects that stay.
    """
    loaders.JSONFileLoader.load_file = staticmethod(cache(loaders.JSONFileLoader().load_file))  # type: ignore[method-assign]
    gc.set_threshold(20_000, 50, 100)


def _options(argv: list[str] | None) -> Any:
    parser = _Parser(prog="python -m codedeploy_sandbox", description=__doc__)
    parser.add_argument("--scenario", default="healthy", help="what is wrong in it (default: nothing)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument(
        "--clock", type=_time, help="a deterministic clock: begins here, moves a second per request"
    )
    parser.add_argument(
        "--probe", type=Path, help="the shell script that Systems Manager can run on a machine"
    )
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    return parser.parse_args(argv)


def _time(text: str) -> datetime:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _wait_for_eof(ended: threading.Event) -> None:
    with contextlib.suppress(OSError):  # without any standard input it ends as well
        while os.read(0, 4096):
            pass
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
