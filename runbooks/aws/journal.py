"""What was asked of AWS, recorded by the session itself: the proof of every finding.

The record is kept per context (``contextvars``), so that checks which run side by side do not mix
their proofs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One API call and how it ended: ``answer`` is ``ok``, an AWS error code, or an exception's name."""

    api: str  # "codedeploy:ListOnPremisesInstances"
    region: str
    answer: str
    request_id: str = ""


_current: ContextVar[list[Call] | None] = ContextVar("calls", default=None)


def record(call: Call) -> None:
    """Add a call to the record of whoever is asking, if anybody is."""
    calls = _current.get()
    if calls is not None:
        calls.append(call)


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Collect the calls made in this context; gives the list that grows with them."""
    calls: list[Call] = []
    token = _current.set(calls)
    try:
        yield calls
    finally:
        _current.reset(token)
