"""What CloudTrail recorded, read with suspicion: one odd record must not hide the others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runbooks.aws.clients import USER_AGENT
from runbooks.aws.session import Aws

MOST_EVENTS = 2000  # newest first; LookupEvents gives 50 a page, and AWS allows 2 pages a second


@dataclass(frozen=True)
class Event:
    """What CloudTrail recorded of one call. "" stands for what the record does not say."""

    at: datetime
    operation: str
    caller: str  # an ARN where the record has one
    client: str  # the user agent without its platform: "Boto3/1.40.45"
    source: str
    error: str
    parameters: Mapping[str, Any] | None  # None: not recorded
    ours: bool  # sent by this guide

    def parameter(self, name: str) -> str | None:
        """A parameter of the call; None where the record does not have it as text."""
        value = (self.parameters or {}).get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class Trail:
    """The events of one operation, newest first; how many could not be read; whether there were more than were read."""

    events: tuple[Event, ...]
    unreadable: int
    cut: bool


def trail(aws: Aws, operation: str, hours: float) -> Trail:
    """What CloudTrail recorded of one CodeDeploy operation in the last hours, up to `MOST_EVENTS` calls."""
    # To the minute, so that several checks ask for the same.
    start = (aws.now() - timedelta(hours=hours)).replace(second=0, microsecond=0)
    found = aws.read_all(
        "cloudtrail:LookupEvents",
        "Events",
        most=MOST_EVENTS,
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}],
        StartTime=start,
    )
    events = [_event(record.get("CloudTrailEvent")) for record in found]
    read = tuple(event for event in events if event)
    return Trail(read, len(events) - len(read), len(found) == MOST_EVENTS)


def _event(text: Any) -> Event | None:
    """One record as an event; None where it cannot be read as one."""
    try:
        record = json.loads(text)
        at = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
        return Event(
            at=at,
            operation=str(record["eventName"]),
            caller=_caller(record.get("userIdentity") or {}),
            client=str(record.get("userAgent") or "an unnamed client").partition(" ")[0],
            source=str(record.get("sourceIPAddress") or "an unknown address"),
            error=str(record.get("errorCode") or ""),
            parameters=_mapping(record.get("requestParameters")),
            ours=USER_AGENT in str(record.get("userAgent")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _caller(identity: Mapping[str, Any]) -> str:
    return str(
        identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "an unnamed caller"
    )


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None
