"""What CodeDeploy holds of the one deployment of every scenario, d-SHOPWEB01 of shop/web."""

from datetime import datetime, timedelta
from typing import Any

from codedeploy_sandbox.hosts.agent import EVENTS
from codedeploy_sandbox.plays import STATUSES
from codedeploy_sandbox.scenarios.baseline import APPLICATION, BUCKET, GROUP, REVISION
from codedeploy_sandbox.state import REGION, Account, Deployment

DEPLOYMENT = "d-SHOPWEB01"


def put(
    account: Account,
    status: str,
    targets: dict[str, dict[str, Any]],
    error: dict[str, str] | None,
    **more: Any,
) -> None:
    """Let the deployment of shop/web have this status, these targets by id, this error, and what else DeploymentInfo holds."""
    begun = account.clock.start - timedelta(minutes=75)
    statuses = [target["instanceTarget"]["status"] for target in targets.values()]
    info: dict[str, Any] = {
        "applicationName": APPLICATION,
        "deploymentGroupName": GROUP,
        "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
        "revision": {
            "revisionType": "S3",
            "s3Location": {"bucket": BUCKET, "key": REVISION, "bundleType": "zip"},
        },
        "status": status,
        "createTime": begun,
        "startTime": begun,
        "creator": "user",
        "computePlatform": "Server",
        "deploymentOverview": {name: statuses.count(name) for name in STATUSES},
    }
    info |= {"errorInformation": error} if error else {}
    info |= (
        {"completeTime": account.clock.start - timedelta(minutes=15)}
        if status in ("Succeeded", "Failed", "Stopped")
        else {}
    )
    account.state(REGION).deployments[DEPLOYMENT] = Deployment(info | more, targets)


def failed(name: str, event: str, said: dict[str, str], at: datetime) -> dict[str, Any]:
    """A target that failed at ``event``: those before it succeeded, those after it were skipped."""
    place = EVENTS.index(event)
    done = {"status": "Succeeded", "startTime": at, "endTime": at}
    events: dict[str, dict[str, Any]] = {one: dict(done) for one in EVENTS[:place]}
    events[event] = {"status": "Failed", "startTime": at, "endTime": at, "diagnostics": said}
    events |= {one: {"status": "Skipped"} for one in EVENTS[place + 1 :]}
    return target(name, "Failed", events)


def target(name: str, status: str, events: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An instance as a target, with its lifecycle events by name."""
    return {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {
            "deploymentId": DEPLOYMENT,
            "targetId": name,
            "status": status,
            "lifecycleEvents": [{"lifecycleEventName": event, **more} for event, more in events.items()],
        },
    }
