"""CodeDeploy's reads of deployment groups: moto's answers, with what moto does not keep."""

from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.state import Call

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


def described(call: Call, application: str, name: str) -> dict[str, Any]:
    """What CodeDeploy answers of a group (DeploymentGroupInfo)."""
    asked = {"applicationName": application, "deploymentGroupName": name}
    found = call.account.ask("codedeploy", "GetDeploymentGroup", region=call.region, **asked)
    info: dict[str, Any] = {key: value for key, value in found["deploymentGroupInfo"].items() if value != {}}
    if info.get("deploymentConfigName") in (None, "None"):  # moto's text for the one that was not given
        info["deploymentConfigName"] = "CodeDeployDefault.OneAtATime"
    # Assumption: target-revision
    latest = next(iter(deploying.of_group(call.state, application, name, call.at)), None)
    if latest and latest.info.get("revision"):
        info["targetRevision"] = latest.info["revision"]
    return info | call.state.groups.get(f"{application}/{name}", {})
