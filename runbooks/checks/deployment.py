"""Why a deployment failed: what CodeDeploy itself says of it, and of each of its targets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runbooks.aws import Aws, Refusal
from runbooks.decoder import Known, explain
from runbooks.facts.deployments import deployment, targets
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Why did the deployment fail?"
GUIDE = "/deployment-errors/"
RUNBOOK = "triage"

# These run the scripts of the last revision that was deployed successfully, not those of the new one (AWS's user guide).
_OF_THE_LAST_REVISION = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")
_WAITING = ("Created", "Queued", "InProgress", "Baking", "Ready")  # the model's statuses that are no end
_TAIL = 300  # characters of a script's log that a finding shows, from its end
_HEADER = (
    "LifecycleEvent - ",
    "Script - ",
)  # lines of that log that say where it comes from, as the finding does
# The codes that count the targets that failed, so that the cause is with these.
_COUNTS = ("HEALTH_CONSTRAINTS",)
_WITH_TARGETS = "Fix what failed on its targets, which deployment-targets-succeeded names, then deploy again."


@needs("deployment")
def deployment_succeeded(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment succeeded.

    CodeDeploy gives a deployment that failed one error code for the whole of it. It says which rule ended the
    deployment, such as too few healthy instances; what went wrong on an instance is with that instance.
    """
    id_ = question.deployment
    info = deployment(aws, id_)
    if isinstance(info, Refusal):
        says = f"There is no deployment {id_} in {aws.region} of this account: {info.code}."
        fix = "Check the Region and the account: a deployment is known only where it was created."
        yield Finding(FAIL, says, code="unknown", about=id_, fix=fix, next=f"/exceptions/{info.code}/")
        return
    status, what = str(info.get("status")), _described(id_, info)
    error = info.get("errorInformation") or {}
    if status == "Succeeded":
        yield Finding(OK, f"{what} succeeded.", about=id_)
    elif status in _WAITING:
        says = f"{what} is {status}: {_counts(info)}."
        yield Finding(UNKNOWN, says, code="not-ended", about=id_)
    else:
        known = _explained(error.get("code", ""), error.get("message", ""))
        reason = (
            ": ".join(filter(None, (error.get("code"), error.get("message")))) or "CodeDeploy gives no reason"
        )
        says = f"{what} {'was stopped' if status == 'Stopped' else 'failed'} ({_counts(info)}). {reason}"
        fix = _WITH_TARGETS if error.get("code") in _COUNTS else _do(known)
        yield Finding(FAIL, says, code=status.lower(), about=id_, fix=fix, next=_page(known) or GUIDE)
    if rolled := (info.get("rollbackInfo") or {}).get("rollbackDeploymentId"):
        message = (info["rollbackInfo"].get("rollbackMessage") or "").strip()
        says = f"{id_} was rolled back by the deployment {rolled}{': ' * bool(message)}{message}"
        yield Finding(WARN, says, code="rolled-back", about=rolled)


@needs("deployment")
def deployment_targets_succeeded(aws: Aws, question: Question) -> Iterator[Finding]:
    """Every target of the deployment succeeded.

    Targets that failed alike are one finding: at which lifecycle event, with which code, script, message and end of
    the log. A target that was skipped did nothing wrong: the deployment had failed before its turn.
    """
    id_ = question.deployment
    info = deployment(aws, id_)
    if isinstance(info, Refusal):
        raise NotApplicable(f"There is no deployment {id_} in {aws.region}.", about=id_)
    found = targets(aws, id_)
    if not found:
        raise NotApplicable(f"{id_} has no targets.", about=id_)
    causes: dict[_Cause, list[str]] = {}
    for target in found:
        causes.setdefault(_cause(target), []).append(str(target.get("targetId", "a target")))
    for cause, names in sorted(causes.items(), key=lambda row: -len(row[1])):
        yield _finding(cause, names, len(found))


class _Cause(NamedTuple):
    """What targets have in common: their status and, where they failed, all that CodeDeploy says of it."""

    status: str
    event: str = ""
    code: str = ""
    script: str = ""
    message: str = ""
    tail: str = ""
    began: bool = True  # the event was begun: the agent had taken it


def _cause(target: Mapping[str, Any]) -> _Cause:
    status = str(target.get("status", "Unknown"))
    events: Sequence[Mapping[str, Any]] = target.get("lifecycleEvents") or ()
    if status in ("Pending", "InProgress", "Ready"):
        at = next((e for e in events if e.get("status") in ("Pending", "InProgress")), {})
        return _Cause(status, str(at.get("lifecycleEventName", "")), began=bool(at.get("startTime")))
    failed = next((event for event in events if event.get("status") == "Failed"), None)
    if status != "Failed" or failed is None:
        return _Cause(status)
    said = failed.get("diagnostics") or {}
    return _Cause(
        status,
        str(failed.get("lifecycleEventName", "")),
        str(said.get("errorCode", "")),
        str(said.get("scriptName", "")),
        str(said.get("message", "")).strip(),
        str(said.get("logTail", "")).strip(),
        bool(failed.get("startTime")),
    )


def _finding(cause: _Cause, names: list[str], of: int) -> Finding:
    some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    who = f"{len(names)} of {of} target{'s' * (of > 1)} ({some})"
    if cause.status == "Succeeded":
        return Finding(OK, f"{who} succeeded.", about=some)
    if cause.status == "Skipped":
        turn = "was skipped: the deployment ended before its turn"
        turn = turn if len(names) == 1 else "were skipped: the deployment ended before their turn"
        fix = "Fix the cause of the failure and deploy again."
        return Finding(WARN, f"{who} {turn}.", code="skipped", about=some, fix=fix)
    if cause.status != "Failed":
        at = f" at {cause.event}" if cause.event else ""
        taken = "" if cause.began else ", which no agent has taken yet"
        verb = "is" if len(names) == 1 else "are"
        return Finding(UNKNOWN, f"{who} {verb} {cause.status}{at}{taken}.", code="not-ended", about=some)
    known = _explained(cause.code, cause.message, cause.tail)
    parts = [
        f"{who} failed",
        f"at {cause.event}" if cause.event else "",
        f"with {cause.code}" if cause.code else "",
    ]
    says = " ".join(filter(None, parts)) + (f" in {cause.script}" if cause.script else "") + "."
    says += f" {_sentence(cause.message)}" if cause.message else " CodeDeploy gives no message."
    tail = " | ".join(line for line in cause.tail.splitlines() if line and not line.startswith(_HEADER))
    says += f" The log ends: {tail[-_TAIL:]}" if tail else ""
    fix = _do(known)
    if cause.event in _OF_THE_LAST_REVISION:
        fix += f" {cause.event} runs the script of the last revision that was deployed successfully."
    code = (cause.code or "failed").lower()
    return Finding(FAIL, says, code=code, about=some, fix=fix.strip(), next=_page(known) or "/symptoms/")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _explained(code: str, *texts: str) -> Known | None:
    """What the guide knows of an error: of its message before its code, which says less."""
    found = explain("\n".join(filter(None, (code, *texts)))).known or explain(code).known
    return found[0] if found else None


def _do(known: Known | None) -> str:
    return known.do if known else ""


def _page(known: Known | None) -> str:
    return known.page if known else ""


def _described(id_: str, info: Mapping[str, Any]) -> str:
    """The deployment in words: "d-ABCDEF123 of shop/web (s3://shop-revisions/web.zip, by a user)"."""
    group = "/".join(filter(None, (info.get("applicationName"), info.get("deploymentGroupName"))))
    revision = info.get("revision") or {}
    s3, git = revision.get("s3Location") or {}, revision.get("gitHubLocation") or {}
    where = f"s3://{s3.get('bucket', '')}/{s3.get('key', '')}" if s3 else ""
    where = where or (f"{git.get('repository')}@{git.get('commitId')}" if git else "")
    creator = f"by {info['creator']}" if info.get("creator") else ""
    begun = f"created {info['createTime']:%Y-%m-%d %H:%M} UTC" if info.get("createTime") else ""
    inside = ", ".join(filter(None, (where, creator, begun)))
    return f"{id_}{f' of {group}' if group else ''}{f' ({inside})' if inside else ''}"


def _counts(info: Mapping[str, Any]) -> str:
    overview: Mapping[str, int] = info.get("deploymentOverview") or {}
    return ", ".join(f"{count} {name.lower()}" for name, count in overview.items() if count) or "no targets"
