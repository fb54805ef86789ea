"""The triggers of a deployment group, read by a queue that subscribes to their topic, as a team would."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.baseline import DEPLOYS, SERVICE_ROLE, allow, only
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

from tests.sandbox.test_bluegreen import WAITS, Story
from tests.sandbox.test_plays import NOON, Player, revision
from tests.support.sandbox import client

EVENTS = (
    *("DeploymentStart", "DeploymentSuccess", "DeploymentFailure", "DeploymentStop", "DeploymentRollback"),
    *("InstanceStart", "InstanceSuccess", "InstanceFailure"),
)
GONE = revision("web/gone.zip")
AT_ONCE = {"deploymentConfigName": "CodeDeployDefault.AllAtOnce"}


class Inbox:
    """A topic, and the queue of a team that subscribes to it."""

    def __init__(self, sandbox: Sandbox) -> None:
        topics, self.queues = (client(sandbox, name, aws_access_key_id="any") for name in ("sns", "sqs"))
        self.topic = topics.create_topic(Name="deployments")["TopicArn"]
        self.queue = self.queues.create_queue(QueueName="deployments")["QueueUrl"]
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:deployments"
        topics.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue)

    def received(self) -> list[tuple[str, dict[str, Any]]]:
        """The subjects and messages that came since it was last asked, in their order."""
        found = []
        while rows := self.queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for row in rows:
                self.queues.delete_message(QueueUrl=self.queue, ReceiptHandle=row["ReceiptHandle"])
                body = json.loads(row["Body"])
                found.append((body["Subject"], json.loads(body["Message"])))
        return found


def trigger(topic: str, events: tuple[str, ...]) -> dict[str, Any]:
    return {"triggerName": "oncall", "triggerTargetArn": topic, "triggerEvents": list(events)}


class Subscriber(Player):
    """A sandbox whose group has a trigger for these events."""

    def __init__(self, sandbox: Sandbox, events: tuple[str, ...]) -> None:
        super().__init__(sandbox)
        self.api, self.inbox = client(sandbox, "codedeploy", aws_access_key_id="any"), Inbox(sandbox)
        self.update(triggerConfigurations=[trigger(self.inbox.topic, events)])

    def update(self, **members: Any) -> None:
        named = {"applicationName": "shop", "currentDeploymentGroupName": "web"}
        self.api.update_deployment_group(**named, **members)

    def received(self) -> list[tuple[str, dict[str, Any]]]:
        return self.inbox.received()


@contextmanager
def subscribed(
    events: tuple[str, ...] = EVENTS, change: Callable[[Account], object] = lambda account: None
) -> Iterator[Subscriber]:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        change(account)

    with serve(scenario, clock=NOON) as sandbox:
        yield Subscriber(sandbox, events)


def test_each_step_of_a_deployment_and_of_its_instances_is_published_once_and_in_order() -> None:
    with subscribed() as player:
        id_ = player.create()
        assert player.end(id_)["status"] == "Succeeded"
        player.info(id_)
        messages = player.received()
    steps = [
        (
            said.get("status") or said["instanceStatus"],
            said.get("instanceId", "").rpartition("/")[2].partition("_")[0],
        )
        for _, said in messages
    ]
    assert steps == [
        ("CREATED", ""),
        *(("InProgress", "web-01"), ("Succeeded", "web-01"), ("InProgress", "web-02")),
        *(("SUCCEEDED", ""), ("Succeeded", "web-02")),
    ]
    assert {said["eventTriggerName"] for _, said in messages} == {"oncall"}
    assert {(said["deploymentId"], said["region"], said["accountId"]) for _, said in messages} == {
        (id_, REGION, "111122223333")
    }
    assert messages[0][0] == f"CREATED: AWS CodeDeploy {id_} in {REGION} to shop"


def test_a_failure_says_its_error_and_how_many_failed_and_its_instance_the_event() -> None:
    with subscribed(("DeploymentFailure", "InstanceFailure")) as player:
        id_ = player.create(revision=GONE)
        player.end(id_)
        (_, instance), (subject, deployment) = sorted(player.received(), key=lambda one: "status" in one[1])
    assert subject.startswith("FAILED: AWS CodeDeploy ")
    assert deployment["errorInformation"]["ErrorCode"] == "HEALTH_CONSTRAINTS"
    assert (deployment["deploymentOverview"]["Failed"], deployment["deploymentOverview"]["Skipped"]) == (
        "1",
        "1",
    )
    assert float(deployment["completeTime"]) > float(deployment["createTime"])
    assert instance["instanceStatus"] == "Failed"
    failed = [one for one in instance["lifecycleEvents"] if one["LifecycleEventStatus"] == "Failed"]
    assert [one["LifecycleEvent"] for one in failed] == ["DownloadBundle"]


def test_a_trigger_gets_its_own_events_alone() -> None:
    with subscribed(("DeploymentSuccess",)) as player:
        player.end(player.create(revision=GONE))
        assert player.received() == []
        player.end(player.create())
        assert [said["status"] for _, said in player.received()] == ["SUCCEEDED"]


def test_a_stop_and_a_rollback_are_published() -> None:
    with subscribed(("DeploymentStop", "DeploymentRollback")) as player:
        player.end(player.create(**AT_ONCE))
        player.update(autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
        failed = player.create(revision=GONE)
        player.end(failed)
        rolled = player.received()
        player.end(player.info(failed)["rollbackInfo"]["rollbackDeploymentId"])
        stopped = player.create()
        player.api.stop_deployment(deploymentId=stopped)
        player.info(stopped)
        last = player.received()
    assert [(said["deploymentId"], subject.split(":")[0]) for subject, said in rolled] == [
        (failed, "ROLLED BACK")
    ]
    assert [(said["deploymentId"], said["status"]) for _, said in last] == [(stopped, "STOPPED")]


def test_a_replacement_fleet_that_waits_is_published_as_ready() -> None:
    with serve("healthy", clock=NOON) as sandbox:
        inbox = Inbox(sandbox)
        ready = trigger(inbox.topic, ("DeploymentReady", "InstanceReady"))
        played = Story(sandbox, WAITS, triggerConfigurations=[ready])
        played.until(played.create(), "Ready")
        said = [message for _, message in inbox.received()]
    assert [one["status"] for one in said if "status" in one] == ["READY"]
    assert {one["instanceId"].split("/")[-1] for one in said if "instanceId" in one} == set(played.green)


@pytest.mark.parametrize("lost", ["topic", "permission"])
def test_what_cannot_be_published_stops_no_deployment(lost: str) -> None:
    def mute(account: Account) -> None:
        if lost == "permission":
            account.enforces = True
            actions = [one for one in DEPLOYS if not one.startswith("sns:")]
            only(account, allow(*actions), name=SERVICE_ROLE)

    with subscribed(change=mute) as player:
        if lost == "topic":
            player.update(triggerConfigurations=[trigger(f"{player.inbox.topic}-gone", EVENTS)])
        assert player.end(player.create())["status"] == "Succeeded"
        assert player.received() == []
