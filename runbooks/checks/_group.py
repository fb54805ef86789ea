"""The deployment group that several checks are about, and its Auto Scaling groups."""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._deployed import ELSEWHERE
from runbooks.checks._selected import scaling_names
from runbooks.commands import aws_cli
from runbooks.facts.deployment_groups import applications_or_refusal, deployment_group, group_names
from runbooks.findings import FAIL, Command, Finding, NotApplicable
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


def no_group(aws: Aws, name: str, refused: Refusal) -> str:
    """That there is no such application, or that it has no such group."""
    application, _, group = name.partition("/")
    if refused.code == "ApplicationDoesNotExistException":
        return f"There is no application {application} in {aws.region}: {refused.code}."
    return f"The application {application} has no deployment group {group} in {aws.region}: {refused.code}."


def not_there(aws: Aws, name: str, refused: Refusal) -> Iterator[Finding]:
    """That there is no such group, and then what there is of a similar name, where that may be listed."""
    page, of = f"/exceptions/{refused.code}/", frozenset({name})
    says = no_group(aws, name, refused)
    yield Finding(FAIL, says, code="unknown", about=name, fix=ELSEWHERE, next=page, of=of)
    application, _, group = name.partition("/")
    if refused.code == "ApplicationDoesNotExistException":
        near = [
            f"{one}/{next(iter(_alike(group, group_names(aws, one))), group)}"
            for one in _alike(application, applications_or_refusal(aws))
        ]
    else:
        near = [f"{application}/{one}" for one in _alike(group, group_names(aws, application))]
    if near:
        says = f"There is no {name}. A similar name is there: {', '.join(near)}."
        fix = f"Ask about {near[0]}, and write the name so where {name} stands."
        of |= {near[0]}  # says more than that there is none
        yield Finding(FAIL, says, code="spelt-otherwise", about=near[0], fix=fix, next=page, of=of)


def _alike(name: str, known: list[str] | Refusal) -> list[str]:
    """The known names that are like this one; none where they may not be listed."""
    return [] if isinstance(known, Refusal) else difflib.get_close_matches(name, known)


def server(group: dict[str, Any], name: str) -> dict[str, Any]:
    """The group, if it deploys to instances. Raises `NotApplicable` for one that does not."""
    platform = group.get("computePlatform") or "Server"
    if platform != "Server":
        raise NotApplicable(f"{name} deploys to {platform}, not to instances.", about=name)
    return group


# The members of an AutoScalingGroup of CodeDeploy that name its hooks, by what the hook holds up.
_HOOKS = {"launch": "hook", "termination": "terminationHook"}


def scaled_by(group: Mapping[str, Any], name: str) -> dict[str, dict[str, str]]:
    """The Auto Scaling groups of a deployment group, with CodeDeploy's hooks on each ("launch", "termination").

    A hook is "" where CodeDeploy names none. Raises `NotApplicable` where the deployment group has no Auto Scaling group.
    """
    hooks = {str(one.get("name")): hooks_of(one) for one in group.get("autoScalingGroups") or ()}
    found = {one: hooks[one] for one in scaling_names(group)}
    if not found:
        raise NotApplicable(f"{name} has no Auto Scaling group.", about=name)
    return found


def hooks_of(scaled: Mapping[str, Any]) -> dict[str, str]:
    """The names of CodeDeploy's hooks on an Auto Scaling group of a deployment group, by their kind; "" for none."""
    return {kind: str(scaled.get(member) or "") for kind, member in _HOOKS.items()}


def kinds_of(group: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of hooks that CodeDeploy puts on the Auto Scaling groups of a deployment group (botocore's model)."""
    return ("launch", "termination") if group.get("terminationHookEnabled") else ("launch",)


def updated(aws: Aws, name: str, **options: str | bool) -> Command:
    """The command that gives the deployment group APPLICATION/GROUP these options."""
    application, _, group = name.partition("/")
    named = {"application_name": application, "current_deployment_group_name": group}
    return aws_cli(aws.place, "deploy", "update-deployment-group", **named, **options)


def scaled_to(aws: Aws, name: str, scaled: Collection[str]) -> Command:
    """The command that gives a deployment group these Auto Scaling groups and no other."""
    return updated(aws, name, auto_scaling_groups=json.dumps(list(scaled)))
