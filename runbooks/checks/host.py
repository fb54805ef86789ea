"""Is the host one that an agent can work on?"""

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._host import (
    IDENTITY_PAGE,
    age_of,
    host_name,
    no_agent,
    require,
    require_report,
    unreadable,
    why_unreadable,
    yml_path,
)
from runbooks.commands import script
from runbooks.facts.ec2 import present
from runbooks.facts.host_report import OF_THE_WAY, by_hand, managed_node, restart_of_ssm
from runbooks.findings import (
    FAIL,
    OK,
    SKIP,
    UNKNOWN,
    WARN,
    CouldNotCheck,
    Finding,
    NotApplicable,
    Verdict,
    needs,
)
from runbooks.host import HostReport, run_state
from runbooks.host.report import Endpoint
from runbooks.question import Question, is_ec2

TITLE = "Is the host fit for an agent?"
GUIDE = "/guides/check-the-agent/"
RUNBOOK = "agent"

_NETWORK_PAGE = "/guides/check-the-network/#look"
_CLOCK_PAGE = "/guides/check-the-network/#clock"

_WAYS = {"proxy": "by the agent's proxy", "environment": "by the proxy of the agent's environment"}
_PROXY_IS_DOWN = (
    "Start the proxy that the message names, or correct the setting that names it and restart the agent."
)
_LET_OUT = "Let HTTPS (TCP 443) out of the host to this address, and its answers in: firewall, security group, network ACL and route; or give the agent a proxy."
_RENEW = "Start again what renews the session on this host: it has to write that file, readable for the agent's user."
_PING = timedelta(hours=1)  # SSM Agent pings every 5 minutes, unless it is configured otherwise
_WARN_SKEW, _FAIL_SKEW = 60, 300  # seconds; AWS tolerates about 5 minutes
_LONGEST_SESSION = 12 * 3600  # seconds; the most that sts:AssumeRole gives, by AWS's model
# The exit codes of curl that tell of the way to the other end; its others tell of curl itself.
_NO_WAY = {5, 6, 7, 28, 35, 51, 52, 55, 56, 60, 92, 97}


@needs("instance")
def host_is_managed_and_online(aws: Aws, question: Question) -> Iterator[Finding]:
    """Systems Manager knows the host and hears from it.

    CodeDeploy does not need that: its agent speaks to CodeDeploy itself. But Systems Manager is what runs
    the probe, installs and updates agents, and on many hosts renews the credentials. An EC2 instance is found by its
    ID, another host by the session name of its registered ARN, or by its computer name.
    """
    node, name = managed_node(aws, question.instance), question.instance
    if node is None and is_ec2(name):
        present(aws, name)
    if node is None:
        yield Finding(
            WARN,
            f"Systems Manager knows no host {name} in {aws.region}: CodeDeploy does not need it, but the host cannot be checked from here.",
            code="not-managed",
            about=name,
            fix="" if question.host_report else by_hand(aws, question),
            next="/guides/check-the-agent/#look",
            of=frozenset((name, "probe")),
        )
        return
    yield _online(aws, name, node)
    if node.get("PlatformType") == "Windows":
        yield Finding(
            WARN,
            f"{name} runs Windows, and the probe is a script for Linux: check its agent by hand.",
            code="windows",
            about=node["InstanceId"],
            next="/guides/check-the-agent/#windows",
        )


def _online(aws: Aws, name: str, node: dict[str, Any]) -> Finding:
    about, status, heard = node["InstanceId"], node.get("PingStatus"), node.get("LastPingDateTime")
    if not status:
        return Finding(
            UNKNOWN,
            f"Could not check: Systems Manager gives no PingStatus of {about}.",
            code="no-ping-status",
            about=about,
        )
    age = aws.now() - heard if heard else timedelta(0)
    last = f", last heard {_span(age)} ago" if heard else ""
    computer = node.get("ComputerName", "")
    known_as = ", ".join(other for other in (about, computer) if other and other != name)
    says = f"Systems Manager calls {name}{f' ({known_as})' if known_as else ''} {status}{last}."
    if status != "Online":
        fix = restart_of_ssm(name, node)
        of = frozenset((about, "probe", "ping"))
        return Finding(
            WARN,
            says,
            code="not-online",
            about=about,
            fix=fix,
            next=_NETWORK_PAGE,
            explained_by=OF_THE_WAY,
            of=of,
        )
    if age > _PING:
        return Finding(
            WARN, f"{says} An SSM Agent that is well pings every few minutes.", code="late-ping", about=about
        )
    return Finding(OK, says, about=about)


def host_clock_is_right(aws: Aws, question: Question) -> Iterator[Finding]:
    """The host's clock agrees with AWS's.

    AWS refuses signatures of another time; in most cases a request must arrive within five minutes of it, by IAM's
    documentation. The agent's log then holds InvalidSignatureException. The host's time is compared with the Date
    header of an endpoint that it reached. Where it reached none, it is compared with this machine's, if the probe ran
    just now.
    """
    report = require_report(aws, question)
    name, ahead = host_name(question, report), report.clock_ahead()
    epoch = require(report.clock.epoch, f"the time on {name}")
    if ahead.value is not None:
        seconds, by = ahead.value, "by the clock of AWS"
    elif question.host_report is None:
        seconds, by = epoch - int(aws.now().timestamp()), "by the clock of this machine"
    else:
        raise CouldNotCheck(f"{ahead.error}, and a report that was brought by hand does not show its age.")
    says = f"The clock of {name} is {_span(timedelta(seconds=abs(seconds)))} {'ahead' if seconds > 0 else 'behind'}, {by}"
    if abs(seconds) <= _WARN_SKEW:
        yield Finding(OK, f"The clock of {name} is right to the minute, {by}.", about=name)
    elif abs(seconds) <= _FAIL_SKEW:
        yield Finding(
            WARN,
            f"{says}; AWS tolerates about 5 minutes.",
            code="clock-drifts",
            about=name,
            fix=_set_clock(report),
            next=_CLOCK_PAGE,
        )
    else:
        yield Finding(
            FAIL,
            f"{says}: AWS refuses what the host signs.",
            code="clock-wrong",
            about=name,
            fix=_set_clock(report),
            next=_CLOCK_PAGE,
        )


def host_reaches_codedeploy(aws: Aws, question: Question) -> Iterator[Finding]:
    """From the host, the agent's endpoint answers over HTTPS, and so does S3.

    The probe goes the agent's way: by the proxy that its configuration names or by none, to the endpoint
    that its log, its configuration or its Region gives. Agent 1.x makes its first connection by the http_proxy of
    its environment, if that is set, and its polls do not; agent 2.x goes by the proxies of its environment. A
    proxy's refusal or a redirect does not count as an answer.
    """
    report = require_report(aws, question)
    name = host_name(question, report)
    if report.endpoint_commands.url.value is None and (reason := no_agent(report) or _no_region(report)):
        raise NotApplicable(f"{reason} So there is no endpoint to reach.", about=name)
    host, agent = frozenset({name}), frozenset((name, "agent"))
    yield _reach(name, report.endpoint_commands, FAIL, "so its agent gets no deployment", agent)
    if report.endpoint_start.url.value:
        state = run_state(report)  # one that polls has started, and fails at its next start only
        bad = WARN if state and state.state == "polls" else FAIL
        yield _reach(name, report.endpoint_start, bad, "so the agent's worker ends at each start", agent)
    yield _reach(
        name, report.endpoint_s3, WARN, "so revisions in S3 and updates of the agent are out of reach", host
    )


def _no_region(report: HostReport) -> str:
    reason, region = why_unreadable(report), report.identity.region
    if reason or region.value or region.error:
        return reason
    return f"{yml_path(report)} names no Region."


def _answer(status: int, bad: Verdict, so: str) -> tuple[Verdict, str, str]:
    """Verdict, code and comment of an answer. CodeDeploy and S3 answer an unsigned request with 2xx or 4xx."""
    if status == 407:
        return bad, "proxy-refuses", f": the proxy wants a name and a password, {so}"
    if 300 <= status < 400:
        return (
            WARN,
            "redirected",
            ": neither CodeDeploy nor S3 sends one on from there, so something between does",
        )
    if 500 <= status < 600:
        return WARN, "answered", ""
    if 200 <= status < 500:
        return OK, "answered", ""
    return UNKNOWN, "no-status", ", which is not a status"


def _common_name(issuer: str) -> str:
    """The name of a certificate's issuer, as openssl prints it in one of its forms ("issuer=CN = Proxy CA")."""
    named = re.findall(r"\bCN ?= ?(\"[^\"]*\"|[^,/]+)", issuer)
    return (named[-1].strip().strip('"') if named else issuer.removeprefix("issuer=")).strip()


def _reach(name: str, endpoint: Endpoint, bad: Verdict, so: str, of: frozenset[str]) -> Finding:
    url, status = endpoint.url.value, endpoint.status
    if url is None:
        return Finding(UNKNOWN, f"Could not check: {endpoint.url.error}.", code="no-endpoint", about=name)
    proxied, way = endpoint.via.value != "direct", _WAYS.get(endpoint.via.value or "", "directly")
    if status.value is not None:
        verdict, kind, so = _answer(status.value, bad, so)
        says = f"{url} answered {name} {way}, with HTTP {status.value}{so}."
        return Finding(verdict, says, code=kind, about=url, next="" if verdict is OK else _NETWORK_PAGE)
    if endpoint.issuer.value:
        says = f"{name} does not accept the certificate of {url}, issued by {_common_name(endpoint.issuer.value)}, {so}."
        fix = "Exempt this address from TLS inspection, or add that CA to the certificates that the agent trusts."
        page = "/symptoms/tls-intercepted/"
        return Finding(
            bad, says, code="foreign-certificate", about=url, fix=fix, next=page, of=of | {"certificate"}
        )
    if not proxied and endpoint.address.value is None and not endpoint.address.error:
        return Finding(
            bad,
            f"On {name} the name of {url} does not resolve, {so}.",
            code="unresolved",
            about=url,
            fix="Give the host a resolver that knows this name (resolv.conf, or the DHCP options of its VPC).",
            next=_NETWORK_PAGE,
            of=of | {"name"},
        )
    code = re.match(r"curl: \((\d+)\)", status.error)
    if code and int(code[1]) in _NO_WAY:
        says = f"{name} does not reach {url} {way} ({status.error}), {so}."
        fix = _PROXY_IS_DOWN if proxied else _LET_OUT
        causes = () if proxied else OF_THE_WAY
        return Finding(
            bad,
            says,
            code="unreachable",
            about=url,
            fix=fix,
            next=_NETWORK_PAGE,
            explained_by=causes,
            of=of | {"way"},
        )
    reason = status.error or "the probe found nothing"
    return Finding(
        UNKNOWN,
        f"Could not check: whether {name} reaches {url} is not known: {reason}.",
        code="not-known",
        about=url,
    )


def host_credentials_file_is_in_place(aws: Aws, question: Question) -> Iterator[Finding]:
    """The session's credentials file is where the yml says, and the agent can read it.

    Only a host that is registered by session has one. Something has to renew it: a role's session
    lives 12 hours at most by IAM's documentation. Agent 1.x reads /root/.aws/credentials once, at its start, and a file
    in another place again and again.
    """
    report = require_report(aws, question, agent=True)
    name, file = host_name(question, report), report.credentials_file
    if reason := why_unreadable(report):
        yield Finding(SKIP, reason, about=name)
    elif report.identity.registration.value != "session":
        yield Finding(
            SKIP, f"{yml_path(report)} on {name} does not name a session, so it needs no such file."
        )
    elif file.path.value is None and not file.path.error:
        yield Finding(SKIP, f"{yml_path(report)} on {name} names no credentials file.", about=name)
    elif not require(file.exists, "whether the credentials file is there"):
        yield Finding(
            FAIL,
            f"There is no {file.path.value} on {name}.",
            code="missing",
            about=name,
            fix=_RENEW,
            next=IDENTITY_PAGE,
        )
    elif unreadable(report, file):
        yield Finding(
            FAIL,
            f"{file.path.value} on {name}: {file.readable.by}.",
            code="unreadable",
            about=name,
            fix=_RENEW,
            next=IDENTITY_PAGE,
        )
    elif file.size.value == 0:
        yield Finding(
            FAIL,
            f"{file.path.value} on {name} is empty.",
            code="empty",
            about=name,
            fix=_RENEW,
            next=IDENTITY_PAGE,
        )
    else:
        yield _renewed(report, name, str(file.path.value))


def _renewed(report: HostReport, name: str, path: str) -> Finding:
    age = age_of(report, report.credentials_file)
    if path == "/root/.aws/credentials" and report.agent.line.value == "1.x":
        says = f"The credentials of {name} are in {path}, which agent 1.x reads only once, at its start."
        return Finding(WARN, says, code="read-once", about=name, next=IDENTITY_PAGE)
    if age is not None and age.total_seconds() > _LONGEST_SESSION:
        says = f"{path} on {name} was written {_span(age)} ago, and no session lives that long."
        return Finding(WARN, says, code="not-renewed", about=name, next=IDENTITY_PAGE)
    return Finding(OK, f"{path} on {name} is there and can be read.", about=name)


def host_keeps_its_keys_private(aws: Aws, question: Question) -> Iterator[Finding]:
    """Only their owner can read the files on the host that hold keys.

    They are the yml of a host that is registered by user, and the credentials file of one that is
    registered by session. `aws deploy install` copies the yml without its mode.
    """
    report = require_report(aws, question)
    name, identity = host_name(question, report), report.identity
    if reason := why_unreadable(report):
        raise NotApplicable(reason, about=name)
    session = identity.registration.value == "session"
    file = report.credentials_file if session else report.identity_file
    holds = session or "aws_secret_access_key" in require(identity.fields, "what the yml holds")
    if not holds or not require(file.exists, "whether the file with the keys is there"):
        raise NotApplicable(f"There is no file with keys on {name}.", about=name)
    path, mode = str(file.path.value), require(file.mode, "the mode of the file with the keys")
    if not re.fullmatch("[0-7]{3,5}", mode):
        raise CouldNotCheck(f"{mode!r} is not the mode of a file.")
    if int(mode, 8) & 0o066:
        says = f"{path} on {name} holds a secret key, and its mode is {mode}: others than its owner may read or write it."
        yield Finding(
            WARN,
            says,
            code="open-mode",
            about=name,
            fix=script(f"sudo chmod 600 {shlex.quote(path)}"),
            next=IDENTITY_PAGE,
        )
    else:
        yield Finding(OK, f"{path} on {name} has the mode {mode}.", about=name)


def _set_clock(report: HostReport) -> str:
    return script("sudo timedatectl set-ntp true") if report.host.init.value == "systemd" else ""


def _span(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds())) // 60
    hours, days = minutes // 60, minutes // 1440
    return f"{days} days" if days > 2 else f"{hours} h" if hours > 2 else f"{minutes} min"
