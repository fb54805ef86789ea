"""A deployment group in every state that its checks tell apart, beside those that a scenario has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from codedeploy_sandbox.scenarios import Scenario, find
from codedeploy_sandbox.scenarios.baseline import SERVICE_ROLE
from codedeploy_sandbox.state import REGION, Account

from runbooks.aws.session import Aws
from runbooks.checks import all_checks
from runbooks.checks._revision import findings
from runbooks.checks._selected import selected
from runbooks.engine import run
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.question import Question
from tests.support.findings import assert_sound
from tests.support.world import EVERYTHING, PATIENT, world

CHECKS = {check.id: check.function for check in all_checks()}
MISSING, IN_TWO, ROLE = (
    "auto-scaling-groups-have-their-hooks",
    "auto-scaling-groups-have-no-other-hook",
    ("service-role-trusts-codedeploy"),
)
BALANCER, ALARMS, REVISION = (
    "load-balancer-of-the-group-fits",
    "alarms-of-the-group-are-quiet",
    "revision-of-the-group-is-there",
)
MAY = "service-role-may-do-what-the-group-needs"


def like(base: str = "group-healthy", **members: Any) -> Scenario:
    """A scenario in which the group shop/web has these members."""

    def scenario(account: Account) -> None:
        find(base)(account)
        account.state(REGION).groups.setdefault("shop/web", {}).update(members)

    return scenario


@contextmanager
def session(scenario: Any) -> Iterator[Aws]:
    with world(scenario, config=PATIENT) as (aws, _):
        yield aws.remembering()


def asked(check: str, scenario: Any, group: str = "shop/web") -> list[Finding]:
    question = type(EVERYTHING)(deployment_group=group)
    with session(scenario) as aws:
        found = run(CHECKS[check], aws, question)
    for finding in found:
        assert_sound(finding)
    return found


def only(check: str, scenario: Any) -> tuple[Verdict, str]:
    """The one finding, as its verdict and the last part of its code."""
    (finding,) = asked(check, scenario)
    return finding.verdict, finding.code.partition("/")[2]


BALANCED = {"deploymentOption": "WITH_TRAFFIC_CONTROL", "deploymentType": "IN_PLACE"}
WATCHED = {"enabled": True, "alarms": [{"name": "gone"}]}


@pytest.mark.parametrize(
    ("check", "members", "expected"),
    [
        (MISSING, {"autoScalingGroups": [{"name": "gone", "hook": "h"}]}, (FAIL, "no-group")),
        (MISSING, {"autoScalingGroups": [{"name": "web"}]}, (UNKNOWN, "could-not-check")),
        (MISSING, {"autoScalingGroups": []}, (SKIP, "not-applicable")),
        (IN_TWO, {"autoScalingGroups": [{"name": "gone", "hook": "h"}]}, (SKIP, "not-applicable")),
        (BALANCER, {"loadBalancerInfo": {"targetGroupInfoList": [{"name": "gone"}]}}, (FAIL, "no-target-group")),
        (BALANCER, {"loadBalancerInfo": {"elbInfoList": [{"name": "gone"}]}}, (FAIL, "no-load-balancer")),
        (BALANCER, {"loadBalancerInfo": {}}, (FAIL, "none-named")),
        (BALANCER, {"deploymentStyle": BALANCED | {"deploymentOption": "WITHOUT_TRAFFIC_CONTROL"}}, (SKIP, "not-applicable")),
        (ALARMS, {"alarmConfiguration": WATCHED}, (FAIL, "no-alarm")),
        (ALARMS, {"alarmConfiguration": WATCHED | {"ignorePollAlarmFailure": True}}, (WARN, "no-alarm")),
        (ALARMS, {"alarmConfiguration": WATCHED | {"enabled": False}}, (SKIP, "not-applicable")),
        (ROLE, {"serviceRoleArn": "arn:aws:iam::444455556666:role/Theirs"}, (UNKNOWN, "could-not-check")),
        (ROLE, {"serviceRoleArn": ""}, (UNKNOWN, "could-not-check")),
        # the name is there, the path is another
        (ROLE, {"serviceRoleArn": f"arn:aws:iam::111122223333:role/x/{SERVICE_ROLE}"}, (FAIL, "no-role")),
        (REVISION, {"targetRevision": {}}, (SKIP, "not-applicable")),
    ],
)  # fmt: skip
def test_what_the_group_names(check: str, members: dict[str, Any], expected: tuple[Verdict, str]) -> None:
    assert only(check, like(**members)) == expected


def test_the_revision_of_the_deployment_is_looked_up_beside_that_of_the_group() -> None:
    """The group was given another since: that one is there, and the one that the deployment asked for is not."""

    def scenario(account: Account) -> None:
        find("deployment-script-failed")(account)
        state = account.state(REGION)
        info = state.deployments["d-SHOPWEB01"].info
        state.groups.setdefault("shop/web", {})["targetRevision"] = info["revision"]
        gone = info["revision"]["s3Location"] | {"key": "web/gone.zip"}
        info["revision"] = {"revisionType": "S3", "s3Location": gone}

    question = Question(deployment_group="shop/web", deployment="d-SHOPWEB01")
    with session(scenario) as aws:
        found = run(CHECKS[REVISION], aws, question)
        known = run(CHECKS[REVISION], aws, replace(question, deployment="d-UNKNOWN00"))
    assert [(f.verdict, f.about) for f in found] == [
        (FAIL, "s3://shop-revisions/web/gone.zip"),
        (OK, "s3://shop-revisions/web/1.4.2.zip"),
    ]
    assert [f.verdict for f in known] == [OK]


def test_an_alarm_that_is_active_counts_whether_or_not_failed_polls_are_ignored() -> None:
    watched = {"enabled": True, "ignorePollAlarmFailure": True, "alarms": [{"name": "web-errors"}]}
    assert only(ALARMS, like("group-alarm-active", alarmConfiguration=watched)) == (FAIL, "active")


def test_a_classic_load_balancer_that_is_there() -> None:
    def scenario(account: Account) -> None:
        like(loadBalancerInfo={"elbInfoList": [{"name": "old"}]})(account)
        listens = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
        account.seeds.append(
            (
                "elasticloadbalancing",
                lambda ask: ask(
                    "elb",
                    "CreateLoadBalancer",
                    LoadBalancerName="old",
                    Listeners=[listens],
                    AvailabilityZones=[f"{REGION}a"],
                ),
            )
        )

    assert only(BALANCER, scenario) == (OK, "ok")


def test_the_hook_of_another_group_of_the_application_is_not_one_that_is_left_over() -> None:
    def scenario(account: Account) -> None:
        find("group-hook-left-over")(account)
        hooks = (
            "CodeDeploy-managed-automatic-launch-deployment-hook-web-old-20d0d33b-9bf7-4a2a-91e6-da7d252ed156"
        )
        state = account.state(REGION)
        scaled = [{"name": "web", "hook": hooks}]
        state.groups["shop/web-old"] = state.groups["shop/web"] | {
            "deploymentGroupName": "web-old",
            "autoScalingGroups": scaled,
        }

    (finding,) = asked(IN_TWO, scenario)
    assert (finding.verdict, finding.code) == (WARN, f"{IN_TWO}/two-groups")
    assert "in shop/web and in shop/web-old, whose hook CodeDeploy-" in finding.says


def test_a_group_that_is_not_there_is_said_once() -> None:
    verdicts = {}
    for check in (check for check in all_checks() if check.category in ("group", "traffic")):
        (finding,) = asked(check.id, "healthy", group="shop/gone")
        verdicts[check.id] = finding.verdict
    assert verdicts.pop("group-selects-instances") is FAIL
    assert set(verdicts.values()) == {SKIP}


def test_a_group_of_another_platform_is_not_judged() -> None:
    for check in (check for check in all_checks() if check.category in ("group", "traffic")):
        assert only(check.id, like("healthy", computePlatform="Lambda")) == (SKIP, "not-applicable")


def test_a_configuration_that_is_not_there() -> None:
    scenario = like("healthy", deploymentConfigName="gone")
    assert only("group-can-keep-enough-instances-healthy", scenario) == (FAIL, "no-configuration")


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        ("HOST_COUNT", 1, OK),
        ("HOST_COUNT", 2, FAIL),
        ("FLEET_PERCENT", 50, OK),
        ("FLEET_PERCENT", 51, FAIL),  # rounded up: both
    ],
)
def test_the_constraint_at_its_edge(kind: str, value: int, verdict: Verdict) -> None:
    def scenario(account: Account) -> None:
        like("healthy", deploymentConfigName="ours")(account)
        minimum = {"type": kind, "value": value}
        account.state(REGION).configurations["ours"] = {"minimumHealthyHosts": minimum}

    assert only("group-can-keep-enough-instances-healthy", scenario)[0] is verdict


# The service role


def trusting(principal: Any, **more: Any) -> Scenario:
    """A scenario in which the service role trusts this principal."""
    return policy(
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} | more,
    )


def policy(*statements: dict[str, Any]) -> Scenario:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        role = account.iam.find("role", SERVICE_ROLE)
        assert role
        role.trust = {"Version": "2012-10-17", "Statement": list(statements)}

    return scenario


OURS = {"Service": "codedeploy.amazonaws.com"}


@pytest.mark.parametrize(
    ("scenario", "verdict"),
    [
        (trusting(OURS), OK),
        (trusting({"Service": ["ec2.amazonaws.com", "codedeploy.amazonaws.com"]}), OK),
        (trusting({"Service": "codedeploy.eu-west-1.amazonaws.com"}), OK),
        (trusting({"Service": "codedeploy.us-east-1.amazonaws.com"}), FAIL),
        (trusting({"Service": "codedeploy-commands.amazonaws.com"}), FAIL),
        (trusting(OURS, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}), UNKNOWN),
        (policy(
            {"Effect": "Allow", "Principal": OURS, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": OURS, "Action": "sts:*"},
        ), FAIL),
        (trusting(OURS, Action="sts:TagSession"), FAIL),
    ],
)  # fmt: skip
def test_whom_the_service_role_trusts(scenario: Scenario, verdict: Verdict) -> None:
    assert only(ROLE, scenario)[0] is verdict


def needing(**members: Any) -> str:
    """All that is said of the permissions of a group with these members only."""
    bare: dict[str, Any] = {
        **{"autoScalingGroups": [], "loadBalancerInfo": {}, "alarmConfiguration": {}},
        **{"triggerConfigurations": [], "ec2DeploymentOptions": {}, "ec2TagFilters": []},
    }
    return " ".join(finding.says for finding in asked(MAY, like(**bare | members)))


BLUE_GREEN = {"deploymentStyle": {"deploymentType": "BLUE_GREEN"}}
COPIES = BLUE_GREEN | {
    "blueGreenDeploymentConfiguration": {
        "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}
    }
}
ENDS = BLUE_GREEN | {
    "blueGreenDeploymentConfiguration": {"terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"}}
}
HOOKED = {"autoScalingGroups": [{"name": "web", "hook": "h"}]}


@pytest.mark.parametrize(
    ("members", "needed", "not_needed"),
    [
        ({}, "needs nothing known", "simulator"),
        ({"ec2TagFilters": [{"Key": "a", "Type": "KEY_ONLY"}]}, "ec2:DescribeInstances", "RunInstances"),
        (HOOKED, "autoscaling:PutLifecycleHook", "SuspendProcesses"),
        (HOOKED, "ec2:DescribeInstances", "TerminateInstances"),
        (HOOKED | COPIES, "autoscaling:CreateAutoScalingGroup", "TerminateInstances"),
        (COPIES | {"deploymentStyle": {"deploymentType": "IN_PLACE"}}, "needs nothing known", "CreateAutoScalingGroup"),
        (ENDS, "ec2:TerminateInstances", "CreateAutoScalingGroup"),
        (HOOKED, "ec2:RunInstances, ec2:CreateTags, iam:PassRole", "sns:"),
        (HOOKED | {"ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["AZRebalance"]}}, "SuspendProcesses", "sns:"),
        ({"loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}]}}, "RegisterTargets on arn:", "cloudwatch"),
        ({"loadBalancerInfo": {"elbInfoList": [{"name": "old"}]}}, "RegisterInstancesWithLoadBalancer", "RegisterTargets"),
        ({"alarmConfiguration": WATCHED}, "cloudwatch:DescribeAlarms", "sns:"),
        ({"alarmConfiguration": WATCHED | {"enabled": False}}, "needs nothing known", "cloudwatch"),
        ({"triggerConfigurations": [{"triggerTargetArn": "arn:aws:sns:eu-west-1:1:t"}]}, "sns:Publish on arn:aws:sns", "cloudwatch"),
    ],
)  # fmt: skip
def test_the_role_is_asked_for_what_the_group_needs_and_no_more(
    members: dict[str, Any], needed: str, not_needed: str
) -> None:
    said = needing(**members)
    assert needed in said
    assert not_needed not in said


def test_what_a_policy_may_limit_to_a_launch_is_a_warning() -> None:
    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        role = account.iam.find("role", SERVICE_ROLE)
        assert role
        for document in role.inline.values():
            document["Statement"][0]["Action"].remove("iam:PassRole")

    loud = [finding for finding in asked(MAY, scenario) if finding.verdict is not OK]
    assert [(finding.verdict, "iam:PassRole on *" in finding.says) for finding in loud] == [(WARN, True)]


def test_what_a_statement_denies_of_a_launch_fails() -> None:
    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        role = account.iam.find("role", SERVICE_ROLE)
        assert role
        denies = {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}
        role.inline["Denies"] = {"Version": "2012-10-17", "Statement": [denies]}

    loud = [finding for finding in asked(MAY, scenario) if finding.verdict is not OK]
    assert [(finding.verdict, "iam:PassRole on *" in finding.says) for finding in loud] == [(FAIL, True)]
    assert not loud[0].fix  # no grant helps against a denial


# The revision


def said_of(**s3: Any) -> list[tuple[Verdict, str]]:
    with session("healthy") as aws:
        return [(f.verdict, f.code) for f in findings(aws, {"revisionType": "S3", "s3Location": s3})]


BUCKET, KEY = "shop-revisions", "web/1.4.2.zip"


@pytest.mark.parametrize(
    ("s3", "expected"),
    [
        ({"bucket": BUCKET, "key": KEY, "bundleType": "zip"}, [(OK, "")]),
        ({"bucket": BUCKET, "key": KEY}, [(OK, "")]),
        ({"bucket": BUCKET, "key": KEY, "bundleType": "tgz"}, [(WARN, "other-type")]),
        # the name of another object begins so
        ({"bucket": BUCKET, "key": "web/1.4.2", "bundleType": "zip"}, [(FAIL, "not-there")]),
        ({"bucket": BUCKET, "key": "web/9.zip", "bundleType": "zip"}, [(FAIL, "not-there")]),
        ({"bucket": "gone", "key": KEY, "bundleType": "zip"}, [(FAIL, "no-bucket")]),
    ],
)  # fmt: skip
def test_where_a_revision_is(s3: dict[str, str], expected: list[tuple[Verdict, str]]) -> None:
    assert said_of(**s3) == expected


@pytest.mark.parametrize("where", [{"LocationConstraint": "eu-central-1"}, {}])
def test_a_bucket_of_another_region_is_a_warning(where: dict[str, str]) -> None:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        account.seeds.append(("s3", lambda ask: _bucket(ask, where)))

    def _bucket(ask: Any, where: dict[str, str]) -> None:
        more = {"CreateBucketConfiguration": where} if where else {}
        ask("s3", "CreateBucket", Bucket="far", region=where.get("LocationConstraint", "us-east-1"), **more)
        ask("s3", "PutObject", Bucket="far", Key="a.zip", Body=b"x")

    location = {"revisionType": "S3", "s3Location": {"bucket": "far", "key": "a.zip", "bundleType": "zip"}}
    with session(scenario) as aws:
        (finding,) = findings(aws, location)
    assert (finding.verdict, finding.code) == (WARN, "other-region")
    assert where.get("LocationConstraint", "us-east-1") in finding.says


def test_a_revision_in_github_could_not_be_checked() -> None:
    where = {"revisionType": "GitHub", "gitHubLocation": {"repository": "a/b", "commitId": "c0ffee"}}
    assert only(REVISION, like("healthy", targetRevision=where)) == (UNKNOWN, "could-not-check")


# Whom it selects


def tag(key: str = "", value: str = "", kind: str = "KEY_AND_VALUE") -> dict[str, str]:
    return {"Key": key, "Value": value, "Type": kind}


@pytest.mark.parametrize(
    ("members", "on_premises"),
    [
        ({"onPremisesInstanceTagFilters": [tag("Environment", "staging")]}, ["batch-01"]),
        ({"onPremisesInstanceTagFilters": [tag("Environment", "staging"), tag("Name", "web-01")]}, ["batch-01", "web-01"]),
        ({"onPremisesTagSet": {"onPremisesTagSetList": [[tag("Environment", "production")], [tag("Name", "web-02")]]}}, ["web-02"]),
        ({"onPremisesInstanceTagFilters": [tag(value="production", kind="VALUE_ONLY")]}, ["web-01", "web-02"]),
        ({"onPremisesInstanceTagFilters": [tag("Owner", kind="KEY_ONLY")]}, []),
        ({"onPremisesInstanceTagFilters": []}, []),
    ],
)  # fmt: skip
def test_on_premises_instances_are_selected_by_their_tags(
    members: dict[str, Any], on_premises: list[str]
) -> None:
    with session(like("healthy", **members)) as aws:
        group = deployment_group(aws, "shop/web")
        assert isinstance(group, dict)
        assert list(selected(aws, group).on_premises) == on_premises


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ([tag("Environment", "production")], 1),
        ([tag("Environment", "staging")], 0),
        ([tag(value="production", kind="VALUE_ONLY")], 1),
        ([tag("Environment", kind="KEY_ONLY"), tag("Other", kind="KEY_ONLY")], 1),
    ],
)
def test_ec2_instances_are_selected_by_their_tags_while_they_run(
    filters: list[dict[str, str]], count: int
) -> None:
    for base, running in (("ec2-healthy", count), ("ec2-stopped", 0)):
        with session(like(base, ec2TagFilters=filters)) as aws:
            group = deployment_group(aws, "shop/web")
            assert isinstance(group, dict)
            assert len(selected(aws, group).ec2) == running


COPIED = {
    "blueGreenDeploymentConfiguration": {
        "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}
    }
}
SUSPENDED = "auto-scaling-groups-have-no-suspended-process"


@pytest.mark.parametrize(
    ("scenario", "verdict", "says", "has_fix"),
    [
        ("group-healthy", OK, "is suspended", False),
        ("group-process-suspended", WARN, "AddToLoadBalancer, Launch.", True),
        (like("group-process-suspended", **COPIED), FAIL, "gets no replacement instances", True),
    ],
)
def test_a_process_that_is_suspended(scenario: Any, verdict: Verdict, says: str, has_fix: bool) -> None:
    (finding,) = asked(SUSPENDED, scenario)
    assert (finding.verdict, says in finding.says, bool(finding.fix)) == (verdict, True, has_fix)
    assert not has_fix or """--scaling-processes '["AddToLoadBalancer", "Launch"]'""" in finding.fix


def test_a_deployment_that_runs_may_have_suspended_it() -> None:
    def running(account: Account) -> None:
        like("group-process-suspended", **COPIED)(account)
        next(iter(account.state(REGION).deployments.values())).info["status"] = "InProgress"

    (finding,) = asked(SUSPENDED, running)
    assert (finding.verdict, finding.fix) == (WARN, "")
    assert "still runs" in finding.says
