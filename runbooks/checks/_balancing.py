"""Whether the load balancers of a deployment group are there, and take instances."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._group import updated
from runbooks.checks._targets import balancers
from runbooks.facts.load_balancing import classic_load_balancer, target_group
from runbooks.findings import FAIL, OK, Command, Finding

_PAGE = "/deployment-errors/ELASTIC_LOAD_BALANCING_INVALID/"
_UNNAMED = "TARGET_GROUP"  # stands in a command for a name that only the reader knows


def balancing(aws: Aws, name: str, group: Mapping[str, Any]) -> Iterator[Finding]:
    """For each load balancer of the deployment group ``name``: whether it is there, and takes instances.

    Raises `NotApplicable` for a group that controls no traffic.
    """
    targets, classic = balancers(group, name)
    if not targets and not classic:
        says = f"{name} is to control traffic, and names no load balancer."
        page = "/deployment-errors/MISSING_ELB_INFORMATION/"
        yield Finding(FAIL, says, code="none-named", about=name, fix=_without(aws, name, group), next=page)
    for one in targets:
        there = target_group(aws, one)
        kind = there["TargetType"] if there else ""
        if there is None:
            others = [other for other in targets if other != one], classic
            yield _gone(aws, name, group, f"target group {one}", "no-target-group", others)
        elif kind != "instance":
            says = f"The target group {one} of {name} takes targets of the type {kind}, and CodeDeploy registers instances."
            fix = f"The type of a target group cannot be changed. {_another(aws, name)}"
            yield Finding(FAIL, says, code="other-type", about=one, fix=fix, next=_PAGE)
        else:
            yield Finding(OK, f"The target group {one} is there and takes instances.", about=one)
    for one in classic:
        if classic_load_balancer(aws, one) is None:
            others = targets, [other for other in classic if other != one]
            yield _gone(aws, name, group, f"Classic Load Balancer {one}", "no-load-balancer", others)
        else:
            yield Finding(OK, f"The Classic Load Balancer {one} is there.", about=one)


def _gone(
    aws: Aws,
    name: str,
    group: Mapping[str, Any],
    which: str,
    code: str,
    others: tuple[Sequence[str], Sequence[str]],
) -> Finding:
    """The finding of a load balancer that is not there; ``others`` are those that the group names beside it."""
    says = f"{name} has the {which}, and there is none in {aws.region}."
    fix = _naming(aws, name, *others) if any(others) else _without(aws, name, group)
    return Finding(FAIL, says, code=code, about=which.rpartition(" ")[2], fix=fix, next=_PAGE)


def _without(aws: Aws, name: str, group: Mapping[str, Any]) -> str:
    """How a group deploys whose load balancers are gone: in place without any; blue/green needs one."""
    if (group.get("deploymentStyle") or {}).get("deploymentType") == "BLUE_GREEN":
        return _another(aws, name)
    style = "deploymentType=IN_PLACE,deploymentOption=WITHOUT_TRAFFIC_CONTROL"
    bare = updated(aws, name, deployment_style=style)
    return (
        f"{_another(aws, name)} Or do without a load balancer, so that each later deployment restarts the application while"
        f" clients use it: `{bare}`."
    )


def _another(aws: Aws, name: str) -> str:
    return f"Name a target group of the type instance in place of {_UNNAMED}: `{_naming(aws, name, [_UNNAMED], [])}`."


def _naming(aws: Aws, name: str, targets: Sequence[str], classic: Sequence[str]) -> Command:
    """The command that gives a deployment group these load balancers and no other."""
    members = {"targetGroupInfoList": targets, "elbInfoList": classic}
    info = {member: [{"name": one} for one in names] for member, names in members.items() if names}
    return updated(aws, name, load_balancer_info=json.dumps(info))
