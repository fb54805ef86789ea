"""How a watched deployment is shown on standard error: a table that is drawn again, or a line for each change."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from runbooks.cli.watching import EVERY, Show
from runbooks.findings import Span
from runbooks.text.mask import plain
from runbooks.text.times import time as shown

_ORDER = ("Failed", "InProgress", "Pending")  # what needs a look comes first
_MOST_NAMED = 5  # targets in a line
_HINT = f"Asked again every {EVERY} s until it has ended. Ctrl-C: the report now."


@contextmanager
def watched() -> Iterator[Show]:
    """What shows each answer: in a terminal a table, gone at the end; elsewhere, as in the log of a pipeline, a line."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    table = _Table(console)
    with Live(table, console=console, transient=True, refresh_per_second=1):
        yield table


class _Lines:
    """A line for each answer that differs from the one before."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, says: str, steps: Sequence[Span], at: datetime) -> None:
        moving = [plain(f"{s.row} {s.what} {s.outcome}") for s in _sorted(steps) if s.outcome in _ORDER[:2]]
        more = [f"and {len(moving) - _MOST_NAMED} more"] if len(moving) > _MOST_NAMED else []
        line = "; ".join([says, *moving[:_MOST_NAMED], *more])
        if line != self.last:
            print(shown(at, "%H:%M:%S UTC"), line, file=sys.stderr, flush=True)
        self.last = line


class _Table:
    """The last answer; its seconds go on between two answers."""

    def __init__(self, console: Any) -> None:
        self.console = console
        self("", (), datetime.now(UTC))

    def __call__(self, says: str, steps: Sequence[Span], at: datetime) -> None:
        self.says, self.steps, self.at, self.asked = says, _sorted(steps), at, time.monotonic()

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        room = max(
            1, self.console.height - 5
        )  # the status, the names of the columns, the rest, the hint, the cursor
        now = self.at + timedelta(seconds=time.monotonic() - self.asked)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("target", "event", "status"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        table.add_column("seconds", justify="right", no_wrap=True)
        for step in self.steps[:room]:
            # as text: what AWS says is not markup
            table.add_row(
                *(Text(plain(text)) for text in (step.row, step.what, step.outcome)), _seconds(step, now)
            )
        left = len(self.steps) - room
        return Group(
            Text(self.says, no_wrap=True, overflow="ellipsis"),
            *([table] if self.steps else []),
            *([Text(f"and {left} more")] if left > 0 else []),
            Text(_HINT, style="dim", no_wrap=True, overflow="ellipsis"),
        )


def _sorted(steps: Sequence[Span]) -> list[Span]:
    rank = {outcome: place for place, outcome in enumerate(_ORDER)}
    return sorted(steps, key=lambda step: (rank.get(step.outcome, len(rank)), step.row))


def _seconds(step: Span, now: datetime) -> str:
    return f"{max(0, round(((step.ended or now) - step.began).total_seconds()))}" if step.began else ""
