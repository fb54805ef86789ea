"""A cause stands before what follows from it: first of the report what is to be fixed, then what that brings back."""

import pytest

from runbooks.diagnosis import diagnose
from runbooks.findings import FAIL, WARN, Command
from tests.support.reports import finding, report
from tests.support.world import PATIENT, subject, world

# By scenario: the check whose block stands first when the host is asked about, and whether its fix is a command.
FIRST = {
    "children-two": ("agent-settings-are-sound", True),
    "max-revisions-zero": ("agent-settings-are-sound", True),
    "agent-user-barred": ("agent-may-use-its-files", True),
    "ruby-too-new": ("host-has-the-tools", True),
    "certificates-lost": ("agent-is-installed", True),
    "agent-crash-loop": ("host-reaches-codedeploy", False),
    "proxy-of-environment-dead": ("host-reaches-codedeploy", False),
    "certificate-intercepted": ("host-reaches-codedeploy", False),
    "ec2-metadata-off": ("metadata-service-serves-the-agent", True),
    "ec2-imdsv2-old-agent": ("metadata-service-serves-the-agent", True),
    "agent-stopped": ("agent-is-running", True),
    "two-agents": ("agent-is-running", True),
}


@pytest.mark.parametrize("scenario", FIRST)
def test_the_cause_stands_first(scenario: str) -> None:
    check, is_command = FIRST[scenario]
    with world(scenario, config=PATIENT) as (aws, _):
        found = diagnose(aws, instance=subject(scenario))
    first, *_ = found.contents.problems
    assert first.checks == (check,)
    assert isinstance(first.fix, Command) is is_command
    assert first.fix
    assert found.findings[0].code.startswith(f"{check}/")


def order(*found: object) -> list[str]:
    return [check.id for check, *_ in report(*found).checks]  # type: ignore[arg-type]


def test_what_follows_stands_behind_its_cause_and_the_cause_of_that() -> None:
    last = finding(FAIL, explained_by=("check-1", "check-9"))
    second = finding(FAIL, explained_by=("check-2",))
    assert order(last, second, finding(FAIL)) == ["check-2", "check-1", "check-0"]


def test_a_cause_that_did_not_fail_moves_nothing() -> None:
    follows = finding(FAIL, explained_by=("check-1",))
    assert order(follows, WARN, FAIL) == ["check-0", "check-2", "check-1"]


def test_a_check_with_a_failure_of_its_own_keeps_its_place() -> None:
    mixed = [finding(FAIL, explained_by=("check-1",)), finding(FAIL, "web-01 burns.")]
    assert order(mixed, FAIL) == ["check-0", "check-1"]


def test_two_that_explain_one_another_keep_their_order() -> None:
    one, two = finding(FAIL, explained_by=("check-1",)), finding(FAIL, explained_by=("check-0",))
    assert order(one, two, FAIL) == ["check-2", "check-0", "check-1"]
