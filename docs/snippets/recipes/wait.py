"""Wait for a deployment to end, and say why it failed."""

import time


class DeploymentFailed(Exception):
    """A deployment ended otherwise than it should; the text says why."""


def wait(codedeploy, deployment, seconds=3600, pause=15):
    """Return when it succeeded. DeploymentFailed; TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        answer = codedeploy.get_deployment(deploymentId=deployment)
        info = answer["deploymentInfo"]
        if info["status"] == "Succeeded":
            return
        if info["status"] in ("Failed", "Stopped"):
            raise DeploymentFailed("\n".join(causes(codedeploy, info)))
        if time.monotonic() >= end:
            raise TimeoutError(f"{deployment} is {info['status']}")
        time.sleep(pause)


def causes(codedeploy, info):
    """The error of a deployment, and the failed event of its targets."""
    deployment, error = info["deploymentId"], info.get("errorInformation", {})
    yield f"{deployment} {info['status']}: {error.get('code')}"
    yield f"{error.get('message')}"
    answer = codedeploy.list_deployment_targets(
        deploymentId=deployment,
        targetFilters={"TargetStatus": ["Failed"]},
    )
    ids = answer.get("targetIds")
    if not ids:
        return
    answer = codedeploy.batch_get_deployment_targets(
        deploymentId=deployment,
        targetIds=ids[:25],
    )
    for target in answer["deploymentTargets"]:
        for each in target.values():  # instanceTarget, ecsTarget, ...
            if isinstance(each, dict):
                yield from failed_events(each)


def failed_events(target):
    for event in target.get("lifecycleEvents", []):
        if event["status"] == "Failed":
            said = event.get("diagnostics", {})
            where = f"{target['targetId']}: {event['lifecycleEventName']}"
            yield f"{where}: {said.get('errorCode')}: {said.get('message')}"
