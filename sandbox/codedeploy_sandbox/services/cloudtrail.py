"""CloudTrail's Event history: a filter over the journal of calls."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from botocore.model import ListShape, MapShape, Shape, StructureShape

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import ACCOUNT, Call

PAGE = 50
# Calls to these services are management events, which Event history holds; S3 objects and the like are data events.
MANAGEMENT = frozenset({"cloudtrail", "codedeploy", "ec2", "iam", "ssm", "sts"})
_READS = ("Assume", "BatchGet", "Describe", "Get", "List", "Lookup", "Search", "Simulate")
_EVENT_IDS = UUID("6f1d3c1e-3f0a-4d0e-9a53-54b1d2a0c7f4")  # any constant will do
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def LookupEvents(
    call: Call,
    *,
    LookupAttributes: list[dict[str, str]] | None = None,
    StartTime: datetime | None = None,
    EndTime: datetime | None = None,
    EventCategory: str | None = None,
    MaxResults: int = PAGE,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The calls of this Region that fit one attribute and a span of time, newest first."""
    if len(LookupAttributes or []) > 1:
        raise ApiError("InvalidLookupAttributesException", "only one lookup attribute can be given")
    if StartTime and EndTime and StartTime > EndTime:
        raise ApiError("InvalidTimeRangeException", "StartTime is later than EndTime")
    question = (call.operation, call.region, LookupAttributes, StartTime, EndTime, EventCategory)
    # The journal grows while the pages are read; a token holds how long it was, so that no event is seen twice.
    length, start = _position(NextToken, question) or (len(call.account.journal), 0)
    found = [
        seen
        for seen in call.account.journal[:length]
        if seen.region == call.region
        and not seen.fault  # Assumption: trail-faults
        and seen.service in MANAGEMENT
        and not EventCategory  # the one category that can be asked for is insight, and there are none
        and (StartTime is None or seen.at >= StartTime)
        and (EndTime is None or seen.at <= EndTime)
        and all(
            _attribute(seen, item["AttributeKey"]) == item["AttributeValue"]
            for item in LookupAttributes or []
        )
    ]
    # Assumption: trail-at-once
    found.sort(key=lambda seen: seen.at, reverse=True)
    end = start + MaxResults
    return {
        "Events": [_event(seen) for seen in found[start:end]],
        "NextToken": tokens.seal([length, end], *question) if end < len(found) else None,
    }


def record(seen: Call) -> dict[str, Any]:
    """The event that CloudTrail would have written for a call."""
    failure = {"errorCode": seen.error.code, "errorMessage": seen.error.message} if seen.error else {}
    return {
        "eventVersion": "1.11",
        "userIdentity": _identity(seen),
        "eventTime": _iso(seen.at),
        "eventSource": f"{seen.service}.amazonaws.com",
        "eventName": seen.operation,
        "awsRegion": seen.region,
        "sourceIPAddress": seen.source_ip,
        "userAgent": seen.user_agent,
        **failure,
        # Assumption: trail-parameters
        "requestParameters": _parameters(seen),
        # Assumption: trail-response
        "responseElements": None,
        "requestID": seen.request_id,
        "eventID": event_id(seen),
        "readOnly": read_only(seen),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def event_id(seen: Call) -> str:
    """The id of the event of a call."""
    return str(uuid5(_EVENT_IDS, seen.request_id))


def read_only(seen: Call) -> bool:
    """Whether the operation reads, by its name."""
    # Assumption: trail-read-only
    return seen.operation.startswith(_READS)


def _event(seen: Call) -> dict[str, Any]:
    return {
        "EventId": event_id(seen),
        "EventName": seen.operation,
        "ReadOnly": json.dumps(read_only(seen)),
        "AccessKeyId": seen.caller.access_key,
        "EventTime": seen.at.replace(microsecond=0),
        "EventSource": f"{seen.service}.amazonaws.com",
        "Username": seen.caller.name,
        "Resources": [],
        "CloudTrailEvent": json.dumps(record(seen)),
    }


def _attribute(seen: Call, key: str) -> str | None:
    value = _event(seen).get(key)  # ResourceType and ResourceName find nothing: our events name no resources
    return str(value) if value is not None else None


def _identity(seen: Call) -> dict[str, Any]:
    caller = seen.caller
    common = {
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": ACCOUNT,
        "accessKeyId": caller.access_key,
    }
    if caller.kind != "assumed-role":
        return {"type": "IAMUser", **common, "userName": caller.name}
    issuer = {
        "type": "Role",
        "principalId": caller.issuer_id,
        "arn": caller.issuer,
        "accountId": ACCOUNT,
        "userName": caller.issuer.rpartition("/")[2],
    }
    return {"type": "AssumedRole", **common, "sessionContext": {"sessionIssuer": issuer}}


def _parameters(seen: Call) -> Any:
    model = models.operation(seen.service, seen.operation)
    if not seen.parameters or not model or not model.input_shape:
        return None
    return _shown(model.input_shape, seen.parameters)


def _shown(shape: Shape, value: Any) -> Any:
    """Parameters as CloudTrail shows them: names in lower camel case, times as text, secrets hidden."""
    if shape.metadata.get("sensitive"):
        return _HIDDEN
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        return {name[0].lower() + name[1:]: _shown(shape.members[name], item) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [_shown(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shown(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return _iso(value)
    return _HIDDEN if isinstance(value, bytes) else value


def _position(token: str | None, question: tuple[Any, ...]) -> tuple[int, int] | None:
    if token is None:
        return None
    try:
        length, start = tokens.unseal(token, *question)
    except ValueError as error:
        raise ApiError("InvalidNextTokenException", f"NextToken is {error}") from None
    return length, start


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
