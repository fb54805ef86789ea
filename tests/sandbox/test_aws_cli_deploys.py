"""A story of deployments, played with the stock aws command line in real time: create, wait, find the cause.

Nothing here depends on how fast the commands are: what has to be found running waits, for a person or between two zones.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.sandbox import aws, environment_for, sandbox_process

WHERE = ("--application-name", "shop", "--deployment-group-name", "web")


AT_ONCE = ("--deployment-config-name", "CodeDeployDefault.AllAtOnce")


def location(key: str) -> tuple[str, str]:
    return "--s3-location", f"bucket=shop-revisions,key={key},bundleType=zip"


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with sandbox_process("healthy", real_time=True) as about:
        yield environment_for(about)


def create(environment: dict[str, str], *more: str) -> str:
    done = aws(environment, "deploy", "create-deployment", *WHERE, *more)
    assert (done.returncode, done.stderr) == (0, "")
    id_: str = json.loads(done.stdout)["deploymentId"]
    return id_


def get(environment: dict[str, str], *words: str) -> Any:
    return get_of(environment, "deploy", *words)


def get_of(environment: dict[str, str], *words: str) -> Any:
    """What a command prints, read as JSON; None for nothing."""
    done = aws(environment, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout or "null")


@pytest.mark.slow
def test_create_wait_break_wait_why_fix_wait(environment: dict[str, str], tmp_path: Path) -> None:
    first = create(environment, *location("web/1.4.2.zip"), *AT_ONCE)
    assert wait(environment, first) == 0

    # a revision without the script that its AppSpec file names
    (tmp_path / "appspec.yml").write_text(
        "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/migrate.sh\n"
    )
    pushed = push(environment, tmp_path)
    assert "aws deploy create-deployment --application-name shop --s3-location" in pushed
    broken = create(environment, *location("web/1.4.3.zip"))
    assert wait(environment, broken) == 255
    words = ("get-deployment-target", "--deployment-id", broken, "--target-id", "web-01")
    events = get(environment, *words)["deploymentTarget"]["instanceTarget"]["lifecycleEvents"]
    assert [e["lifecycleEventName"] for e in events if e["status"] == "Failed"] == ["AfterInstall"]
    why = subprocess.run(
        [sys.executable, "-m", "runbooks", "why", broken],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert why.returncode == 1
    assert "ScriptMissing in scripts/migrate.sh" in " ".join(why.stdout.split())

    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "migrate.sh").write_text("#!/bin/sh\n")
    push(environment, tmp_path)
    fixed = create(environment, *location("web/1.4.3.zip"), *AT_ONCE)
    assert wait(environment, fixed) == 0

    listed = get(environment, "list-deployments", *WHERE, "--include-only-statuses", "Failed", "Stopped")
    assert listed["deployments"] == [broken]
    ids = get(environment, "list-deployments", "--max-items", "2")
    assert (ids["deployments"], "NextToken" in ids) == ([fixed, broken], True)


def wait(environment: dict[str, str], id_: str) -> int:
    return aws(environment, "deploy", "wait", "deployment-successful", "--deployment-id", id_).returncode


def push(environment: dict[str, str], place: Path) -> str:
    done = aws(
        environment, "deploy", "push", "--application-name", "shop", "--source", str(place),
        "--s3-location", "s3://shop-revisions/web/1.4.3.zip",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(400)  # some 30 commands of the CLI, each a process
def test_a_blue_green_deployment_is_made_waits_is_continued_and_is_rolled_back(
    environment: dict[str, str],
) -> None:
    """By a caller whom the sandbox does not know, who may do everything."""
    anyone = environment | {"AWS_ACCESS_KEY_ID": "any"}
    config = ("--deployment-config-name", "whole")
    get(
        anyone, "create-deployment-config", *config,
        "--minimum-healthy-hosts", "type=FLEET_PERCENT,value=0",
    )  # fmt: skip
    vpc = get_of(anyone, "ec2", "describe-vpcs")["Vpcs"][0]["VpcId"]
    targets = ("--name", "web", "--protocol", "HTTP", "--port", "80", "--vpc-id", vpc)
    get_of(anyone, "elbv2", "create-target-group", *targets)
    for fleet in ("blue", "green"):
        tags = f"ResourceType=instance,Tags=[{{Key=Fleet,Value={fleet}}}]"
        run = (
            "ec2",
            "run-instances",
            "--image-id",
            "ami-760aaa0f",
            "--count",
            "2",
            "--tag-specifications",
            tags,
        )
        assert aws(anyone, *run).returncode == 0
    style = "deploymentType=BLUE_GREEN,deploymentOption=WITH_TRAFFIC_CONTROL"
    options = {
        "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
        "greenFleetProvisioningOption": {"action": "DISCOVER_EXISTING"},
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": 60,
        },
    }
    group = ("--application-name", "shop", "--deployment-group-name", "fleets")
    get(
        anyone, "create-deployment-group", *group, *config,
        "--service-role-arn", "arn:aws:iam::111122223333:role/CodeDeployService",
        "--ec2-tag-filters", "Key=Fleet,Value=blue,Type=KEY_AND_VALUE", "--deployment-style", style,
        "--load-balancer-info", "targetGroupInfoList=[{name=web}]",
        "--blue-green-deployment-configuration", json.dumps(options),
    )  # fmt: skip

    def begun() -> str:
        fleet = json.dumps({"tagFilters": [{"Key": "Fleet", "Value": "green", "Type": "KEY_AND_VALUE"}]})
        words = ("create-deployment", *group, *location("web/1.4.2.zip"), "--target-instances", fleet)
        id_ = str(get(anyone, *words)["deploymentId"])
        comes_to(anyone, id_, "Ready")
        return id_

    first = begun()
    words = (
        "list-deployment-targets",
        "--deployment-id",
        first,
        "--target-filters",
        "ServerInstanceLabel=Green",
    )
    assert len(get(anyone, *words)["targetIds"]) == 2
    continued = ("continue-deployment", "--deployment-id", first, "--deployment-wait-type", "READY_WAIT")
    assert aws(anyone, "deploy", *continued).returncode == 0
    comes_to(anyone, first, "InProgress", waits=True)
    stopped = get(anyone, "stop-deployment", "--deployment-id", first, "--auto-rollback-enabled")
    assert stopped["status"] == "Succeeded"
    info = get(anyone, "get-deployment", "--deployment-id", first)["deploymentInfo"]
    assert wait(anyone, info["rollbackInfo"]["rollbackDeploymentId"]) == 0

    second = begun()
    for kind in ("READY_WAIT", "TERMINATION_WAIT"):
        comes_to(
            anyone, second, "Ready" if kind == "READY_WAIT" else "InProgress", waits=kind != "READY_WAIT"
        )
        done = aws(
            anyone, "deploy", "continue-deployment", "--deployment-id", second, "--deployment-wait-type", kind
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert wait(anyone, second) == 0
    named = (*group, "--query", "deploymentGroupInfo.ec2TagFilters[].Value")
    assert get(anyone, "get-deployment-group", *named) == ["green"]


@pytest.mark.slow
@pytest.mark.timeout(400)  # some 25 commands, each of which takes seconds on a busy machine
def test_an_application_from_its_beginning_to_its_end(environment: dict[str, str]) -> None:
    """It fails and is rolled back, an alarm stops it, a person stops it, and all of it is deleted."""
    anyone = environment | {"AWS_ACCESS_KEY_ID": "any"}
    two_zones_and_an_alarm(anyone)
    group = ("--application-name", "mail", "--deployment-group-name", "all")
    get(anyone, "create-application", "--application-name", "mail", "--tags", "Key=team,Value=post")
    get(
        anyone, "create-deployment-group", *group, *AT_ONCE,
        "--service-role-arn", "arn:aws:iam::111122223333:role/CodeDeployService",
        "--ec2-tag-filters", "Key=Role,Value=mail,Type=KEY_AND_VALUE",
    )  # fmt: skip
    good = create_in(anyone, *group, *location("web/1.4.2.zip"))
    revision = until(anyone, good, "Succeeded")["revision"]
    get(
        anyone, "update-deployment-group", "--application-name", "mail",
        "--current-deployment-group-name", "all", "--alarm-configuration", "enabled=true,alarms=[{name=mail}]",
        "--auto-rollback-configuration",
        "enabled=true,events=DEPLOYMENT_FAILURE,DEPLOYMENT_STOP_ON_ALARM,DEPLOYMENT_STOP_ON_REQUEST",
    )  # fmt: skip

    failed = until(anyone, create_in(anyone, *group, *location("web/gone.zip")), "Failed")
    rollback = until(anyone, failed["rollbackInfo"]["rollbackDeploymentId"], "Succeeded")
    assert (rollback["creator"], rollback["revision"]) == ("codeDeployRollback", revision)
    assert rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"] == failed["deploymentId"]

    by_zones = (*group, *location("web/1.4.2.zip"), "--deployment-config-name", "zones")
    running = create_in(anyone, *by_zones)
    until(anyone, running, "Baking")
    refused = aws(anyone, "deploy", "create-deployment", *by_zones)
    assert f"already has an active Deployment '{running}'" in refused.stderr
    refused = aws(anyone, "deploy", "continue-deployment", "--deployment-id", running)
    assert "(UnsupportedActionForDeploymentTypeException)" in refused.stderr
    alarm = ("cloudwatch", "set-alarm-state", "--alarm-name", "mail", "--state-reason", "a test")
    get_of(anyone, *alarm, "--state-value", "ALARM")
    stopped = until(anyone, running, "Stopped")
    assert stopped["errorInformation"]["code"] == "ALARM_ACTIVE"

    # the rollback goes by zones as well, and watches no alarm
    rollback = until(anyone, stopped["rollbackInfo"]["rollbackDeploymentId"], "Baking")
    assert rollback["revision"] == revision
    id_ = rollback["deploymentId"]
    assert get(anyone, "stop-deployment", "--deployment-id", id_)["status"] == "Succeeded"
    stopped = until(anyone, id_, "Stopped")
    assert stopped["errorInformation"]["code"] == "MANUAL_STOP"
    assert "rollbackDeploymentId" not in stopped["rollbackInfo"]  # a rollback is not rolled back

    get_of(anyone, *alarm, "--state-value", "OK")
    running = create_in(anyone, *by_zones)
    until(anyone, running, "Baking")
    get(anyone, "stop-deployment", "--deployment-id", running)
    assert "rollbackDeploymentId" in until(anyone, running, "Stopped")["rollbackInfo"]

    assert get(anyone, "delete-deployment-group", *group) == {"hooksNotCleanedUp": []}
    get(anyone, "delete-application", "--application-name", "mail")
    assert get(anyone, "list-applications")["applications"] == ["shop"]


def two_zones_and_an_alarm(environment: dict[str, str]) -> None:
    """What the story needs outside CodeDeploy, and a configuration by which a deployment waits for an hour."""
    ec2, watch, deploy = (made(environment, name) for name in ("ec2", "cloudwatch", "codedeploy"))
    for zone in "ab":
        ec2.run_instances(
            ImageId="ami-760aaa0f", MinCount=1, MaxCount=1, Placement={"AvailabilityZone": f"eu-west-1{zone}"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "mail"}]}],
        )  # fmt: skip
    watch.put_metric_alarm(
        AlarmName="mail", Namespace="Mail", MetricName="Errors", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=5.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    deploy.create_deployment_config(
        deploymentConfigName="zones",
        minimumHealthyHosts={"type": "HOST_COUNT", "value": 0},
        zonalConfig={"monitorDurationInSeconds": 3600},
    )


def made(environment: dict[str, str], service: str) -> Any:
    """A boto3 client, for what is not the story itself: a command takes a second and more to start."""
    where = {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "region_name": environment["AWS_DEFAULT_REGION"],
    }
    client: Any = boto3.client
    return client(service, aws_access_key_id="any", aws_secret_access_key="x", **where)


def create_in(environment: dict[str, str], *words: str) -> str:
    return str(get(environment, "create-deployment", *words)["deploymentId"])


def until(environment: dict[str, str], id_: str, status: str) -> Any:
    """The deployment once it has this status, for half a minute at most."""
    api = made(environment, "codedeploy")
    for _ in range(120):
        info = api.get_deployment(deploymentId=id_)["deploymentInfo"]
        if info["status"] == status:
            return info
        time.sleep(0.25)
    raise AssertionError(f"{id_} is {info['status']}, not {status}")


def comes_to(environment: dict[str, str], id_: str, status: str, *, waits: bool = False) -> None:
    """Wait, for half a minute at most, until it has the status, and waits to terminate the original instances."""
    for _ in range(30):
        info = get(environment, "get-deployment", "--deployment-id", id_)["deploymentInfo"]
        if info["status"] == status and (not waits or info["instanceTerminationWaitTimeStarted"]):
            return
        time.sleep(1)
    raise AssertionError(f"{id_} is {info['status']}, not {status}")
