"""Deployments to the instances of a deployment group: how one begins, and which a group has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from codedeploy_sandbox.bluegreen import blue_green, plan
from codedeploy_sandbox.copying import needed
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENTS
from codedeploy_sandbox.outcomes import Outcomes, fetched
from codedeploy_sandbox.plays import Play, Zone, may_be_out, minimum_of, play
from codedeploy_sandbox.preconditions import unmet, watched
from codedeploy_sandbox.selection import of_ec2, replacement, scaled, selected, zones_of
from codedeploy_sandbox.state import Account, Deployment, RegionState

IN_PLACE = {
    "deploymentType": "IN_PLACE",
    "deploymentOption": "WITHOUT_TRAFFIC_CONTROL",
}  # where a group says nothing
BALANCED = "WITH_TRAFFIC_CONTROL"


def begin(
    account: Account, region: str, group: Mapping[str, Any], info: Mapping[str, Any], reuses: str = ""
) -> Play:
    """Begin a deployment to the instances that the group (DeploymentGroupInfo) selects; `info` says what and when.

    `reuses` is the deployment whose copy of the revision a restart may take.
    """
    state = account.state(region)
    minimum = minimum_of(state, info["deploymentConfigName"]) or {}
    gone, files = fetched(account, region, info["revision"])
    outcomes = Outcomes(account, region, info, gone, reuses)
    style = info["deploymentStyle"]
    blue_or_green, balances = style["deploymentType"] == "BLUE_GREEN", style["deploymentOption"] == BALANCED
    suspends = {} if blue_or_green else _suspended(group, info)
    copy = needed(account, region, group, info) if blue_or_green else {}
    error = (_unfit(group) if blue_or_green else None) or unmet(
        account, region, group, balanced=balances, suspends=bool(suspends), copy=copy
    )
    if blue_or_green:
        # what a copy needs is not there, so none is made
        green = {} if error and copy else replacement(account, state, group, info)
        blue = {name: arn for name, arn in of_ec2(account, state, group).items() if name not in green}
        options = plan(
            group.get("blueGreenDeploymentConfiguration") or {},
            {name: outcomes.at(name, ALLOW) for name in green},
            {name: outcomes.at(name, BLOCK) for name in blue},
            minimum,
        )
        failing = {name: outcomes.at(name, EVENTS) for name in green}
        begun: Play = blue_green(info, blue | green, failing, files, options)
    else:
        arns = selected(account, state, group)
        if info.get("updateOutdatedInstancesOnly"):  # Assumption: outdated
            current = _current(state, info)
            arns = {name: arn for name, arn in arns.items() if current.get(name) != info["revision"]}
        balanced = bool(group.get("loadBalancerInfo")) and balances
        # Assumption: on-premises-traffic
        events = {name: (*BLOCK, *EVENTS, *ALLOW) for name in arns if balanced and name.startswith("i-")}
        failing = {name: outcomes.at(name, events.get(name, EVENTS)) for name in arns}
        begun = play(info, arns, failing, minimum, files, events, _zones(account, state, info, arns))
    begun.reuses, begun.role, begun.alarms = reuses, group["serviceRoleArn"], watched(info, group)
    begun.suspends = suspends
    if error:
        begun.refuse(error)
    state.deployments[info["deploymentId"]] = begun
    return begun


def _zones(
    account: Account, state: RegionState, info: Mapping[str, Any], arns: Mapping[str, str]
) -> list[Zone]:
    """The zones of the targets in their order, by a zonal configuration; none without one."""
    config = state.configurations.get(info["deploymentConfigName"], {}).get("zonalConfig")
    if config is None:
        return []
    # Assumption: zone-order
    where = zones_of(account, state.region, [name for name in arns if name.startswith("i-")])
    names = sorted({where.get(name, "") for name in arns}, key=lambda zone: (not zone, zone))
    minimum = config.get("minimumHealthyHostsPerZone") or {"type": "FLEET_PERCENT", "value": 0}
    later = config.get("monitorDurationInSeconds", 0)
    first = config.get("firstZoneMonitorDurationInSeconds", later)
    rows = []
    for number, zone in enumerate(names):
        there = tuple(name for name in arns if where.get(name, "") == zone)
        bakes = timedelta(seconds=later if number else first)
        rows.append(Zone(there, may_be_out(minimum, len(there)), bakes))
    return rows


def _suspended(group: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, list[str]]:
    """The processes that a deployment in place suspends, by Auto Scaling group."""
    wanted = (info.get("ec2DeploymentOptions") or {}).get("autoScalingGroupProcessesToSuspend") or []
    return {name: list(wanted) for name in scaled(group)} if wanted else {}


def _unfit(group: Mapping[str, Any]) -> dict[str, str] | None:
    """The error of a blue/green deployment of a group that is not set up for one."""
    # Assumption: blue-green-unfit
    for member, code, text in (
        (
            "blueGreenDeploymentConfiguration",
            "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION",
            "blue/green configuration",
        ),
        ("loadBalancerInfo", "MISSING_ELB_INFORMATION", "load balancer"),
    ):
        if not group.get(member):
            return {"code": code, "message": f"The deployment group has no {text} [sandbox]."}
    return None


def _current(state: RegionState, info: Mapping[str, Any]) -> dict[str, Any]:
    """The revision that each instance got last, by the deployments of the group."""
    found: dict[str, Any] = {}
    for one in of_group(state, info["applicationName"], info["deploymentGroupName"], info["createTime"]):
        for name, target in one.targets.items():
            if target["instanceTarget"]["status"] == "Succeeded":
                found.setdefault(name, one.info.get("revision"))
    return found


def described(state: RegionState, application: str, name: str, now: datetime) -> dict[str, Any]:
    """What CodeDeploy answers of a group (DeploymentGroupInfo). Raises ApiError for one that is not there."""
    said = state.group(application, name)
    # Assumption: target-revision
    deployments = of_group(state, application, name, now)
    found: dict[str, Any] = {}
    if deployments and deployments[0].info.get("revision"):
        found["targetRevision"] = deployments[0].info["revision"]
    good = [one for one in deployments if one.info["status"] == "Succeeded"]
    last = {"lastAttemptedDeployment": deployments[:1], "lastSuccessfulDeployment": good[:1]}
    return found | {member: _last(ones[0]) for member, ones in last.items() if ones} | said


def rename(state: RegionState, old: tuple[str, str], new: tuple[str, str]) -> None:
    """Give a group, of an application, other names: with its deployments and its tags."""
    # Assumption: rename
    names = {"applicationName": new[0], "deploymentGroupName": new[1]}
    state.groups["/".join(new)] = state.groups.pop("/".join(old)) | names
    state.tags[state.arn(*new)] = state.tags.pop(state.arn(*old), {})
    for one in state.deployments.values():
        if (one.info.get("applicationName"), one.info.get("deploymentGroupName")) == old:
            one.info.update(names)


def _last(deployment: Deployment) -> dict[str, Any]:
    """A deployment as its group names it (LastDeploymentInfo)."""
    members = {
        "deploymentId": "deploymentId",
        "status": "status",
        "createTime": "createTime",
        "completeTime": "endTime",
    }
    return {name: deployment.info[member] for member, name in members.items() if member in deployment.info}


def new_id(seed: str) -> str:
    """The id of a deployment: d- and nine letters or digits, the same for the same seed."""
    number = int.from_bytes(sha256(seed.encode()).digest()[:8])
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "d-" + "".join(letters[number // 36**place % 36] for place in range(9))


def of_group(state: RegionState, application: str, group: str, now: datetime) -> list[Deployment]:
    """The deployments of a group as they are now, with their ids, the newest first."""
    wanted = (application, group)
    then = {id_: one.at(now) for id_, one in state.deployments.items()}
    found = [Deployment({"deploymentId": id_, **one.info}, one.targets) for id_, one in then.items()]
    found = [
        one
        for one in found
        if (one.info.get("applicationName"), one.info.get("deploymentGroupName")) == wanted
    ]
    return sorted(found, key=lambda one: one.info["createTime"], reverse=True)
