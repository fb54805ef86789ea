"""The triggers of a deployment group: what becomes of a deployment and of its instances, published to topics of SNS.

The messages have the members that the user guide of CodeDeploy shows ("JSON data formats for CodeDeploy triggers").
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import Play
from codedeploy_sandbox.service_role import lacks, wrong_with
from codedeploy_sandbox.state import ACCOUNT, Account

# TriggerEventType of botocore's model, by the status with which it comes
_OF_DEPLOYMENT = {
    "Created": "DeploymentStart",
    "Ready": "DeploymentReady",
    "Succeeded": "DeploymentSuccess",
    "Failed": "DeploymentFailure",
    "Stopped": "DeploymentStop",
}
_OF_INSTANCE = {
    "InProgress": "InstanceStart",
    "Ready": "InstanceReady",
    "Succeeded": "InstanceSuccess",
    "Failed": "InstanceFailure",
}
_LONGEST_SUBJECT = 99  # "less than 100 characters" by SNS's model of Publish


class Notice(NamedTuple):
    """Something that a trigger may publish: its TriggerEventType, its instance ("": the deployment), and what it says."""

    event: str
    instance: str
    subject: str
    members: dict[str, Any]


def publish(
    account: Account, region: str, one: Play, triggers: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Publish by these triggers what became of a deployment until this time, each notice once."""
    if not triggers:
        return
    for at in one.moments(now):
        for notice in _notices(one, region, at):
            key = ("notice", notice.event, notice.instance)
            if key in one.done:
                continue
            one.done.add(key)
            for trigger in triggers:
                if notice.event in trigger["triggerEvents"]:
                    _send(account, one.role, region, trigger, notice)


def _notices(one: Play, region: str, at: datetime) -> Iterator[Notice]:
    then = one.at(at)
    info = then.info
    id_, status = info["deploymentId"], info["status"]
    # Assumption: trigger-message
    title = f"AWS CodeDeploy {id_} in {region} to {info['applicationName']}"
    members = _deployment(info)
    if status in _OF_DEPLOYMENT:
        yield Notice(_OF_DEPLOYMENT[status], "", f"{status.upper()}: {title}", members)
    if at >= one.ended and "rollbackDeploymentId" in info.get("rollbackInfo", {}):
        # Assumption: trigger-rollback
        yield Notice("DeploymentRollback", "", f"ROLLED BACK: {title}", members)
    for name, answer in then.targets.items():
        target = answer["instanceTarget"]
        if event := _OF_INSTANCE.get(target["status"]):
            yield Notice(event, name, f"{target['status'].upper()}: {title}", _instance(id_, target))


def _deployment(info: Mapping[str, Any]) -> dict[str, Any]:
    names = ("applicationName", "deploymentId", "deploymentGroupName")
    members: dict[str, Any] = {name: info[name] for name in names}
    members |= {name: _seconds(info[name]) for name in ("createTime", "completeTime") if name in info}
    members["deploymentOverview"] = {name: str(count) for name, count in info["deploymentOverview"].items()}
    members["status"] = info["status"].upper()
    if error := info.get("errorInformation"):
        members["errorInformation"] = {"ErrorCode": error["code"], "ErrorMessage": error["message"]}
    return members


def _instance(id_: str, target: Mapping[str, Any]) -> dict[str, Any]:
    events = [
        {"LifecycleEvent": event["lifecycleEventName"], "LifecycleEventStatus": event["status"]}
        | {name: _seconds(event[member]) for name, member in _TIMES.items() if member in event}
        for event in target["lifecycleEvents"]
    ]
    return {
        "deploymentId": id_,
        "instanceId": target["targetArn"],
        "lastUpdatedAt": _seconds(target["lastUpdatedAt"]),
        "instanceStatus": target["status"],
        "lifecycleEvents": events,
    }


_TIMES = {"StartTime": "startTime", "EndTime": "endTime"}


def _seconds(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _send(account: Account, role: str, region: str, trigger: Mapping[str, Any], notice: Notice) -> None:
    """Publish a notice as the service role; where it may not, or the topic is not there, nothing comes of it."""
    topic = str(trigger["triggerTargetArn"])
    # Assumption: trigger-lost
    if wrong_with(account, region, role) or lacks(account, role, {"sns:Publish": topic}):
        return
    said = {"region": region, "accountId": ACCOUNT, "eventTriggerName": trigger["triggerName"]}
    message = json.dumps(said | notice.members)
    asked = {"TopicArn": topic, "Subject": notice.subject[:_LONGEST_SUBJECT], "Message": message}
    try:
        account.ask("sns", "Publish", region=region, **asked)
    except ApiError:
        return
