"""What the checks of a deployment say alike: times, places, a deployment in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.facts.deployments import counts, deployment
from runbooks.findings import OK, Finding, NotApplicable
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
ELSEWHERE = "An id is known only in its own Region and account. Try --region or --profile."


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


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
    begun = f"created {time(info['createTime'])}" if info.get("createTime") else ""
    inside = ", ".join(filter(None, (location(info.get("revision") or {}), creator, begun)))
    return f"{id_}{f' of {group}' if group else ''}{f' ({inside})' if inside else ''}"


def counted(info: Mapping[str, Any]) -> str:
    """How many targets are in which status."""
    if info.get("deploymentOverview") is None:
        return "CodeDeploy does not count its targets"
    said = (
        f"{count} {'in progress' if name == 'InProgress' else name.lower()}"
        for name, count in counts(info).items()
    )
    return ", ".join(said) or "no targets"


def ending(status: str) -> str:
    """How a deployment ended that did not succeed."""
    return "was stopped" if status == "Stopped" else "failed"


def what_was_deployed(aws: Aws, question: Question) -> Iterator[Finding]:
    """What was deployed where, by whom, and how that stands, is known: the head of a report, in one sentence."""
    info = deployment(aws, question.deployment)
    if isinstance(info, Refusal):
        raise NotApplicable(f"There is no deployment {question.deployment}.")
    yield Finding(OK, f"{info['status']}: {described(question.deployment, info)}")
