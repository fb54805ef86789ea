"""EC2 Auto Scaling's record of what its groups did, which moto does not keep; all else of the service is moto's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call

PAGE = 100  # the model's most and default


def DescribeScalingActivities(
    call: Call,
    *,
    ActivityIds: Sequence[str] = (),
    AutoScalingGroupName: str = "",
    IncludeDeletedGroups: bool = False,
    IncludeManagedResources: bool = True,
    MaxRecords: int = PAGE,
    NextToken: str | None = None,
    Filters: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The activities of a group, or of all, that pass every filter; the newest first."""
    kept = call.state.activities
    rows = (
        kept.get(AutoScalingGroupName, [])
        if AutoScalingGroupName
        else [row for rows in kept.values() for row in rows]
    )
    found = [
        row
        for row in rows
        if (not ActivityIds or row["ActivityId"] in ActivityIds)
        and all(_passes(row, one["Name"], one["Values"]) for one in Filters)
    ]
    asked = (call.operation, AutoScalingGroupName, list(ActivityIds), list(Filters))
    try:
        start = int(tokens.unseal(NextToken, *asked)) if NextToken else 0
    except ValueError as error:
        raise ApiError("InvalidNextToken", f"NextToken is {error}") from None
    end = start + min(MaxRecords, PAGE)
    more = {"NextToken": tokens.seal(end, *asked)} if end < len(found) else {}
    return {"Activities": found[start:end], **more}


def _passes(row: dict[str, Any], name: str, values: Sequence[str]) -> bool:
    if name == "Status":
        return row["StatusCode"] in values
    if name not in ("StartTimeLowerBound", "StartTimeUpperBound"):
        raise ApiError("ValidationError", f"{name} is not a filter of DescribeScalingActivities")
    bounds = [_time(value) for value in values]
    if name == "StartTimeLowerBound":
        return any(row["StartTime"] >= bound for bound in bounds)
    return any(row["StartTime"] <= bound for bound in bounds)


def _time(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
