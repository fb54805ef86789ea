"""CodeDeploy's deployment configurations: those that AWS has in every account, and the account's own."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import SERVER, minimum_of
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import WAITING, Call

_CREATED = datetime(2015, 1, 1, tzinfo=UTC)  # Assumption: config-times
_DEFAULT = "CodeDeployDefault."

# How traffic is shifted: the name says it.
_TRAFFIC = {
    "Lambda": (
        "AllAtOnce",
        *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
        "Linear10PercentEvery1Minute",
        *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
    ),
    "ECS": (
        "AllAtOnce",
        *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 15)),
        *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (1, 3)),
    ),
}
_PLATFORMS = {
    f"{_DEFAULT}{platform}{name}": platform for platform, names in _TRAFFIC.items() for name in names
}
PAGE = 100  # Assumption: deployment-page
_NAME = re.compile(r"[\w.+=,@-]{1,100}", re.A)  # by AWS's user guide, as the next two
_MOST = 200  # of the account's own
_MOST_PERCENT = 99  # of the traffic, in one step
_STEPS = {
    "TimeBasedCanary": ("canaryPercentage", "canaryInterval"),
    "TimeBasedLinear": ("linearPercentage", "linearInterval"),
}


def CreateDeploymentConfig(
    call: Call,
    *,
    deploymentConfigName: str,
    minimumHealthyHosts: dict[str, Any] | None = None,
    trafficRoutingConfig: dict[str, Any] | None = None,
    computePlatform: str = "Server",
    zonalConfig: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a configuration: of healthy hosts for instances, of how traffic is shifted for the other platforms."""
    name, own = deploymentConfigName, call.state.configurations
    # Assumption: config-names
    if not _NAME.fullmatch(name) or name.startswith(_DEFAULT):
        text = f"{name!r} must be 1 to 100 letters, digits and . _ + = , @ - and not begin with {_DEFAULT}"
        raise ApiError("InvalidDeploymentConfigNameException", text)
    if name in own:
        text = f"there is a deployment configuration {name} already"
        raise ApiError("DeploymentConfigAlreadyExistsException", text)
    # Assumption: config-platform
    if computePlatform == "Server":
        _check_hosts("InvalidMinimumHealthyHostValueException", minimumHealthyHosts)
        if trafficRoutingConfig:
            text = "the platform Server shifts no traffic by a configuration"
            raise ApiError("InvalidTrafficRoutingConfigurationException", text)
        _check_zones(zonalConfig or {})
    else:
        for given, code in (
            (minimumHealthyHosts, "InvalidMinimumHealthyHostValueException"),
            (zonalConfig, "InvalidZonalDeploymentConfigurationException"),
        ):
            if given:
                raise ApiError(code, f"the platform {computePlatform} has no instances")
        _check_traffic(trafficRoutingConfig or {})
    if len(own) >= _MOST:
        raise ApiError("DeploymentConfigLimitExceededException", f"there are {_MOST} already")
    given = {
        "minimumHealthyHosts": minimumHealthyHosts,
        "trafficRoutingConfig": trafficRoutingConfig,
        "zonalConfig": zonalConfig,
    }
    own[name] = {member: value for member, value in given.items() if value} | {
        "deploymentConfigId": call.request_id,
        "createTime": call.at,
        "computePlatform": computePlatform,
    }
    return {"deploymentConfigId": call.request_id}


def DeleteDeploymentConfig(call: Call, *, deploymentConfigName: str) -> dict[str, Any]:
    """Delete a configuration of the account that nothing uses."""
    name = deploymentConfigName
    # Assumption: config-delete
    if name in SERVER or name in _PLATFORMS:
        raise ApiError("InvalidOperationException", f"{name} is AWS's own")
    if name in call.state.configurations and (user := _user(call, name)):
        raise ApiError("DeploymentConfigInUseException", f"{user} uses {name}")
    call.state.configurations.pop(name, None)
    return {}


def _user(call: Call, name: str) -> str:
    """The deployment group or the deployment under way that uses a configuration, or ""."""
    for group, info in call.state.groups.items():
        if info["deploymentConfigName"] == name:
            return f"the group {group}"
    infos = {id_: one.at(call.at).info for id_, one in call.state.deployments.items()}
    return next(
        (
            f"the deployment {id_}"
            for id_, info in infos.items()
            if info.get("deploymentConfigName") == name and info["status"] in WAITING
        ),
        "",
    )


def _check_hosts(code: str, minimum: Mapping[str, Any] | None) -> None:
    """Raise ApiError for what is no minimum of healthy hosts: a count, or a percentage."""
    if not minimum or "type" not in minimum or "value" not in minimum:
        raise ApiError(code, "a minimum of healthy hosts has a type and a value")
    # Assumption: config-percent
    most = 100 if minimum["type"] == "FLEET_PERCENT" else minimum["value"]
    if not 0 <= minimum["value"] <= most:
        raise ApiError(code, f"{minimum['value']} is no {minimum['type']}")


def _check_zones(zones: Mapping[str, Any]) -> None:
    code = "InvalidZonalDeploymentConfigurationException"
    if "minimumHealthyHostsPerZone" in zones:
        _check_hosts(code, zones["minimumHealthyHostsPerZone"])
    for name in ("firstZoneMonitorDurationInSeconds", "monitorDurationInSeconds"):
        if zones.get(name, 0) < 0:
            raise ApiError(code, f"{name} is negative")


def _check_traffic(routing: Mapping[str, Any]) -> None:
    """Raise ApiError for what is no way to shift traffic: at once, or in steps of a percentage and an interval."""
    code, kind = "InvalidTrafficRoutingConfigurationException", routing.get("type")
    members = {f"{name[0].lower()}{name[1:]}" for name in _STEPS}
    wanted = f"{kind[0].lower()}{kind[1:]}" if kind in _STEPS else ""
    if not kind or {name for name in members if name in routing} != ({wanted} if wanted else set()):
        raise ApiError(code, "a traffic routing has a type, and what belongs to it")
    if wanted:
        percent, minutes = (routing[wanted].get(name, 0) for name in _STEPS[kind])
        if not 1 <= percent <= _MOST_PERCENT or minutes < 1:
            raise ApiError(code, f"{kind} needs 1 to {_MOST_PERCENT} percent and an interval of minutes")


def GetDeploymentConfig(call: Call, *, deploymentConfigName: str) -> dict[str, Any]:
    """One configuration."""
    name = deploymentConfigName
    id_ = f"00000000-0000-0000-0000-{[*_names(call), name].index(name) + 1:012}"
    info: dict[str, Any] = {"deploymentConfigId": id_, "deploymentConfigName": name, "createTime": _CREATED}
    if own := call.state.configurations.get(name):
        return {"deploymentConfigInfo": info | {"computePlatform": "Server"} | own}
    if minimum := minimum_of(call.state, name):
        more: dict[str, Any] = {"minimumHealthyHosts": minimum, "computePlatform": "Server"}
    elif name in _PLATFORMS:
        more = {"trafficRoutingConfig": _routing(name), "computePlatform": _PLATFORMS[name]}
    else:
        raise unknown(name)
    return {"deploymentConfigInfo": info | more}


def ListDeploymentConfigs(call: Call, *, nextToken: str | None = None) -> dict[str, Any]:
    """The names of all configurations."""
    names, token = tokens.page(sorted(_names(call)), PAGE, nextToken, call.operation, call.region)
    return {"deploymentConfigsList": names, "nextToken": token}


def _names(call: Call) -> list[str]:
    return [*SERVER, *_PLATFORMS, *call.state.configurations]


def unknown(name: str) -> ApiError:
    """The error for a name that no configuration has."""
    return ApiError("DeploymentConfigDoesNotExistException", f"there is no deployment configuration {name}")


def _routing(name: str) -> dict[str, Any]:
    parts = re.search(r"(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?$", name)
    if not parts:
        return {"type": "AllAtOnce"}
    kind, percent, minutes = parts[1], int(parts[2]), int(parts[3])
    form = f"{kind[0].lower()}{kind[1:]}"
    shift = {f"{form}Percentage": percent, f"{form}Interval": minutes}
    return {"type": f"TimeBased{kind}", f"timeBased{kind}": shift}
