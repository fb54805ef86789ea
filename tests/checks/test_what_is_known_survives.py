"""A verdict that is known before a further read fails is said all the same.

In each scenario in which a check FAILs, the last of its reads is made to fail. What is read for the verdict itself is
listed here; every other read comes after it.
"""

from collections.abc import Iterator

import pytest
from codedeploy_sandbox import Error, Fault

from runbooks.checks import all_checks
from runbooks.diagnosis import diagnose
from runbooks.engine import run
from runbooks.findings import FAIL, Finding
from tests.checks.test_honesty import EITHER, on_the_wire
from tests.checks.test_precision import EXPECTED
from tests.support.world import DISTINCT, PATIENT, everything, world

# The verdict is made of this read, so that nothing is known before it.
MADE_OF = {
    "agent-identity-is-registered-under-this-name": "codedeploy:BatchGetOnPremisesInstances",
    "alarms-of-the-group-are-quiet": "cloudwatch:DescribeAlarms",
    "arn-is-free": "codedeploy:BatchGetOnPremisesInstances",
    "auto-scaling-groups-have-no-other-hook": "autoscaling:DescribeLifecycleHooks",
    "auto-scaling-groups-have-their-hooks": "autoscaling:DescribeLifecycleHooks",
    "caller-may-list": "iam:SimulatePrincipalPolicy",
    "caller-may-register": "iam:SimulatePrincipalPolicy",
    "auto-scaling-groups-keep-what-they-launch": "autoscaling:DescribeScalingActivities",
    "callers-send-valid-status-filters": "sts:GetCallerIdentity",  # one's own calls do not count
    "deployment-is-not-blocked": "codedeploy:ListDeployments",
    "deployment-targets-succeeded": "codedeploy:BatchGetDeploymentTargets",
    "deployment-was-not-stopped": "cloudtrail:LookupEvents",
    "ec2-instance-has-a-role": "iam:GetInstanceProfile",
    "group-can-keep-enough-instances-healthy": "codedeploy:GetDeploymentConfig",
    "group-has-no-deployment-in-progress": "codedeploy:ListDeployments",
    "group-selects-instances": "ec2:DescribeInstances",
    "host-may-read-the-bucket": "iam:SimulatePrincipalPolicy",
    "host-may-use-commands-secure": "iam:SimulatePrincipalPolicy",
    "host-may-use-the-key-of-the-bucket": "kms:DescribeKey",
    "instance-carries-the-groups-tags": "codedeploy:GetDeploymentGroup",
    "load-balancer-of-the-group-fits": "elb*:Describe*",
    "network-acl-lets-https-through": "ec2:DescribeNetworkAcls",
    "registered-identity-exists": "iam:ListAccessKeys",
    "registration-calls-succeed": "codedeploy:ListOnPremisesInstances",  # WARN where the name is registered by now
    "revision-of-the-group-is-there": "s3:ListObjectsV2",
    "route-leads-out": "ec2:DescribeVpcEndpoints",  # they can take the place of a route
    "security-group-lets-https-out": "ec2:DescribeSecurityGroups",
    "service-role-may-do-what-the-group-needs": "iam:SimulatePrincipalPolicy",
    "service-role-trusts-codedeploy": "iam:GetRole",
    "targets-of-the-group-are-healthy": "elbv2:DescribeTargetHealth",
    "topics-of-the-group-are-there": "sns:GetTopicAttributes",
    "vpc-endpoint-of-s3-lets-the-revision-through": "ec2:DescribeVpcEndpoints",
    "vpc-endpoint-serves-the-agent": "ec2:DescribeSecurityGroups",
}


@pytest.mark.parametrize(
    ("scenario", "check"),
    [
        ("security-group-blocks", "security-group-lets-https-out"),
        ("nacl-blocks-return", "network-acl-lets-https-through"),
        ("no-route", "route-leads-out"),
        ("endpoint-closed", "vpc-endpoint-serves-the-agent"),
    ],
)
def test_the_network_is_judged_though_the_probe_may_not_be_sent(scenario: str, check: str) -> None:
    denied = Fault("ssm:SendCommand", Error("AccessDeniedException", "no", 400))
    with world(scenario, [denied], config=PATIENT) as (aws, _):
        found = diagnose(aws, instance="web-01", checks=check).findings
    assert found[0].verdict is FAIL


@pytest.mark.parametrize(
    "api",
    ["ssm:SendCommand", "codedeploy:ListOnPremisesInstances", "codedeploy:GetDeploymentGroup"],
)
def test_the_command_that_registers_a_name_is_given_though_a_further_read_is_denied(api: str) -> None:
    arn = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01"
    denied = Fault(api, Error("AccessDeniedException", "no", 400))
    with world("instance-not-registered", [denied], config=PATIENT) as (aws, _):
        made = diagnose(
            aws, instance="web-01", deployment_group="shop/web", arn=arn, checks="instance-is-registered"
        )
    first, *_ = made.contents.problems
    assert first.fix.startswith(
        "aws deploy register-on-premises-instance --instance-name web-01 --iam-session-arn "
    )
    assert ("could not be read" in first.says[0]) is ("List" in api)
    assert ("add-tags" in first.fix) is ("Group" not in api)


def scenarios() -> Iterator[tuple[str, str]]:
    """For each check that FAILs somewhere the first scenario in which it does."""
    seen = set()
    for scenario in DISTINCT:
        for check, verdict in EXPECTED.get(scenario, {}).items():
            if verdict is FAIL and check not in seen:
                seen.add(check)
                yield scenario, check


def lost(scenario: str, id_: str) -> str:
    """The read by whose failure a FAIL is lost; "" where it is not."""
    (check,) = (check for check in all_checks() if check.id == id_)

    def failed(found: list[Finding]) -> list[Finding]:
        return [finding for finding in found if finding.verdict is FAIL]

    with world(scenario, config=PATIENT) as (aws, sandbox):
        question = everything(scenario)
        (first, *_) = failed(run(check.function, aws.remembering(), question))
        # the probe is read as a whole, for the verdict
        reads = list(
            dict.fromkeys(call.api for call in first.proof if not call.api.startswith(("http", "ssm:")))
        )
        if len(reads) < 2:
            return ""
        fault = Fault(EITHER.get(reads[-1], on_the_wire(reads[-1])), Error("InternalFailure", "", 500))
        sandbox.app.set_faults([fault])
        return "" if failed(run(check.function, aws.remembering(), question)) else reads[-1]


@pytest.mark.parametrize(("scenario", "check"), list(scenarios()))
def test_a_verdict_that_is_known_survives_a_read_that_fails(scenario: str, check: str) -> None:
    read = lost(scenario, check)
    assert (
        not read or read == MADE_OF.get(check) or (MADE_OF.get(check), read[:3]) == ("elb*:Describe*", "elb")
    )
