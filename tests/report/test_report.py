"""What a report judges: exit codes, coverage, the order and the grouping of what was found, and what asks again."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.main import get_command

from runbooks.cli import app
from runbooks.cli.asking import Format
from runbooks.diagnosis import diagnose
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Call, Finding, NotApplicable, NotAsked, Verdict
from runbooks.question import Question
from runbooks.report import FORMATS, Report, as_text
from runbooks.report.contents import proof
from runbooks.report.schema import schema
from runbooks.source import Place
from tests.support.reports import HOSTILE, SOURCE, finding, report
from tests.support.world import PATIENT, world

SCHEMA = Draft202012Validator(schema())
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"


def not_asked(says: str = "No instance was given (--instance).") -> Finding:
    """What the engine makes of a `NotAsked`."""
    return finding(SKIP, says, code=NotAsked.code)


NOT = not_asked()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [((OK, SKIP, WARN), 0), ((OK, FAIL), 1), ((OK, UNKNOWN), 2), ((FAIL, UNKNOWN), 3), ((SKIP,), 2), ((), 2)],
)
def test_exit_codes_are_bits(verdicts: tuple[Verdict, ...], code: int) -> None:
    assert report(*verdicts).exit_code == code


@pytest.mark.parametrize(
    ("found", "code", "verdict"),
    [
        ((OK, NOT, NOT), 2, UNKNOWN),  # most was not asked: that is not all good
        ((WARN, OK, NOT, NOT, NOT), 2, UNKNOWN),
        ((FAIL, NOT, NOT), 3, FAIL),
        ((OK, NOT), 0, OK),  # as much was checked as was not asked
        ((OK, OK, NOT), 0, OK),
        ((OK, SKIP, SKIP), 0, OK),  # asked, and not applicable
        ((NOT,), 2, SKIP),  # a step without its parameter
    ],
)
def test_a_report_in_which_most_was_not_asked_is_not_ok(
    found: tuple[Any, ...], code: int, verdict: Verdict
) -> None:
    made = report(*found)
    assert (made.exit_code, made.verdict) == (code, verdict)
    assert ("No instance was given" in made.coverage) == made.is_thin


def test_the_parameter_that_much_lacks_is_named() -> None:
    """`diagnose web-01` says that a deployment group would tell more."""
    group = "No deployment group was given (--deployment-group)."
    lack = [not_asked(group)] * 10
    lacking = "For 10 of these no deployment group was given (--deployment-group)."
    assert report(*[OK] * 20, *lack).coverage == f"20 passed, 10 not asked. {lacking}"
    assert "given" not in report(*[OK] * 20, *lack[1:]).coverage


def test_a_deployment_is_a_subject() -> None:
    assert report(OK, NOT, NOT, instance="").exit_code == 2
    assert report(OK, NOT, NOT, instance="", deployment="d-ABCDEF123").exit_code == 0


@pytest.mark.parametrize(("asked", "code"), [({}, 2), ({"instance": "web-01"}, 0)])
def test_a_diagnosis_without_a_subject_cannot_end_well(asked: dict[str, Any], code: int) -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        made = diagnose(aws, **asked)
    assert made.exit_code == code
    assert made.render("text").startswith(("OK: ", "UNKNOWN: ")[code // 2])


def test_coverage_adds_up_to_all_checks() -> None:
    made = report(OK, OK, FAIL, WARN, UNKNOWN, UNKNOWN, SKIP, NOT)
    assert (
        made.coverage == "1 failed, 2 not checked, 1 with a warning, 2 passed, 1 not applicable, 1 not asked."
    )
    partly = report([finding(FAIL), finding(UNKNOWN)], [finding(OK), finding(SKIP)])
    assert partly.coverage == "1 failed, 1 passed; 1 checked only in part."
    assert report().coverage == "nothing was checked."


def test_the_worst_comes_first_and_what_does_not_apply_last() -> None:
    assert [verdict for _, verdict, _ in report(OK, UNKNOWN, FAIL, SKIP).checks] == [FAIL, UNKNOWN, OK, SKIP]
    entries = report(SKIP, WARN, OK, UNKNOWN, FAIL).contents.entries
    assert [entry.verdict for entry in entries] == [FAIL, UNKNOWN, WARN, OK, SKIP]


@pytest.mark.parametrize("verdict", [UNKNOWN, SKIP])
def test_one_reason_of_several_checks_is_one_entry(verdict: Verdict) -> None:
    (entry,) = report(verdict, verdict, verdict).contents.entries
    assert entry.checks == ("check-0", "check-1", "check-2")
    assert entry.says == ("web-01 was seen.",)
    assert not entry.expected
    assert len(report(verdict, finding(verdict, "Another reason.")).contents.entries) == 2


def test_alike_findings_of_one_check_are_one_entry() -> None:
    found = [
        finding(FAIL, "a", code="x", fix="Do it."),
        finding(FAIL, "b", code="x", fix="Do it."),
        finding(FAIL, "c", code="x", fix="Do that."),
        finding(FAIL, "d", code="y", fix="Do it."),
    ]
    assert [entry.says for entry in report(found).contents.problems] == [("a", "b"), ("c",), ("d",)]
    assert len(report(FAIL, FAIL).contents.problems) == 2  # two checks are two problems


def test_what_is_well_in_a_check_that_failed_is_not_counted_as_passed() -> None:
    made = report([finding(FAIL, "a"), finding(OK, "b"), finding(SKIP, "c")], OK, SKIP, NOT).contents
    assert {word: [entry.checks for entry in entries] for word, entries in made.others.items()} == {
        "also found": [("check-0",), ("check-0",)],
        "passed": [("check-1",)],
        "not applicable": [("check-2",)],
        "not asked": [("check-3",)],
    }


def test_the_proof_is_short_and_hides_no_refusal() -> None:
    calls = [
        Call("ssm:GetCommandInvocation", "eu-west-1", "InvocationDoesNotExist", "r-1"),
        Call("ssm:GetCommandInvocation", "eu-west-1", "ok", "r-2"),
        Call("ssm:GetCommandInvocation", "eu-west-1", "ok", "r-3"),
        Call("sts:GetCallerIdentity", "eu-west-1", "AccessDenied", "r-4"),
        Call("codedeploy:GetOnPremisesInstance", "eu-central-1", "ok", "r-5"),
    ]
    assert proof(calls, "eu-west-1") == [
        "ssm:GetCommandInvocation (InvocationDoesNotExist; ok)",
        "sts:GetCallerIdentity (AccessDenied, request r-4)",
        "codedeploy:GetOnPremisesInstance in eu-central-1",
    ]


def test_the_fingerprint_follows_the_verdicts_only() -> None:
    same = report(OK, finding(FAIL, "other words"))
    assert report(OK, FAIL).fingerprint == same.fingerprint
    assert report(OK, FAIL).fingerprint != report(OK, OK).fingerprint


@pytest.mark.parametrize("verdicts", [(FAIL, OK), (UNKNOWN,), ()])
def test_json_keeps_to_the_published_schema(verdicts: tuple[Verdict, ...]) -> None:
    document = json.loads(report(*verdicts).render("json"))
    SCHEMA.validate(document)
    assert not SCHEMA.is_valid(document | {"verdict": "GOOD"})
    assert not SCHEMA.is_valid(document | {"more": 1})


def test_json_has_the_fields_of_the_contract() -> None:
    document = json.loads(report(FAIL, UNKNOWN, UNKNOWN).render("json"))
    (found,) = document["checks"][0]["findings"]
    assert set(found) == {"verdict", "says", "code", "about", "fix", "next", "proof"}
    assert found["verdict"] == "FAIL"
    assert len(document["checks"]) == 3  # each by itself, whatever they have in common


def test_the_command_line_offers_every_form() -> None:
    assert [form.value for form in Format] == list(FORMATS)


# What is shown is safe, whatever it holds


def hostile(form: str, text: str) -> str:
    """A report in which everything that comes from outside is ``text``."""
    found = finding(FAIL, text, fix=text, about=text, code="x")
    made = report(found, finding(UNKNOWN, text), finding(OK, text), finding(SKIP, text))
    place = Place(f"eu-west-1{text}", profile=text)
    source = replace(SOURCE, place=place, target=f"aws at {text}", account=text, identity=text)
    return replace(made, source=source, deployed=text).render(form)


def test_an_unknown_format_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"There is no format 'pdf': use text, json"):
        report(FAIL).render("pdf")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("secret", [KEY, SECRET, "hunter22"])
def test_secrets_are_masked(form: str, secret: str) -> None:
    assert secret not in hostile(form, f"key {KEY} secret {SECRET} at http://joe:hunter22@proxy:3128 again")


@pytest.mark.parametrize("form", FORMATS)
def test_no_control_character_gets_through(form: str) -> None:
    shown = hostile(form, HOSTILE + "\nOK: 35 passed\x85\u2028\r")
    assert not [c for c in shown if c != "\n" and not c.isprintable()]
    assert not [line for line in shown.splitlines() if line.strip().startswith("OK: 35")]


def obeyed(text: str) -> list[str]:
    """The lines that GitHub's runner or Azure's agent would take for a command: as their sources read a log."""
    lines = [line.strip() for line in text.splitlines()]
    return [
        line
        for line in lines
        if (line.startswith("::") and "::" in line[2:]) or "##[" in line or "##vso[" in line
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_script_printed_commands_no_ci(form: str) -> None:
    said = "x ::add-mask::e ::error file=a::pwned ##[error]b c##vso[task.setvariable variable=PATH]/evil"
    assert len(obeyed(said.replace(" ", "\n"))) == 3
    assert not obeyed(hostile(form, said))


def test_a_wrapped_line_commands_no_ci_at_any_width() -> None:
    said = " ".join(f"{'x' * (n % 7)} ::error::{n} ##[group]{n}" for n in range(40))
    made = report(finding(FAIL, said, fix=said)).contents
    lines = [line for width in range(20, 140) for line in as_text.render(made, width=width).splitlines()]
    assert (
        sum(line.strip().startswith(": :error") for line in lines) > 100
    )  # some lines begin with what was one
    assert not obeyed("\n".join(lines))


def test_a_command_that_a_log_acts_upon_is_not_shown() -> None:
    made = replace(report(FAIL), source=replace(SOURCE, place=Place("eu-west-1", profile="##[group]")))
    assert made.again == "The command holds what a terminal or a log acts upon, so it is not shown."


def test_a_command_that_holds_a_secret_is_not_shown() -> None:
    made = report(FAIL)
    named = replace(made, source=replace(SOURCE, place=Place("eu-west-1", profile="a token=hunter22")))
    assert named.again == "The command holds a secret, so it is not shown."


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_what_was_deployed_stands_above_where_it_was_asked(form: str) -> None:
    said = "Failed: d-SHOPWEB01 of shop/web (by user)"
    shown = replace(report(FAIL), deployed=said).render(form)
    verdict, deployed, place = shown.index("1 failed."), shown.index(said), shown.index(" - eu-west-1 - ")
    assert max(verdict, deployed) < place
    assert "d-SHOPWEB01" not in report(FAIL).render(form)


def test_the_ticket_says_how_to_ask_again() -> None:
    question = Question(instance="web-01", deployment_group="shop/web", bucket="b; rm -rf ~", hours=3)
    source = replace(SOURCE, place=Place("eu-west-1"), target="aws", probed=True)
    asked = replace(report(FAIL), question=question, source=source)
    words = shlex.split(asked.again)
    context = get_command(app).commands["diagnose"].make_context("diagnose", words[2:])  # type: ignore[attr-defined]
    given = {"instance": "web-01", "bucket": "b; rm -rf ~", "hours": 3, "region": "eu-west-1", "probe": True}
    assert given.items() <= context.params.items()


def test_a_ticket_names_the_checks_that_were_asked_for() -> None:
    with world("healthy") as (aws, _):
        every = diagnose(aws, instance="web-01", checks=())
        one = diagnose(aws, instance="web-01", checks="instance-is-registered")
    assert every.again == "runbooks diagnose --instance web-01 --sandbox healthy"
    assert set(shlex.split(one.again)) == {*shlex.split(every.again), "--check", "instance-is-registered"}


def test_the_two_reasons_not_to_check_are_told_apart() -> None:
    assert issubclass(NotAsked, NotApplicable)
    with world("healthy", config=PATIENT) as (aws, _):
        found: Report = diagnose(aws, checks=["arn-is-free", "registration-calls-succeed"])
    codes = [one.code for row in found.results.values() for one in row]
    assert codes == ["arn-is-free/not-asked", "registration-calls-succeed/not-applicable"]
