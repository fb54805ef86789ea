"""What the load balancers of a deployment group say of its instances: healthy, unhealthy and why, or not registered."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from runbooks.aws import Aws, Refusal
from runbooks.checks._deployed import sentence, shortened
from runbooks.checks._members import listed
from runbooks.facts.deployments import active_deployments
from runbooks.facts.load_balancing import (
    Health,
    deregistration_delay,
    instance_health,
    target_health,
)
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, NotApplicable, Verdict

_PAGE = "/symptoms/elb-traffic/"
_SAID = 3  # texts of AWS that a sentence quotes
_TEXT = 200  # characters of each
_NOT_REGISTERED = "Target.NotRegistered"


class Meaning(NamedTuple):
    """What a state or a reason means for the instance, and what to do."""

    means: str
    fix: str = ""


# By the enum of TargetHealth.State in botocore's model, and by the states of a Classic Load Balancer, which it lists in a
# text. The model does not describe unhealthy.draining.
STATES: Mapping[str, tuple[Verdict, str]] = {
    "healthy": (OK, ""),
    "initial": (WARN, "initial"),
    "unhealthy": (FAIL, "unhealthy"),
    "unhealthy.draining": (FAIL, "unhealthy"),
    "unused": (FAIL, "unused"),
    "draining": (WARN, "draining"),
    "unavailable": (UNKNOWN, "unavailable"),
    "InService": (OK, ""),
    "OutOfService": (FAIL, "unhealthy"),
    "Unknown": (UNKNOWN, "unavailable"),
}

# By the enum of TargetHealth.Reason; the meanings are those of its description. What to do is inferred.
REASONS: Mapping[str, Meaning] = {
    "Elb.RegistrationInProgress": Meaning("the load balancer is still registering it"),
    "Elb.InitialHealthChecking": Meaning("it has not had as many health checks yet as a result needs"),
    "Target.ResponseCodeMismatch": Meaning(
        "the application answers the health check with another code than those expected",
        "Make the application answer the health check with an expected code, or correct the path or the codes of the"
        " health check.",
    ),
    "Target.Timeout": Meaning(
        "the health checks get no answer in time",
        "Let the security group of the instance admit the load balancer on the port of the health check, and make the"
        " application answer within its timeout.",
    ),
    "Target.FailedHealthChecks": Meaning(
        "the load balancer cannot connect, or cannot read the answer",
        "Make the application listen on the port of the health check, on an address that the load balancer reaches.",
    ),
    "Elb.InternalError": Meaning(
        "there is an internal error of Elastic Load Balancing", "Ask again in some minutes."
    ),
    _NOT_REGISTERED: Meaning("it is not registered"),
    "Target.NotInUse": Meaning(
        "no load balancer uses the target group, or the Availability Zone of the instance is not enabled for it",
        "Enable the zone for the load balancer, or let a listener of it forward to the target group.",
    ),
    "Target.DeregistrationInProgress": Meaning("the load balancer is taking it out"),
    "Target.InvalidState": Meaning(
        "the instance is stopped or terminated", "Start the instance, or replace it."
    ),
    "Target.IpUnusable": Meaning("its address is reserved for a load balancer", "Replace the instance."),
    "Target.HealthCheckDisabled": Meaning(
        "the health checks of the target group are switched off", "Switch its health checks on."
    ),
}

# By words of InstanceState.Description, which botocore's model lists, where the state alone is too strict.
_CLASSIC_WAITS = ("registration is still in progress", "not passed the configured HealthyThreshold")
_CLASSIC_DRAINS = ("deregistration currently in progress",)
_CLASSIC_GONE = ("not currently registered",)


class Wanted(NamedTuple):
    """The instances that are asked about: of the group, which must be registered, and of its deployment."""

    group: str
    instances: Sequence[str]
    deployed: Sequence[str] = ()
    taken_out: Sequence[str] = ()  # those that the deployment took out, and ended before it put them back


def balancers(group: Mapping[str, Any], name: str) -> tuple[list[str], list[str]]:
    """The names of the target groups and of the Classic Load Balancers of a group that controls traffic."""
    style, info = group.get("deploymentStyle") or {}, group.get("loadBalancerInfo") or {}
    if style.get("deploymentOption") != "WITH_TRAFFIC_CONTROL":
        raise NotApplicable(f"{name} deploys without a load balancer.", about=name)
    lists = (info.get(one) or () for one in ("targetGroupInfoList", "elbInfoList"))
    targets, classic = ([str(one["name"]) for one in rows if one.get("name")] for rows in lists)
    return targets, classic


def of_target_group(aws: Aws, wanted: Wanted, group: Mapping[str, Any]) -> Iterator[Finding]:
    """What a target group (TargetGroup of botocore's model) says of these instances."""
    name = f"the target group {group['TargetGroupName']}"
    rows = target_health(aws, group)
    if isinstance(rows, Refusal):
        says = f"Could not check: Elastic Load Balancing does not know the health of {name} now: {rows.code}."
        yield Finding(
            UNKNOWN, says, code="unavailable", about=str(group["TargetGroupName"]), fix="Ask again."
        )
        return

    def more(state: str, reason: str) -> str:
        if state == "draining":
            delay = deregistration_delay(aws, group)
            return f"Connections may end for at most {delay} s (deregistration delay)." if delay else ""
        if reason == "Target.NotInUse" and not group.get("LoadBalancerArns"):
            return "No load balancer uses it."
        return _asks(group, state) if state in ("initial", "unhealthy", "unhealthy.draining") else ""

    yield from _judged(aws, wanted, name, rows, more, int(group.get("Port") or 0))


def of_classic(aws: Aws, wanted: Wanted, name: str) -> Iterator[Finding]:
    """What a Classic Load Balancer says of these instances."""
    rows = [_as_target(row) for row in instance_health(aws, name)]
    yield from _judged(aws, wanted, f"the Classic Load Balancer {name}", rows, lambda *_: "")


def _as_target(row: Health) -> Health:
    """A row of a Classic Load Balancer with the state that a target group would give it, where it only waits."""
    states = {_CLASSIC_WAITS: "initial", _CLASSIC_DRAINS: "draining"}
    state = next(
        (state for words, state in states.items() if any(one in row.text for one in words)), row.state
    )
    gone = any(one in row.text for one in _CLASSIC_GONE)
    reason = _NOT_REGISTERED if gone else "" if row.reason == "N/A" else row.reason
    return Health(
        row.instance, 0, row.state if gone else state, reason, "" if row.text == "N/A" else row.text
    )


def _judged(
    aws: Aws,
    wanted: Wanted,
    name: str,
    rows: Iterable[Health],
    more: Callable[[str, str], str],
    port: int = 0,
) -> Iterator[Finding]:
    asked = {*wanted.instances, *wanted.deployed}
    there = [row for row in rows if row.instance in asked and row.reason != _NOT_REGISTERED]
    alike: dict[tuple[str, str], list[Health]] = {}
    for row in there:
        alike.setdefault((row.state, row.reason), []).append(row)
    ports: dict[str, set[int]] = {}
    for row in there:
        ports.setdefault(row.instance, set()).add(row.port)
    for (state, reason), found in alike.items():
        shown = dict.fromkeys(
            one.instance if ports[one.instance] <= {port, 0} else f"{one.instance}:{one.port}"
            for one in found
        )
        yield _said(name, state, reason, list(shown), found, more(state, reason))
    registered = {row.instance for row in there}
    missing = [one for one in wanted.instances if one not in registered]
    if others := [one for one in missing if one not in wanted.taken_out]:
        yield _missing(aws, wanted.group, name, others)
    if out := [one for one in missing if one in wanted.taken_out]:
        yield _taken_out(wanted.group, name, out)


def _said(name: str, state: str, reason: str, who: list[str], rows: Iterable[Health], more: str) -> Finding:
    verdict, code = STATES.get(state, (UNKNOWN, "unknown-state"))
    some = listed(who)
    says = (
        f"{some} {'is' if len(who) == 1 else 'are'} {state or 'in a state that AWS does not name'} in {name}"
    )
    if verdict is OK:
        return Finding(OK, f"{says}.", about=some)
    meaning = REASONS.get(reason, Meaning(""))
    why = f"{meaning.means} ({reason})" if meaning.means else reason
    says = sentence(f"{says}: {why}" if why else says)
    texts = list(dict.fromkeys(shortened(row.text, _TEXT) for row in rows if row.text.strip()))
    if texts:
        quoted = "; ".join(texts[:_SAID])
        says += f" AWS says: {sentence(quoted)}"
    if code == "unknown-state":
        says += " This guide does not know that state."
    return Finding(verdict, f"{says} {more}".strip(), code=code, about=some, fix=meaning.fix, next=_PAGE)


def _missing(aws: Aws, group: str, name: str, missing: Sequence[str]) -> Finding:
    """The finding of instances that are not registered: while a deployment runs, CodeDeploy takes them out itself."""
    some, (application, _, own) = listed(missing), group.partition("/")
    says = f"{some} of {group} {'is' if len(missing) == 1 else 'are'} not registered with {name}"
    if active := active_deployments(aws, application, own):
        says += f", while {active[0]} is in progress: CodeDeploy takes an instance out and puts it back."
        return Finding(WARN, says, code="not-registered", about=some, next=_PAGE)
    fix = f"Deploy to {group} again: CodeDeploy registers an instance at AllowTraffic."
    return Finding(
        FAIL,
        f"{says}, so no requests reach it there.",
        code="not-registered",
        about=some,
        fix=fix,
        next=_PAGE,
        later=True,
    )


def _taken_out(group: str, name: str, out: Sequence[str]) -> Finding:
    """The finding of instances that are not registered because their deployment ended in between."""
    some, one = listed(out), len(out) == 1
    says = f"{some} of {group} {'is' if one else 'are'} not registered with {name}: the deployment took {'it' if one else 'them'} out at BlockTraffic and ended before AllowTraffic."
    return Finding(
        FAIL,
        says,
        code="taken-out",
        about=some,
        fix=f"Deploy to {group} again: CodeDeploy registers an instance at AllowTraffic.",
        next=_PAGE,
        later=True,
        explained_by=("deployment-targets-succeeded",),
    )


def _asks(group: Mapping[str, Any], state: str) -> str:
    """What a target group's health check asks, in words; "" where AWS does not say."""
    protocol, port = group.get("HealthCheckProtocol"), str(group.get("HealthCheckPort") or "")
    if not protocol:
        return ""
    path = f" {group['HealthCheckPath']}" if group.get("HealthCheckPath") else ""
    on = "the port of the target" if port in ("", "traffic-port") else f"port {port}"
    matcher = group.get("Matcher") or {}
    codes = matcher.get("HttpCode") or matcher.get("GrpcCode")
    expects = f" and expects {codes}" if codes else ""
    says = f"The health check asks {protocol}{path} on {on}{expects}"
    every, needs = group.get("HealthCheckIntervalSeconds"), group.get("HealthyThresholdCount")
    if state == "initial" and every and needs:
        return f"{says}, every {every} s; {needs} good answers are needed."
    return f"{says}."
