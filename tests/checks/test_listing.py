"""The checks on lists and their filters."""

from typing import Any

import pytest

from runbooks.checks.listing import (
    corrected,
    registered_and_deregistered_are_told_apart,
    status_filter_is_accepted,
)
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict, run
from runbooks.question import Question
from tests.support.world import world


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(None, OK), ("Registered", OK), ("Deregistered", OK), ("registered", FAIL), ("", FAIL), ("All", FAIL)],
)
def test_a_filter_is_tried(status: str | None, verdict: Verdict) -> None:
    with world("healthy") as (aws, _):
        (finding,) = run(status_filter_is_accepted, aws, Question(status=status))
    assert finding.verdict is verdict
    if verdict is FAIL:
        assert "InvalidRegistrationStatusException (HTTP 400)" in finding.says
        assert finding.next == "/exceptions/InvalidRegistrationStatusException/"


def test_a_filter_of_a_wrong_type_never_leaves() -> None:
    with world("healthy") as (aws, _):
        (finding,) = run(status_filter_is_accepted, aws, Question(status=1))  # type: ignore[arg-type]
    assert finding.verdict is UNKNOWN
    assert "was not sent" in finding.says
    assert finding.proof == ()


@pytest.mark.parametrize(
    ("sent", "command"),
    [
        (
            "registered",
            "aws deploy list-on-premises-instances --registration-status Registered --region eu-west-1",
        ),
        (
            " DEREGISTERED\n",
            "aws deploy list-on-premises-instances --registration-status Deregistered --region eu-west-1",
        ),
        ("All", "aws deploy list-on-premises-instances --region eu-west-1"),
        (None, "aws deploy list-on-premises-instances --region eu-west-1"),
    ],
)
def test_what_was_meant(sent: str | None, command: str) -> None:
    with world("healthy") as (aws, _):
        assert corrected(aws, sent) == command


def test_both_kinds_are_told_apart() -> None:
    with world("healthy") as (aws, _):
        found = run(registered_and_deregistered_are_told_apart, aws, Question())
        assert [finding.verdict for finding in found] == [OK, OK, OK]
        assert "3 names are registered: batch-01, web-01, web-02" in found[0].says
        assert "1 name is deregistered: old-01" in found[1].says
        (skipped,) = run(registered_and_deregistered_are_told_apart, aws, Question(instance="web-01"))
    assert skipped.verdict is SKIP


def test_lists_that_disagree_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with world("healthy") as (aws, _):
        read_all = aws.read_all

        def one_more(api: str, want: str, **params: Any) -> list[Any]:
            return read_all(api, want, **params) + ([] if params else ["ghost-01"])

        monkeypatch.setattr(aws, "read_all", one_more)
        found = run(registered_and_deregistered_are_told_apart, aws, Question())
    assert found[-1].verdict is WARN
    assert "ghost-01" in found[-1].says
