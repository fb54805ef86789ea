"""The first checks of a request: whether it is answered at all, its body, and the scope of its signature."""

import ipaddress
import re
from io import BytesIO
from typing import Any

from moto.core.request import Request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import routing

LONGEST = 64 * 2**20  # bytes of a body
_SCOPE = re.compile(r"([^/=\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


def refusal(http: Request) -> str:
    """Why a request is refused unread, or "": a page on the web could have sent it through the reader's browser."""
    host = re.sub(r":\d+$", "", http.headers.get("Host", "")).strip("[]")
    if not is_loopback(host):
        return "The sandbox answers only requests that are addressed to a loopback host such as 127.0.0.1."
    by_browser = "Origin" in http.headers or "Sec-Fetch-Site" in http.headers
    return "The sandbox answers AWS clients, not a browser." if by_browser else ""


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def received(environ: dict[str, Any]) -> Request:
    """The request, its body read whole. Raises an HTTPException for a body that is broken or too long."""
    http = Request(environ)
    # Of a body in chunks, which does not say how long it is, werkzeug reads so much and no more.
    http.max_content_length = LONGEST + (http.content_length is None)
    try:
        body = http.get_data()
    except OSError as error:  # not of chunks that werkzeug can read
        raise BadRequest(f"The body cannot be read: {error}.") from None
    if len(body) > LONGEST:
        raise RequestEntityTooLarge
    environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    for key in ("wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"):
        environ.pop(key, None)
    http = Request(environ)
    http.get_data()  # which keeps it: a form that is read first leaves nothing
    return http


def scope(http: Request) -> tuple[str, str, str]:
    """The access key, the Region and the service that a request is signed for; an unsigned one has neither of the first."""
    signed = http.headers.get("Authorization") or http.args.get("X-Amz-Credential") or ""
    if scope := _SCOPE.search(signed):
        return scope[1], scope[2], scope[3]
    kind = "Exception" if "X-Amz-Target" in http.headers else ""
    if signed:
        named = re.search(r"Credential=([^,\s]*)", signed)
        raise ApiError(
            # Assumption: incomplete-signature
            f"IncompleteSignature{kind}",
            "The Authorization header has no credential scope KEY/DATE/REGION/SERVICE/aws4_request with all its parts"
            f" (Signature Version 4): {named[1] if named else 'it has none at all'}",
            400,
        )
    if service := routing.unsigned(http):
        return "", "us-east-1", service
    raise ApiError(f"MissingAuthenticationToken{kind}", "Missing Authentication Token", 403)
