"""Whether a deployment group can deploy now: its instances, its service role, its revision, and what it works with."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks import _service_role
from runbooks.checks._balancing import balancing
from runbooks.checks._constraint import foreseen
from runbooks.checks._deployed import ELSEWHERE, location
from runbooks.checks._group import SELECTS, known, no_group, scaled_by, server, updated
from runbooks.checks._hooked import hooked, suspended
from runbooks.checks._revision import findings
from runbooks.checks._selected import selected
from runbooks.checks._shared import shared
from runbooks.checks._topics import topics, topics_of
from runbooks.commands import aws_cli
from runbooks.facts.alarms import alarm_states
from runbooks.facts.auto_scaling import auto_scaling_groups
from runbooks.facts.deployment_groups import deployment_group
from runbooks.facts.deployments import active_deployments, deployment, minimum_healthy
from runbooks.facts.iam import role
from runbooks.findings import FAIL, OK, WARN, Command, CouldNotCheck, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Can the deployment group deploy?"
GUIDE = "/deployment-errors/"
RUNBOOK = "triage"

_DEFAULT = "CodeDeployDefault.OneAtATime"  # botocore's model of CreateDeploymentGroup


@needs("deployment_group")
def group_selects_instances(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment group selects at least one instance.

    It selects by on-premises tags, by EC2 tags and by Auto Scaling groups, all of them together. A deployment to none
    fails with NO_INSTANCES.
    """
    name = question.deployment_group
    group = deployment_group(aws, name)
    if isinstance(group, Refusal):
        yield Finding(
            FAIL,
            no_group(aws, name, group),
            code="no-such-group",
            about=name,
            fix=ELSEWHERE,
            next=f"/exceptions/{group.code}/",
            of=frozenset({name}),
        )
        return
    found = selected(aws, server(group, name))
    if found.total:
        yield Finding(OK, f"{name} selects {found}, by {found.by}.", about=name)
        return
    by = f"by {found.by}" if found.by else "it has neither tags nor Auto Scaling groups"
    says = f"{name} selects no instance: {by}."
    fix = "Give the instances the tags of the group, or change the tags or the Auto Scaling groups of the group."
    yield Finding(
        FAIL, says, code="selects-none", about=name, fix=fix, next="/deployment-errors/NO_INSTANCES/"
    )


@needs("deployment_group")
def group_can_keep_enough_instances_healthy(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment configuration of the group lets at least one of its instances fail.

    The configuration says how many instances stay healthy, as a number or as a percentage, which is rounded up
    (botocore's model). One that asks for all of them leaves none to deploy to. A deployment may name another one.
    """
    name, group = question.deployment_group, known(aws, question)
    total = selected(aws, group).total
    if not total:
        raise NotApplicable(f"{name} selects no instance.", about=name, next=SELECTS)
    config = str(group.get("deploymentConfigName") or _DEFAULT)
    rule = minimum_healthy(aws, config)
    if isinstance(rule, Refusal):
        says = f"The deployment configuration {config} of {name} is not there: {rule.code}."
        fix = updated(aws, name, deployment_config_name=_DEFAULT)
        page = f"/exceptions/{rule.code}/"
        yield Finding(FAIL, says, code="no-configuration", about=config, fix=fix, next=page)
        return
    yield foreseen(config, rule, total)


@needs("deployment_group")
def group_has_no_deployment_in_progress(aws: Aws, question: Question) -> Iterator[Finding]:
    """No deployment of the group is in progress.

    A group takes one deployment at a time; CodeDeploy refuses the next, or lets it wait.
    """
    name, group = question.deployment_group, known(aws, question)
    active = active_deployments(aws, group["applicationName"], group["deploymentGroupName"])
    if not active:
        yield Finding(OK, f"No deployment of {name} is in progress.", about=name)
        return
    says = f"{', '.join(active)} of {name} {'is' if len(active) == 1 else 'are'} in progress: a group takes one deployment at a time."
    stop = aws_cli(aws.place, "deploy", "stop-deployment", deployment_id=active[0])
    fix = f"Wait until {active[0]} has ended, or stop it: `{stop}`."
    page = "/exceptions/DeploymentLimitExceededException/"
    yield Finding(FAIL, says, code="in-progress", about=active[0], fix=fix, next=page)


@needs("deployment_group")
def service_role_trusts_codedeploy(aws: Aws, question: Question) -> Iterator[Finding]:
    """The service role of the group is there, and CodeDeploy may assume it.

    Its trust policy names codedeploy.amazonaws.com, or the principal of the Region, codedeploy.REGION.amazonaws.com.
    """
    group = known(aws, question)
    arn = _role_of(group, question)
    there = role(aws, arn)
    if there is None:
        says = f"{question.deployment_group} has the service role {arn}, and IAM has no such role."
        other = updated(aws, question.deployment_group, service_role_arn="ROLE_ARN")
        fix = f"Create the role again, or give the group another one in place of ROLE_ARN: `{other}`."
        page = "/deployment-errors/IAM_ROLE_MISSING/"
        yield Finding(FAIL, says, code="no-role", about=arn, fix=fix, next=page)
        return
    yield _service_role.trust(aws, there)


@needs("deployment_group")
def service_role_may_do_what_the_group_needs(aws: Aws, question: Question) -> Iterator[Finding]:
    """The service role may do what this deployment group needs, by IAM's policy simulator.

    What it needs follows from what the group has: EC2 tags, Auto Scaling groups, processes to suspend, a load balancer,
    alarms, triggers. For Auto Scaling groups with a launch template AWS asks for three actions that its managed policy
    AWSCodeDeployRole does not hold; a policy may limit these to what is launched, so there a denial is a warning.
    """
    group = known(aws, question)
    arn = _role_of(group, question)
    if role(aws, arn) is None:
        says = f"{arn} does not exist, so it has no permissions."
        raise NotApplicable(says, about=arn, next="service-role-trusts-codedeploy")
    wanted = _service_role.needs(aws, group)
    if not wanted:
        says = f"{question.deployment_group} has on-premises instances only, for which its role needs nothing known."
        raise NotApplicable(says, about=arn)
    yield from _service_role.permissions(aws, arn, wanted)


@needs("deployment_group")
def revision_of_the_group_is_there(aws: Aws, question: Question) -> Iterator[Finding]:
    """The revision that the group was last given is in its bucket, and is of the type that it is said to be.

    So is the one of the deployment, where a deployment is asked about and had another. It is looked up by a list of the
    bucket and not read. Whether the hosts may read it is host-may-read-the-bucket.
    """
    group = known(aws, question)
    info = deployment(aws, question.deployment) if question.deployment else {}
    own = {} if isinstance(info, Refusal) else info.get("revision")
    revisions = {location(one): one for one in (own, group.get("targetRevision")) if one}
    if not revisions:
        raise NotApplicable(f"{question.deployment_group} was given no revision yet.")
    for revision in revisions.values():
        yield from findings(aws, revision)


@needs("deployment_group")
def auto_scaling_groups_have_their_hooks(aws: Aws, question: Question) -> Iterator[Finding]:
    """Each Auto Scaling group of the deployment group is there, with the lifecycle hooks that CodeDeploy put on it.

    By the launch hook a new instance waits for its first deployment; without it, instances start without the application.
    Where the deployment group has termination hooks switched on (terminationHookEnabled), the termination hook is one of
    them: by it an instance waits for a last deployment before it is terminated.
    """
    yield from hooked(aws, question.deployment_group, known(aws, question))


@needs("deployment_group")
def auto_scaling_groups_have_no_suspended_process(aws: Aws, question: Question) -> Iterator[Finding]:
    """No process of the Auto Scaling groups of the deployment group is suspended.

    A deployment can suspend some for as long as it runs (`autoScalingGroupProcessesToSuspend`); what stays suspended after
    it, as by hand or by a script, launches, ends or balances nothing until it is resumed.
    """
    name, group = question.deployment_group, known(aws, question)
    found = list(suspended(aws, name, group))
    if not found:
        raise NotApplicable(f"The Auto Scaling groups of {name} are not there.", about=name)
    yield from found


@needs("deployment_group")
def auto_scaling_groups_have_no_other_hook(aws: Aws, question: Question) -> Iterator[Finding]:
    """The Auto Scaling groups of the deployment group are in no other, and have no hook of CodeDeploy of another.

    AWS's user guide advises against two deployment groups on one Auto Scaling group and does not forbid it: which deploys
    first is not set, and their deployments can time out. The other one may be of another application, and its hook may be
    missing, so all groups of the account's applications are read, of 50 at most. A launch or termination hook of a group
    that was deleted holds each instance until it times out. Hooks that CodeDeploy did not make are named, not judged.
    """
    name, group = question.deployment_group, known(aws, question)
    wanted = scaled_by(group, name)
    there = auto_scaling_groups(aws, list(wanted))
    if not there:
        raise NotApplicable(f"The Auto Scaling groups of {name} are not there.", about=name)
    yield from shared(aws, name, group, {one: hooks for one, hooks in wanted.items() if one in there})


@needs("deployment_group")
def load_balancer_of_the_group_fits(aws: Aws, question: Question) -> Iterator[Finding]:
    """The load balancers of the group are there, and their target groups take instances.

    CodeDeploy takes instances out of them and puts them back by instance id, so target groups are of the type instance.
    """
    yield from balancing(aws, question.deployment_group, known(aws, question))


@needs("deployment_group")
def alarms_of_the_group_are_quiet(aws: Aws, question: Question) -> Iterator[Finding]:
    """The alarms that the group watches are there, and none is in ALARM.

    An alarm in ALARM stops a deployment. Of one whose state cannot be read a deployment is stopped too, unless
    `ignorePollAlarmFailure` is on (botocore's model); that one which was deleted is such a case is inferred.
    """
    name, group = question.deployment_group, known(aws, question)
    watched = _service_role.alarms_of(group)
    if not watched:
        raise NotApplicable(f"{name} watches no alarm.", about=name)
    states, page = alarm_states(aws, watched), "/deployment-errors/ALARM_ACTIVE/"
    ignored = bool((group.get("alarmConfiguration") or {}).get("ignorePollAlarmFailure"))
    for alarm in watched:
        if alarm not in states:
            says = f"{name} watches the alarm {alarm}, and CloudWatch has no metric alarm of this name."
            verdict, out = WARN if ignored else FAIL, _without_alarm(aws, name, group, alarm)
            yield Finding(verdict, says, code="no-alarm", about=alarm, fix=out, next=page)
        elif states[alarm] == "ALARM":
            says = f"The alarm {alarm} of {name} is in ALARM: a deployment would be stopped."
            fix = "Fix what the alarm measures. Deploy when it is back to OK."
            yield Finding(FAIL, says, code="active", about=alarm, fix=fix, next=page)
        else:
            yield Finding(OK, f"The alarm {alarm} is {states[alarm]}.", about=alarm)


def _without_alarm(aws: Aws, name: str, group: Mapping[str, Any], alarm: str) -> Command:
    """The command that takes an alarm out of those that a deployment group watches; without any it watches none."""
    configured = group.get("alarmConfiguration") or {}
    left = [one for one in configured.get("alarms") or () if one.get("name") != alarm]
    wanted = {**configured, "enabled": bool(left), "alarms": left}
    return updated(aws, name, alarm_configuration=json.dumps(wanted))


@needs("deployment_group")
def topics_of_the_group_are_there(aws: Aws, question: Question) -> Iterator[Finding]:
    """The SNS topics to which the triggers of the deployment group publish are there, in the Region of the group.

    CodeDeploy publishes as the service role (AWS's user guide); whether that role may is part of
    service-role-may-do-what-the-group-needs. That a missing topic stops no deployment, and only loses its notifications,
    is inferred. The policy of the topic and the key that may encrypt it are not read.
    """
    name, group = question.deployment_group, known(aws, question)
    if not topics_of(group):
        raise NotApplicable(f"{name} has no trigger.", about=name)
    yield from topics(aws, name, group)


def _role_of(group: Mapping[str, Any], question: Question) -> str:
    arn = str(group.get("serviceRoleArn") or "")
    if not arn:
        raise CouldNotCheck(f"CodeDeploy gives no service role of {question.deployment_group}.")
    return arn
