"""An unsigned request to an endpoint, on the same path that boto3 takes: does AWS answer there?"""

import ipaddress
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError, EndpointConnectionError, HTTPClientError
from botocore.utils import get_environ_proxies

from runbooks.aws import journal
from runbooks.findings import Call

_AWS_DOMAINS = (".amazon.com", ".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.cn", ".amazonaws.eu")


@dataclass(frozen=True)
class EndpointAnswer:
    """What an endpoint answered to an unsigned GET, or the error that came instead.

    ``ahead`` is by how much this machine's clock is ahead of the endpoint's, to about a second.
    """

    url: str
    proxy: str = ""  # host and port of the proxy that boto3 uses
    addresses: tuple[str, ...] = ()  # what the name resolves to here; none when a proxy resolves it
    error: Exception | None = None
    status: int = 0
    request_id: str = ""
    redirect: str = ""  # the host that a Location header leads to
    ahead: timedelta | None = None

    @property
    def host(self) -> str:
        """The name or the address in the URL."""
        return urlsplit(self.url).hostname or self.url

    @property
    def secure(self) -> bool:
        """Over TLS, so an answer means that the certificate was accepted."""
        return urlsplit(self.url).scheme == "https"

    @property
    def api(self) -> str:
        """How the journal names this request."""
        return f"{'https' if self.secure else 'http'}:{self.host}"

    @property
    def is_address(self) -> bool:
        """The endpoint is an IP address, not a name."""
        try:
            return bool(ipaddress.ip_address(self.host))
        except ValueError:
            return False

    @property
    def unresolved(self) -> str:
        """Why this machine found no address for the name, or ""."""
        cause = _cause(self.error)
        return str(cause.strerror or cause) if isinstance(cause, socket.gaierror) else ""

    @property
    def is_aws(self) -> bool:
        """The answer has AWS's marks: a request id, or a redirect to one of its sites.

        Answers of codedeploy, sts and ssm to unsigned requests have a request id in captures that
        users published; that a query service redirects to its product page is not verified.
        """
        return bool(self.request_id) or self.redirect.endswith(_AWS_DOMAINS)

    @property
    def reason(self) -> str:
        """The text of the innermost error: what OpenSSL, the resolver or the kernel said."""
        cause = _cause(self.error)
        return str(getattr(cause, "verify_message", "") or getattr(cause, "strerror", "") or cause)


def is_aws_host(url: str) -> bool:
    """Whether an endpoint is one of AWS's by its name."""
    return (urlsplit(url).hostname or "").endswith(_AWS_DOMAINS)


def ask_endpoint(client: Any) -> EndpointAnswer:
    """Ask the endpoint of a boto3 client for ``/``, unsigned, and record that in the journal.

    The request uses the client's own HTTP session, so the proxy, the CA bundle and the time limits are those of every
    other call. It is sent once, and a redirect is not followed.
    """
    found: dict[str, Any] = {"url": client.meta.endpoint_url, "proxy": _proxy(client)}
    try:
        if not found["proxy"]:
            found["addresses"] = _resolve(found["url"])
        found |= _get(client)
    except (ConnectionError, HTTPClientError) as error:
        found["error"] = error
    result = EndpointAnswer(**found)
    answer = type(result.error).__name__ if result.error else str(result.status)
    journal.record(Call(result.api, client.meta.region_name, answer, result.request_id))
    return result


def _proxy(client: Any) -> str:
    """The proxy without its password, chosen as botocore does: the client's own setting, else the environment's."""
    url, configured = client.meta.endpoint_url, client.meta.config.proxies
    proxies = get_environ_proxies(url) if configured is None else configured
    proxy = str(proxies.get(urlsplit(url).scheme, ""))
    return proxy.rpartition("://")[2].rpartition("@")[2].rstrip("/")


def _resolve(url: str) -> tuple[str, ...]:
    host, port = urlsplit(url).hostname, urlsplit(url).port or 443
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise EndpointConnectionError(endpoint_url=url, error=error) from error
    return tuple(sorted({str(address[0]) for *_, address in found}))


def _get(client: Any) -> dict[str, Any]:
    request = AWSRequest(
        "GET",
        client.meta.endpoint_url.rstrip("/") + "/",
        headers={"User-Agent": client.meta.config.user_agent},
        stream_output=True,  # the body is not needed, and may have no end
    )
    before = datetime.now(UTC)
    response = client._endpoint.http_session.send(request.prepare())
    after = datetime.now(UTC)
    response.raw.close()
    headers = response.headers
    return {
        "status": response.status_code,
        "request_id": headers.get("x-amzn-requestid") or headers.get("x-amz-request-id") or "",
        "redirect": _host_of(headers.get("location", "")),
        "ahead": _ahead(headers.get("date", ""), before + (after - before) / 2),
    }


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _ahead(date: str, now: datetime) -> timedelta | None:
    try:
        server = parsedate_to_datetime(date)
    except (TypeError, ValueError, OverflowError):
        return None
    # The header has whole seconds, so on average it is half a second late.
    return now - server - timedelta(seconds=0.5) if server.tzinfo else None


def _cause(error: Any) -> Any:
    """The innermost error: botocore and urllib3 each wrap what they caught, in their own way."""
    for _ in range(8):  # deeper than any nesting that was seen, and a limit for a circle
        around = [getattr(error, "kwargs", {}).get("error"), getattr(error, "reason", None)]
        around += [getattr(error, "__cause__", None), *getattr(error, "args", ())]
        inner = next((part for part in around if isinstance(part, Exception)), None)
        if inner is None:
            break
        error = inner
    return error
