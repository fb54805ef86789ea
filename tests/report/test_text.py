"""The report as text: where the problem stands, and what is left out."""

import re
from dataclasses import replace

import pytest

from runbooks.commands import shell
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
from runbooks.report.as_text import render
from tests.support.reports import finding, report

ALL = report(SKIP, WARN, OK, UNKNOWN, FAIL).contents


def verdicts(text: str) -> list[str]:
    return re.findall(r"^(?:OK|SKIP|WARN|UNKNOWN|FAIL)\b:?", text, re.MULTILINE)


def test_a_file_begins_with_the_problem_and_a_terminal_ends_with_it() -> None:
    assert verdicts(render(ALL)) == ["FAIL:", "FAIL", "UNKNOWN", "WARN"]
    assert verdicts(render(ALL, last=True)) == ["WARN", "UNKNOWN", "FAIL", "FAIL:"]


def test_what_is_well_is_shown_on_demand() -> None:
    assert verdicts(render(ALL, verbose=True)) == ["FAIL:", "FAIL", "UNKNOWN", "WARN", "OK", "SKIP"]
    assert verdicts(render(ALL, verbose=True, last=True)) == [
        "OK",
        "SKIP",
        "WARN",
        "UNKNOWN",
        "FAIL",
        "FAIL:",
    ]
    assert "-v shows all" in render(ALL, last=True).splitlines()[-1]
    assert "-v" not in render(ALL, last=True, verbose=True)


def test_a_check_that_was_asked_for_is_shown_whatever_it_found() -> None:
    assert "check-0: web-01 was seen." in render(replace(report(OK).contents, chosen=True))
    assert "web-01 was seen." not in render(report(OK).contents)


def test_why_shows_what_passed_and_only_on_demand_what_was_skipped() -> None:
    why = replace(ALL, command="why")
    assert verdicts(render(why)) == ["FAIL:", "FAIL", "UNKNOWN", "WARN", "OK"]
    assert verdicts(render(why, verbose=True))[-1] == "SKIP"


def test_where_nothing_applied_the_reason_is_shown() -> None:
    assert verdicts(render(report(SKIP).contents)) == ["SKIP:", "SKIP"]


@pytest.mark.parametrize("verdict", [FAIL, WARN, UNKNOWN])
def test_a_verdict_is_followed_by_the_finding_and_never_by_the_good_state(verdict: Verdict) -> None:
    shown = render(report(finding(verdict, "The agent is stopped.")).contents)
    assert f"\n{verdict.name:<8} The agent is stopped.\n" in shown
    assert "All is well" not in shown


def test_a_command_is_never_broken_and_a_sentence_is() -> None:
    command = shell("sudo", *["long-word"] * 20)
    shown = render(report(finding(FAIL, "a " * 100 + "end.", fix=command)).contents, width=60)
    assert f"fix    {command}\n" in shown
    others = [line for line in shown.splitlines()[3:] if "sudo" not in line and "://" not in line]
    assert len(others) > 5
    assert max(map(len, others)) <= 60
    prose = render(report(finding(FAIL, fix="Do it again. " * 20)).contents, width=60)
    assert max(len(line) for line in prose.splitlines() if "Do" in line) <= 60


def test_alike_findings_are_listed_with_their_fix_once() -> None:
    made = report([finding(FAIL, "One.", fix="Do it."), finding(FAIL, "Two.", fix="Do it.")])
    shown = render(made.contents)
    assert "FAIL     - One.\n         - Two.\n         fix    Do it.\n" in shown
    assert shown.count("Do it.") == 1


def test_a_reason_of_many_checks_is_said_once() -> None:
    shown = render(report(UNKNOWN, UNKNOWN).contents)
    assert shown.count("web-01 was seen.") == 1
    assert "checks 2: check-0, check-1" in shown


def test_colour_is_only_on_the_verdict() -> None:
    assert "\x1b" not in render(ALL)
    coloured = render(report(finding(FAIL, "\x1b[31mred")).contents, colour=True)
    assert coloured.startswith("\x1b[1;31mFAIL\x1b[0m: 1 failed.")
    assert "\x1b[31m" not in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", render(ALL, colour=True)) == render(ALL)
