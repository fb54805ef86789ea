"""The sandbox's time: the real one, or one that starts at a given time and moves on a second with every request."""

import itertools
from datetime import UTC, datetime, timedelta


class Clock:
    """Call it for the time of the next request. `start` is the time at which the scenario is set up."""

    def __init__(self, start: datetime | None = None) -> None:
        self.fixed = start is not None
        self.start = start or _now()
        self._requests = itertools.count(1)

    def __call__(self) -> datetime:
        if not self.fixed:
            return _now()
        return self.start + timedelta(seconds=next(self._requests))

    def on_machines(self) -> datetime:
        """The time on the machines of the sandbox. Requests do not change it, so a machine gives the same answer each time."""
        return self.start if self.fixed else _now()


def parse(text: str) -> datetime:
    """Read a time such as 2026-01-15T12:00:00Z. Raises ValueError, in one sentence, for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if time.tzinfo is None or not 2000 <= time.year < 2100:
        raise ValueError(
            f"{text!r} is not a time of this century with its offset; write it like 2026-01-15T12:00:00Z."
        )
    return time.astimezone(UTC)


def _now() -> datetime:
    # AWS answers with milliseconds, never more.
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
