"""What CodeDeploy holds of the one deployment of every scenario, d-SHOPWEB01 of shop/web."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from codedeploy_sandbox.aftermath import mark
from codedeploy_sandbox.hosts.agent import EVENTS, FAILURES, derived
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.hosts.marks import marked
from codedeploy_sandbox.hosts.second import reported
from codedeploy_sandbox.outcomes import machine_of
from codedeploy_sandbox.plays import SERVER, STATUSES, play
from codedeploy_sandbox.scenarios.baseline import APPLICATION, BUCKET, GROUP, REVISION
from codedeploy_sandbox.scenarios.helpers import NODE, machine, session
from codedeploy_sandbox.state import REGION, Account, Deployment

DEPLOYMENT = "d-SHOPWEB01"
BEFORE = "d-SHOPWEB00"  # of the revision before, in the scenarios that have one
_PACE = timedelta(seconds=4)  # that an event takes


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
    info: dict[str, Any] = constant(begun) | {
        "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
        "status": status,
        "deploymentOverview": {name: statuses.count(name) for name in STATUSES},
    }
    info |= {"startTime": begun} if status not in ("Created", "Queued") else {}
    info |= {"errorInformation": error} if error else {}
    info |= (
        {"completeTime": account.clock.start - timedelta(minutes=15)}
        if status in ("Succeeded", "Failed", "Stopped")
        else {}
    )
    account.state(REGION).deployments[DEPLOYMENT] = Deployment(info | more, targets)


def played(account: Account, fails: str = "") -> None:
    """Let the deployment have failed on web-01, as `fails` in `hosts.agent.FAILURES` or its machine says.

    It went to one instance at a time, so that web-02 was skipped, and it left its marks on the host.
    """
    state, begun = account.state(REGION), account.clock.start - timedelta(minutes=75)
    arns = {name: state.instances[name].arn for name in ("web-01", "web-02")}
    node = machine_of(state, "web-01")
    failure = FAILURES[fails or (derived(node.machine) if node else "")]
    config = "CodeDeployDefault.OneAtATime"
    info = constant(begun) | {"deploymentId": DEPLOYMENT, "deploymentConfigName": config}
    on = node.machine if node else Machine("web-01")
    failures = {"web-01": reported(failure, on, info), "web-02": None}
    one = play(info, arns, failures, SERVER[config])
    one.settled = True
    state.deployments[DEPLOYMENT] = one
    mark(state, DEPLOYMENT, one, one.ended)


def after_a_success(account: Account) -> None:
    """Let another revision have been deployed to the group two days before, which CodeDeploy then names as the previous one."""
    deployments, begun = account.state(REGION).deployments, account.clock.start - timedelta(days=2)
    info = constant(begun)
    s3 = info["revision"]["s3Location"] | {"key": "web/1.4.1.zip"}
    info["revision"] = {"revisionType": "S3", "s3Location": s3}
    targets = {name: target(name, "Succeeded", {}) for name in ("web-01", "web-02")}
    ended = {"startTime": begun, "completeTime": begun + timedelta(minutes=2), "status": "Succeeded"}
    overview = {name: len(targets) if name == "Succeeded" else 0 for name in STATUSES}
    config = deployments[DEPLOYMENT].info["deploymentConfigName"]
    info |= ended | {"deploymentOverview": overview, "deploymentConfigName": config}
    for one in targets.values():
        one["instanceTarget"]["deploymentId"] = BEFORE
    deployments[BEFORE] = Deployment(info, targets)
    deployments[DEPLOYMENT].info["previousRevision"] = info["revision"]


def fails(account: Account, failure: str) -> None:
    """Let every deployment fail so on web-01, with the marks of the one that has, 20 minutes ago."""
    machine(account, fails=failure)
    nodes = account.state(REGION).nodes
    info = constant(account.clock.start) | {"deploymentId": DEPLOYMENT}
    how = reported(FAILURES[failure], nodes[NODE].machine, info)
    if how is None:
        raise ValueError(f"agent 2.x does not fail at {failure!r}")
    begun = account.clock.start - timedelta(minutes=20) - (EVENTS.index(how.event) + 1) * _PACE
    on = marked(nodes[NODE].machine, session("web-01"), DEPLOYMENT, how, begun, pace=_PACE)
    nodes[NODE] = replace(nodes[NODE], machine=on)


def failed(name: str, event: str, said: dict[str, str], at: datetime) -> dict[str, Any]:
    """A target that failed at ``event``, which ended then: those before it succeeded, those after it were skipped."""
    place = EVENTS.index(event)
    ends = [at - _PACE * (place - number) for number in range(place + 1)]
    events: dict[str, dict[str, Any]] = {
        one: {"status": "Succeeded", "startTime": end - _PACE, "endTime": end}
        for one, end in zip(EVENTS[:place], ends, strict=False)
    }
    events[event] = {"status": "Failed", "startTime": at - _PACE, "endTime": at, "diagnostics": said}
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


def constant(begun: datetime) -> dict[str, Any]:
    """The members of DeploymentInfo that are the same in every record."""
    return {
        "applicationName": APPLICATION,
        "deploymentGroupName": GROUP,
        "revision": {
            "revisionType": "S3",
            "s3Location": {"bucket": BUCKET, "key": REVISION, "bundleType": "zip"},
        },
        "createTime": begun,
        "creator": "user",
        "computePlatform": "Server",
    }
