"""CodeDeploy's reads of deployment groups: moto's answers, with what moto does not keep."""

from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.state import Call, Deployment

BATCH = 100  # Assumption: batch-groups


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
