"""Registration and callers: who gets in whose way, what was not checked, and records that are odd."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import BOTO, forget, sent, session
from codedeploy_sandbox.state import Account

from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.diagnosis import diagnose
from runbooks.engine import run
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding
from runbooks.question import Question
from tests.support.world import PATIENT, QUICK, world

CHECKS = {check.id: check.function for check in all_checks()}
WEB = Question(instance="web-01")
REGISTER = "RegisterOnPremisesInstance"
OURS = f"{BOTO} codedeploy-field-guide"
TAKEN = ApiError("InstanceNameAlreadyRegisteredException", "taken")


def ask(check: str, aws: Aws, question: Question = WEB) -> list[Finding]:
    return run(CHECKS[check], aws, question)


@contextmanager
def called(*calls: tuple[str, int, str, str, Any], registered: bool = True) -> Iterator[Aws]:
    """A healthy account in which these calls to register web-01 were made: who, minutes ago, agent, address, error."""

    def scenario(account: Account) -> None:
        healthy(account)
        if not registered:
            forget(account, "web-01")
        for who, minutes, agent, address, error in calls:
            caller = account.knows(
                f"arn:aws:sts::111122223333:assumed-role/{who}", f"ASIASANDBOX{who[:9].upper()}"
            )
            parameters = {"instanceName": "web-01", "iamSessionArn": session("web-01")}
            sent(account, caller, minutes, REGISTER, parameters, agent, address, error)

    with world(scenario) as (aws, _):
        yield aws


# No one gets in the way


def test_a_rival_is_found_however_short_the_hours_are() -> None:
    with world("registration-competes") as (aws, _):
        (found,) = ask("no-registration-competes", aws, Question(instance="web-01", hours=0.1))
    assert found.verdict is FAIL


def test_two_colleagues_with_this_guide_are_rivals() -> None:
    with called(("One/a", 3, OURS, "192.0.2.1", None), ("Two/b", 2, OURS, "192.0.2.2", TAKEN)) as aws:
        (found,) = ask("no-registration-competes", aws)
    assert found.verdict is FAIL
    assert "2 callers changed the registration of web-01 at the same time" in found.says


def test_one_identity_on_two_machines_is_two_callers() -> None:
    with called(("One/a", 3, BOTO, "192.0.2.1", None), ("One/a", 2, BOTO, "192.0.2.2", TAKEN)) as aws:
        (found,) = ask("no-registration-competes", aws)
    assert found.verdict is FAIL
    assert f"({TAKEN.code})" in found.says


def test_a_name_that_is_taken_is_nothing_to_wait_for() -> None:
    with called(("One/a", 3, BOTO, "192.0.2.1", TAKEN)) as aws:
        (found,) = ask("no-registration-competes", aws)
    assert found.verdict is FAIL
    assert "waiting does not help" in found.says


def test_a_deregistered_name_that_is_listed_is_no_registration_in_progress() -> None:
    with world("instance-deregistered") as (aws, _):
        (found,) = ask("no-registration-competes", aws)
    assert found.verdict is OK
    assert "still listed" in found.says


# What was refused


def test_a_refusal_is_a_risk_where_the_name_is_registered_now() -> None:
    with called(("One/a", 60, BOTO, "192.0.2.1", TAKEN)) as aws:
        assert [f.verdict for f in ask("registration-calls-succeed", aws)] == [WARN]
    with called(("One/a", 60, BOTO, "192.0.2.1", TAKEN), registered=False) as aws:
        assert [f.verdict for f in ask("registration-calls-succeed", aws)] == [FAIL]


def test_a_refusal_of_a_name_that_is_not_recorded_is_unknown() -> None:
    def scenario(account: Account) -> None:
        healthy(account)
        caller = account.knows("arn:aws:sts::111122223333:assumed-role/Audit/weekly", "ASIASANDBOXAUDIT0000")
        sent(account, caller, 9, REGISTER, None, BOTO, "192.0.2.1", ApiError("AccessDenied", "no"))

    with world(scenario) as (aws, _):
        (found,) = ask("registration-calls-succeed", aws)
    assert found.verdict is UNKNOWN
    assert "whether it was web-01 is not known" in found.says


# What CloudTrail's records may look like

ODD: list[Any] = [
    "not JSON",
    "[]",
    "null",
    {"userIdentity": None, "userAgent": None, "sourceIPAddress": None},
    {"userIdentity": [], "requestParameters": {"registrationStatus": 7}},
    {"eventTime": None},
    {"eventTime": "yesterday"},
    {"userAgent": ["x"], "requestParameters": "x", "errorCode": None},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_record_hides_no_other(odd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with world("bad-filter") as (aws, _):
        read_all = aws.read_all

        def with_an_odd_one(*asked: Any, **more: Any) -> list[Any]:
            found = read_all(*asked, **more)
            record = json.loads(found[0]["CloudTrailEvent"]) | odd if isinstance(odd, dict) else odd
            return [{"CloudTrailEvent": record if isinstance(record, str) else json.dumps(record)}, *found]

        monkeypatch.setattr(aws, "read_all", with_an_odd_one)
        found = ask("callers-send-valid-status-filters", aws, Question())
    assert sum(f.verdict is FAIL for f in found) >= 4
    assert not any("The check itself failed" in f.says for f in found)


def test_a_record_that_cannot_be_read_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with world("healthy") as (aws, _):
        monkeypatch.setattr(aws, "read_all", lambda *asked, **more: [{"CloudTrailEvent": "{}"}, {}])
        for check in (
            "callers-send-valid-status-filters",
            "registration-calls-succeed",
            "no-registration-competes",
        ):
            found = ask(check, aws)
            assert any(f.verdict is UNKNOWN and "could not be read" in f.says for f in found), check


# What was not checked


@pytest.mark.parametrize("name", ["WEB-01", "Web-01"])
def test_a_name_in_the_wrong_case_leads_to_the_one_that_is_registered(name: str) -> None:
    with world("healthy") as (aws, _):
        report = diagnose(aws, instance=name)
    (found,) = (found for check, found in report.results.items() if check.id == "instance-is-registered")
    assert [(one.verdict, one.code, one.about) for one in found] == [
        (FAIL, "instance-is-registered/not-registered", name),
        (FAIL, "instance-is-registered/spelt-otherwise", "web-01"),
    ]
    assert (
        found[1].says
        == "web-01 is registered: the names of instances must match in every character, in upper and lower case too."
    )
    assert not [one for one in report.findings if one.code.endswith("/held-by-another-name")]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("web-1", "web-01"),
        ("web01", "web-01"),
        ("WEB_001", "web-01"),
        ("web-01.example.com", "web-01"),
        ("web-011", ""),
        ("web-10", ""),
        ("eb-01", ""),
    ],
)
def test_a_name_that_is_nearly_one_leads_to_it(name: str, near: str) -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        found = diagnose(aws, instance=name, checks="instance-is-registered").findings
    assert [one.about for one in found if one.code.endswith("/spelt-otherwise")] == [near] * bool(near)


def test_where_names_may_not_be_listed_a_name_is_just_not_registered() -> None:
    denied = Fault("codedeploy:ListOnPremisesInstances", Error("AccessDeniedException", "no", 400))
    with world("healthy", [denied]) as (aws, _):
        found = diagnose(aws, instance="WEB-01", checks="instance-is-registered").findings
    assert {one.code for one in found} == {
        "instance-is-registered/not-registered",
        "instance-is-registered/may-be-registered",  # with the ARN of its agent, not known to be free
    }


def test_a_name_that_is_not_registered_is_said_where_the_list_cannot_be_read() -> None:
    fault = Fault("codedeploy:ListOnPremisesInstances", Error("InternalFailure", "", 500))
    with world("healthy", [fault], config=QUICK) as (aws, _):
        found = diagnose(aws, instance="WEB-01", checks="instance-is-registered").findings
    assert [(one.verdict, one.code.rpartition("/")[2]) for one in found] == [
        (FAIL, "not-registered"),
        (UNKNOWN, "could-not-check"),
    ]
    assert "only in its own Region and account" in found[0].fix


NEIGHBOURS = "instance-is-not-registered-elsewhere"
UNHEARD = Error("UnrecognizedClientException", "The security token included in the request is invalid", 403)


def elsewhere(account: Account) -> None:
    healthy(account)
    old = forget(account, "web-01")
    account.state("eu-west-2").register("web-01", old.registered, session=old.iam_arn)


def test_a_region_that_does_not_answer_is_not_called_empty() -> None:
    with world("instance-not-registered") as (aws, sandbox):
        assert ask("instance-is-registered", aws)[0].verdict is FAIL
        aws = aws.remembering()
        ask("instance-is-registered", aws)  # the answer of this Region is remembered
        sandbox.app.set_faults([Fault("codedeploy:GetOnPremisesInstance", UNHEARD)])
        (found,) = ask(NEIGHBOURS, aws)
    assert found.verdict is UNKNOWN
    assert "Could not check eu-central-1" in found.says
    assert "codedeploy:GetOnPremisesInstance" in found.says


def test_a_region_that_is_shut_hides_no_other() -> None:
    denied = Error("AccessDeniedException", "with an explicit deny in a service control policy", 403)
    with world(elsewhere) as (aws, sandbox):
        aws = aws.remembering()
        ask("instance-is-registered", aws)
        sandbox.app.set_faults([Fault("codedeploy:GetOnPremisesInstance", denied, times=1)])
        found = {f.verdict: f.says for f in ask(NEIGHBOURS, aws)}
    assert "is registered in eu-west-2" in found[FAIL]
    assert "eu-central-1" in found[UNKNOWN]
    assert "service control policy" in found[UNKNOWN]


@pytest.mark.parametrize("check", ["instance-is-registered", "registered-identity-exists", NEIGHBOURS])
def test_an_answer_without_an_arn_is_refused(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with world("healthy") as (aws, _):
        read = aws.read

        def without(api: str, *rest: Any, **more: Any) -> Any:
            return {} if api.endswith("GetOnPremisesInstance") else read(api, *rest, **more)

        monkeypatch.setattr(aws, "read", without)
        found = ask(check, aws)
    assert {f.verdict for f in found} == {UNKNOWN}


@pytest.mark.parametrize("lost", ["name", "arn"])
def test_a_name_that_batch_get_leaves_out_is_not_called_free(
    lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world("healthy") as (aws, _):
        read = aws.read

        def with_a_gap(api: str, *rest: Any, **more: Any) -> Any:
            found = read(api, *rest, **more)
            if api.endswith("BatchGetOnPremisesInstances"):
                if lost == "name":
                    return found[1:]
                return [{"instanceName": found[0]["instanceName"]}, *found[1:]]
            return found

        monkeypatch.setattr(aws, "read", with_a_gap)
        found = ask("arn-is-free", aws, Question(instance="web-09", arn=session("web-09")))
    assert [f.verdict for f in found] == [UNKNOWN]
    assert "batch-01" in found[0].says


def test_the_same_events_are_asked_for_once() -> None:
    """A clock that runs must not make each check's question another one."""
    with world("healthy", config=QUICK) as (aws, sandbox):
        moments = iter(range(1, 1000))
        day = aws.now()
        aws.now = lambda: day + timedelta(microseconds=next(moments))
        aws = aws.remembering()
        for check in ("no-registration-competes", "no-registration-competes"):
            ask(check, aws)
        asked = [call for call in sandbox.account.journal if call.operation == "LookupEvents"]
    assert len(asked) == 2
