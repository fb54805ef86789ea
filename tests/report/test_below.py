"""One cause is said once: what else says it stands below it, in every form but JSON, which keeps every finding."""

import json
from dataclasses import replace
from typing import Any

import pytest

from runbooks import diagnose
from runbooks.diagnosis import why
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, Verdict
from runbooks.report import Report
from tests.support.diagnosed import diagnosed
from tests.support.reports import HOSTILE, finding, report
from tests.support.world import PATIENT, subject, world

CAUSE = finding(FAIL, "start.sh failed on web-01.", fix="Correct it.", of=frozenset(("d", "Start", "web-01")))
FORMS = ("text", "html", "markdown", "plain", "slack", "jira")


def part(verdict: Verdict = FAIL, says: str = "The whole failed.", *of: str, **more: str) -> Finding:
    return finding(verdict, says, of=frozenset(of or ("d",)), fix="Correct what failed.", **more)


def below(made: Report) -> list[list[tuple[str, str]]]:
    return [list(entry.below) for entry in made.contents.problems]


@pytest.mark.parametrize("form", FORMS)
def test_a_part_is_said_below_its_whole_and_has_no_fix_of_its_own(form: str) -> None:
    shown = report(part(), CAUSE).render(form)
    assert shown.index("start.sh failed") < shown.index("The whole failed.")
    assert shown.count("The whole failed.") == 1
    assert "Correct what failed." not in shown
    assert "check-0" in shown  # the check that says it


def test_the_json_keeps_every_finding_as_it_is() -> None:
    members = [
        each
        for check in json.loads(report(part(), CAUSE).render("json"))["checks"]
        for each in check["findings"]
    ]
    assert {each["fix"] for each in members} == {"Correct it.", "Correct what failed."}
    assert not {"of", "below"} & set(members[0])


def test_its_words_there_may_be_shorter() -> None:
    made = report(CAUSE, part(says="A long story.", below="Confirmed on web-01."))
    assert below(made) == [[("Confirmed on web-01.", "check-1")]]
    assert "A long story." not in str(made)


def test_a_part_that_says_the_same_words_adds_nothing() -> None:
    assert below(report(CAUSE, part(says=CAUSE.says))) == [[]]


def test_the_worst_part_stands_first() -> None:
    made = report(CAUSE, part(WARN, "Skipped."), part(FAIL, "Failed."))
    assert [says for says, _ in below(made)[0]] == ["Failed.", "Skipped."]


@pytest.mark.parametrize(
    "other",
    [
        part(FAIL, "Of another event.", "d", "Stop"),
        part(FAIL, "Of another host.", "d", "Start", "web-02"),
        part(FAIL, "Of nothing.", "elsewhere"),
        finding(FAIL, "Stands for itself."),
    ],
)
def test_what_is_of_something_else_stands_for_itself(other: Finding) -> None:
    assert below(report(CAUSE, other)) == [[], []]


def test_nothing_worse_is_said_below_something_better() -> None:
    warned = finding(WARN, "Only a warning.", of=frozenset(("d", "Start", "web-01")))
    assert below(report(warned, part(FAIL))) == [[], []]
    assert below(report(warned, part(OK, "All is well."))) == [[]]


def test_of_two_that_are_of_the_same_the_first_is_the_whole() -> None:
    made = report(part(FAIL, "First."), part(FAIL, "Second."))
    assert [entry.says for entry in made.contents.problems] == [("First.",)]
    assert below(made) == [[("Second.", "check-1")]]


def test_a_part_of_a_part_is_said_below_the_whole() -> None:
    middle = part(FAIL, "In the middle.", "d", "Start")
    assert below(report(part(), middle, CAUSE)) == [
        [("The whole failed.", "check-0"), ("In the middle.", "check-1")]
    ]


def test_verdict_and_exit_code_count_every_finding() -> None:
    made = report(CAUSE, part(UNKNOWN, "Not known."))
    assert made.exit_code == 3
    assert made.coverage.startswith("1 failed, 1 not checked")


@pytest.mark.parametrize("form", FORMS)
def test_many_checks_that_say_one_thing_below_it_are_counted(form: str) -> None:
    shown = report(CAUSE, *[part(UNKNOWN, "Could not check.")] * 4).render(form)
    assert shown.count("Could not check.") == 1
    assert "(4 checks)" in shown


def test_the_summary_says_how_many_reasons_many_failures_have() -> None:
    assert report(CAUSE, part()).coverage == "2 failed for 1 reason."
    assert report(CAUSE, part(), finding(FAIL, "Another.")).coverage == "3 failed for 2 reasons."
    assert report(CAUSE, finding(FAIL, "Another.")).coverage == "2 failed."


def test_a_stopped_instance_is_one_problem() -> None:
    """That Systems Manager does not hear from it, and that the probe cannot run there, follow from it."""
    with world("ec2-stopped", config=PATIENT) as (aws, _):
        made = diagnose(aws, instance=subject("ec2-stopped"))
    (entry,) = made.contents.problems
    assert [by for _, by in entry.below] == ["21 checks", "host-is-managed-and-online"]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_escaped_as_every_text_is(form: str) -> None:
    shown = report(CAUSE, part(says=HOSTILE), part(WARN, "x", below=HOSTILE)).render(form)
    assert "\x1b" not in shown
    if form in ("html", "markdown", "slack"):
        assert "<script>" not in shown
        assert "<img" not in shown


@pytest.mark.parametrize(
    ("scenario", "blocks"),
    [
        ("deployment-script-failed", 1),
        ("deployment-stopped", 1),
        ("deployment-agent-silent", 2),  # the target, and the agent that does not run
        ("ec2-other-region", 1),
        ("ec2-imdsv2-old-agent", 1),
        ("ec2-metadata-off", 1),  # which the agent's log says too, and its worker does not start
        ("ec2-without-profile", 1),
    ],
)
def test_a_scenario_with_one_cause_has_one_block(scenario: str, blocks: int) -> None:
    asked: dict[str, Any] = {"deployment": "d-SHOPWEB01"}
    if scenario.startswith("ec2-"):
        asked = {"instance": subject(scenario)}
    with world(scenario, config=PATIENT) as (aws, _):
        made = diagnose(aws, **asked)
    failed = [entry for entry in made.contents.problems if entry.verdict is FAIL]
    assert len(failed) == blocks, [entry.says for entry in failed]


@pytest.mark.parametrize("form", FORMS)
def test_why_ends_with_the_command_that_probes_the_hosts_too(form: str) -> None:
    with world("deployment-script-failed", config=PATIENT) as (aws, _):
        made = why(aws, "d-SHOPWEB01")
    place = replace(made.source.place, sandbox="")  # a sandbox is probed without being asked to
    made = replace(made, source=replace(made.source, place=place))
    assert made.further
    host, command = made.further
    assert host == "web-01"
    assert command.startswith("runbooks diagnose d-SHOPWEB01 ")
    assert "--probe" in command  # without it every check of the host would be UNKNOWN on an account
    assert command in made.render(form)


def test_no_problem_of_a_scenario_is_lost() -> None:
    """Each is the head of an entry, or stands below one."""
    made = diagnosed("deployment-script-failed").first
    shown = made.render("text").replace("\n", " ")
    words = " ".join(shown.split())
    for one in made.findings:
        if one.verdict in (FAIL, WARN):
            assert " ".join((one.below or one.says).split())[-60:] in words, one.says
