"""The calls to AWS, recorded by the session itself: the proof of every finding.

The record is kept per context (``contextvars``), so checks that run side by side do not mix their proofs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runbooks.findings import Call


class Record(list[Call]):
    """The calls made in one context, in their order; and the one that it still waits for."""

    waiting: str = ""  # "codedeploy:GetOnPremisesInstance"


_current: ContextVar[Record | None] = ContextVar("calls", default=None)


def record(call: Call) -> None:
    """Add a call to the record of this context, if there is one."""
    calls = _current.get()
    if calls is not None:
        calls.append(call)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Note what this context waits for, so that a check that is late can name it."""
    calls = _current.get()
    if calls is None:
        yield
        return
    before, calls.waiting = calls.waiting, what
    try:
        yield
    finally:
        calls.waiting = before


@contextmanager
def recording() -> Iterator[Record]:
    """Collect the calls made in this context; gives the record that grows with them."""
    calls = Record()
    token = _current.set(calls)
    try:
        yield calls
    finally:
        _current.reset(token)
