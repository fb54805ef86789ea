"""Would a deployment to the group fail? What only `runbooks preflight` asks: of the bundle, and of the group's instances."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbooks.appspec.linter import Judgement, lint
from runbooks.aws import Aws, Refusal
from runbooks.checks._bundle import operating_system
from runbooks.checks._members import Member, have, members, of, some
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import FAIL, OK, UNKNOWN, CouldNotCheck, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Would a deployment to the group fail?"
GUIDE = "/guides/preflight/"
RUNBOOK = "triage"

_SELECTS = "group-selects-instances"
_INVALID = "/symptoms/appspec-invalid/"
# What an AppSpec file is for, by the linter, and the compute platform of a group.
_PLATFORMS = {"server": "Server", "ecs": "ECS", "lambda": "Lambda"}
_WORDS = {"Server": "instances", "ECS": "Amazon ECS", "Lambda": "AWS Lambda"}


@dataclass(frozen=True)
class Planned(Question):
    """A deployment group, and the bundle that is to be deployed to it: a file or a folder, "" where none was given."""

    bundle: str = ""


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


def _group(aws: Aws, question: Question) -> dict[str, Any]:
    """The group; one that is not there is said once, by group-selects-instances."""
    name = question.deployment_group
    group = deployment_group(aws, name)
    if isinstance(group, Refusal):
        raise NotApplicable(
            f"There is no deployment group {name} in {aws.region}.", about=name, next=_SELECTS
        )
    return group
