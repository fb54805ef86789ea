"""Does this machine reach AWS?"""

import ipaddress
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore import exceptions as boto

from runbooks.aws import Aws
from runbooks.aws.endpoint import Look
from runbooks.findings import FAIL, OK, SKIP, WARN, CouldNotCheck, Finding
from runbooks.question import Question

TITLE = "Does this machine reach AWS?"
GUIDE = "/guides/check-the-network/"
RUNBOOK = "network"

_SERVICES = ("codedeploy", "sts", "ssm")  # registration, identity, and the way to the host
_PAGE = "/guides/check-the-network/#look"
_CLOCK_PAGE = "/guides/check-the-network/#clock"
_RISKY = timedelta(seconds=60)
_REFUSED = timedelta(seconds=300)  # AWS refuses signatures from about here
_SET_CLOCK = {"darwin": "sudo sntp -sS time.apple.com", "win32": "w32tm /resync"}


def endpoint_name_resolves(aws: Aws, question: Question) -> Iterator[Finding]:
    """The names of AWS's endpoints lead to an address, as this machine resolves them.

    When one does not, nothing can be asked of AWS from here: boto3 says `Could not connect to the endpoint
    URL`, the AWS CLI the same. A private address is right where a VPC endpoint serves the name. The host
    has a resolver of its own; this looks from where the diagnosis runs.
    """
    for look in _looks(aws):
        if look.proxy:
            yield Finding(
                SKIP, f"The proxy {look.proxy} resolves {look.host}, not this machine.", about=look.host
            )
        elif look.is_address:
            yield Finding(SKIP, f"The endpoint is the address {look.host}: there is no name to resolve.")
        elif look.unresolved:
            yield Finding(
                FAIL,
                f"The name {look.host} leads to no address here: {look.unresolved}.",
                code="unresolved",
                about=look.host,
                next=_PAGE,
            )
        elif any(map(_leads_nowhere, look.addresses)):
            yield Finding(
                WARN,
                f"The name {look.host} leads to {', '.join(look.addresses)}, which is no address of AWS:"
                " a filter, a tunnel or the hosts file of this machine answers for it.",
                code="no-aws-address",
                about=look.host,
                next=_PAGE,
            )
        else:
            private = " (private: a VPC endpoint, or a DNS of your own)" if _private(look.addresses) else ""
            yield Finding(OK, f"{look.host} leads to {', '.join(look.addresses)}{private}.", about=look.host)


def endpoint_answers(aws: Aws, question: Question) -> Iterator[Finding]:
    """AWS answers at its endpoints, over TLS with a certificate that is accepted here.

    An unsigned request is sent by the proxy, with the CA bundle and within the time that boto3 itself uses.
    Any status will do, since an unsigned request is refused; what counts is who refuses it. A firewall shows
    as a timeout or a refused connection, TLS inspection as a certificate that is not accepted, a captive
    portal or a proxy's own page as an answer without AWS's marks.
    """
    for look in _looks(aws):
        by = f" by the proxy {look.proxy}" if look.proxy else ""
        if look.error:
            yield Finding(
                FAIL,
                f"{look.host} does not answer{by}: {_why(look)}.",
                code="no-answer",
                about=look.host,
                next=_PAGE,
            )
        elif not look.is_aws:
            # A verified certificate speaks for AWS even so, unless the CA bundle trusts an inspecting proxy.
            leads = f" and leads to {look.redirect}" if look.redirect else ""
            yield Finding(
                WARN if look.secure else FAIL,
                f"What answers as {look.host}{by} (HTTP {look.status}) is not marked as AWS's{leads}:"
                " look for a captive portal, or a proxy that opens TLS.",
                code="not-aws",
                about=look.host,
                next=_PAGE,
            )
        elif look.status >= 500:
            yield Finding(
                WARN,
                f"{look.host} answers{by}, but with HTTP {look.status}: the service has trouble.",
                code="server-error",
                about=look.host,
            )
        elif look.secure:
            yield Finding(
                OK,
                f"{look.host} answers{by} (HTTP {look.status}) and its certificate is accepted.",
                about=look.host,
            )
        else:
            yield Finding(
                OK, f"{look.host} answers{by} (HTTP {look.status}), over plain HTTP.", about=look.host
            )
            yield Finding(SKIP, f"{look.host} is asked over plain HTTP: there is no certificate to look at.")


def this_clock_is_right(aws: Aws, question: Question) -> Iterator[Finding]:
    """The clock of this machine agrees with AWS's.

    AWS refuses a request whose signature is of another time, commonly from about five minutes on, with
    `InvalidSignatureException`, `RequestTimeTooSkewed` or an expired signature; the Date header of an
    unsigned answer tells its time without a signature. The host's own clock is another question.
    """
    # The time that a captive portal tells is nobody's evidence.
    look = next((look for look in _looks(aws) if look.is_aws and look.ahead is not None), None)
    if look is None or look.ahead is None:
        raise CouldNotCheck("no endpoint of AWS told the time; see the check endpoint-answers.")
    seconds = abs(round(look.ahead.total_seconds()))
    wrong = f"This machine's clock is {seconds} s {'ahead of' if look.ahead > timedelta() else 'behind'} that of {look.host}"
    if abs(look.ahead) > _RISKY:
        refused = abs(look.ahead) > _REFUSED
        yield Finding(
            FAIL if refused else WARN,
            f"{wrong}; AWS refuses signatures from about 5 minutes on.",
            code="clock-wrong",
            about=look.host,
            fix=_SET_CLOCK.get(sys.platform, "sudo timedatectl set-ntp true"),
            next=_CLOCK_PAGE,
        )
    else:
        within = "to within 5 s" if seconds <= 5 else f"but for {seconds} s"
        yield Finding(OK, f"This machine's clock agrees with that of {look.host} {within}.", about=look.host)


def _looks(aws: Aws) -> list[Look]:
    """One look at each endpoint; several services may share one."""
    return list({look.url: look for look in map(aws.reach, _SERVICES)}.values())


def _why(look: Look) -> str:
    errors: dict[Any, str] = {
        boto.ProxyConnectionError: f"the proxy does not lead there ({look.reason})",
        boto.SSLError: f"its TLS certificate is not accepted ({look.reason}), so look for a proxy that opens TLS,"
        " or set AWS_CA_BUNDLE to a file of the authorities that you trust",
        boto.ConnectTimeoutError: "nothing answers in time; look for a firewall that drops, or a missing route",
        boto.ReadTimeoutError: "it takes the connection and then says nothing",
        boto.ConnectionClosedError: "the connection is broken before an answer comes",
        boto.HTTPClientError: f"what comes back is no answer that can be read ({look.reason})",
    }
    if look.unresolved and not look.proxy:
        return f"its name leads to no address ({look.unresolved})"
    return next((words for kind, words in errors.items() if isinstance(look.error, kind)), look.reason)


def _leads_nowhere(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or ip.is_unspecified


def _private(addresses: tuple[str, ...]) -> bool:
    return any(ipaddress.ip_address(address).is_private for address in addresses)
