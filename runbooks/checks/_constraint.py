"""The constraint of a deployment in numbers: how many targets stay healthy, how many may fail, how many did."""

import math
from collections.abc import Mapping
from typing import Any

from runbooks.facts.deployments import PREDEFINED, counts
from runbooks.findings import FAIL, OK, WARN, CouldNotCheck, Finding

_FIX = "Fix what failed on its targets, then deploy again."
_REPLACEMENT = " of the replacement (green) environment"
_PAGE = "/deployment-errors/HEALTH_CONSTRAINTS/"


def judged(
    name: str, rule: Mapping[str, Any], info: Mapping[str, Any], replacement: Mapping[str, int] | None = None
) -> Finding:
    """What the rule of the configuration ``name`` (`facts.deployments.minimum_healthy`) makes of a deployment's counts.

    ``replacement`` is how many targets of that environment are in which status: of a blue/green deployment only
    they count.
    """
    known = counts(info) if replacement is None else replacement
    total, failed, succeeded, skipped = (
        sum(known.values()),
        known.get("Failed", 0),
        known.get("Succeeded", 0),
        known.get("Skipped", 0),
    )
    asked, how = _asked(rule, total)
    needed = max(1, asked)
    of = f"{_targets(total)}{_REPLACEMENT * (replacement is not None)}"
    says = f"{name} keeps at least {needed} of {of} healthy{how}, so {_may_fail(total - needed)}:"
    below = f"{name} keeps at least {needed} of {of} healthy:"
    if asked < 1:
        only = "the only target fails" if total == 1 else f"none of {of} succeeds"
        says = below = f"{name} asks for no healthy target, so the deployment fails only when {only}:"
    became = f" {succeeded} succeeded, {failed} failed{f', and {_were(skipped)} skipped' if skipped else ''}."
    says, below = says + became + _zones(rule), below + became
    is_health = str((info.get("errorInformation") or {}).get("code") or "").startswith("HEALTH_CONSTRAINTS")
    if asked >= total and name not in PREDEFINED:
        return _can_never_hold(name, says)
    if failed > total - needed:
        return Finding(FAIL, says, code="too-many-failed", about=name, fix=_FIX, next=_PAGE, below=below)
    if info["status"] == "Failed" and succeeded < needed:
        says += _one_more(total, needed, failed, skipped)
        below += _one_more(total, needed, failed, skipped, short=True)
        return Finding(FAIL, says, code="too-few-succeeded", about=name, fix=_FIX, next=_PAGE, below=below)
    if is_health and rule.get("zonal") is not None:
        says += " So one of the zones, or instances that were unhealthy before, can be the reason (inferred)."
        return Finding(WARN, says, code="others-are-unhealthy", about=name, next=_PAGE)
    if is_health:
        says += (
            " So CodeDeploy counts others as unhealthy too: those whose last deployment failed (inferred)."
        )
        return Finding(WARN, says, code="others-are-unhealthy", about=name, next=_PAGE)
    return Finding(OK, says, about=name)


def _one_more(total: int, needed: int, failed: int, skipped: int, *, short: bool = False) -> str:
    """Why targets were skipped though no more failed than may: one at work is not healthy either (AWS's user guide)."""
    left = total - failed - 1
    if not skipped or left >= needed:
        return ""
    if short:
        return f" One more at work would leave {left} healthy."
    return (
        f" With {failed} failed, one more at work would leave {left} of {total} healthy, fewer than {needed}."
    )


def _zones(rule: Mapping[str, Any]) -> str:
    """What the rule asks of each Availability Zone, in words."""
    zonal = rule.get("zonal")
    if zonal is None:
        return ""
    unit = " %" if zonal.get("type") == "FLEET_PERCENT" else ""
    number = (
        f" and keeps at least {zonal['value']}{unit} healthy in each"
        if zonal.get("value") is not None
        else ""
    )
    return f" It deploys to one Availability Zone at a time{number}, which is not counted here."


def waiting(info: Mapping[str, Any], total: int, pending: int, at_work: int) -> str:
    """Why so many targets have no first event yet where others are at work, or only some may be; "" where it is an agent."""
    name = str(info.get("deploymentConfigName") or "")
    rule = PREDEFINED.get(name)
    if rule is None:
        return "; an agent has not taken it yet, or it is not their turn" if at_work else ""
    failed = counts(info).get("Failed", 0)
    at_once = max(1, total - max(1, _asked(rule, total)[0]))
    if rule["value"] == 0:  # all of them at once
        return ""
    if at_work + failed >= at_once:
        whose = "its" if pending == 1 else "their"
        return f"; {name} deploys to {at_once} at a time, so it is not {whose} turn yet"
    room = at_once - at_work - failed
    if pending > room:
        return f"; no agent has taken it yet ({name} deploys to {at_once} at a time, so the others wait for their turn)"
    return ""


def foreseen(name: str, rule: Mapping[str, Any], total: int) -> Finding:
    """What the rule of the configuration ``name`` makes of a deployment to so many targets."""
    asked, how = _asked(rule, total)
    needed = max(1, asked)
    says = (
        f"{name} keeps at least {needed} of {_targets(total)} healthy{how}, so {_may_fail(total - needed)}."
    )
    says += _zones(rule)
    if asked >= total and name not in PREDEFINED:
        return _can_never_hold(name, says)
    return Finding(OK, says, about=name)


def _can_never_hold(name: str, says: str) -> Finding:
    fix = (
        "Give the deployment a configuration that lets at least one target fail, such as"
        " CodeDeployDefault.OneAtATime, or give the group more targets."
    )
    page = "/deployment-errors/HEALTH_CONSTRAINTS_INVALID/"
    of = frozenset({name})
    return Finding(FAIL, says, code="can-never-hold", about=name, fix=fix, next=page, of=of)


def _asked(rule: Mapping[str, Any], total: int) -> tuple[int, str]:
    """How many targets have to stay healthy, and how that was worked out.

    A percentage is rounded up, and MOST_CONCURRENCY is how many may be deployed to at a time (botocore's model). That
    at least one has to succeed, also where the rule asks for none, is in AWS's user guide (AllAtOnce).
    """
    kind, value = rule["type"], int(rule["value"])
    if kind not in ("MOST_CONCURRENCY", "FLEET_PERCENT", "HOST_COUNT"):
        raise CouldNotCheck(f"{kind} is not a type of minimum healthy hosts that this guide knows.")
    if kind == "MOST_CONCURRENCY":
        return total - value, f" (all but {value})" * (total > value)
    if kind == "FLEET_PERCENT":
        return math.ceil(total * value / 100), f" ({value} %, rounded up)" if value else ""
    return value, ""


def _may_fail(count: int) -> str:
    return f"at most {count} may fail" if count > 0 else "none may fail"


def _targets(count: int) -> str:
    return f"{count} target{'s' * (count != 1)}"


def _were(count: int) -> str:
    return f"{count} {'was' if count == 1 else 'were'}"
