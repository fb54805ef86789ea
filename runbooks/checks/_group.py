"""The deployment group that several checks are about, and its Auto Scaling groups."""

from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._selected import scaling_names
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import NotApplicable
from runbooks.question import Question

SELECTS = "group-selects-instances"  # the check that says that there is no such group


def known(aws: Aws, question: Question) -> dict[str, Any]:
    """The group; one that is not there is said once, by group-selects-instances.

    Raises `NotApplicable` for that one, and for one that does not deploy to instances.
    """
    name = question.deployment_group
    group = deployment_group(aws, name)
    if isinstance(group, Refusal):
        says = f"There is no deployment group {name} in {aws.region}."
        raise NotApplicable(says, about=name, next=SELECTS)
    return server(group, name)


def server(group: dict[str, Any], name: str) -> dict[str, Any]:
    """The group, if it deploys to instances. Raises `NotApplicable` for one that does not."""
    platform = group.get("computePlatform") or "Server"
    if platform != "Server":
        raise NotApplicable(f"{name} deploys to {platform}, not to instances.", about=name)
    return group


def scaled_by(group: Mapping[str, Any], name: str) -> dict[str, str]:
    """The Auto Scaling groups of a deployment group, with CodeDeploy's hook on each.

    Raises `NotApplicable` where it has none.
    """
    hooks = {str(one.get("name")): str(one.get("hook") or "") for one in group.get("autoScalingGroups") or ()}
    found = {one: hooks[one] for one in scaling_names(group)}
    if not found:
        raise NotApplicable(f"{name} has no Auto Scaling group.", about=name)
    return found
