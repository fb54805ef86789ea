"""CodeDeploy's operations on deployment groups."""

import re
from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import minimum_of
from codedeploy_sandbox.scaling import hook_actions_lacking, hooked, unhooked
from codedeploy_sandbox.selection import check_scaled, scaled
from codedeploy_sandbox.service_role import wrong_with
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.services.configurations import unknown
from codedeploy_sandbox.services.tagging import check_tags, tag
from codedeploy_sandbox.state import Call

PAGE = 100  # Assumption: deployment-page
BATCH = 100  # Assumption: batch-groups
_ROLE = re.compile(r"arn:aws(-cn|-us-gov)?:iam::\d{12}:role/[\w+=,.@/-]+", re.A)
# The most of each, by the descriptions in botocore's model; of triggers by AWS's user guide.
_ALARMS, _ALARM_NAME, _TAG_SETS, _BALANCERS, _TRIGGERS = 10, 255, 3, 10, 10
_DEFAULT = "CodeDeployDefault.OneAtATime"
# The members of a DeploymentGroupInfo that are there though nothing was said of them.
_EMPTY = (
    *("autoScalingGroups", "ec2TagFilters", "ecsServices"),
    *("onPremisesInstanceTagFilters", "triggerConfigurations"),
)


def CreateDeploymentGroup(
    call: Call,
    *,
    applicationName: str,
    deploymentGroupName: str,
    serviceRoleArn: str,
    tags: list[dict[str, str]] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Make a deployment group, and put CodeDeploy's hooks on its Auto Scaling groups."""
    state, name = call.state, f"{applicationName}/{deploymentGroupName}"
    application = state.application(applicationName)
    if name in state.groups:
        raise ApiError("DeploymentGroupAlreadyExistsException", f"there is a deployment group {name} already")
    info: dict[str, Any] = {
        "applicationName": applicationName,
        "deploymentGroupId": call.request_id,
        "deploymentGroupName": deploymentGroupName,
        "deploymentConfigName": _DEFAULT,
        "serviceRoleArn": serviceRoleArn,
        "computePlatform": application["computePlatform"],
        **{member: [] for member in _EMPTY},
        **{member: value for member, value in given.items() if value},
    }
    _check(call, info, given)
    check_tags(tags or [])
    info["autoScalingGroups"] = _hooked(call, info)
    state.groups[name] = info
    tag(state, state.arn(applicationName, deploymentGroupName), tags or [])
    return {"deploymentGroupId": call.request_id}


def UpdateDeploymentGroup(
    call: Call,
    *,
    applicationName: str,
    currentDeploymentGroupName: str,
    newDeploymentGroupName: str | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Change what is given of a group; an empty list or structure removes what was there."""
    state, old = call.state, (applicationName, currentDeploymentGroupName)
    before = state.group(*old)
    new = (applicationName, newDeploymentGroupName or currentDeploymentGroupName)
    if new != old and "/".join(new) in state.groups:
        text = f"there is a deployment group {new[1]} already"
        raise ApiError("DeploymentGroupAlreadyExistsException", text)
    # Assumption: update-empty
    info = {member: value for member, value in (before | given).items() if value or member in _EMPTY}
    for filters, sets in _EITHER:  # the one replaces the other
        if given.get(filters) and not given.get(sets):
            info.pop(sets, None)
        elif given.get(sets) and not given.get(filters):
            info[filters] = []
    _check(call, info, given)
    stay: list[dict[str, str]] = []
    if new != old or {"autoScalingGroups", "terminationHookEnabled"} & set(given):
        stay = unhooked(call.account, call.region, info["serviceRoleArn"], before["autoScalingGroups"])
        info["autoScalingGroups"] = _hooked(call, info | {"deploymentGroupName": new[1]})
    state.groups["/".join(old)] = info
    if new != old:
        deploying.rename(state, old, new)
    return {"hooksNotCleanedUp": stay}


def DeleteDeploymentGroup(call: Call, *, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:
    """Delete a group and its hooks; those that its service role may not delete are left over."""
    state = call.state
    # Assumption: delete-unknown
    info = state.groups.pop(f"{applicationName}/{deploymentGroupName}", None)
    if not info:
        return {"hooksNotCleanedUp": []}
    state.tags.pop(state.arn(applicationName, deploymentGroupName), None)
    rows = info["autoScalingGroups"]
    return {"hooksNotCleanedUp": unhooked(call.account, call.region, info["serviceRoleArn"], rows)}


def GetDeploymentGroup(call: Call, *, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:
    """One deployment group."""
    named = (applicationName, deploymentGroupName)
    return {"deploymentGroupInfo": deploying.described(call.state, *named, call.at)}


def BatchGetDeploymentGroups(
    call: Call, *, applicationName: str, deploymentGroupNames: list[str]
) -> dict[str, Any]:
    """Several groups of one application; one that is not there is left out."""
    if not deploymentGroupNames:
        raise ApiError("DeploymentGroupNameRequiredException", "a deployment group name is missing")
    if len(deploymentGroupNames) > BATCH:
        raise ApiError(
            "BatchLimitExceededException", f"{len(deploymentGroupNames)} groups; the most is {BATCH}"
        )
    call.state.application(applicationName)
    there = set(call.state.groups_of(applicationName))
    # Assumption: batch-groups
    names = [name for name in dict.fromkeys(deploymentGroupNames) if name in there]
    infos = [deploying.described(call.state, applicationName, name, call.at) for name in names]
    return {"deploymentGroupsInfo": infos}


def ListDeploymentGroups(call: Call, *, applicationName: str, nextToken: str | None = None) -> dict[str, Any]:
    """The names of an application's deployment groups."""
    call.state.application(applicationName)
    question = (call.operation, call.region, applicationName)
    names, token = tokens.page(call.state.groups_of(applicationName), PAGE, nextToken, *question)
    return {"applicationName": applicationName, "deploymentGroups": names, "nextToken": token}


# Two ways to say by which tags a group selects, of which one call gives one, and the error of both.
_EITHER = {
    ("ec2TagFilters", "ec2TagSet"): "InvalidEC2TagCombinationException",
    ("onPremisesInstanceTagFilters", "onPremisesTagSet"): "InvalidOnPremisesTagCombinationException",
}


def _hooked(call: Call, info: Mapping[str, Any]) -> list[dict[str, str]]:
    named = (info["applicationName"], info["deploymentGroupName"])
    ends = bool(info.get("terminationHookEnabled"))
    return hooked(call.account, call.region, *named, scaled(info), ends=ends)


def _check(call: Call, info: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise ApiError for a group that cannot be as it would be."""
    config = info["deploymentConfigName"]
    if not config.startswith("CodeDeployDefault.") and not minimum_of(call.state, config):
        raise unknown(config)
    check_scaled(call.account, call.region, scaled(given))
    _check_role(call, info)
    for (filters, sets), code in _EITHER.items():
        if given.get(filters) and given.get(sets):
            raise ApiError(code, f"give {filters} or {sets}, not both")
        if len((given.get(sets) or {}).get(f"{sets}List") or ()) > _TAG_SETS:
            text = f"a group is selected by at most {_TAG_SETS} sets of tags"
            raise ApiError("TagSetListLimitExceededException", text)
    check_alarms(info.get("alarmConfiguration") or {})
    check_rollback(info.get("autoRollbackConfiguration") or {})
    _check_triggers(info["triggerConfigurations"])
    for member in ("elbInfoList", "targetGroupInfoList"):
        rows = (info.get("loadBalancerInfo") or {}).get(member) or ()
        if len(rows) > _BALANCERS or not all(one.get("name") for one in rows):
            text = f"{member} has at most {_BALANCERS} rows, each with a name"
            raise ApiError("InvalidLoadBalancerInfoException", text)


def _check_role(call: Call, info: Mapping[str, Any]) -> None:
    code, arn = "InvalidRoleException", info["serviceRoleArn"]
    if not arn:
        raise ApiError("RoleRequiredException", "the service role is missing")
    if not _ROLE.fullmatch(arn):
        raise ApiError(code, f"{arn[:200]!r} is not the ARN of a role")
    # Assumption: role-checked
    if wrong := wrong_with(call.account, call.region, arn):
        raise ApiError(code, f"CodeDeploy cannot assume {arn}, which is {wrong}")
    if missing := hook_actions_lacking(call.account, call.region, arn, scaled(info)):
        raise ApiError(code, f"{arn} does not allow {missing[0]} on its Auto Scaling group")


def check_alarms(alarms: Mapping[str, Any]) -> None:
    """Raise ApiError for an AlarmConfiguration that botocore's model calls invalid."""
    code, rows = "InvalidAlarmConfigException", alarms.get("alarms") or []
    names = [one.get("name", "") for one in rows]
    if len(names) > _ALARMS:
        raise ApiError("AlarmsLimitExceededException", f"a group watches at most {_ALARMS} alarms")
    if not all(1 <= len(name) <= _ALARM_NAME for name in names):
        raise ApiError(code, f"an alarm has a name of 1 to {_ALARM_NAME} characters")
    if len(set(names)) < len(names) or (alarms.get("enabled") and not names):
        raise ApiError(code, "alarms that are watched are named once each, and there is one")


def check_rollback(rollback: Mapping[str, Any]) -> None:
    """Raise ApiError for an automatic rollback that is enabled without events."""
    if rollback.get("enabled") and not rollback.get("events"):
        raise ApiError("InvalidAutoRollbackConfigException", "automatic rollback is enabled without events")


def _check_triggers(triggers: list[dict[str, Any]]) -> None:
    if len(triggers) > _TRIGGERS:
        raise ApiError("TriggerTargetsLimitExceededException", f"a group has at most {_TRIGGERS} triggers")
    for one in triggers:
        # Assumption: trigger-whole
        if not all(one.get(member) for member in ("triggerName", "triggerTargetArn", "triggerEvents")):
            text = "a trigger has a name, the ARN of a topic, and events"
            raise ApiError("InvalidTriggerConfigException", text)
