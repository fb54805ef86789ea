"""The runbook that changes something: what it sends, what it leaves alone, what it takes back."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.scenarios.baseline import CALLER_POLICIES
from codedeploy_sandbox.scenarios.baseline import only as only_policies
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

from runbooks.aws import connect, sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.guard import NotARead
from runbooks.aws.session import Aws
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
from runbooks.question import Question
from runbooks.register import OWN_PREFLIGHT, PREFLIGHT, Registration, carry_out, prepare
from tests.register.registering import (
    SESSIONS,
    TAGS,
    WEB_03,
    Change,
    order,
    place,
    said,
    sent,
    since,
    steps,
    tags_of,
    verdicts,
)
from tests.support.sandbox import environment_for
from tests.support.world import PATIENT

# Nothing without apply


def test_without_apply_nothing_is_sent_and_the_commands_are_shown() -> None:
    with place() as sandbox:
        work = order(sandbox, apply=False)
        assert set(verdicts(work.preflight()).values()) == {OK}
        report = carry_out(work)
        assert steps(report) == {
            "registration-is-made": SKIP,
            "tags-are-added": SKIP,
            "registration-is-as-asked": SKIP,
        }
        assert said(report, "registration-is-made").fix == work.register.command(work.aws.place)
        assert sent(sandbox) == []
        with pytest.raises(NotARead):  # not even when asked for by its name
            work.send(work.register)
        assert sent(sandbox) == []


def test_the_plan_names_every_call_and_its_command() -> None:
    with place() as sandbox:
        work = order(sandbox, apply=False)
        plan = work.plan()
        assert "is not sent: apply is False" in plan
        for change in (work.register, work.add(TAGS), work.remove(TAGS), work.deregister):
            assert (
                f"{change.api} {json.dumps(dict(change.parameters))}\n  {change.command(work.aws.place)}"
                in plan
            )
        assert "AddTags" not in order(sandbox, tags={}).plan()
        assert since(sandbox) == []


def test_the_commands_of_the_plan_do_the_same_in_the_aws_cli(sandbox_about: dict[str, Any]) -> None:
    aws = Aws(
        Clients(sandboxed.session(sandbox_about, REGION), endpoint=sandbox_about["endpoint"], config=PATIENT)
    )
    tags = {"Name": "web-03", "Owner, team": "it's 'us', [all] = {x}", "Empty": ""}
    work = Registration(aws, WEB_03, tags)

    def shell(command: str) -> None:
        words = [str(Path(sys.executable).with_name("aws")), *shlex.split(command)[1:]]
        done = subprocess.run(
            words, env=environment_for(sandbox_about), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    shell(work.register.command(work.aws.place))
    shell(work.add(tags).command(work.aws.place))
    assert steps(work.confirm()) == {"registration-is-as-asked": OK}
    shell(work.remove({"Empty": ""}).command(work.aws.place))
    assert work.now() == (WEB_03.arn, {"Name": "web-03", "Owner, team": tags["Owner, team"]})
    shell(work.deregister.command(work.aws.place))
    assert work.now() == ("", {})


# With apply


def test_with_apply_it_is_registered_and_tagged() -> None:
    with place() as sandbox:
        work = order(sandbox)
        report = carry_out(work)
        assert set(verdicts(report).values()) == {OK}
        assert report.exit_code == 0
        assert sent(sandbox) == ["RegisterOnPremisesInstance", "AddTagsToOnPremisesInstances"]
        assert tags_of(sandbox) == TAGS
        assert steps(work.confirm()) == {"registration-is-as-asked": OK}
        proof = said(report, "registration-is-made").proof
        assert proof[-1].api == "codedeploy:RegisterOnPremisesInstance"


def test_a_second_run_finds_it_done_and_sends_nothing() -> None:
    with place() as sandbox:
        carry_out(order(sandbox))
        before = sent(sandbox)
        report = carry_out(order(sandbox))
        assert report.exit_code == 0
        assert "nothing was sent" in said(report, "registration-is-made").says
        assert "nothing was sent" in said(report, "tags-are-added").says
        assert sent(sandbox) == before


def test_only_the_tags_that_are_missing_are_sent() -> None:
    with place(lambda a: a.state(REGION).register("web-03", a.clock.start, session=WEB_03.arn)) as sandbox:
        sandbox.account.state(REGION).instances["web-03"].tags = {"Name": "web-03", "Environment": "staging"}
        report = carry_out(order(sandbox))
        assert report.exit_code == 0
        assert verdicts(report)["tags-have-room"] is WARN  # it replaces a value, and says which
        assert "'staging'" in said(report, "tags-have-room").says
        assert said(report, "tags-are-added").says == "web-03 was given Environment=production."
        assert tags_of(sandbox) == TAGS


def test_a_user_is_registered_as_a_user_and_without_tags() -> None:
    question = Question(instance="web-03", arn=f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/web-03")
    with place() as sandbox:
        report = carry_out(order(sandbox, question, {}))
        assert report.exit_code == 0
        assert steps(report)["tags-are-added"] is SKIP
        instance = sandbox.account.state(REGION).registered("web-03")
        assert instance
        assert instance.iam_user_arn == question.arn


def test_a_deregistered_name_is_registered_again() -> None:
    with place() as sandbox:
        report = carry_out(order(sandbox, replace(WEB_03, instance="old-01"), {"Name": "old-01"}))
        assert report.exit_code == 0
        assert tags_of(sandbox, "old-01") == {"Name": "old-01"}


# The pre-flight holds it back


def held_by_another(account: Account) -> None:
    account.state(REGION).register("web-3", account.clock.start, session=WEB_03.arn)


def registered_elsewhere(account: Account) -> None:
    account.state("eu-central-1").register("web-03", account.clock.start, session=WEB_03.arn)


def ten_tags(account: Account) -> None:
    account.state(REGION).register("web-03", account.clock.start, session=WEB_03.arn)
    account.state(REGION).instances["web-03"].tags = {f"Tag{number}": "" for number in range(9)}


def reads_only(account: Account) -> None:
    only_policies(account, CALLER_POLICIES["Diagnose"])


def no_way_back(account: Account) -> None:
    deny = {"Effect": "Deny", "Action": "codedeploy:Deregister*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    only_policies(account, CALLER_POLICIES["Diagnose"], CALLER_POLICIES["Register"], policy)


def no_simulator(account: Account) -> None:
    deny = {"Effect": "Deny", "Action": "iam:Simulate*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    only_policies(account, CALLER_POLICIES["Diagnose"], CALLER_POLICIES["Register"], policy)


@pytest.mark.parametrize(
    ("change", "against"),
    [
        (held_by_another, {"arn-is-free": FAIL}),
        (registered_elsewhere, {"instance-is-not-registered-elsewhere": FAIL}),
        (ten_tags, {"tags-have-room": FAIL}),
        (reads_only, {"caller-may-register": FAIL, "caller-may-undo": FAIL}),
        (no_way_back, {"caller-may-undo": FAIL}),
        (no_simulator, dict.fromkeys(("caller-may-register", "caller-may-list", "caller-may-undo"), UNKNOWN)),
    ],
)
def test_what_is_in_the_way_stops_it_before_anything_is_sent(
    change: Change, against: dict[str, Verdict]
) -> None:
    with place(change) as sandbox:
        report = carry_out(order(sandbox))
        found = {name: verdict for name, verdict in verdicts(report).items() if verdict in (FAIL, UNKNOWN)}
        if change is not ten_tags:  # which is registered already, only not as asked
            found.pop("registration-is-as-asked")
        else:
            assert found.pop("registration-is-as-asked") is FAIL
        assert found == against
        finding = said(report, "registration-is-made")
        assert finding.verdict is SKIP
        assert all(name in finding.says for name in against)
        assert finding.fix == ""
        assert sent(sandbox) == []


def test_a_name_that_is_held_with_another_arn_is_left_alone() -> None:
    with place() as sandbox:
        before = tags_of(sandbox, "web-01")
        report = carry_out(order(sandbox, replace(WEB_03, instance="web-01")))
        assert verdicts(report)["arn-is-free"] is FAIL
        assert (sent(sandbox), tags_of(sandbox, "web-01")) == ([], before)


def test_what_the_user_accepts_is_a_warning_and_no_longer_in_the_way() -> None:
    accept = ("caller-may-register", "caller-may-list", "caller-may-undo")
    with place(no_simulator) as sandbox:
        report = carry_out(order(sandbox, accept=accept))
        assert {name: verdicts(report)[name] for name in accept} == dict.fromkeys(accept, WARN)
        assert said(report, "caller-may-undo").says.startswith("Accepted, though UNKNOWN: ")
        assert report.exit_code == 0
        assert tags_of(sandbox) == TAGS


def test_an_arn_of_another_account_waits_for_a_word() -> None:
    question = replace(WEB_03, arn=WEB_03.arn.replace(ACCOUNT, "444455556666"))
    with place() as sandbox:
        report = carry_out(order(sandbox, question))
        assert said(report, "arn-is-of-this-account").verdict is UNKNOWN
        assert sent(sandbox) == []


# What the session may send


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("register_on_premises_instance", {"instanceName": "web-04", "iamSessionArn": WEB_03.arn}),
        ("register_on_premises_instance", {"instanceName": "web-03", "iamSessionArn": f"{SESSIONS}/web-04"}),
        ("register_on_premises_instance", {"instanceName": "web-03", "iamUserArn": WEB_03.arn}),
        ("deregister_on_premises_instance", {"instanceName": "web-01"}),
        ("add_tags_to_on_premises_instances", {"instanceNames": ["web-03", "web-01"], "tags": [{"Key": "Name", "Value": "web-03"}]}),
        ("add_tags_to_on_premises_instances", {"instanceNames": ["web-03"], "tags": [{"Key": "Name", "Value": "other"}]}),
        ("remove_tags_from_on_premises_instances", {"instanceNames": ["web-01"], "tags": [{"Key": "Name", "Value": "web-03"}]}),
        ("remove_tags_from_on_premises_instances", {"instanceNames": ["web-03"], "tags": [{"Key": "Other"}]}),
        ("delete_application", {"applicationName": "shop"}),
    ],
)  # fmt: skip
def test_the_guard_lets_nothing_else_through(operation: str, parameters: dict[str, Any]) -> None:
    with place() as sandbox:
        client = order(sandbox).aws.client("codedeploy")
        with pytest.raises(NotARead):
            getattr(client, operation)(**parameters)
        assert since(sandbox) == []


def test_a_session_for_diagnosis_may_not_register() -> None:
    aws = connect("sandbox:healthy")
    with pytest.raises(NotARead):
        aws.client("codedeploy").deregister_on_premises_instance(instanceName="web-01")


# What cannot be meant


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"apply": "False"}, "apply must be True or False, not 'False'"),
        ({"apply": 1}, "apply must be True or False, not 1"),
        ({"instance": ""}, "No instance"),
        ({"instance": "i-0123"}, "neither an EC2 instance ID"),
        ({"instance": "i-0123456789abcdef0"}, "EC2 instances are not registered"),
        ({"instance": "a b"}, "cannot be an on-premises instance name"),
        ({"arn": ""}, "No ARN"),
        ({"arn": "foo"}, "cannot be registered"),
        ({"arn": f"arn:aws:iam::{ACCOUNT}:role/CodeDeployOnPremises"}, "one session of a role"),
        ({"arn": f"{SESSIONS}/web-03\n"}, "cannot be registered"),
        ({"tags": ["Name=web-03"]}, "tags must be a mapping"),
        ({"tags": {"": "x"}}, "The tag '' cannot be"),
        ({"tags": {"Name": 3}}, "The tag 'Name' cannot be"),
        ({"tags": {"Name": "x" * 257}}, "a value of at most 256"),
        ({"accept": ["arn-is-fre"]}, "no pre-flight check 'arn-is-fre'"),
        ({"target": "sandbox:nowhere"}, "nowhere"),
        ({"target": "prod"}, "Unknown target 'prod'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(wrong: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {
        "target": "sandbox:healthy", "instance": "web-03", "arn": WEB_03.arn, "tags": TAGS, **wrong
    }  # fmt: skip
    with pytest.raises(UserError) as raised:
        prepare(**given)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_pre_flight_check_can_be_accepted_by_its_id() -> None:
    with place() as sandbox:
        assert set(verdicts(order(sandbox, apply=False).preflight())) == set(PREFLIGHT + OWN_PREFLIGHT)
