"""Whether an Auto Scaling group has one deployment group only: by the groups of all applications, and by its hooks."""

from collections.abc import Iterator, Mapping

from runbooks.aws import Aws
from runbooks.checks._members import listed
from runbooks.commands import aws_cli
from runbooks.facts.auto_scaling import launch_hooks
from runbooks.facts.deployment_groups import applications, groups_of
from runbooks.findings import OK, UNKNOWN, WARN, Finding

MOST_APPLICATIONS = 50  # whose deployment groups are read: each takes two calls and more
_HOOK = "CodeDeploy-managed-automatic-launch-deployment-hook-"
_PAGE = "/symptoms/asg-hook/"


def shared(aws: Aws, name: str, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Who else uses these Auto Scaling groups, which are given with the hook of the deployment group ``name``."""
    own = name.partition("/")[0]
    names = sorted(set(applications(aws)) | {own}, key=lambda one: (one != own, one))
    read, left = names[:MOST_APPLICATIONS], len(names[MOST_APPLICATIONS:])
    users = _users(aws, read)
    of_those = f"of the {len(read)} applications that were read" if left else "of this account and Region"
    alone = []
    for scaled, hook in wanted.items():
        there = [one for one in launch_hooks(aws, scaled) if one.startswith(_HOOK) and one != hook]
        others = {group: its for group, its in users.get(scaled, {}).items() if group != name}
        for group, its in others.items():
            yield _two(scaled, name, group, its, has_hook=its in there)
        unknown = [one for one in there if one not in others.values()]
        for one in unknown:
            yield _unknown(aws, scaled, one, of_those)
        alone += [] if others or unknown else [scaled]
    if alone:
        says = f"No other deployment group {of_those} has {listed(alone)}, or a hook there."
        yield Finding(OK, says, about=name)
    if left:
        says = (
            f"Could not check: {left} more application{'s were' if left > 1 else ' was'} not read: at most"
            f" {MOST_APPLICATIONS} are. A deployment group there may use the same Auto Scaling group."
        )
        yield Finding(UNKNOWN, says, code="not-read", about=name)


def _users(aws: Aws, names: list[str]) -> dict[str, dict[str, str]]:
    """By Auto Scaling group: the deployment groups that have it, each with the name of its hook."""
    found: dict[str, dict[str, str]] = {}
    for application in names:
        for group in groups_of(aws, application):
            for one in group.get("autoScalingGroups") or ():
                name = f"{application}/{group['deploymentGroupName']}"
                found.setdefault(str(one.get("name") or ""), {})[name] = str(one.get("hook") or "")
    return found


def _two(scaled: str, name: str, other: str, hook: str, *, has_hook: bool) -> Finding:
    its = f"whose hook {hook} it has" if has_hook else "whose hook it does not have"
    says = f"{scaled} is in {name} and in {other}, {its}: two deployment groups use one Auto Scaling group."
    fix = f"Give each deployment group an Auto Scaling group of its own: take {scaled} out of one of them."
    return Finding(WARN, says, code="two-groups", about=scaled, fix=fix, next=_PAGE)


def _unknown(aws: Aws, scaled: str, hook: str, of_those: str) -> Finding:
    says = (
        f"{scaled} has the hook {hook}, of no deployment group {of_those}: it may be left over from a group that was"
        " deleted; then each new instance waits until it times out."
    )
    named = {"auto_scaling_group_name": scaled, "lifecycle_hook_name": hook}
    command = aws_cli(aws.place, "autoscaling", "delete-lifecycle-hook", **named)
    fix = f"If no deployment group has it, delete it: {command}."
    return Finding(WARN, says, code="unknown-hook", about=scaled, fix=fix, next=_PAGE)
