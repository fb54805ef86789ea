"""What follows from a deployment: marks on its hosts, notices, rollbacks, and what becomes of the fleets of a blue/green one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from codedeploy_sandbox.bluegreen import BLUE, GREEN, BlueGreen
from codedeploy_sandbox.copying import may_end
from codedeploy_sandbox.deploying import begin, new_id
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENT, GROUP
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.hosts.marks import marked
from codedeploy_sandbox.outcomes import machine_of
from codedeploy_sandbox.plays import Cut, Play, courses
from codedeploy_sandbox.preconditions import alarmed
from codedeploy_sandbox.scaling import hooked
from codedeploy_sandbox.selection import as_group, copies, copy_of, of_ec2, scaled
from codedeploy_sandbox.state import Account, RegionState
from codedeploy_sandbox.traffic import allow, block
from codedeploy_sandbox.triggers import publish


def settle(account: Account, region: str, now: datetime) -> None:
    """Let what follows from the deployments until this time happen."""
    state = account.state(region)
    for id_, one in list(state.deployments.items()):
        if isinstance(one, Play) and not one.settled:
            _cut_short(account, region, one, now)
            _suspend(account, region, one, now)
            _shift(account, region, one, now)
            mark(state, id_, one, now)
            triggers = (_group_of(state, one.info) or {}).get("triggerConfigurations") or []
            if now >= one.ended:
                one.settled = True
                _resume(account, region, one)
                if one.status(one.ended) != "Succeeded":
                    _roll_back(account, region, id_, one)
                elif isinstance(one, BlueGreen):
                    _hand_over(account, region, one)
            publish(account, region, one, triggers, now)


def is_settled(account: Account, region: str) -> bool:
    """Whether nothing follows any more from the deployments of a Region."""
    state = account.regions.get(region)
    return not state or all(one.settled for one in state.deployments.values() if isinstance(one, Play))


def _cut_short(account: Account, region: str, one: Play, now: datetime) -> None:
    """End a deployment whose group is gone, or whose alarms stop it."""
    if now >= one.ended or one.cut:
        return
    at, info, state = max(now, one.begun), one.info, account.state(region)
    # Assumption: group-deleted
    missing = "" if info["applicationName"] in state.applications else "APPLICATION"
    missing = missing or ("" if _group_of(state, info) else "DEPLOYMENT_GROUP")
    if missing:
        text = f"The {missing.replace('_', ' ').lower()} was deleted [sandbox]."
        one.cut = Cut(at, "Failed", {"code": f"{missing}_MISSING", "message": text}, "DEPLOYMENT_FAILURE")
    elif error := alarmed(account, region, one.role, one.alarms):
        one.cut = Cut(at, "Stopped", error, "DEPLOYMENT_STOP_ON_ALARM")


def _group_of(state: RegionState, info: Mapping[str, Any]) -> dict[str, Any] | None:
    return state.groups.get(f"{info['applicationName']}/{info['deploymentGroupName']}")


def _suspend(account: Account, region: str, one: Play, now: datetime) -> None:
    """Suspend the Auto Scaling processes that the deployment wants suspended, once it begins; keep which it did."""
    if not one.suspends or now < one.begun or (one.error and not one.courses) or ("suspend",) in one.done:
        return
    one.done.add(("suspend",))
    asked = {"AutoScalingGroupNames": list(one.suspends)}
    answer = account.ask("autoscaling", "DescribeAutoScalingGroups", region=region, **asked)
    for group in answer["AutoScalingGroups"]:
        name, before = (
            group["AutoScalingGroupName"],
            {row["ProcessName"] for row in group["SuspendedProcesses"]},
        )
        # Assumption: processes-resumed
        one.suspends[name] = [process for process in one.suspends[name] if process not in before]
        _processes(account, region, "SuspendProcesses", name, one.suspends[name])


def _resume(account: Account, region: str, one: Play) -> None:
    if ("suspend",) in one.done:
        for name, processes in one.suspends.items():
            _processes(account, region, "ResumeProcesses", name, processes)


def _processes(account: Account, region: str, operation: str, name: str, processes: list[str]) -> None:
    if processes:  # an empty list would be all of them
        named = {"AutoScalingGroupName": name, "ScalingProcesses": processes}
        account.ask("autoscaling", operation, region=region, **named)


_AT_BALANCER = {"BlockTraffic": block, "AllowTraffic": allow}


def _shift(account: Account, region: str, one: Play, now: datetime) -> None:
    """Take instances out of the load balancers, and register them, when the events of that begin."""
    due = [
        (begins, name, event)
        for name in one.arns
        for leg in one.legs(name)
        if leg.course
        for event, begins in leg.course.begins()
        if event in _AT_BALANCER and begins <= min(now, one.ended) and (name, event) not in one.done
    ]
    for _, name, event in sorted(due):
        one.done.add((name, event))
        _AT_BALANCER[event](account, region, one.info, name)


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
    named, group = (info["applicationName"], info["deploymentGroupName"]), _group_of(state, info)
    if group is None:  # it was deleted since
        return
    if one.plan.keeps is not None and may_end(account, region, one.role, group):
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
    event = failed.cut.event if failed.cut else "DEPLOYMENT_FAILURE"
    if not asked.get("enabled") or event not in asked.get("events", ()):
        return
    # Assumption: rollback
    revision = info.get("previousRevision")
    moved = isinstance(failed, BlueGreen) and failed.rerouted is not None and failed.rerouted < failed.ended
    group = _group_of(account.state(region), info)
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
        *("loadBalancerInfo", "overrideAlarmConfiguration"),
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
        begin(account, region, group, more).alarms = {}  # Assumption: rollback


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
