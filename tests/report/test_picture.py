"""The picture of a deployment: one line for each target, by cause, with the same as text."""

import re
from datetime import datetime, timedelta

import pytest

from runbooks.findings import FAIL, OK, UNKNOWN, Span
from runbooks.report.as_html import _COLOURS, fragment
from runbooks.report.picture import MOST_ROWS, Picture, picture
from tests.report.test_html import Elements
from tests.support.reports import AT, HOSTILE, finding, report


def span(row: str = "web-01", outcome: str = "Failed", minutes: int = 0, what: str = "Install") -> Span:
    began = AT + timedelta(minutes=minutes)
    return Span(row, what, outcome, began, began + timedelta(minutes=5))


def drawn(*spans: tuple[Span, ...], now: datetime = AT) -> Picture:
    found = picture([finding(FAIL, f"Cause {n}. More.", spans=each) for n, each in enumerate(spans)], now)
    assert found
    return found


def test_a_target_is_a_line_and_an_event_is_a_bar_in_its_time() -> None:
    made = drawn((span(what="BeforeInstall", outcome="Succeeded"), span(minutes=5)))
    ((row,),) = [group.rows for group in made.groups]
    first, second = row.bars
    assert (first.verdict, second.verdict) == (OK, FAIL)
    assert first.x < second.x == first.x + first.width
    assert row.text == (
        "web-01: BeforeInstall Succeeded 12:00:00 to 12:05:00; Install Failed 12:05:00 to 12:10:00."
    )
    assert made.span == "2026-01-15 12:00:00 to 2026-01-15 12:10:00 UTC"


def test_the_causes_are_groups_one_below_the_other() -> None:
    made = drawn((span(),), (span("web-02"), span("web-03")))
    assert [group.title for group in made.groups] == ["Cause 0", "Cause 1"]
    assert [[row.name for row in group.rows] for group in made.groups] == [["web-01"], ["web-02", "web-03"]]


def test_what_failed_is_named_beside_its_line_and_is_covered_by_nothing() -> None:
    made = drawn((span(), span(what="AfterInstall", outcome="Succeeded")), (span(outcome="Succeeded"),))
    (failed,), (other,) = (group.rows for group in made.groups)
    assert (failed.event, other.event) == ("Install", "")
    assert failed.bars[-1].verdict is FAIL


def test_what_has_not_begun_is_only_in_the_text_and_what_has_not_ended_goes_on_until_now() -> None:
    runs = Span("web-01", "Install", "InProgress", AT, None)
    waits = Span("web-01", "AfterInstall", "Pending", None, None)
    made = drawn((runs, waits), now=AT + timedelta(hours=1))
    (row,) = made.groups[0].rows
    (bar,) = row.bars
    assert bar.verdict is UNKNOWN
    assert bar.x + bar.width <= 600
    assert row.text == "web-01: Install InProgress 12:00:00; AfterInstall Pending."
    assert made.span.endswith("13:00:00 UTC")
    assert picture([finding(FAIL, spans=(waits,)), finding(OK)], AT) is None


@pytest.mark.parametrize(("targets", "more"), [(MOST_ROWS, 0), (MOST_ROWS + 1, 1), (1000, 975)])
def test_many_targets_are_summarised(targets: int, more: int) -> None:
    (group,) = drawn(tuple(span(f"web-{number:04}") for number in range(targets))).groups
    assert (len(group.rows), group.more) == (min(targets, MOST_ROWS), more)


def test_every_cause_has_a_line_however_many_there_are() -> None:
    causes = [tuple(span(f"a-{cause}-{number}") for number in range(30)) for cause in range(30)]
    made = drawn(*causes)
    assert all(group.rows and group.more == 30 - len(group.rows) for group in made.groups)


def test_the_report_draws_it_with_the_same_as_text_and_nothing_in_it_acts() -> None:
    hostile = Span(HOSTILE, HOSTILE, HOSTILE, AT, AT)
    shown = fragment(report(finding(FAIL, f"{HOSTILE}.", spans=(hostile, span()))).contents)
    tags = Elements(shown).tags
    assert not {"script", "img"} & {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert "\x1b" not in shown
    assert 'role="img" aria-label="The events of the targets over time' in shown
    assert f'fill="{_COLOURS["FAIL"]}"' in "".join(re.findall(r"<svg.*?</svg>", shown, re.DOTALL))
    assert "<li>web-01: Install Failed 12:00:00 to 12:05:00.</li>" in shown


def test_a_report_without_events_has_no_picture() -> None:
    assert "<svg" not in fragment(report(FAIL).contents)
