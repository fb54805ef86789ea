"""The checks on lists and their filters."""

from typing import Any

import pytest

from runbooks.checks.listing import (
    correction,
    listed_names_are_registered_or_deregistered,
    status_filter_is_accepted,
)
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
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
    ("sent", "wanted"),
    [
        ("registered", "send 'Registered'."),
        (" DEREGISTERED ", "send 'Deregistered'."),
        ("Registering", "'Registered', 'Deregistered' or no registrationStatus"),
        ("", "'Registered', 'Deregistered' or no registrationStatus"),
        (None, "'Registered', 'Deregistered' or no registrationStatus"),
    ],
)
def test_the_caller_is_what_has_to_change(sent: str | None, wanted: str) -> None:
    assert wanted in correction(sent)


def test_each_listed_name_is_of_one_kind() -> None:
    with world("healthy") as (aws, _):
        found = run(listed_names_are_registered_or_deregistered, aws, Question())
        assert [finding.verdict for finding in found] == [OK, OK, OK]
        assert "3 names are registered: batch-01, web-01, web-02" in found[0].says
        assert "1 name is deregistered: old-01" in found[1].says
        (skipped,) = run(listed_names_are_registered_or_deregistered, aws, Question(instance="web-01"))
    assert skipped.verdict is SKIP


def test_lists_that_disagree_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with world("healthy") as (aws, _):
        read_all = aws.read_all

        def one_more(api: str, want: str, **params: Any) -> list[Any]:
            return read_all(api, want, **params) + ([] if params else ["ghost-01"])

        monkeypatch.setattr(aws, "read_all", one_more)
        found = run(listed_names_are_registered_or_deregistered, aws, Question())
    assert found[-1].verdict is WARN
    assert "ghost-01" in found[-1].says
