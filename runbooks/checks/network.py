"""Does this machine reach AWS?"""

import ipaddress
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from botocore import exceptions as boto

from runbooks.aws import Aws
from runbooks.aws.endpoint import EndpointAnswer
from runbooks.commands import script
from runbooks.facts.endpoints import each_endpoint
from runbooks.findings import FAIL, OK, SKIP, WARN, CouldNotCheck, Finding
from runbooks.question import Question

TITLE = "Does this machine reach AWS?"
GUIDE = "/guides/check-the-network/"
RUNBOOK = "network"

_PAGE = "/guides/check-the-network/#look"
_CLOCK_PAGE = "/guides/check-the-network/#clock"
_RISKY = timedelta(seconds=60)
_REFUSED = timedelta(seconds=300)  # the IAM user guide: within five minutes of the time in the signature
_SET_CLOCK = {"darwin": script("sudo sntp -sS time.apple.com"), "win32": script("w32tm /resync")}
_SET_NTP = script("sudo timedatectl set-ntp true")


def endpoint_name_resolves(aws: Aws, question: Question) -> Iterator[Finding]:
    """This machine resolves the names of AWS's endpoints.

    If it does not resolve one, nothing can be asked of AWS from here: boto3 says `Could not connect to the endpoint
    URL`, the AWS CLI the same. A private address is right if a VPC endpoint serves the name. The host has a resolver of
    its own: this check is about the machine that runs the diagnosis.
    """
    for answer in each_endpoint(aws):
        if answer.proxy:
            yield Finding(
                SKIP, f"The proxy {answer.proxy} resolves {answer.host}, not this machine.", about=answer.host
            )
        elif answer.is_address:
            yield Finding(SKIP, f"The endpoint is the address {answer.host}: it has no name to resolve.")
        elif answer.unresolved:
            yield Finding(
                FAIL,
                f"The name {answer.host} does not resolve on this machine: {answer.unresolved}.",
                code="unresolved",
                about=answer.host,
                next=_PAGE,
            )
        elif any(map(_leads_nowhere, answer.addresses)):
            yield Finding(
                WARN,
                f"The name {answer.host} resolves to {', '.join(answer.addresses)}, which is not an address of AWS:"
                " a filter, a tunnel or the hosts file of this machine answers for it.",
                code="no-aws-address",
                about=answer.host,
                next=_PAGE,
            )
        else:
            private = " (private: a VPC endpoint, or a DNS of your own)" if _private(answer.addresses) else ""
            yield Finding(
                OK, f"{answer.host} resolves to {', '.join(answer.addresses)}{private}.", about=answer.host
            )


def endpoint_answers(aws: Aws, question: Question) -> Iterator[Finding]:
    """AWS answers at its endpoints, over TLS with a certificate that is accepted here.

    An unsigned request is sent through the same proxy, with the same CA bundle and time limits that boto3 uses. Any
    status is good, since AWS refuses an unsigned request; what counts is who refuses it. A firewall shows as a timeout
    or a refused connection, TLS inspection as a certificate that is not accepted, a captive portal or a proxy's own page
    as an answer without AWS's marks.
    """
    for answer in each_endpoint(aws):
        by = f" through the proxy {answer.proxy}" if answer.proxy else ""
        if answer.error:
            yield Finding(
                FAIL,
                f"{answer.host} does not answer{by}: {_why(answer)}.",
                code="no-answer",
                about=answer.host,
                next=_PAGE,
            )
        elif not answer.is_aws:
            # A verified certificate is a sign of AWS, unless the CA bundle trusts a proxy that inspects TLS.
            leads = f" and redirects to {answer.redirect}" if answer.redirect else ""
            yield Finding(
                WARN if answer.secure else FAIL,
                f"What answers as {answer.host}{by} (HTTP {answer.status}) has none of AWS's marks{leads}:"
                " look for a captive portal, or a proxy that inspects TLS.",
                code="not-aws",
                about=answer.host,
                next=_PAGE,
            )
        elif answer.status >= 500:
            yield Finding(
                WARN,
                f"{answer.host} answers{by}, but with HTTP {answer.status}: the service has a problem.",
                code="server-error",
                about=answer.host,
            )
        elif answer.secure:
            yield Finding(
                OK,
                f"{answer.host} answers{by} (HTTP {answer.status}) and its certificate is accepted.",
                about=answer.host,
            )
        else:
            yield Finding(
                OK, f"{answer.host} answers{by} (HTTP {answer.status}), over plain HTTP.", about=answer.host
            )
            yield Finding(SKIP, f"{answer.host} is asked over plain HTTP: there is no certificate to check.")


def this_clock_is_right(aws: Aws, question: Question) -> Iterator[Finding]:
    """The clock of this machine agrees with AWS's.

    AWS documents that a request must reach it within five minutes of the time in its signature; else it answers
    `InvalidSignatureException`, `RequestTimeTooSkewed` or an expired signature. The Date header of an unsigned answer
    gives AWS's time. The clock of the host is another check.
    """
    # the time of a captive portal is not evidence
    answer = next((one for one in each_endpoint(aws) if one.is_aws and one.ahead is not None), None)
    if answer is None or answer.ahead is None:
        raise CouldNotCheck("no endpoint of AWS answered with its time; see the check endpoint-answers.")
    seconds = abs(round(answer.ahead.total_seconds()))
    wrong = f"This machine's clock is {seconds} s {'ahead of' if answer.ahead > timedelta() else 'behind'} {answer.host}"
    if abs(answer.ahead) > _RISKY:
        refused = abs(answer.ahead) > _REFUSED
        yield Finding(
            FAIL if refused else WARN,
            f"{wrong}; AWS refuses a request that is more than 5 minutes off.",
            code="clock-wrong",
            about=answer.host,
            fix=_SET_CLOCK.get(sys.platform, _SET_NTP),
            next=_CLOCK_PAGE,
        )
    else:
        within = "to within 5 s" if seconds <= 5 else f"to within {seconds} s"
        yield Finding(OK, f"This machine's clock agrees with {answer.host} {within}.", about=answer.host)


def _why(answer: EndpointAnswer) -> str:
    errors: dict[Any, str] = {
        boto.ProxyConnectionError: f"the proxy does not connect to it ({answer.reason})",
        boto.SSLError: f"its TLS certificate is not accepted ({answer.reason}), so look for a proxy that inspects TLS,"
        " or set AWS_CA_BUNDLE to a file of the authorities that you trust",
        boto.ConnectTimeoutError: "nothing answers in time; look for a firewall that drops packets, or a missing route",
        boto.ReadTimeoutError: "it accepts the connection and then sends nothing",
        boto.ConnectionClosedError: "the connection is closed before an answer comes",
        boto.HTTPClientError: f"the answer cannot be read ({answer.reason})",
    }
    if answer.unresolved and not answer.proxy:
        return f"its name does not resolve ({answer.unresolved})"
    return next((words for kind, words in errors.items() if isinstance(answer.error, kind)), answer.reason)


def _leads_nowhere(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or ip.is_unspecified


def _private(addresses: tuple[str, ...]) -> bool:
    return any(ipaddress.ip_address(address).is_private for address in addresses)
