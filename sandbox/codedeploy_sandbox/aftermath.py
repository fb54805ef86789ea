"""What follows from a deployment: marks on its hosts, rollbacks, and what becomes of the fleets of a blue/green one."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from codedeploy_sandbox.bluegreen import BLUE, GREEN, BlueGreen
from codedeploy_sandbox.deploying import begin, new_id
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENT, GROUP
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.hosts.marks import marked
from codedeploy_sandbox.outcomes import machine_of
from codedeploy_sandbox.plays import Play, courses
from codedeploy_sandbox.scaling import hooked
from codedeploy_sandbox.selection import as_group, copies, copy_of, of_ec2, scaled
from codedeploy_sandbox.state import Account, RegionState


def settle(account: Account, region: str, now: datetime) -> None:
    """Let what follows from the deployments until this time happen."""
    state = account.state(region)
    for id_, one in list(state.deployments.items()):
        if isinstance(one, Play) and not one.settled:
            mark(state, id_, one, now)
            if now >= one.ended:
                one.settled = True
                if one.status(one.ended) != "Succeeded":
                    _roll_back(account, region, id_, one)
                elif isinstance(one, BlueGreen):
                    _hand_over(account, region, one)


def mark(state: RegionState, id_: str, one: Play, now: datetime) -> None:
    """Leave on the hosts what a deployment has left there until this time."""
    for name in one.arns:
        for leg in one.legs(name):
            node, instance, course = machine_of(state, name), state.instances.get(name), leg.course
            if not node or not course or course.ended > min(now, one.ended) or (name, leg) in one.marked:
                continue
            one.marked.add((name, leg))
            files = one.files or _copy(node.machine, one.reuses)
            arn = instance.iam_arn if instance else one.arns[name]
            machine = marked(
                node.machine, arn, id_, course.failure, course.begun, files=files, events=leg.events
            )
            state.nodes[node.id] = replace(node, machine=machine)


def _copy(machine: Machine, deployment: str) -> dict[str, str]:
    """The revision of a deployment as it lies on a machine."""
    place = f"{DEPLOYMENTS}/{GROUP}/{deployment}/deployment-archive/"
    return {path.removeprefix(place): text for path, text in machine.others if path.startswith(place)}


def _hand_over(account: Account, region: str, one: BlueGreen) -> None:
    """End the original fleet where the deployment does so, and let the group select the replacement fleet."""
    state, info = account.state(region), one.info
    named = (info["applicationName"], info["deploymentGroupName"])
    group = state.groups.get("/".join(named))
    if group is None:  # it was deleted since
        return
    if one.plan.keeps is not None:
        blue = [name for name, label in one.labels.items() if label == BLUE]
        if copies(group):
            for name in scaled(group):
                ends = {"AutoScalingGroupName": name, "ForceDelete": True}
                account.ask("autoscaling", "DeleteAutoScalingGroup", region=region, **ends)
        there = of_ec2(account, state, group)
        if left := [name for name in blue if name in there]:
            account.ask("ec2", "TerminateInstances", region=region, InstanceIds=left)
        for name in blue:
            state.nodes.pop(name, None)
    # Assumption: green-fleet-next
    wanted = as_group(info.get("targetInstances") or {"autoScalingGroups": [copy_of(info)]})
    wanted["autoScalingGroups"] = hooked(account, region, *named, scaled(wanted))
    group.update(wanted)


def _roll_back(account: Account, region: str, id_: str, failed: Play) -> None:
    """Deploy the last revision that succeeded, or reroute traffic back, where the deployment or its group asks for it."""
    info = failed.info
    asked = info.get("autoRollbackConfiguration") or {}
    event = "DEPLOYMENT_STOP_ON_REQUEST" if failed.stopped else "DEPLOYMENT_FAILURE"
    if not asked.get("enabled") or event not in asked.get("events", ()):
        return
    # Assumption: rollback
    revision = info.get("previousRevision")
    moved = isinstance(failed, BlueGreen) and failed.rerouted is not None and failed.rerouted < failed.ended
    group = account.state(region).groups.get(f"{info['applicationName']}/{info['deploymentGroupName']}")
    if (
        group is None
        or info["creator"] == "codeDeployRollback"
        or not (moved or (revision and not isinstance(failed, BlueGreen)))
    ):
        return
    new = new_id(f"rollback of {id_}")
    message = f"Deployment {id_} is being rolled back by the deployment {new}."
    failed.info["rollbackInfo"] = {"rollbackDeploymentId": new, "rollbackMessage": message}
    kept = (
        *("applicationName", "deploymentGroupName", "deploymentConfigName", "computePlatform"),
        *("deploymentStyle", "fileExistsBehavior", "ignoreApplicationStopFailures", "previousRevision"),
    )
    more = {
        **{name: info[name] for name in kept if name in info},
        "deploymentId": new,
        "revision": revision or info["revision"],
        "createTime": failed.ended,
        "creator": "codeDeployRollback",
        "rollbackInfo": {"rollbackTriggeringDeploymentId": id_, "rollbackMessage": message},
    }
    if isinstance(failed, BlueGreen):
        account.state(region).deployments[new] = _restoring(failed, more)
    else:
        begin(account, region, group, more)


def _restoring(failed: BlueGreen, info: dict[str, Any]) -> Play:
    """The rollback of a blue/green deployment: the original fleet gets traffic again, and then the other none."""
    blue, green = (
        [name for name, label in failed.labels.items() if label == which] for which in (BLUE, GREEN)
    )
    begun = failed.ended + EVENT
    events: dict[str, tuple[str, ...]] = {name: ALLOW if name in blue else BLOCK for name in (*blue, *green)}
    allowed, _ = courses(dict.fromkeys(blue), begun, len(blue), events)
    begins = max((one.ended for one in allowed.values()), default=begun)
    blocked, _ = courses(dict.fromkeys(green), begins, len(green), events)
    return Play(
        info, arns=failed.arns, labels=failed.labels, events=events, courses=allowed | blocked, begun=begun
    )
