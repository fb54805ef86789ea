"""CodeDeploy's deployment configurations: those that AWS has in every account, and those of a scenario."""

import re
from datetime import UTC, datetime
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import SERVER, minimum_of
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call

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


def GetDeploymentConfig(call: Call, *, deploymentConfigName: str) -> dict[str, Any]:
    """One configuration."""
    name = deploymentConfigName
    if minimum := minimum_of(call.state, name):
        more: dict[str, Any] = {"minimumHealthyHosts": minimum, "computePlatform": "Server"}
    elif name in _PLATFORMS:
        more = {"trafficRoutingConfig": _routing(name), "computePlatform": _PLATFORMS[name]}
    else:
        raise unknown(name)
    id_ = f"00000000-0000-0000-0000-{_names(call).index(name) + 1:012}"
    info = {"deploymentConfigId": id_, "deploymentConfigName": name, "createTime": _CREATED}
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
