"""Each check, with each call that it makes in a healthy world made to fail in each way: never OK, never SKIP.

"Could not check" must read as that, name the call and the kind of failure, and never end in a traceback.
"""

import dataclasses
import re
from collections.abc import Iterator

import pytest
from botocore.config import Config
from codedeploy_sandbox import Cut, Error, Fault, Hang, Http, Reset

from runbooks import engine
from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.engine import run
from runbooks.findings import FAIL, OK, UNKNOWN, Check, Finding
from runbooks.question import Question
from tests.support.world import EVERYTHING, PATIENT, QUICK, everything, session, world

# AWS's words for the same problem differ by protocol: json, query, ec2.
BY_PROTOCOL = {
    "denied": ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation"),
    "throttled": ("ThrottlingException", "Throttling", "RequestLimitExceeded"),
    "expired": ("ExpiredTokenException", "ExpiredToken", "RequestExpired"),
    "clock": ("InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"),
}
# Where this one is denied an older operation is asked, which says as much.
EITHER = {
    "codedeploy:ListDeploymentTargets": "codedeploy:ListDeployment[IT]*",
    "codedeploy:BatchGetDeploymentTargets": "codedeploy:BatchGetDeployment[IT]*",
}
PROTOCOL = dict.fromkeys(("iam", "sts", "autoscaling", "elb", "elbv2", "s3", "sns"), 1) | {"ec2": 2}
SKEW = "Signature expired: 20260115T115000Z is now earlier than 20260115T115500Z (20260115T120000Z - 5 min.)"


def faults(api: str) -> dict[str, tuple[object, str]]:
    """What can go wrong with a call, and what the finding must say of it."""
    protocol = PROTOCOL.get(api.partition(":")[0], 0)
    code = {kind: codes[protocol] for kind, codes in BY_PROTOCOL.items()}
    # botocore itself makes an HTTP 500 of an answer of S3 that is not XML
    unread = "|failed inside the service" if api.startswith("s3:") else ""
    return {
        "denied": (Error(code["denied"], f"User: x is not authorized to perform: {api}", 403), "denied.*may not"),
        "denied by an SCP": (
            Error(code["denied"], f"User: x is not authorized to perform: {api} with an explicit deny in a service control policy", 403),
            "service control policy",
        ),
        "throttled": (Error(code["throttled"], "Rate exceeded", 400), "throttled"),
        "500": (Error("InternalFailure", "", 500), "failed inside the service"),
        "timeout": (Hang(), "did not answer in time"),
        "reset": (Reset(), "broke the connection"),
        "expired": (Error(code["expired"], "The security token included in the request is expired", 403), "has expired"),
        "clock skew": (Error(code["clock"], SKEW, 403), "clock is wrong"),
        "200 with HTML": (Http(200, "<html>Sign in to the guest network</html>"), "not AWS|could not be read"),
        "truncated": (Cut(), f"not AWS|could not be read|broke the connection|did not answer{unread}"),
        "200 without the key": (Http(200, "{}", "application/x-amz-json-1.1"), f"not AWS|could not be read{unread}"),
    }  # fmt: skip


def calls(check: Check, aws: Aws, question: Question) -> list[str]:
    """The API calls of a check in a healthy world; looks at the network are not AWS's answers, and tested elsewhere."""
    proofs = {call.api for finding in run(check.function, aws, question) for call in finding.proof}
    return sorted(api for api in proofs if not api.startswith(("http:", "https:")))


def lies(check: Check, question: Question, asked: dict[str, int], scenario: str = "healthy") -> Iterator[str]:
    """What a check says under each fault of each of its calls, where that is not honest."""
    with world(scenario, config=PATIENT) as (aws, sandbox):
        # A fault that is waited for: little patience first, for it is a hundred waits; on a busy machine others need more.
        waits = [session(sandbox, QUICK.merge(Config(read_timeout=seconds))) for seconds in (0.2, 3)]
        for api in calls(check, aws.remembering(), question):
            for name, (what, says) in faults(api).items():
                asked[name] = asked.get(name, 0) + 1
                sandbox.app.set_faults([Fault(EITHER.get(api, on_the_wire(api)), what)])  # type: ignore[arg-type]
                for asks in waits if name in ("timeout", "truncated") else [aws]:
                    found = run(check.function, asks.remembering(), question)
                    if not (problem := _dishonest(found, api, says)):
                        break
                else:
                    yield f"{check.id} with {api} {name}: {problem}: {found[-1].says}"
            sandbox.app.set_faults([])


def on_the_wire(api: str) -> str:
    """A call by the name with which its service signs."""
    service, _, operation = api.partition(":")
    signs = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "cloudwatch": "monitoring"}
    return f"{signs.get(service, service)}:{operation}"


def _dishonest(found: list[Finding], api: str, says: str) -> str:
    if max(finding.verdict for finding in found) not in (UNKNOWN, FAIL):
        return "reads as fine"
    unseen = [finding.says for finding in found if finding.verdict is UNKNOWN]
    if not unseen:
        return "nothing is UNKNOWN"
    if not any(api in text for text in unseen):
        return "the call is not named"
    if not any(re.search(says, text) for text in unseen):
        return "the kind of failure is not named"
    return "a crash" if any("The check itself failed" in text for text in unseen) else ""


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
@pytest.mark.parametrize("asked", ["one instance", "all instances"])
def test_could_not_check_is_never_fine(check: Check, asked: str) -> None:
    question = EVERYTHING if asked == "one instance" else dataclasses.replace(EVERYTHING, instance="")
    assert not list(lies(check, question, {}))


@pytest.mark.parametrize(
    "check", [check for check in all_checks() if check.category == "vpc"], ids=lambda check: check.id
)
def test_could_not_check_into_the_vpc_is_never_fine(check: Check) -> None:
    """The healthy host is in no VPC; one in EC2 that has no way out is."""
    assert not list(lies(check, EVERYTHING, {}, "no-route"))


@pytest.mark.parametrize(
    "scenario",
    ["deployment-stopped", "deployment-script-failed", "deployment-queued", "deployment-configuration-gone"],
)
def test_could_not_check_a_deployment_that_did_not_succeed_is_never_fine(scenario: str) -> None:
    for check in (check for check in all_checks() if check.category == "deployment"):
        assert not list(lies(check, EVERYTHING, {}, scenario))


OF_EC2 = ("ec2", "selection", "host", "agent", "readiness", "hooks", "permissions", "vpc")


@pytest.mark.parametrize(
    "check", [check for check in all_checks() if check.category in OF_EC2], ids=lambda check: check.id
)
def test_could_not_check_an_ec2_instance_is_never_fine(check: Check) -> None:
    assert not list(lies(check, everything("ec2-healthy"), {}, "ec2-healthy"))


@pytest.mark.parametrize(
    "scenario",
    [
        *("group-healthy", "group-hook-left-over", "group-constraint-cannot-hold"),
        *("group-targets-draining", "group-target-not-registered", "group-classic-not-registered"),
    ],
)
def test_could_not_check_a_group_that_has_everything_is_never_fine(scenario: str) -> None:
    for check in (check for check in all_checks() if check.category in ("group", "traffic")):
        assert not list(lies(check, EVERYTHING, {}, scenario))


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("group-termination-hook-missing", "auto-scaling-groups-have-their-hooks"),
        ("group-termination-hook-left-over", "auto-scaling-groups-have-no-other-hook"),
        ("group-shares-auto-scaling", "auto-scaling-groups-have-no-other-hook"),
        ("group-process-suspended", "auto-scaling-groups-have-no-suspended-process"),
        ("group-topic-missing", "topics-of-the-group-are-there"),
        ("group-launch-loop", "auto-scaling-groups-keep-what-they-launch"),
        ("group-launch-failing", "auto-scaling-groups-keep-what-they-launch"),
        ("group-target-unhealthy", "targets-of-the-group-are-healthy"),
    ],
)
def test_could_not_check_what_is_wrong_with_a_group_is_never_fine(scenario: str, name: str) -> None:
    (check,) = (check for check in all_checks() if check.id == name)
    assert not list(lies(check, EVERYTHING, {}, scenario))


def test_the_matrix_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the engine's catch made to answer OK, the matrix above must fail in every cell."""
    monkeypatch.setattr(engine, "UNKNOWN", OK)
    (check,) = [check for check in all_checks() if check.id == "instance-is-registered"]
    asked: dict[str, int] = {}
    found = list(lies(check, EVERYTHING, asked))
    assert len(found) == sum(asked.values()) >= 10


# They look at the network and make no call of AWS's API: tests/checks/test_network.py breaks the network for them.
NO_CALL = {"endpoint-answers", "endpoint-name-resolves", "this-clock-is-right"}


def test_every_check_is_in_the_matrix() -> None:
    """A check that makes no call under either question would be proved by nothing above."""
    with world("healthy", config=PATIENT) as (aws, _):
        idle = {
            check.id
            for check in all_checks()
            if not calls(check, aws.remembering(), EVERYTHING)
            and not calls(check, aws.remembering(), dataclasses.replace(EVERYTHING, instance=""))
        }
    with world("ec2-healthy", config=PATIENT) as (aws, _):
        question = everything("ec2-healthy")
        idle &= {check.id for check in all_checks() if not calls(check, aws.remembering(), question)}
    assert idle == NO_CALL
