"""The lifecycle events of a deployment's targets over time, grouped by cause: what the HTML report draws of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from runbooks.findings import FAIL, OK, UNKNOWN, Finding, Span, Verdict
from runbooks.text.mask import plain
from runbooks.text.times import time

MOST_ROWS = 25  # targets that are drawn one by one
WIDTH, _LEAST = 600, 8  # of a line, and of the shortest event on it, in its own units
_VERDICTS = {
    "Succeeded": OK,
    "Failed": FAIL,
}  # by which an event is coloured; one that has not ended is UNKNOWN


@dataclass(frozen=True)
class Bar:
    """One event."""

    x: int
    width: int
    verdict: Verdict
    title: str


@dataclass(frozen=True)
class Row:
    """One target: its events as bars, the one that matters most, and all of them as text."""

    name: str
    bars: tuple[Bar, ...]  # what failed is the last, so that nothing covers it
    event: str
    text: str


@dataclass(frozen=True)
class Group:
    """Targets that went alike."""

    title: str
    rows: tuple[Row, ...]
    more: int  # that are not drawn


@dataclass(frozen=True)
class Picture:
    """The whole."""

    groups: tuple[Group, ...]
    span: str  # of time, in words


def picture(findings: Iterable[Finding], now: datetime) -> Picture | None:
    """The picture of these findings' spans; None where no event has a start. What has not ended goes on until ``now``."""
    drawn = [finding for finding in findings if finding.spans]
    spans = [span for finding in drawn for span in finding.spans]
    begun = [span.began for span in spans if span.began]
    if not begun:
        return None
    start, end = min(begun), max(_end(span, now) for span in spans if span.began)
    groups: list[Group] = []
    room = MOST_ROWS
    for number, finding in enumerate(drawn):
        targets = list(dict.fromkeys(span.row for span in finding.spans))
        shown = targets[: max(1, room // (len(drawn) - number))]
        room -= len(shown)
        more = len(targets) - len(shown)
        rows = [_row([span for span in finding.spans if span.row == name], start, end, now) for name in shown]
        groups.append(Group(plain(finding.says).split(". ")[0], tuple(rows), more))
    return Picture(
        tuple(groups), f"{time(start, '%Y-%m-%d %H:%M:%S')} to {time(end, '%Y-%m-%d %H:%M:%S UTC')}"
    )


def _row(spans: Sequence[Span], start: datetime, end: datetime, now: datetime) -> Row:
    seconds = max(1.0, (end - start).total_seconds())

    def place(at: datetime) -> int:
        return round((at - start).total_seconds() / seconds * (WIDTH - _LEAST))

    bars = [
        Bar(
            place(span.began),
            max(_LEAST, place(_end(span, now)) - place(span.began)),
            _VERDICTS.get(span.outcome, UNKNOWN),
            _said(span),
        )
        for span in spans
        if span.began
    ]
    name = plain(spans[0].row)
    event = max(spans, key=lambda span: _VERDICTS.get(span.outcome, UNKNOWN))
    most = plain(event.what) if event.outcome == "Failed" else ""
    bars.sort(key=lambda bar: bar.verdict)
    return Row(name, tuple(bars), most, f"{name}: {'; '.join(map(_said, spans))}.")


def _end(span: Span, now: datetime) -> datetime:
    return max(span.ended or now, span.began or now)


def _said(span: Span) -> str:
    times = [time(at, "%H:%M:%S") for at in (span.began, span.ended) if at]
    return plain(f"{span.what} {span.outcome}{' ' * bool(times)}{' to '.join(times)}")
