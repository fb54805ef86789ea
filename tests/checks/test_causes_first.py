"""A cause stands before what follows from it: first of the report what is to be fixed, then what that brings back."""

from dataclasses import replace

import pytest

from runbooks.commands import script
from runbooks.diagnosis import diagnose
from runbooks.findings import FAIL, WARN, Command, Finding, Lead
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


def shown(*found: Finding) -> dict[str, tuple[str, ...]]:
    """By what stands alone in the report: what is said below it."""
    problems = report(*found).contents.problems
    return {entry.says[0]: tuple(words for words, _ in entry.below) for entry in problems}


CAUSE = finding(FAIL, "The way is closed.", fix="Open it.")


def test_what_a_failure_explains_is_said_below_it_and_is_no_reason_of_its_own() -> None:
    unheard = finding(FAIL, "No one hears it.", fix="Call.", explained_by=("check-0",), below="Unheard.")
    late = finding(WARN, "It is late.", explained_by=("check-1",))
    assert shown(CAUSE, unheard, late) == {"The way is closed.": ("Unheard.", "It is late.")}
    assert report(CAUSE, unheard, late).coverage == "2 failed for 1 reason, 1 with a warning."
    assert "Call." not in str(report(CAUSE, unheard))


def test_only_a_failure_of_another_check_explains() -> None:
    follows = finding(FAIL, "No one hears it.", explained_by=("check-0", "check-1"))
    assert shown(finding(WARN, "It is slow."), follows) == {"No one hears it.": (), "It is slow.": ()}
    assert report(finding(WARN), follows).coverage == "1 failed, 1 with a warning."


def test_what_leads_to_a_host_stands_alone_behind_its_cause() -> None:
    host = Lead("web-01", 3, (("instance", "web-01"),), ("check-0",))
    group = Lead("shop/web", 1, (("deployment_group", "shop/web"),), ("check-0",))
    of_hosts = finding(FAIL, "3 targets failed.", leads=(host,), explained_by=("check-0",))
    of_group = finding(FAIL, "It ended.", leads=(group,), explained_by=("check-0",))
    assert shown(CAUSE, of_hosts) == {"The way is closed.": (), "3 targets failed.": ()}
    assert report(CAUSE, of_hosts).coverage == "2 failed for 1 reason."
    assert shown(CAUSE, of_group) == {"The way is closed.": (), "It ended.": ()}


def test_two_that_explain_one_another_both_stand() -> None:
    one = finding(FAIL, "One.", code="one", explained_by=("check-1",))
    two = finding(FAIL, "Two.", code="two", explained_by=("check-0",))
    assert shown(one, two) == {"One.": (), "Two.": ()}


def test_a_command_is_given_once() -> None:
    command = script("sudo systemctl restart codedeploy-agent")
    first = finding(FAIL, "One.", code="one", fix=command, next="/a/")
    second, third = (
        finding(FAIL, says, code=says, fix=command, next=page)
        for says, page in (("Two.", "/b/"), ("Three.", "/a/"))
    )
    assert [entry.fix for entry in report(first, second, third).contents.problems] == [
        command,
        "The same command as that of check-0.",
        "",
    ]


@pytest.mark.parametrize(
    ("of_cause", "of_finding", "alone"),
    [
        ({"instance": "web-01"}, {"instance": "web-02"}, True),
        ({"instance": "web-01"}, {"instance": "web-01", "deployment": "d-1"}, False),
        ({"deployment_group": "billing/api"}, {"deployment_group": "shop/web"}, True),
        ({"deployment": "d-1"}, {"deployment": "d-1", "instance": "web-01"}, False),
    ],
)
def test_a_failure_of_another_host_or_group_explains_nothing(
    of_cause: dict[str, str], of_finding: dict[str, str], alone: bool
) -> None:
    made = report(CAUSE, finding(FAIL, "It follows.", explained_by=("check-0",)))
    asked = (of_cause, of_finding)
    results = {
        check: [replace(one, asked=tuple(about.items())) for one in found]
        for (check, found), about in zip(made.results.items(), asked, strict=True)
    }
    made = replace(made, results=results)
    assert (len(made.contents.problems) == 2) is alone
    assert made.coverage == ("2 failed." if alone else "2 failed for 1 reason.")


def test_of_several_causes_the_first_that_is_named_is_the_one() -> None:
    other = finding(FAIL, "The disk is full.", code="full")
    follows = finding(FAIL, "It does not start.", explained_by=("check-1", "check-0"))
    assert shown(CAUSE, other, follows) == {
        "The way is closed.": (),
        "The disk is full.": ("It does not start.",),
    }
