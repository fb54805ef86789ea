"""Would a deployment to the group fail? What only `runbooks preflight` asks: of the bundle, and of the group's instances."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runbooks.appspec.install import text
from runbooks.appspec.linter import Judgement, lint
from runbooks.aws import Aws, Refusal
from runbooks.checks._bundle import opened, operating_system
from runbooks.checks._host import require, require_report
from runbooks.checks._in_the_way import copies_of, placed
from runbooks.checks._members import MOST, Member, have, last_heard, listed, members, of, some
from runbooks.checks._revision import bundle_of, revision_at
from runbooks.checks._selected import selected
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, Lead, NotApplicable, needs
from runbooks.host import gist, judge_log, run_state
from runbooks.question import Question, is_ec2, is_instance

TITLE = "Would a deployment to the group fail?"
GUIDE = "/guides/preflight/"
RUNBOOK = "triage"

_SELECTS = "group-selects-instances"
_INVALID, _UNHEARD = "/symptoms/appspec-invalid/", "/symptoms/agent-not-heard/"
MOST_LEADS = 3  # hosts that are checked more closely
# What an AppSpec file is for, by the linter, and the compute platform of a group.
_PLATFORMS = {"server": "Server", "ecs": "ECS", "lambda": "Lambda"}
_WORDS = {"Server": "instances", "ECS": "Amazon ECS", "Lambda": "AWS Lambda"}


# What is checked of a sample of the hosts: by Systems Manager's probe, and by AWS alone.
BY_PROBE = (
    "agents-of-the-group-poll",
    "agent-is-installed",
    "agent-is-running",
    "agent-settings-are-sound",
    "agent-may-use-its-files",
    "host-reaches-codedeploy",
    "host-clock-is-right",
    "host-has-room",
    "host-has-sound-state",
    "hook-scripts-of-the-last-good-revision-can-start",
)
_OF_THE_BUNDLE = ("files-of-the-bundle-have-their-places-free",)
_ON_PREMISES = (
    "agent-identity-is-the-registered-one",
    "host-credentials-file-is-in-place",
    "host-may-use-commands-secure",
)
_IN_EC2 = ("agent-works-as-the-ec2-instance", "metadata-service-serves-the-agent")
# Only where the revision that the group was given last is deployed again: a new one may have cured that.
_AGAIN = (
    "appspec-of-the-newest-revision-is-valid",
    "hook-scripts-of-the-newest-revision-can-start",
    "hook-scripts-of-the-last-deployment-ended-well",
    "agent-log-is-clean",
)
_OF_THE_BUCKET = ("host-may-read-the-bucket", "host-may-use-the-key-of-the-bucket")
BY_AWS = ("registered-identity-exists", "ec2-instance-has-a-role", *_OF_THE_BUCKET)


@dataclass(frozen=True)
class Planned(Question):
    """A deployment group, and what is to be deployed to it; "" where that was not given.

    ``bundle`` is a file or a folder, ``revision`` where a revision is stored.
    """

    bundle: str = ""
    revision: str = ""

    @property
    def is_the_same_again(self) -> bool:
        """Whether it is about the revision that the group was given last."""
        return not self.bundle and not self.revision

    @property
    def by_probe(self) -> tuple[str, ...]:
        """The checks of every host that need the probe."""
        return (*BY_PROBE, *(_OF_THE_BUNDLE if self.bundle else ()))

    def on(self, host: Lead) -> "Planned":
        """The same, about a host that a finding leads to."""
        asked: dict[str, Any] = dict(host.asked)
        return replace(self, **asked)


@needs("bundle")
def bundle_is_sound(aws: Aws, question: Planned) -> Iterator[Finding]:
    """Agents 1.8.1 and 2.x accept the AppSpec file and the bundle.

    It is what `runbooks appspec` says of it; there each fault has its line, and the message of each agent.
    """
    judgement = lint(question.bundle)
    for fault in judgement.faults:
        where = f"{fault.file or judgement.file}, line {fault.mark.line}"
        yield Finding(
            fault.verdict,
            f"{where}: {fault.says}",
            code=fault.code,
            about=question.bundle,
            fix=fault.fix,
            next=fault.next,
        )
    if not judgement.faults:
        left = f"; not checked: {', '.join(judgement.unchecked)}" if judgement.unchecked else ""
        says = f"The linter found nothing in {question.bundle}{left}."
        yield Finding(OK, says, about=question.bundle)


@needs("deployment_group", "bundle")
def bundle_fits_the_group(aws: Aws, question: Planned) -> Iterator[Finding]:
    """The AppSpec file of the bundle is for the compute platform of the group, and its `os` is that of the hosts.

    A file for Amazon ECS or AWS Lambda has no `os`, which each agent asks for. Which system a host has, Systems Manager
    says of a managed node, and EC2 of an instance; of other hosts it is not known.
    """
    group, judgement = _group(aws, question), lint(question.bundle)
    wanted = str(group.get("computePlatform") or "Server")
    if not judgement.platform:
        says = f"What the AppSpec file of {question.bundle} is for is not known: it cannot be read."
        raise NotApplicable(says, about=question.bundle)
    fits = _PLATFORMS.get(judgement.platform, wanted if wanted != "Server" else "")
    if fits != wanted:
        yield _other_platform(question, judgement, wanted)
    elif wanted == "Server":
        system = operating_system(Path(question.bundle))
        yield from _systems(question, judgement.file, system, members(aws, group))
    elif judgement.platform == "resources":
        raise CouldNotCheck(f"{judgement.file} is for Amazon ECS or AWS Lambda: which is not known.")
    else:
        says = f"{judgement.file} is for {_WORDS[wanted]}, as {question.deployment_group} is."
        yield Finding(OK, says, about=question.bundle)


def _other_platform(question: Planned, judgement: Judgement, wanted: str) -> Finding:
    meant = _WORDS.get(_PLATFORMS.get(judgement.platform, ""), "Amazon ECS or AWS Lambda")
    there = _WORDS.get(wanted, wanted)
    why = "each agent refuses a file without os" if wanted == "Server" else "it has no Resources"
    says = f"{judgement.file} is an AppSpec file for {meant}, and {question.deployment_group} deploys to {there}: {why}."
    fix = "Give the bundle of this group, or deploy it to the group that it is for."
    return Finding(FAIL, says, code="other-platform", about=question.bundle, fix=fix, next=_INVALID)


def _systems(question: Planned, file: str, system: str, found: list[Member]) -> Iterator[Finding]:
    """Whether the hosts have the system that the AppSpec file names."""
    group = question.deployment_group
    if not found:
        raise NotApplicable(f"{group} selects no instance.", about=group, next=_SELECTS)
    if not system:
        raise NotApplicable(f"{file} names no os that an agent knows.", about=question.bundle)
    other = [one for one in found if one.system not in ("", system)]
    unknown = [one for one in found if not one.system]
    if other:
        says = f"{file} has os: {system}, and {of(other, found)} of {group} {have(other)} another system: the agent there refuses it."
        fix = "Write the os of these hosts, or give Windows and Linux hosts deployment groups of their own."
        yield Finding(FAIL, says, code="other-os", about=some(other), fix=fix, next=_INVALID)
    if unknown:
        says = (
            f"Could not check: which system {of(unknown, found)} of {group} {have(unknown)} is not known:"
            " neither Systems Manager nor EC2 says it."
        )
        yield Finding(UNKNOWN, says, code="os-not-known", about=some(unknown))
    if not other and not unknown:
        yield Finding(OK, f"{file} has os: {system}, as {of(found, found)} of {group}.", about=group)


@needs("deployment_group")
def instances_of_the_group_answer(aws: Aws, question: Planned) -> Iterator[Finding]:
    """Systems Manager is connected with the hosts of the group, and the last deployment heard their agents.

    That is what was known last: whether an agent polls now, only the probe shows. The SSM Agent is another program than
    CodeDeploy's, so a host that Systems Manager has lost may still hear of a deployment.
    """
    name, group = question.deployment_group, _server(_group(aws, question), question)
    found, last = members(aws, group), last_heard(aws, group)
    if not found:
        raise NotApplicable(f"{name} selects no instance.", about=name, next=_SELECTS)
    unheard = [one for one in found if one.name in last.unheard]
    silent = [one for one in unheard if not one.is_online]
    unheard = [one for one in unheard if one.is_online]
    lost = [one for one in found if one.node and not one.is_online and one not in silent]
    unknown = [one for one in found if not one.node and one.name not in last.heard | last.unheard]
    bad = [*silent, *unheard, *lost, *unknown]
    fine = [one for one in found if one not in bad]
    leads = tuple(
        _lead(question, group, one, len(found))
        for one in _sample([*unheard, *fine, *lost, *silent, *unknown])
    )
    if silent:
        says = f"{of(silent, found)} of {name} did not answer: the agent was not heard in {last.deployment}, and Systems Manager is not connected with the host."
        fix = "Start the host and its agent, or take the instance out of the group (its tags, its registration)."
        yield Finding(FAIL, says, code="silent", about=some(silent), fix=fix, next=_UNHEARD, leads=leads)
    if unheard:
        says = f"{of(unheard, found)} of {name} did not answer the last deployment: the agent was not heard in {last.deployment}. Systems Manager is connected with the host."
        fix = "Start the agent there (`sudo systemctl restart codedeploy-agent`), then probe the host."
        yield Finding(WARN, says, code="not-heard", about=some(unheard), fix=fix, next=_UNHEARD, leads=leads)
    if lost:
        says = f"Systems Manager is not connected with {of(lost, found)} of {name}: the host may be down."
        fix = "Start the host, or take the instance out of the group."
        yield Finding(
            WARN,
            says,
            code="not-connected",
            about=some(lost),
            fix=fix,
            next="host-is-managed-and-online",
            leads=leads,
        )
    if unknown:
        says = f"Could not check: of {of(unknown, found)} of {name} nothing is known: Systems Manager does not manage the host, and no deployment has heard its agent."
        yield Finding(UNKNOWN, says, code="not-known", about=some(unknown), leads=leads)
    if fine:
        online, heard = sum(one.is_online for one in fine), sum(one.name in last.heard for one in fine)
        by = (
            f"; {last.deployment} heard {heard} of their agents"
            if last.deployment
            else "; nothing was deployed to them yet"
        )
        says = f"{of(fine, found)} of {name} answered last: Systems Manager is connected with {online}{by}."
        yield Finding(OK, says, about=name, leads=leads)
    if more := selected(aws, group).total - len(found):
        says = f"Could not check: {more} more instances of {name} were not looked up: at most {MOST} are."
        yield Finding(UNKNOWN, says, code="not-read", about=name)


@needs("deployment_group", "instance")
def agents_of_the_group_poll(aws: Aws, question: Planned) -> Iterator[Finding]:
    """The agent on the host polls CodeDeploy, and CodeDeploy answers it.

    By the processes of the agent and its log, as the probe brings them: a poll that was answered takes back what was logged
    before it. What deployments logged is left out, since the next one may be another. Of an agent that is not there, or
    ends, other checks say it.
    """
    report = require_report(aws, question, agent=True)
    name, state = question.instance, run_state(report)
    if state is None:
        raise CouldNotCheck(
            f"the user of the probe cannot see the processes of {name}; run the probe as root."
        )
    if state.state in ("stopped", "loops"):
        raise NotApplicable(f"The agent on {name} {state.says}.", about=name, next="agent-is-running")
    lines = require(report.log.lines, f"what the log of the agent on {name} says")
    faults = [
        one for one in judge_log(lines).faults if not one.symptom.sticks and one.symptom.severity == "fault"
    ]
    for one in faults:
        says = f"The agent on {name} is not heard, by its log: {gist(one.line, one.symptom)} - {one.symptom.cause}"
        page = f"/symptoms/{one.symptom.id}/"
        yield Finding(FAIL, says, code="fault", about=name, fix=one.symptom.do, next=page)
    if state.state == "starting":
        raise CouldNotCheck(f"the agent on {name} {state.says}; ask again in a few minutes.")
    if state.state != "polls":
        says = f"The agent on {name} {state.says}: it would not hear of the deployment."
        yield Finding(FAIL, says, code="silent", about=name, next="/guides/check-the-agent/#log")
    elif not faults:
        yield Finding(OK, f"The agent on {name} {state.says}.", about=name)


@needs("deployment_group", "instance", "bundle")
def files_of_the_bundle_have_their_places_free(aws: Aws, question: Planned) -> Iterator[Finding]:
    """The files of the bundle go where the last revision of the group put its own, which the agent removes first.

    A file that stands in another's place fails Install, unless `file_exists_behavior` is OVERWRITE or RETAIN. The probe reads
    the AppSpec file of the last revision, and whether the agent has its list of files; it does not look for the files
    of the bundle, so whether a new place is free is not known.
    """
    name, group = question.instance, _server(_group(aws, question), question)
    root, bundle = opened(Path(question.bundle))
    copies = copies_of(root, bundle) if root else []
    if root is None or not copies or text(root.get("os")) != "linux":
        raise NotApplicable(f"{question.bundle} copies no file to a Linux host.", about=question.bundle)
    behavior = text(root.get("file_exists_behavior"))
    if behavior in ("OVERWRITE", "RETAIN"):
        raise NotApplicable(f"{question.bundle} has file_exists_behavior: {behavior}.", about=question.bundle)
    report = require_report(aws, question, agent=True)
    found = placed(copies, report, str(group.get("deploymentGroupId") or ""))
    total = f"of {len(copies)} files of {question.bundle}"
    for why in dict.fromkeys(found.clash.values()):
        there = [path for path, reason in found.clash.items() if reason == why]
        says = f"Install would fail on {name}: {len(there)} {total} ({listed(there)}) would find a file in place, since {why}."
        fix = "Set file_exists_behavior to OVERWRITE or RETAIN in the AppSpec file, or remove these files from the host."
        yield Finding(FAIL, says, code="in-the-way", about=name, fix=fix, next="/symptoms/file-exists/")
    if found.unknown:
        says = (
            f"Could not check: whether on {name} the places of {len(found.unknown)} {total} are free"
            f" ({listed(found.unknown)}) is not known: the last revision did not put them there, and the probe does not"
            " look for them."
        )
        yield Finding(UNKNOWN, says, code="not-known", about=name, next="/symptoms/file-exists/")
    if not found.clash and not found.unknown:
        says = (
            f"On {name} all {len(copies)} files of {question.bundle} go where the last revision put its own."
        )
        yield Finding(OK, says, about=name)


def _sample(found: list[Member]) -> list[Member]:
    """The hosts to check more closely: first those that can be probed."""
    named = [one for one in found if is_instance(one.name)]  # AWS may call one as no question can
    return sorted(named, key=lambda one: not one.is_online)[:MOST_LEADS]


def _lead(question: Planned, group: dict[str, Any], member: Member, of_all: int) -> Lead:
    """What is checked on one host of the sample."""
    own = _IN_EC2 if is_ec2(member.name) else _ON_PREMISES
    again = _AGAIN if question.is_the_same_again else ()
    probed = (*question.by_probe, *own, *again) if member.is_online else ()
    bucket = bundle_of(
        revision_at(question.revision) if question.revision else group.get("targetRevision") or {}
    )
    asked = (("instance", member.name), *((("bucket", bucket),) if bucket else ()))
    other = "ec2-" if not is_ec2(member.name) else "registered-"
    by_aws = [id_ for id_ in BY_AWS if not id_.startswith(other)]
    if not bucket:  # without one these check the revision that the group was given last
        by_aws = [id_ for id_ in by_aws if id_ not in _OF_THE_BUCKET]
    return Lead(member.name, of_all, asked, (*probed, *by_aws))


def _group(aws: Aws, question: Question) -> dict[str, Any]:
    """The group; one that is not there is said once, by group-selects-instances."""
    name = question.deployment_group
    group = deployment_group(aws, name)
    if isinstance(group, Refusal):
        raise NotApplicable(
            f"There is no deployment group {name} in {aws.region}.", about=name, next=_SELECTS
        )
    return group


def _server(group: dict[str, Any], question: Question) -> dict[str, Any]:
    """The group, if it deploys to instances."""
    if (platform := group.get("computePlatform") or "Server") != "Server":
        about = question.deployment_group
        raise NotApplicable(f"{about} deploys to {platform}, not to instances.", about=about)
    return group
