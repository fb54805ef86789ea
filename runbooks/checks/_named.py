"""Which instance an ARN is of, and what a name is of that no instance has: CodeDeploy can be asked for names alone."""

import re
from collections.abc import Iterator, Sequence

from runbooks.aws import Aws, Refusal
from runbooks.aws.arn import Arn
from runbooks.commands import runbooks
from runbooks.facts.auto_scaling import instances_of_group
from runbooks.facts.deployment_groups import applications_or_refusal, group_names
from runbooks.facts.registration import registration
from runbooks.findings import FAIL, OK, Finding
from runbooks.question import Question, is_instance
from runbooks.text.spelling import parameter

MOST_APPLICATIONS = 20  # whose groups are listed to find one by its name alone, a call for each
_MOST_NAMES = (
    5  # that one ARN is read as: a name with many underscores has more beginnings than are worth a call
)


def has_its_arn(aws: Aws, question: Question) -> Iterator[Finding]:
    """An instance of this Region and account has the ARN that was given as its name.

    The resource of the ARN is the name, an underscore and a suffix of CodeDeploy's. Where the name ends is not verified,
    so a name is only taken if CodeDeploy gives this ARN for it, or if the whole resource is a registered name.
    """
    given, arn = question.instance, Arn.of(question.instance)
    if arn.region != aws.region:
        says = f"{given} is of {arn.region}, and {aws.region} was asked: give {parameter('region')}."
        yield Finding(FAIL, says)
        return
    ours = aws.known_identity.account if aws.known_identity else ""
    if ours and ours != arn.account:
        says = f"{given} is of the account {arn.account}, and these credentials are of {ours}: give {parameter('profile')}."
        yield Finding(FAIL, says)
        return
    others = []
    for name in names_within(arn.path):
        info = registration(aws, name)
        if isinstance(info, Refusal):
            continue
        if info.get("instanceArn") == given or name == arn.path:
            yield Finding(OK, name, about=name)
            return
        others.append(f"{name} has the ARN {info.get('instanceArn')}")
    if others:
        says = f"No instance has the ARN {given}: {', '.join(others)}, so it was registered again or is another one. Ask about it by its name."
    else:
        says = f"No instance of {aws.region} has the ARN {given}: none is registered as {' or '.join(names_within(arn.path))}."
    yield Finding(FAIL, says)


def is_another_thing(aws: Aws, name: str) -> Iterator[Finding]:
    """What else has a name that no instance is registered under, and how to ask about that.

    An application, an Auto Scaling group or a deployment group. Nothing where it is the name of none, where that may not
    be read, and where there are too many applications to read.
    """
    groups = group_names(aws, name)
    if not isinstance(groups, Refusal):
        of = f"with the deployment groups {_some(groups)}" if groups else "without a deployment group"
        fix = f"Ask about a group of it: {_asks(aws, f'{name}/{groups[0]}')}" if groups else ""
        yield Finding(
            FAIL,
            f"{name} is the name of an application {of}.",
            code="is-an-application",
            about=name,
            fix=fix,
            of=frozenset((name, "application")),
        )
    if (members := instances_of_group(aws, name)) is not None:
        fix = f"Ask about an instance of it: {_asks(aws, members[0])}" if members else ""
        says = f"{name} is the name of an Auto Scaling group of {len(members)} instances."
        yield Finding(
            FAIL, says, code="is-a-scaling-group", about=name, fix=fix, of=frozenset((name, "scaling"))
        )
    if holders := [f"{application}/{name}" for application in _applications_with(aws, name)]:
        says = f"{name} is the name of a deployment group: {_some(holders)}."
        fix = f"Ask about the group: {_asks(aws, holders[0])}"
        yield Finding(FAIL, says, code="is-a-group", about=holders[0], fix=fix, of=frozenset((name, "group")))


def _applications_with(aws: Aws, group: str) -> list[str]:
    """The applications that have a deployment group of this name."""
    found = applications_or_refusal(aws)
    if isinstance(found, Refusal) or len(found) > MOST_APPLICATIONS:
        return []
    groups = {application: group_names(aws, application) for application in found}
    return [name for name, those in groups.items() if not isinstance(those, Refusal) and group in those]


def _asks(aws: Aws, subject: str) -> str:
    return f"`{runbooks(aws.place, 'diagnose', subject)}`."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def names_within(resource: str) -> list[str]:
    """The names that the resource of an ARN may be of, the likeliest first: up to an underscore, then the whole."""
    ends = [found.start() for found in re.finditer("_", resource)][::-1]
    names = [resource[:end] for end in ends[: _MOST_NAMES - 1]] + [resource]
    return [name for name in names if is_instance(name)]
