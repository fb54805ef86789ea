"""Whether the instances of a deployment group get traffic, and whether its Auto Scaling groups keep them."""

from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._group import SELECTS, known, scaled_by
from runbooks.checks._launches import launches
from runbooks.checks._selected import selected
from runbooks.checks._targets import Wanted, balancers, of_classic, of_target_group
from runbooks.facts.auto_scaling import auto_scaling_groups
from runbooks.facts.deployments import ENDED, Target, Targets, deployment, targets
from runbooks.facts.load_balancing import classic_load_balancer, target_group
from runbooks.findings import Finding, NotApplicable, needs
from runbooks.question import Question, is_ec2

TITLE = "Do the instances of the group get traffic, and stay?"
GUIDE = "/symptoms/elb-traffic/"
RUNBOOK = "triage"


@needs("deployment_group")
def targets_of_the_group_are_healthy(aws: Aws, question: Question) -> Iterator[Finding]:
    """The load balancers of the group have its EC2 instances, and find them healthy.

    AllowTraffic waits until an instance is healthy in each of them. Why one is not, Elastic Load Balancing says by a
    reason. Where a deployment is asked about, those of its targets are judged too that a load balancer still has.
    """
    name, group = question.deployment_group, known(aws, question)
    names, classic = balancers(group, name)
    found = [there for one in names if (there := target_group(aws, one))]
    fit = [one for one in found if one["TargetType"] == "instance"]
    old = [one for one in classic if classic_load_balancer(aws, one)]
    if not fit and not old:
        says = f"{name} has no load balancer that takes instances."
        raise NotApplicable(says, about=name, next="load-balancer-of-the-group-fits")
    deployed = _deployed_to(aws, question, group)
    taken_out = [one.id for one in deployed if _was_taken_out(one)] if _has_ended(aws, question) else []
    wanted = Wanted(name, selected(aws, group).ec2, [one.id for one in deployed], taken_out)
    if not wanted.instances:
        raise NotApplicable(f"{name} has no EC2 instance now.", about=name, next=SELECTS)
    for there in fit:
        yield from of_target_group(aws, wanted, there)
    for balancer in old:
        yield from of_classic(aws, wanted, balancer)


@needs("deployment_group")
def auto_scaling_groups_keep_what_they_launch(aws: Aws, question: Question) -> Iterator[Finding]:
    """The Auto Scaling groups of the deployment group keep the instances that they launch.

    They begin a loop when a launch hook is abandoned, as CodeDeploy does after a deployment that failed, or when a new
    instance fails its health checks: it is terminated, and the next one fails alike. Launches that failed or were
    cancelled are named with what Auto Scaling says of them. Of the last 24 hours.
    """
    name, group = question.deployment_group, known(aws, question)
    wanted = scaled_by(group, name)
    there = auto_scaling_groups(aws, list(wanted))
    if not there:
        raise NotApplicable(f"The Auto Scaling groups of {name} are not there.", about=name)
    for one in there:
        yield from launches(aws, one)


def _has_ended(aws: Aws, question: Question) -> bool:
    """Whether the deployment that is asked about, if any, has ended."""
    info = deployment(aws, question.deployment) if question.deployment else {}
    return not isinstance(info, Refusal) and info.get("status") in ENDED


def _was_taken_out(target: Target) -> bool:
    """Whether a deployment that has ended took an instance out of its load balancers and did not put it back."""
    status = {event.name: event.status for event in target.events}
    return status.get("BlockTraffic") == "Succeeded" and status.get("AllowTraffic") in ("Skipped", "Pending")


def _deployed_to(aws: Aws, question: Question, group: Mapping[str, Any]) -> list[Target]:
    """The EC2 instances of the deployment that is asked about, where it is one of this group."""
    info = deployment(aws, question.deployment) if question.deployment else None
    if info is None or isinstance(info, Refusal):
        return []
    members = ("applicationName", "deploymentGroupName")
    found = targets(aws, info) if all(info.get(one) == group[one] for one in members) else None
    return [one for one in found.read if is_ec2(one.id)] if isinstance(found, Targets) else []
