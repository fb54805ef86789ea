"""CodeDeploy's operations on deployment groups: moto's, with what moto does not check or keep."""

from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import minimum_of
from codedeploy_sandbox.selection import check_scaled, hooked
from codedeploy_sandbox.services.configurations import unknown
from codedeploy_sandbox.state import Call, Deployment

BATCH = 100  # Assumption: batch-groups


_UNKEPT = (
    "alarmConfiguration",
    "autoScalingGroups",
    "ec2DeploymentOptions",
)  # or not as CodeDeploy answers them


def CreateDeploymentGroup(
    call: Call,
    *,
    applicationName: str,
    deploymentGroupName: str,
    serviceRoleArn: str,
    deploymentConfigName: str | None = None,
    ec2TagFilters: list[dict[str, str]] | None = None,
    onPremisesInstanceTagFilters: list[dict[str, str]] | None = None,
    autoScalingGroups: list[str] | None = None,
    triggerConfigurations: list[dict[str, Any]] | None = None,
    alarmConfiguration: dict[str, Any] | None = None,
    autoRollbackConfiguration: dict[str, Any] | None = None,
    outdatedInstancesStrategy: str | None = None,
    deploymentStyle: dict[str, str] | None = None,
    blueGreenDeploymentConfiguration: dict[str, Any] | None = None,
    loadBalancerInfo: dict[str, Any] | None = None,
    ec2TagSet: dict[str, Any] | None = None,
    ecsServices: list[dict[str, str]] | None = None,
    onPremisesTagSet: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
    terminationHookEnabled: bool | None = None,
    ec2DeploymentOptions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a deployment group, as moto does, and put CodeDeploy's hook on its Auto Scaling groups."""
    config = deploymentConfigName or ""
    if config and not config.startswith("CodeDeployDefault.") and not minimum_of(call.state, config):
        raise unknown(config)
    check_scaled(call.account, call.region, autoScalingGroups or [])
    given = {name: value for name, value in (call.parameters or {}).items() if name not in _UNKEPT}
    answer = call.account.ask("codedeploy", "CreateDeploymentGroup", region=call.region, **given)
    options = {"alarmConfiguration": alarmConfiguration, "ec2DeploymentOptions": ec2DeploymentOptions}
    kept: dict[str, Any] = {name: value for name, value in options.items() if value}
    if autoScalingGroups:
        named = (applicationName, deploymentGroupName)
        kept["autoScalingGroups"] = hooked(call.account, call.region, *named, autoScalingGroups)
    call.state.groups[f"{applicationName}/{deploymentGroupName}"] = kept
    return answer


def GetDeploymentGroup(call: Call, *, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:
    """One deployment group."""
    return {"deploymentGroupInfo": described(call, applicationName, deploymentGroupName)}


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
    where = {"region": call.region, "applicationName": applicationName}
    call.account.ask("codedeploy", "GetApplication", **where)
    there = set(call.account.ask("codedeploy", "ListDeploymentGroups", **where)["deploymentGroups"])
    # Assumption: batch-groups
    names = [name for name in dict.fromkeys(deploymentGroupNames) if name in there]
    return {"deploymentGroupsInfo": [described(call, applicationName, name) for name in names]}


def _last(deployment: Deployment) -> dict[str, Any]:
    """A deployment as its group names it (LastDeploymentInfo)."""
    members = {
        "deploymentId": "deploymentId",
        "status": "status",
        "createTime": "createTime",
        "completeTime": "endTime",
    }
    return {name: deployment.info[member] for member, name in members.items() if member in deployment.info}


def described(call: Call, application: str, name: str) -> dict[str, Any]:
    """What CodeDeploy answers of a group (DeploymentGroupInfo)."""
    asked = {"applicationName": application, "deploymentGroupName": name}
    found = call.account.ask("codedeploy", "GetDeploymentGroup", region=call.region, **asked)
    info: dict[str, Any] = {key: value for key, value in found["deploymentGroupInfo"].items() if value != {}}
    if info.get("deploymentConfigName") in (None, "None"):  # moto's text for the one that was not given
        info["deploymentConfigName"] = "CodeDeployDefault.OneAtATime"
    # Assumption: target-revision
    deployments = deploying.of_group(call.state, application, name, call.at)
    if deployments and deployments[0].info.get("revision"):
        info["targetRevision"] = deployments[0].info["revision"]
    good = [one for one in deployments if one.info["status"] == "Succeeded"]
    last = {"lastAttemptedDeployment": deployments[:1], "lastSuccessfulDeployment": good[:1]}
    info |= {member: _last(found[0]) for member, found in last.items() if found}
    return info | call.state.groups.get(f"{application}/{name}", {})
