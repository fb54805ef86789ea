"""Whether an Auto Scaling group has one deployment group only: by the groups of all applications, and by its hooks."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runbooks.aws import Aws
from runbooks.checks._group import hooks_of, kinds_of, scaled_to, updated
from runbooks.checks._hooked import OURS
from runbooks.checks._members import listed
from runbooks.checks._selected import scaling_names
from runbooks.commands import aws_cli
from runbooks.facts.auto_scaling import Hook, lifecycle_hooks
from runbooks.facts.deployment_groups import applications, groups_of
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding

MOST_APPLICATIONS = 50  # whose deployment groups are read: each takes two calls and more
_PAGE = "/symptoms/asg-hook/"
# What a hook that no one answers does to an instance: its time-out, and then its default result (botocore's model of
# LifecycleHook). An instance that is terminated ends by either result.
_WAITS = {"launch": "a new instance", "termination": "an instance that the Auto Scaling group terminates"}
_THEN = {"ABANDON": "and is then terminated (ABANDON)", "CONTINUE": "and then goes into service (CONTINUE)"}


class User(NamedTuple):
    """A deployment group that has an Auto Scaling group."""

    name: str
    hooks: tuple[str, ...]  # CodeDeploy's on that Auto Scaling group, as the deployment group names them
    scaled: tuple[str, ...]  # all of its Auto Scaling groups


def shared(
    aws: Aws, name: str, group: Mapping[str, Any], wanted: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """Who else uses these Auto Scaling groups, which are given with the hooks of the deployment group ``name``."""
    own = name.partition("/")[0]
    names = sorted(set(applications(aws)) | {own}, key=lambda one: (one != own, one))
    read, left = names[:MOST_APPLICATIONS], len(names[MOST_APPLICATIONS:])
    users = _users(aws, read)
    of_those = f"of the {len(read)} applications that were read" if left else "of this account and Region"
    alone = []
    for scaled, hooks in wanted.items():
        there = lifecycle_hooks(aws, scaled)
        others = [one for one in users.get(scaled, ()) if one.name != name]
        ours = [one for one in there if one.name.startswith(OURS)]
        known = {*hooks.values(), *(hook for one in others for hook in one.hooks)}
        unknown = [one for one in ours if one.name not in known]
        off = [one for one in ours if one.name == hooks["termination"] and one.kind not in kinds_of(group)]
        yield from (_two(aws, scaled, name, one, there) for one in others)
        yield from (_unknown(aws, scaled, one, of_those, is_all=not left) for one in unknown)
        yield from (_switched_off(aws, scaled, name, one) for one in off)
        alone += [] if others or unknown or off else [scaled]
        if theirs := [f"{one.name} ({one.kind})" for one in there if one not in ours]:
            yield _no_order(scaled, theirs)
    if alone:
        groups = f"the Auto Scaling group{'s' * (len(alone) > 1)} {listed(alone)}"
        says = f"No other deployment group {of_those} has {groups}, and no hook of CodeDeploy there is of another."
        yield Finding(OK, says, about=name)
    if left:
        says = (
            f"Could not check: {left} more application{'s were' if left > 1 else ' was'} not read: at most"
            f" {MOST_APPLICATIONS} are. A deployment group there may use the same Auto Scaling group."
        )
        yield Finding(UNKNOWN, says, code="not-read", about=name)


def _users(aws: Aws, names: list[str]) -> dict[str, list[User]]:
    """By Auto Scaling group: the deployment groups that have it."""
    found: dict[str, list[User]] = {}
    for application in names:
        for group in groups_of(aws, application):
            name, scaled = f"{application}/{group['deploymentGroupName']}", tuple(scaling_names(group))
            for one in group.get("autoScalingGroups") or ():
                hooks = tuple(filter(None, hooks_of(one).values()))
                found.setdefault(str(one.get("name") or ""), []).append(User(name, hooks, scaled))
    return found


def _two(aws: Aws, scaled: str, name: str, other: User, there: list[Hook]) -> Finding:
    has = [one.name for one in there if one.name in other.hooks]
    its = f"whose {_hooks(has)} it has" if has else f"whose {_hooks(other.hooks) or 'hook'} it does not have"
    says = (
        f"The Auto Scaling group {scaled} is in {name} and in {other.name}, {its}: AWS advises one deployment group for an"
        " Auto Scaling group, since a new instance gets the deployments of both at the same time, and these can time out."
    )
    out = scaled_to(aws, other.name, [one for one in other.scaled if one != scaled])
    fix = f"Give each deployment group an Auto Scaling group of its own. To take {scaled} out of {other.name}: `{out}`."
    return Finding(WARN, says, code="two-groups", about=scaled, fix=fix, next=_PAGE)


def _hooks(names: tuple[str, ...] | list[str]) -> str:
    return f"hook{'s' * (len(names) > 1)} {' and '.join(names)}" if names else ""


def _unknown(aws: Aws, scaled: str, hook: Hook, of_those: str, *, is_all: bool) -> Finding:
    says = (
        f"The Auto Scaling group {scaled} has the {hook.kind} hook {hook.name}, which no deployment group {of_those} names:"
        f" it may be left over from a group that was deleted. {_unanswered(hook)}"
    )
    named = {"auto_scaling_group_name": scaled, "lifecycle_hook_name": hook.name}
    command = aws_cli(aws.place, "autoscaling", "delete-lifecycle-hook", **named)
    fix = f"If no deployment group has it, delete it: `{command}`."
    # it keeps no instance that it launches, unless the hook is of a group that was not read
    ends = hook.kind == "launch" and hook.then == "ABANDON" and is_all
    return Finding(
        FAIL if ends else WARN, says, code="unknown-hook", about=scaled, fix=fix, next=_PAGE, later=True
    )


def _switched_off(aws: Aws, scaled: str, name: str, hook: Hook) -> Finding:
    says = (
        f"The Auto Scaling group {scaled} has the termination hook {hook.name} of {name}, which has termination hooks"
        f" switched off (terminationHookEnabled). {_unanswered(hook)}"
    )
    off = updated(aws, name, no_termination_hook_enabled=True)
    return Finding(WARN, says, code="hook-switched-off", about=scaled, fix=off, next=_PAGE)


def _unanswered(hook: Hook) -> str:
    """What becomes of an instance whose hook no one answers."""
    waits = f"{hook.seconds} s" if hook.seconds else "until the hook times out"
    then = _THEN.get(hook.then, "") if hook.kind == "launch" else ""
    return f"If no one answers it, {_WAITS.get(hook.kind, 'an instance')} waits {waits}{f', {then}' if then else ''}."


def _no_order(scaled: str, hooks: list[str]) -> Finding:
    says = (
        f"The Auto Scaling group {scaled} also has {len(hooks)} hook{'s' * (len(hooks) > 1)} that CodeDeploy did not make"
        f" ({listed(hooks)}): AWS does not say in which order these and CodeDeploy's run."
    )
    return Finding(OK, says, code="own-hooks", about=scaled)
