"""Elastic Load Balancing's health of targets: moto's, with what a scenario says of one; all else of the service is moto's."""

from collections.abc import Sequence
from typing import Any

from codedeploy_sandbox.state import Call


def DescribeTargetHealth(
    call: Call, *, TargetGroupArn: str, Targets: Sequence[dict[str, Any]] = (), Include: Sequence[str] = ()
) -> dict[str, Any]:
    """The health of these targets, or of all that are registered."""
    more = {"Targets": list(Targets)} if Targets else {}
    answer = call.account.ask(
        "elbv2", "DescribeTargetHealth", region=call.region, TargetGroupArn=TargetGroupArn, **more
    )
    rows = answer["TargetHealthDescriptions"]
    # Assumption: target-health
    said = call.state.health
    return {
        "TargetHealthDescriptions": [
            row | {"TargetHealth": said[row["Target"]["Id"]]} if row["Target"]["Id"] in said else row
            for row in rows
        ]
    }
