"""Facts that several checks ask for."""

import json
from datetime import timedelta
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.session import USER_AGENT
from runbooks.engine import Question


def registration(aws: Aws, question: Question) -> dict[str, Any] | Refusal:
    """What CodeDeploy holds under the instance's name (GetOnPremisesInstance's instanceInfo).

    A `Refusal` with InstanceNotRegisteredException when it holds nothing. Whether a deregistered name is
    answered with its data or with that refusal is not known of AWS, so both are possible.
    """
    info: dict[str, Any] | Refusal = aws.read(
        "codedeploy:GetOnPremisesInstance",
        "instanceInfo",
        expecting=("InstanceNotRegisteredException",),
        instanceName=question.instance,
    )
    return info


def registered_arn(aws: Aws, question: Question) -> str:
    """The ARN that the instance is registered with; "" when it is not registered or was deregistered."""
    info = registration(aws, question)
    if isinstance(info, Refusal) or info.get("deregisterTime"):
        return ""
    return str(info.get("iamSessionArn") or info.get("iamUserArn") or "")


MOST_EVENTS = 2000  # newest first; LookupEvents gives 50 a page, and AWS allows 2 pages a second


def events(aws: Aws, operation: str, hours: float) -> tuple[list[dict[str, Any]], bool]:
    """The CloudTrail records of one CodeDeploy operation in the last hours, newest first; and whether there
    were more than `MOST_EVENTS`. The guide's own calls are left out.
    """
    found = aws.read_all(
        "cloudtrail:LookupEvents",
        "Events",
        most=MOST_EVENTS,
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}],
        StartTime=aws.now() - timedelta(hours=hours),
    )
    records: list[dict[str, Any]] = [json.loads(event["CloudTrailEvent"]) for event in found]
    foreign = [record for record in records if USER_AGENT not in record.get("userAgent", "")]
    return foreign, len(found) == MOST_EVENTS


def caller(event: dict[str, Any]) -> str:
    """Who made a recorded call: an ARN where the record has one."""
    identity = event.get("userIdentity", {})
    return str(identity.get("arn") or identity.get("invokedBy") or identity.get("type", "an unnamed caller"))
