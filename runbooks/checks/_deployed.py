"""What the checks of a deployment say alike: times, places, a deployment in words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.commands import aws_cli
from runbooks.facts.deployments import counts, deployment
from runbooks.facts.optional import if_readable
from runbooks.findings import OK, Command, Finding, NotApplicable
from runbooks.question import Question
from runbooks.text.mask import masked
from runbooks.text.times import time

_CREATORS = {  # of the model, where its name needs words
    "user": "a user",
    "autoscaling": "Auto Scaling for an instance that it launched",
    "autoscalingTermination": "Auto Scaling for an instance that it terminates",
    "codeDeployRollback": "an automatic rollback",
    "CodeDeployAutoUpdate": "CodeDeploy for instances that are out of date",
    "CloudFormationRollback": "a rollback of CloudFormation",
}
PAST_OLD_SCRIPTS = "Deploy once with --ignore-application-stop-failures"
ELSEWHERE = "It is known only in its own Region and account: check both, and the spelling."


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith((".", "!", "?", ".”")) else f"{text}."


def shortened(text: str, most: int) -> str:
    """A text of AWS on one line, with secrets masked before it is cut to ``most`` characters."""
    line = masked(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def since(aws: Aws, at: datetime | None) -> str:
    """ " since 2026-01-15 10:45 UTC (75 minutes)"; "" where that is not known."""
    return f" since {time(at)} ({max(0, round((aws.now() - at).total_seconds() / 60))} minutes)" if at else ""


def location(revision: Mapping[str, Any]) -> str:
    """Where a revision is, in words."""
    s3, git = revision.get("s3Location") or {}, revision.get("gitHubLocation") or {}
    if s3:
        version = f", version {s3['version']}" if s3.get("version") else ""
        return f"s3://{s3.get('bucket', '')}/{s3.get('key', '')}{version}"
    return f"{git.get('repository')}@{git.get('commitId')}" if git else ""


def described(id_: str, info: Mapping[str, Any]) -> str:
    """The deployment in words: "d-ABCDEF123 of shop/web (s3://shop-revisions/web.zip, by a user)"."""
    group = "/".join(filter(None, (info.get("applicationName"), info.get("deploymentGroupName"))))
    by = str(info.get("creator") or "")
    creator = f"by {_CREATORS.get(by, by)}" if by else ""
    inside = ", ".join(filter(None, (location(info.get("revision") or {}), creator, *_times(info))))
    return f"{id_}{f' of {group}' if group else ''}{f' ({inside})' if inside else ''}"


def _times(info: Mapping[str, Any]) -> Iterator[str]:
    """When it was created, started and ended, and how long it took; what CodeDeploy does not say is left out."""
    day = ""
    for member, word in (("createTime", "created"), ("startTime", "started"), ("completeTime", "ended")):
        if at := info.get(member):
            same = time(at, "%Y-%m-%d") == day
            yield f"{word} {time(at, '%H:%M UTC') if same else time(at)}"
            day = time(at, "%Y-%m-%d")
    begun, ended = info.get("startTime"), info.get("completeTime")
    if begun and ended:
        yield f"took {_long(ended - begun)}"


def _long(span: timedelta) -> str:
    """A stretch of time as one says it: 40 s, 12 min, 3 h 5 min."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def counted(info: Mapping[str, Any]) -> str:
    """How many targets are in which status."""
    if info.get("deploymentOverview") is None:
        return "CodeDeploy does not count its targets"
    said = (
        f"{count} {'in progress' if name == 'InProgress' else name.lower()}"
        for name, count in counts(info).items()
    )
    return ", ".join(said) or "no target"


def ending(status: str) -> str:
    """How a deployment ended that did not succeed."""
    return "was stopped" if status == "Stopped" else "failed"


def what_was_deployed(aws: Aws, question: Question) -> Iterator[Finding]:
    """What was deployed where, by whom, and how that stands, is known: the head of a report, in one sentence."""
    info = deployment(aws, question.deployment)
    if isinstance(info, Refusal):
        raise NotApplicable(f"There is no deployment {question.deployment}.")
    yield Finding(OK, f"{info['status']}: {described(question.deployment, info)}")


def once_more(aws: Aws, info: Mapping[str, Any], **more: bool | str) -> Command | None:
    """The command that deploys the same revision to the same group again, with ``more`` options.

    None where the answer of CodeDeploy does not give what it needs.
    """
    application, group = info.get("applicationName"), info.get("deploymentGroupName")
    revision = _place(info.get("revision") or {})
    if not (application and group and revision):
        return None
    options: dict[str, str | bool] = {
        "application_name": str(application),
        "deployment_group_name": str(group),
        **revision,
        **more,
    }
    if config := info.get("deploymentConfigName"):
        options["deployment_config_name"] = str(config)
    return aws_cli(aws.place, "deploy", "create-deployment", **options)


def with_the_command(aws: Aws, question: Question, found: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; where the fix is to deploy once past old scripts, with the command, if a deployment was asked about."""
    for finding in found:
        command = None
        if question.deployment and finding.fix.startswith(PAST_OLD_SCRIPTS):
            info = if_readable(lambda: deployment(aws, question.deployment))
            if info and not isinstance(info, Refusal):
                command = once_more(aws, info, ignore_application_stop_failures=True)
        yield replace(finding, fix=f"{finding.fix} The command: `{command}`.") if command else finding


def deploy_again(aws: Aws, info: Mapping[str, Any]) -> str:
    """What to do about a deployment that was stopped, and that nothing else is wrong with."""
    command = once_more(aws, info)
    return f"Deploy the same revision again, once the reason for the stop is gone{f': `{command}`' if command else ''}."


def _place(revision: Mapping[str, Any]) -> dict[str, str]:
    """The option of the AWS CLI for a revision in S3 or GitHub, in its shorthand; {} for what that cannot write."""
    for member, option in (("s3Location", "s3_location"), ("gitHubLocation", "github_location")):
        found = {name: str(value) for name, value in (revision.get(member) or {}).items() if value}
        if found and not any(set(value) & set(",='\"[]{} ") for value in found.values()):
            return {option: ",".join(f"{name}={value}" for name, value in found.items())}
    return {}


def to_end(aws: Aws, id_: str) -> str:
    """What one can do about a deployment that has not ended."""
    stop = aws_cli(aws.place, "deploy", "stop-deployment", deployment_id=id_)
    return f"Wait until {id_} has ended, or stop it: `{stop}`."
