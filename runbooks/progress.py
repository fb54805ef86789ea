"""How far a diagnosis is: a line in a terminal or in a notebook's cell, gone when the report is there."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Takes how many checks are done, and of how many.
ProgressCallback = Callable[[int, int], None]


@contextmanager
def terminal() -> Iterator[ProgressCallback]:
    """A line on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console

    with Console(stderr=True).status(_line(0, 0)) as status:
        yield lambda done, total: status.update(_line(done, total))


@contextmanager
def cell() -> Iterator[ProgressCallback]:
    """A line in the cell that runs, where a notebook server runs the kernel, so that someone may be watching.

    nbval and `runbooks run` run kernels without a server: they keep what a cell shows first, not what it ends with.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "kernel") or "JPY_SESSION_NAME" not in os.environ:
        yield _silent
        return
    from IPython.display import display

    shown = display({"text/plain": _line(0, 0)}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda done, total: shown.update({"text/plain": _line(done, total)}, raw=True)
    finally:
        shown.update({}, raw=True)  # an output of no kind takes no room


def _line(done: int, total: int) -> str:
    return f"Checking: {done} of {total} done ..." if total else "Checking ..."


def _silent(done: int, total: int) -> None:
    """Say nothing."""
