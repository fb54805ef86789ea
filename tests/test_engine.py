"""The engine: order of verdicts, the one catch, proof, and what may be asked."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from codedeploy_sandbox import Delay, Fault, Hang

from runbooks.aws.clients import Clients
from runbooks.aws.guard import NotARead
from runbooks.aws.pace import Pace
from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.diagnosis import diagnose
from runbooks.engine import run
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Check, Finding, Verdict
from runbooks.question import Question
from tests.support.world import PATIENT, world


@pytest.fixture
def aws() -> Aws:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-1")
    return Aws(Clients(session, endpoint="http://127.0.0.1:9"))  # nothing listens there; answers are stubbed


def answer(aws: Aws, service: str, operation: str, response: dict[str, Any]) -> None:
    stub = Stubber(aws.client(service))
    stub.add_response(operation, response)
    stub.activate()


def test_verdicts_are_ordered() -> None:
    assert OK < SKIP < WARN < UNKNOWN < FAIL
    assert max(OK, SKIP, UNKNOWN) is UNKNOWN
    assert [v.name for v in Verdict] == ["OK", "SKIP", "WARN", "UNKNOWN", "FAIL"]


def test_a_crash_is_unknown_and_keeps_what_was_found(aws: Aws) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield Finding(FAIL, "web-01 is broken")
        raise KeyError("Tags")

    first, second = run(check, aws, Question())
    assert (first.verdict, first.says) == (FAIL, "web-01 is broken")
    assert second.verdict is UNKNOWN
    assert "KeyError" in second.says
    assert "test_engine.py, line" in second.says


def test_silence_is_unknown(aws: Aws) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield from ()

    (finding,) = run(check, aws, Question())
    assert finding.verdict is UNKNOWN


def test_proof_is_recorded_not_typed(aws: Aws) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield Finding(OK, "before any call")
        aws.read("codedeploy:ListOnPremisesInstances", "instanceNames")
        yield Finding(OK, "after one", proof=())

    metadata = {"RequestId": "r-1", "HTTPStatusCode": 200}
    answer(
        aws, "codedeploy", "list_on_premises_instances", {"instanceNames": [], "ResponseMetadata": metadata}
    )
    before, after = run(check, aws, Question())
    assert before.proof == ()
    assert [(call.api, call.region, call.answer) for call in after.proof] == [
        ("codedeploy:ListOnPremisesInstances", "eu-west-1", "ok")
    ]


@pytest.mark.parametrize("response", [{}, {"nextToken": "x"}])
def test_an_answer_without_the_expected_key_is_unknown(aws: Aws, response: dict[str, Any]) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        names = aws.read("codedeploy:ListOnPremisesInstances", "instanceNames")
        yield Finding(OK, f"{len(names)} names")

    metadata = {"RequestId": "r-1", "HTTPStatusCode": 200}
    answer(aws, "codedeploy", "list_on_premises_instances", response | {"ResponseMetadata": metadata})
    (finding,) = run(check, aws, Question())
    assert finding.verdict is UNKNOWN
    assert "instanceNames" in finding.says


def test_an_answer_without_a_request_id_is_unknown(aws: Aws) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield Finding(OK, str(aws.read_all("codedeploy:ListOnPremisesInstances", "instanceNames")))

    answer(aws, "codedeploy", "list_on_premises_instances", {"instanceNames": []})
    (finding,) = run(check, aws, Question())
    assert finding.verdict is UNKNOWN
    assert "request id" in finding.says


def test_a_write_is_refused_before_it_is_sent(aws: Aws) -> None:
    sent = []
    aws.client("codedeploy").meta.events.register(
        "before-send", lambda request, **_: sent.append(request.url)
    )

    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        aws.client("codedeploy").deregister_on_premises_instance(instanceName="web-01")
        yield Finding(OK, "gone")

    (finding,) = run(check, aws, Question())
    assert finding.verdict is UNKNOWN
    assert "codedeploy:DeregisterOnPremisesInstance was not sent" in finding.says
    assert sent == []


def test_what_the_user_allowed_is_sent() -> None:
    class Sent(Exception):
        pass

    def stop(**_: Any) -> None:
        raise Sent

    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-1")
    ssm = Aws(Clients(session, allowed={"ssm:SendCommand": lambda _: True})).client("ssm")
    ssm.meta.events.register("before-send", stop)
    with pytest.raises(Sent):
        ssm.send_command(InstanceIds=["mi-0123456789abcdef0"], DocumentName="AWS-RunShellScript")
    with pytest.raises(NotARead):
        ssm.cancel_command(CommandId="0" * 36)


def test_checks_are_found_by_looking(aws: Aws) -> None:
    checks = all_checks()
    assert len({check.id for check in checks}) == len(checks) >= 3
    for check in checks:
        assert check.title.endswith("."), f"{check.id}: the docstring's first line is not a sentence"
        assert check.category in check.function.__module__


def test_a_check_needs_its_good_state() -> None:
    def nothing_said(aws: Aws, question: Question) -> Iterator[Finding]:
        yield Finding(OK, "")

    with pytest.raises(TypeError, match="needs a docstring"):
        Check.of(nothing_said)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"checks": "agent-is-fine"}, "no check 'agent-is-fine'"),
        ({"instnace": "web-01"}, "There is no parameter 'instnace'"),
        ({"instance": "i-0123456789ABCDEF0"}, "8 or 17 of 0-9 and a-f"),
        ({"instance": "i-0123456"}, "neither an EC2 instance ID"),
        ({"instance": "i-0123456789abcdef01"}, "nor an on-premises name"),
        ({"instance": "web:01"}, "cannot be"),
        ({"instance": "x" * 101}, "cannot be"),
        ({"instance": 5}, "instance must be text, not 5"),
        ({"instance": None}, "instance must be text"),
        ({"status": 1}, "status must be text"),
        ({"arn": "foo"}, "'foo' cannot be registered"),
        ({"arn": "arn:aws:iam::111122223333:role/R"}, "one session of a role"),
        ({"deployment_group": "shop"}, "write APPLICATION/GROUP"),
        ({"bucket": "My Bucket"}, "write BUCKET or BUCKET/KEY"),
        ({"hours": float("nan")}, "hours must be a number above 0"),
        ({"hours": 0}, "hours must be"),
        ({"hours": True}, "hours must be"),
        ({"timeout": "x"}, "timeout must be a number of seconds"),
        ({"timeout": -1}, "timeout must be"),
        ({"host_report": 7}, "host_report must be the path"),
        ({"host_report": "/no/such/file"}, "cannot be read: No such file"),
        ({"host_report": "/"}, "cannot be read: Is a directory"),
        ({"host_report": "a\0b"}, "cannot be read"),
    ],
)
def test_a_wrong_question_is_one_sentence(aws: Aws, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as raised:
        diagnose(aws, **asked)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 64


def test_an_address_of_a_bucket_is_taken() -> None:
    assert Question.of(bucket="s3://shop-revisions/web/1.zip").bucket == "shop-revisions/web/1.zip"
    assert Question.of(bucket="s3://shop-revisions/").bucket == "shop-revisions"
    assert Question.of(host_report="").host_report is None


def test_a_check_that_is_named_twice_runs_once(aws: Aws) -> None:
    report = diagnose(aws, checks=["arn-is-free", "instance-is-registered", "arn-is-free"])
    assert [check.id for check in report.results] == ["arn-is-free", "instance-is-registered"]
    assert [len(found) for found in report.results.values()] == [1, 1]


def test_what_is_late_is_unknown_and_sends_nothing_more() -> None:
    with world("healthy", [Fault("sts:GetCallerIdentity", Delay(1.0))], PATIENT) as (aws, sandbox):
        before = len(sandbox.account.journal)
        report = diagnose(aws, checks=["caller-may-list", "arn-is-free"], timeout=0.5)
        assert report.exit_code == 2
        (late,) = report.results[report.checks[0][0]]
        assert (late.verdict, "not done within 0.5 s" in late.says) == (UNKNOWN, True)
        time.sleep(1.5)
        assert [call.operation for call in sandbox.account.journal[before:]] == ["GetCallerIdentity"]


def test_an_interrupted_diagnosis_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> Any:
        @contextmanager
        def shown() -> Iterator[Any]:
            def tell(done: int, total: int) -> None:
                raise KeyboardInterrupt

            yield tell

        return shown()

    with world("healthy", [Fault("sts:*", Hang(3))], PATIENT) as (aws, _):
        report = diagnose(aws, checks=["arn-is-free", "caller-is-known"], progress=interrupted)
    verdicts = {check.id: (found[-1].verdict, found[-1].says) for check, found in report.results.items()}
    assert verdicts["arn-is-free"][0] is SKIP
    assert verdicts["caller-is-known"] == (
        UNKNOWN,
        "Could not check: interrupted, still waiting for sts:GetCallerIdentity.",
    )


def test_the_call_that_failed_is_named_though_it_was_not_sent(aws: Aws) -> None:
    def check(aws: Aws, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield Finding(OK, "so far")
        aws.read("codedeploy:GetOnPremisesInstance", "instanceInfo", instanceName=7)

    assert "codedeploy:GetOnPremisesInstance was not sent" in run(check, aws, Question())[-1].says


def test_calls_of_one_kind_keep_their_distance() -> None:
    pace, began = Pace(0.05), time.monotonic()
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda _: pace.wait(), range(4)))
    assert time.monotonic() - began >= 0.15
