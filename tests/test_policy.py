"""The least-privilege policy: with exactly it nothing is UNKNOWN, with any one action less something is."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.baseline import only
from codedeploy_sandbox.scenarios.helpers import EC2, NODE
from codedeploy_sandbox.state import Account

from runbooks import policy
from runbooks.checks import all_checks, predictions
from runbooks.diagnosis import diagnose
from runbooks.findings import UNKNOWN
from runbooks.host.probe import PROBE_DOCUMENT, probe_script
from tests.support.observe import EXAMPLES
from tests.support.sandbox import client
from tests.support.world import EVERYTHING, PATIENT, asked, world

# Each action of the policy, and a scenario and instance in which the diagnosis needs it.
NEEDED = {
    "autoscaling:DescribeAutoScalingGroups": ("group-healthy", "web-01"),
    "autoscaling:DescribeLifecycleHooks": ("group-healthy", "web-01"),
    "autoscaling:DescribeScalingActivities": ("group-healthy", "web-01"),
    "cloudwatch:DescribeAlarms": ("group-healthy", "web-01"),
    "codedeploy:BatchGetDeploymentGroups": ("group-hook-left-over", "web-01"),
    "codedeploy:ListDeploymentGroups": ("group-hook-left-over", "web-01"),
    "codedeploy:ListApplications": ("group-healthy", "web-01"),
    "elasticloadbalancing:DescribeInstanceHealth": ("group-classic-not-registered", "web-01"),
    "elasticloadbalancing:DescribeTargetGroupAttributes": ("group-targets-draining", "web-01"),
    "elasticloadbalancing:DescribeTargetHealth": ("group-healthy", "web-01"),
    "elasticloadbalancing:DescribeLoadBalancers": ("group-load-balancer-missing", "web-01"),
    "elasticloadbalancing:DescribeTargetGroups": ("group-healthy", "web-01"),
    "kms:DescribeKey": ("bucket-key-disabled", "web-01"),
    "s3:GetBucketLocation": ("healthy", "web-01"),
    "s3:GetEncryptionConfiguration": ("healthy", "web-01"),
    "s3:ListBucket": ("healthy", "web-01"),
    "cloudtrail:LookupEvents": ("healthy", "web-01"),
    "codedeploy:BatchGetOnPremisesInstances": ("healthy", "web-01"),
    "codedeploy:BatchGetDeploymentTargets": ("healthy", "web-01"),
    "codedeploy:GetDeployment": ("healthy", "web-01"),
    "codedeploy:GetDeploymentConfig": ("deployment-configuration-gone", "web-01"),
    "codedeploy:GetDeploymentGroup": ("healthy", "web-01"),
    "codedeploy:GetOnPremisesInstance": ("healthy", "web-01"),
    "codedeploy:ListDeployments": ("deployment-queued", "web-01"),
    "codedeploy:ListDeploymentTargets": ("healthy", "web-01"),
    "codedeploy:ListOnPremisesInstances": ("healthy", "web-01"),
    "ec2:DescribeInstances": ("endpoint-closed", "web-01"),
    "ec2:DescribeNetworkAcls": ("no-route", "web-01"),
    "ec2:DescribeRouteTables": ("no-route", "web-01"),
    "ec2:DescribeSecurityGroups": ("endpoint-closed", "web-01"),
    "ec2:DescribeVpcEndpoints": ("endpoint-closed", "web-01"),
    "iam:GetInstanceProfile": ("ec2-healthy", EC2),
    "iam:GetRole": ("healthy", "web-01"),
    "iam:GetUser": ("healthy", "batch-01"),
    "iam:ListAccessKeys": ("healthy", "batch-01"),
    "iam:SimulatePrincipalPolicy": ("healthy", "web-01"),
    "sns:GetTopicAttributes": ("group-healthy", "web-01"),
    "ssm:DescribeInstanceInformation": ("healthy", "web-01"),
    "ssm:GetDocument": ("healthy", "web-01"),
    "ssm:GetCommandInvocation": ("healthy", "web-01"),
    "ssm:SendCommand": ("healthy", "web-01"),
}
ACTIONS = [action for statement in policy.document(probe=True)["Statement"] for action in statement["Action"]]


def unseen(scenario: str, instance: str, document: dict[str, Any]) -> list[str]:
    """What could not be seen in a scenario for a caller that has exactly this policy."""

    def restricted(account: Account) -> None:
        find(scenario)(account)
        only(account, document)

    question = asked(EVERYTHING) | {"instance": instance}
    with world(restricted, config=PATIENT) as (aws, _):
        report = diagnose(aws, **question)
    # a deployment that has not ended is an answer
    unknown = [finding for finding in report.findings if finding.verdict is UNKNOWN]
    return [finding.says for finding in unknown if not finding.code.endswith("/not-ended")]


def without(action: str) -> dict[str, Any]:
    document = json.loads(json.dumps(policy.document(probe=True)))
    for statement in document["Statement"]:
        statement["Action"] = [kept for kept in statement["Action"] if kept != action]
    document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
    return dict(document)


@pytest.mark.parametrize(("scenario", "instance"), sorted(set(NEEDED.values())))
def test_with_exactly_this_policy_nothing_is_unknown(scenario: str, instance: str) -> None:
    assert unseen(scenario, instance, policy.document(probe=True)) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_with_one_action_less_something_is(action: str) -> None:
    said = unseen(*NEEDED[action], without(action))
    assert any(action in text for text in said), said


def test_it_holds_reads_only() -> None:
    from runbooks.aws.guard import is_read

    (statement,) = policy.document()["Statement"]
    reads = {api for row in policy.observed().values() for api in row["calls"] if is_read(api)}
    assert set(statement["Action"]) == set(policy.actions(reads))
    assert set(ACTIONS) - set(statement["Action"]) == set(policy.PROBE)


def test_the_probe_is_allowed_by_its_one_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """SendCommand needs the document and the host: without a document in the policy it could run any."""
    document = "arn:*:ssm:*:*:document/CodeDeployFieldGuide-Probe"
    assert probe_resources() == {
        "ssm:GetDocument": [document],
        "ssm:SendCommand": [document, "arn:*:ssm:*:*:managed-instance/*", "arn:*:ec2:*:*:instance/*"],
    }
    monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", "Team-Probe")
    assert probe_resources()["ssm:GetDocument"] == ["arn:*:ssm:*:*:document/Team-Probe"]
    shared = "arn:aws:ssm:eu-west-1:111122223333:document/Team-Probe"
    monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", shared)
    assert probe_resources()["ssm:SendCommand"][0] == shared
    monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", "AWS-RunShellScript")
    assert probe_resources()["ssm:SendCommand"][0] == "arn:*:ssm:*::document/AWS-RunShellScript"


def probe_resources() -> dict[str, list[str]]:
    return {
        statement["Action"][0]: statement["Resource"]
        for statement in policy.document(probe=True)["Statement"]
        if statement["Resource"] != "*"
    }


def test_who_may_run_the_probe_may_run_no_other_command() -> None:
    """In the sandbox, where IAM enforces the policy that `runbooks policy --probe` prints."""

    def restricted(account: Account) -> None:
        find("healthy")(account)
        only(account, policy.document(probe=True))

    with world(restricted, config=PATIENT) as (_, sandbox):
        ssm, command = client(sandbox, "ssm"), {"commands": [probe_script()]}
        assert ssm.send_command(DocumentName=PROBE_DOCUMENT, InstanceIds=[NODE])["Command"]
        with pytest.raises(ClientError, match=r"AccessDenied.*AWS-RunShellScript"):
            ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=[NODE], Parameters=command)


def test_what_was_seen_covers_every_check_and_no_lost_scenario() -> None:
    assert set(policy.observed()) == {check.id for check in (*all_checks(), *predictions())}
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    assert {scenario for row in examples.values() for scenario in row} <= set(SCENARIOS)
