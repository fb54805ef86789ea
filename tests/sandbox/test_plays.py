"""Deployments that the sandbox plays: how far they are by the clock, what they leave, and what follows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.hosts.agent import EVENTS, FAILURES, REVISION
from codedeploy_sandbox.hosts.bundle import failure_of, zipped
from codedeploy_sandbox.plays import Zone, courses, in_zones, may_be_out
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.helpers import machine
from codedeploy_sandbox.state import REGION, Account

from tests.support.sandbox import client

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WHERE = {"applicationName": "shop", "deploymentGroupName": "web"}
NODES = ("mi-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60002")


def revision(key: str = "web/1.4.2.zip", bucket: str = "shop-revisions") -> dict[str, Any]:
    return {"revisionType": "S3", "s3Location": {"bucket": bucket, "key": key, "bundleType": "zip"}}


class Player:
    """The stock client of a sandbox, and the steps of a deployment."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.api, self.state = client(sandbox, "codedeploy"), sandbox.account.state(REGION)
        self.s3 = client(sandbox, "s3")

    def create(self, **more: Any) -> str:
        asked = {**WHERE, "revision": revision(), **more}
        return str(self.api.create_deployment(**asked)["deploymentId"])

    def info(self, id_: str) -> dict[str, Any]:
        info: dict[str, Any] = self.api.get_deployment(deploymentId=id_)["deploymentInfo"]
        return info

    def end(self, id_: str) -> dict[str, Any]:
        """What it is once it has ended; each question moves the clock on by a second."""
        for _ in range(60):
            info = self.info(id_)
            if info["status"] in ("Succeeded", "Failed", "Stopped"):
                return info
        raise AssertionError(f"{id_} does not end")

    def targets(self, id_: str) -> dict[str, dict[str, Any]]:
        ids = self.api.list_deployment_targets(deploymentId=id_)["targetIds"]
        if not ids:
            return {}
        found = self.api.batch_get_deployment_targets(deploymentId=id_, targetIds=ids)["deploymentTargets"]
        return {one["instanceTarget"]["targetId"]: one["instanceTarget"] for one in found}

    def statuses(self, id_: str) -> dict[str, str]:
        return {name: one["status"] for name, one in self.targets(id_).items()}

    def failed(self, id_: str, target: str = "web-01") -> dict[str, Any]:
        events = self.targets(id_)[target]["lifecycleEvents"]
        return next(event for event in events if event["status"] == "Failed")


@contextmanager
def playing(change: Callable[[Account], object] = lambda account: None) -> Iterator[Player]:
    """A healthy sandbox with this change."""

    def scenario(account: Account) -> None:
        find("healthy")(account)
        change(account)

    with serve(scenario, clock=NOON) as sandbox:
        yield Player(sandbox)


def test_a_deployment_moves_through_its_events_on_one_host_after_the_other() -> None:
    with playing() as player:
        id_ = player.create(description="a try")
        begun = player.targets(id_)
        assert [one["status"] for one in begun.values()] == ["InProgress", "Pending"]
        ended = player.end(id_)
        assert (ended["status"], ended["description"], ended["creator"]) == ("Succeeded", "a try", "user")
        assert ended["deploymentOverview"] == dict.fromkeys(ended["deploymentOverview"], 0) | {"Succeeded": 2}
        first, second = player.targets(id_).values()
    assert [event["lifecycleEventName"] for event in first["lifecycleEvents"]] == [
        *("ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall"),
        *("ApplicationStart", "ValidateService"),
    ]
    assert {event["diagnostics"]["errorCode"] for event in first["lifecycleEvents"]} == {"Success"}
    assert second["lifecycleEvents"][0]["startTime"] >= first["lifecycleEvents"][-1]["endTime"]
    assert first["targetArn"].startswith(f"arn:aws:codedeploy:{REGION}:111122223333:instance/web-01_")


def test_all_at_once_begins_on_all() -> None:
    with playing() as player:
        id_ = player.create(deploymentConfigName="CodeDeployDefault.AllAtOnce")
        assert set(player.statuses(id_).values()) == {"InProgress"}


@pytest.mark.parametrize("name", [name for name, failure in FAILURES.items() if failure.event in EVENTS])
def test_a_host_fails_as_its_behaviour_says_and_the_rest_is_skipped(name: str) -> None:
    failure = FAILURES[name]
    with playing(lambda account: machine(account, fails=name)) as player:
        id_ = player.create()
        ended = player.end(id_)
        assert ended["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
        assert player.statuses(id_) == {"web-01": "Failed", "web-02": "Skipped"}
        event = player.failed(id_)
        assert event["lifecycleEventName"] == failure.event
        assert event["diagnostics"]["errorCode"] == failure.code
        assert event["diagnostics"]["scriptName"] == failure.script
        assert "{" not in event["diagnostics"]["message"].replace("{format", "")
        assert ("startTime" in event) is failure.heard
        after = [one["status"] for one in player.targets(id_)["web-01"]["lifecycleEvents"]]
        place = after.index("Failed")
        assert after == ["Succeeded"] * place + ["Failed"] + ["Skipped"] * (6 - place)
        marks = player.state.nodes[NODES[0]].machine
    assert bool(marks.reports) is failure.heard
    assert any('command_status:"Failed"' in line for line in marks.reports) is failure.heard


@pytest.mark.parametrize(
    "scenario",
    [
        *(
            "agent-not-installed",
            "agent-stopped",
            "agent-crash-loop",
            "agent-log-errors",
            "identity-mismatch",
        ),
        *(
            "yml-unreadable",
            "both-arns-in-yml",
            "metadata-of-other-region",
            "host-no-https",
            "host-dns-fails",
        ),
        *(
            "host-clock-wrong",
            "credentials-missing",
            "key-inactive",
            "role-missing",
            "commands-secure-denied",
        ),
    ],
)
def test_an_agent_that_cannot_poll_never_takes_the_first_event(scenario: str) -> None:
    with serve(scenario, clock=NOON) as sandbox:
        player = Player(sandbox)
        id_ = player.create()
        assert player.end(id_)["status"] == "Failed"
        event = player.failed(id_)
    assert (event["lifecycleEventName"], "startTime" in event) == ("ApplicationStop", False)
    assert "was not able to receive the lifecycle event" in event["diagnostics"]["message"]


@pytest.mark.parametrize(
    "scenario", ["agent-2", "agent-too-old", "wire-log-on", "keys-exposed", "host-unmanaged"]
)
def test_what_does_not_stop_a_poll_does_not_stop_a_deployment(scenario: str) -> None:
    with serve(scenario, clock=NOON) as sandbox:
        player = Player(sandbox)
        assert player.end(player.create())["status"] == "Succeeded"


def test_an_empty_selection_is_no_instances() -> None:
    def untagged(account: Account) -> None:
        for one in account.state(REGION).instances.values():
            one.tags = {}

    with playing(untagged) as player:
        ended = player.end(player.create())
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", "NO_INSTANCES")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"key": "web/9.zip"}, "The specified key does not exist."),
        ({"bucket": "no-such-bucket"}, "The specified bucket does not exist"),
    ],
)
def test_a_revision_that_is_gone(where: dict[str, str], message: str) -> None:
    with playing() as player:
        id_ = player.create(revision=revision(**where))
        player.end(id_)
        event = player.failed(id_)
    assert (event["lifecycleEventName"], event["diagnostics"]["message"]) == ("DownloadBundle", message)


def test_a_revision_that_the_hosts_role_may_not_read() -> None:
    with serve("bucket-denied", clock=NOON) as sandbox:
        player = Player(sandbox)
        id_ = player.create()
        player.end(id_)
        assert player.failed(id_)["diagnostics"]["message"] == "Access Denied"


START = "scripts/start.sh"
BUNDLES: dict[str, tuple[bytes, str, str, str]] = {
    "no zip": (b"text", "DownloadBundle", "UnknownError", "end of central directory"),
    "no AppSpec file": (zipped({"x": ""}), "BeforeInstall", "UnknownError", "did not find an AppSpec file"),
    "no YAML": (zipped({"appspec.yml": "a: [\n"}), "BeforeInstall", "UnknownError", "(<unknown>)"),
    "empty": (zipped({"appspec.yml": ""}), "BeforeInstall", "UnknownError", "was empty"),
    "a list": (zipped({"appspec.yml": "- a"}), "BeforeInstall", "UnknownError", "invalid version value"),
    "version 1": (zipped({"appspec.yml": "version: 1"}), "BeforeInstall", "UnknownError", "version value (1)"),
    "windows": (
        zipped({"appspec.yml": "version: 0.0\nos: windows"}),
        "BeforeInstall", "UnknownError", "unsupported operating system (windows)",
    ),
    "hooks of text": (
        zipped({"appspec.yml": "version: 0.0\nos: linux\nhooks: {AfterInstall: x.sh}"}),
        "BeforeInstall", "UnknownError", "undefined method",
    ),
    "no source": (
        zipped({name: text for name, text in REVISION.items() if name != "index.html"}),
        "Install", "UnknownError", "No such file or directory",
    ),
    "no script": (
        zipped({name: text for name, text in REVISION.items() if name != START}),
        "ApplicationStart", "ScriptMissing", "deployment-archive/scripts/start.sh",
    ),
    "Windows line ends": (
        zipped({**REVISION, START: "#!/bin/sh\r\ntrue\r\n"}), "ApplicationStart", "ScriptFailed", "Errno::ENOENT"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLES)
def test_what_a_bundle_lacks_fails_the_event_that_needs_it(name: str) -> None:
    content, event, code, message = BUNDLES[name]
    with playing() as player:
        player.s3.put_object(Bucket="shop-revisions", Key="web/new.zip", Body=content)
        id_ = player.create(revision=revision("web/new.zip"))
        player.end(id_)
        failed = player.failed(id_)
    assert (failed["lifecycleEventName"], failed["diagnostics"]["errorCode"]) == (event, code)
    assert message in failed["diagnostics"]["message"]


def test_a_whole_bundle_has_no_failure_and_no_file_of_it_leaves_the_host() -> None:
    assert failure_of(zipped()) is None
    failure = failure_of(
        zipped({"x": "", "scripts/../../../../etc/x": "", "/scripts/x": "", "scripts/ok.sh": ""})
    )
    assert failure is not None
    assert failure.archive == (("scripts/ok.sh", ""),)


def test_options_let_a_deployment_go_on() -> None:
    with playing(lambda account: machine(account, fails="file-exists")) as player:
        assert player.end(player.create(fileExistsBehavior="OVERWRITE"))["status"] == "Succeeded"
    with serve("last-revision-gone", clock=NOON) as sandbox:
        player = Player(sandbox)
        assert player.end(player.create())["status"] == "Failed"
        assert player.end(player.create(ignoreApplicationStopFailures=True))["status"] == "Succeeded"
        assert player.end(player.create())["status"] == "Succeeded"  # the record was written again


def test_a_group_deploys_one_deployment_at_a_time() -> None:
    with playing() as player:
        id_ = player.create()
        busy = player.api.exceptions.DeploymentLimitExceededException
        with pytest.raises(busy, match=f"'web' already has an active Deployment '{id_}'"):
            player.create()
        player.end(id_)
        assert player.create() != id_


def test_one_that_is_stopped_stays_as_it_is() -> None:
    with playing() as player:
        id_ = player.create()
        assert player.api.stop_deployment(deploymentId=id_)["status"] == "Succeeded"
        info, before = player.info(id_), player.targets(id_)
        assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
        assert set(player.statuses(id_).values()) == {"Skipped"}
        for _ in range(20):
            player.info(id_)
        assert player.targets(id_) == before
        with pytest.raises(player.api.exceptions.DeploymentAlreadyCompletedException):
            player.api.stop_deployment(deploymentId=id_)


def test_a_deployment_in_place_cannot_be_continued() -> None:
    with playing() as player:
        id_ = player.create()
        with pytest.raises(player.api.exceptions.UnsupportedActionForDeploymentTypeException):
            player.api.continue_deployment(deploymentId=id_)


@pytest.mark.parametrize(
    ("events", "stops", "rolls"),
    [
        (["DEPLOYMENT_FAILURE"], False, True),
        (["DEPLOYMENT_FAILURE"], True, False),
        (["DEPLOYMENT_STOP_ON_REQUEST"], True, True),
        (["DEPLOYMENT_STOP_ON_ALARM"], False, False),
    ],
)
def test_a_rollback_deploys_the_last_revision_that_succeeded(
    events: list[str], stops: bool, rolls: bool
) -> None:
    with playing() as player:
        asked = {"enabled": True, "events": events}
        id_ = player.create(revision=revision("web/gone.zip"), autoRollbackConfiguration=asked)
        if stops:
            player.api.stop_deployment(deploymentId=id_)
        failed = player.end(id_)
        assert ("rollbackInfo" in failed) is rolls
        if rolls:
            new = failed["rollbackInfo"]["rollbackDeploymentId"]
            info = player.end(new)
            assert (info["creator"], info["revision"]) == ("codeDeployRollback", revision())
            assert info["rollbackInfo"]["rollbackTriggeringDeploymentId"] == id_
            assert info["status"] == "Succeeded"
        listed = player.api.list_deployments(**WHERE)["deployments"]
        assert len(listed) == 2 + rolls


def test_a_group_of_ec2_instances() -> None:
    with serve("healthy", clock=NOON) as sandbox:
        api, ec2 = (client(sandbox, name, aws_access_key_id="any") for name in ("codedeploy", "ec2"))
        (launched,) = ec2.run_instances(
            ImageId="ami-760aaa0f", MinCount=1, MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "api"}]}],
        )["Instances"]  # fmt: skip
        name = {"applicationName": "shop", "deploymentGroupName": "ec2"}
        wanted = [{"Key": "Role", "Value": "api", "Type": "KEY_AND_VALUE"}]
        role = "arn:aws:iam::111122223333:role/CodeDeployService"
        api.create_deployment_group(**name, serviceRoleArn=role, ec2TagFilters=wanted)
        id_ = api.create_deployment(**name, revision=revision())["deploymentId"]
        assert api.list_deployment_targets(deploymentId=id_)["targetIds"] == [launched["InstanceId"]]


ROW = {"type": "FLEET_PERCENT", "value": 40}


@pytest.mark.parametrize(
    ("minimum", "total", "out"),
    [
        (ROW, 9, 5),  # the example of botocore's model
        ({"type": "HOST_COUNT", "value": 6}, 9, 3),  # the same
        ({"type": "FLEET_PERCENT", "value": 50}, 3, 1),
        ({"type": "FLEET_PERCENT", "value": 50}, 4, 2),
        ({"type": "FLEET_PERCENT", "value": 0}, 3, 3),
        ({"type": "MOST_CONCURRENCY", "value": 1}, 9, 1),
    ],
)
def test_how_many_may_be_out_of_service(minimum: dict[str, Any], total: int, out: int) -> None:
    assert may_be_out(minimum, total) == out


def test_a_host_that_failed_stays_out_of_service() -> None:
    names = [f"web-0{number}" for number in range(1, 7)]
    failing = {name: FAILURES["script-failed"] if name == "web-01" else None for name in names}
    found, left = courses(failing, NOON, 2)
    begun = {name: (course.begun - NOON) // timedelta(seconds=1) for name, course in found.items()}
    assert begun == {"web-01": 0, "web-02": 0, "web-03": 7, "web-04": 14, "web-05": 21, "web-06": 28}
    assert left == []
    both = dict.fromkeys(names[:2], FAILURES["script-failed"])
    found, left = courses({**failing, **both}, NOON, 2)
    assert (list(found), left) == (names[:2], names[2:])


@pytest.mark.parametrize(
    ("failing", "status"),
    [(["web-01"], "Failed"), (["web-02"], "Succeeded"), (["web-01", "web-02"], "Failed")],
)
def test_one_at_a_time_the_last_instance_may_fail(failing: list[str], status: str) -> None:
    """By the description of MinimumHealthyHosts in botocore's model."""

    def some(account: Account) -> None:
        nodes = account.state(REGION).nodes
        for id_ in NODES:
            if nodes[id_].machine.name in failing:
                nodes[id_] = replace(nodes[id_], machine=replace(nodes[id_].machine, fails="script-failed"))

    with playing(some) as player:
        assert player.end(player.create())["status"] == status


def zone(*names: str, out: int, bakes: int) -> Zone:
    return Zone(names, out, timedelta(seconds=bakes))


ZONES = (zone("a1", "a2", out=1, bakes=60), zone("b1", "b2", out=2, bakes=30), zone("c1", out=1, bakes=30))


def begun_in(failing: tuple[str, ...], out: int) -> dict[str, int]:
    names = ("a1", "a2", "b1", "b2", "c1")
    failures = {name: FAILURES["script-failed"] if name in failing else None for name in names}
    run = in_zones(failures, NOON, out, None, ZONES)
    return {name: (course.begun - NOON) // timedelta(seconds=1) for name, course in run.items()}


def test_zones_follow_one_another_with_a_wait_after_each_but_the_last() -> None:
    assert begun_in((), 5) == {"a1": 0, "a2": 7, "b1": 74, "b2": 74, "c1": 111}


def test_a_zone_with_too_many_failures_is_the_last_and_the_whole_fleet_bounds_each() -> None:
    assert list(begun_in(("a1",), 5)) == ["a1"]  # one may be out there, and stays out
    assert list(begun_in(("b1",), 5)) == ["a1", "a2", "b1", "b2", "c1"]
    assert begun_in((), 1)["b2"] == begun_in((), 1)["b1"] + 7
    assert list(begun_in(("b1",), 1)) == ["a1", "a2", "b1"]


def test_a_deployment_by_zones_bakes_between_them() -> None:
    def in_two_zones(account: Account) -> None:
        account.state(REGION).configurations["zones"] = {
            "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 0},
            "zonalConfig": {"firstZoneMonitorDurationInSeconds": 20, "monitorDurationInSeconds": 3600},
        }

    with serve("healthy", clock=NOON) as sandbox:
        in_two_zones(sandbox.account)
        player = Player(sandbox)
        player.api = client(sandbox, "codedeploy", aws_access_key_id="any")
        ec2 = client(sandbox, "ec2", aws_access_key_id="any")
        tags = [{"Key": "Environment", "Value": "production"}]
        (launched,) = ec2.run_instances(
            ImageId="ami-760aaa0f", MinCount=1, MaxCount=1, Placement={"AvailabilityZone": f"{REGION}b"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"]  # fmt: skip
        id_ = player.create(deploymentConfigName="zones")
        seen = []
        while (status := player.info(id_)["status"]) not in ("Succeeded", "Failed"):
            seen.append(status)
        assert list(dict.fromkeys(seen)) == ["InProgress", "Baking"]
        assert seen.count("Baking") in (19, 20)
        targets = player.targets(id_)
    first = targets[launched["InstanceId"]]["lifecycleEvents"][-1]["endTime"]
    assert targets["web-01"]["lifecycleEvents"][0]["startTime"] - first == timedelta(seconds=20)
    assert {one["status"] for one in targets.values()} == {"Succeeded"}
