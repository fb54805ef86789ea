"""CodeDeploy's hooks on Auto Scaling groups."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.service_role import lacks, wrong_with
from codedeploy_sandbox.state import Account

# Assumption: launch-hook
_KINDS = {"hook": ("launch", "LAUNCHING"), "terminationHook": ("termination", "TERMINATING")}


def hook_of(application: str, group: str, scaling: str, kind: str = "hook") -> str:
    """The name of the hook by which CodeDeploy deploys to what an Auto Scaling group launches, or terminates."""
    # Assumption: launch-hook
    seed = f"{application}/{group} {scaling}" + ("" if kind == "hook" else f" {kind}")
    unique = UUID(bytes=sha256(seed.encode()).digest()[:16], version=4)
    return f"CodeDeploy-managed-automatic-{_KINDS[kind][0]}-deployment-hook-{group}-{unique}"


def hooked(
    account: Account, region: str, application: str, group: str, names: Iterable[str], *, ends: bool = False
) -> list[dict[str, str]]:
    """Put the hooks of a deployment group on Auto Scaling groups, and give them as its DeploymentGroupInfo has them.

    `ends`: a hook for instances that are terminated, too.
    """
    kinds = ("hook", "terminationHook") if ends else ("hook",)
    rows = [
        {"name": name, **{kind: hook_of(application, group, name, kind) for kind in kinds}} for name in names
    ]
    for row in rows:
        for kind in kinds:
            put_hook(account.ask, region, row["name"], row[kind], kind)
    return rows


def put_hook(ask: Ask, region: str, scaling: str, hook: str, kind: str = "hook") -> None:
    """Put a hook on an Auto Scaling group that holds each instance that it launches, or terminates."""
    asked = {"LifecycleTransition": f"autoscaling:EC2_INSTANCE_{_KINDS[kind][1]}", "HeartbeatTimeout": 600}
    named = {"LifecycleHookName": hook, "AutoScalingGroupName": scaling}
    ask("autoscaling", "PutLifecycleHook", region=region, **named, **asked)


def hooks_on(account: Account, region: str, scaling: str) -> set[str]:
    """The names of the hooks on an Auto Scaling group; none where that is gone."""
    named = {"AutoScalingGroupName": scaling}
    try:
        answer = account.ask("autoscaling", "DescribeLifecycleHooks", region=region, **named)
    except ApiError:
        return set()
    return {str(one["LifecycleHookName"]) for one in answer["LifecycleHooks"]}


def hook_actions_lacking(account: Account, region: str, role: str, names: Iterable[str]) -> list[str]:
    """The actions that a service role needs to put hooks on these Auto Scaling groups, and may not do."""
    actions = ("autoscaling:PutLifecycleHook", "autoscaling:DeleteLifecycleHook")
    return [
        action
        for arn in arns_of(account, region, names)
        for action in lacks(account, role, dict.fromkeys(actions, arn))
    ]


def arns_of(account: Account, region: str, names: Iterable[str]) -> list[str]:
    """The ARNs of the Auto Scaling groups of these names that are there."""
    wanted = list(names)
    if not wanted:
        return []
    asked = {"AutoScalingGroupNames": wanted}
    answer = account.ask("autoscaling", "DescribeAutoScalingGroups", region=region, **asked)
    return [str(one["AutoScalingGroupARN"]) for one in answer["AutoScalingGroups"]]


def unhooked(
    account: Account, region: str, role: str, rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Take the hooks of a deployment group off its Auto Scaling groups, as its service role; give those that stay."""
    stay = []
    for row in rows:
        there = hooks_on(account, region, row["name"])
        kept = {kind: row[kind] for kind in _KINDS if row.get(kind) in there}
        # Assumption: hooks-left
        on = dict.fromkeys(["autoscaling:DeleteLifecycleHook"], *arns_of(account, region, [row["name"]]))
        if kept and (wrong_with(account, region, role) or lacks(account, role, on)):
            stay.append({"name": str(row["name"]), **kept})
            continue
        for hook in kept.values():
            named = {"LifecycleHookName": hook, "AutoScalingGroupName": row["name"]}
            account.ask("autoscaling", "DeleteLifecycleHook", region=region, **named)
    return stay
