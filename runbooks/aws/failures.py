"""Why a call was not made or was refused, as one sentence for a person.

The codes differ per protocol (json, query, ec2), so one kind of failure has several codes. They are AWS's common error
codes as its services document them. A code that is in none of these tables is quoted as it came.
"""

import re
import traceback
from pathlib import Path

from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from runbooks.aws.answers import NotAnAnswer
from runbooks.aws.guard import NotARead
from runbooks.aws.pace import THROTTLED
from runbooks.aws.session import Refusal
from runbooks.findings import CouldNotCheck
from runbooks.host import HostReportError

KINDS: dict[str, tuple[str, ...]] = {
    "denied": ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"),
    "expired": ("ExpiredToken", "ExpiredTokenException"),
    "too late": ("RequestExpired",),  # EC2's, for a clock that is wrong and for a session that has expired
    "credentials": (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "AuthFailure",
        "InvalidAccessKeyId",
    ),
    "unsigned": ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "closed": ("OptInRequired",),
    "clock": ("RequestTimeTooSkewed",),
    "signature": ("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"),
    "throttled": THROTTLED,
    "server": (
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "ServiceUnavailable",
    ),
}

DENIED, UNKNOWN_CREDENTIALS = KINDS["denied"], KINDS["credentials"]

# The caller's own credentials or clock: every further call would fail in the same way.
OF_THE_CALLER = ("expired", "too late", "credentials", "unsigned", "clock", "signature")

# The kinds of policies that AWS's message names, where it says why it denies a call.
_POLICIES = (
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
    "resource-based policy",
    "identity-based policy",
)

# AWS itself was not reached.
UNREACHABLE = (boto.ConnectionError, boto.HTTPClientError, ResponseParserError, NotAnAnswer)

_NETWORK = {
    boto.EndpointConnectionError: "could not be reached: no connection to its endpoint",
    boto.ConnectTimeoutError: "could not be reached: the connection timed out",
    boto.ReadTimeoutError: "did not answer in time",
    boto.ConnectionClosedError: "broke the connection before it answered",
    boto.ResponseStreamingError: "broke the connection in the middle of its answer",
    boto.ProxyConnectionError: "could not be reached: the proxy refused or did not answer",
    boto.SSLError: "could not be reached: the TLS certificate was not accepted",
}


def classify(error: BaseException) -> str:
    """The kind of an AWS refusal: a key of `KINDS`, "http" for an answer that is not AWS's, or ""."""
    if not isinstance(error, ClientError):
        return ""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if "signature expired" in message.lower():  # the services put it under several codes
        return "clock"
    for name, codes in KINDS.items():
        if code in codes:
            return name
    if not code or code.isdigit() or code == "None":
        return "server" if status >= 500 else "http"
    return "server" if status >= 500 else ""


def describe(error: BaseException) -> str:
    """One sentence: which call, which action, what kind of failure, and what to do if that is known.

    The call is the one that the session noted on the error ("codedeploy:ListOnPremisesInstances").
    """
    api = next(iter(getattr(error, "__notes__", ())), "")
    if isinstance(error, ClientError):
        return _refused(error, api)
    for family, what in _NETWORK.items():
        if isinstance(error, family):
            return f"{api or 'The service'} {what}."
    if isinstance(error, boto.HTTPClientError):  # its text can hold a header, and so a session token
        inner = type(error.kwargs.get("error")).__name__
        return f"{api or 'The call'} was not sent, or its answer could not be read: the HTTP client failed ({inner})."
    if isinstance(error, NotAnAnswer):
        return f"{error}: look for a proxy, a captive portal or TLS inspection between here and AWS."
    if isinstance(error, NotARead):
        return f"{error}."
    if isinstance(error, (CouldNotCheck, HostReportError)):
        return str(error)
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return f"{api or 'The call'} was not sent: no complete AWS credentials were found."
    if isinstance(error, (boto.SSOTokenLoadError, boto.UnauthorizedSSOTokenError, boto.TokenRetrievalError)):
        return f"{api or 'The call'} was not sent: the SSO session has expired, or is not there; run `aws sso login`."
    if isinstance(error, boto.CredentialRetrievalError):
        return f"{api or 'The call'} was not sent: the credentials could not be fetched ({error})."
    if isinstance(error, boto.ParamValidationError):
        return f"{api or 'The call'} was not sent: {' '.join(str(error).split())}."
    if isinstance(error, boto.BotoCoreError):
        return f"{api or 'The call'} failed: {' '.join(str(error).split())}"
    return f"The check itself failed: {type(error).__name__}: {error} ({_where(error)}). Please report it."


def way_on(error: BaseException) -> str:
    """What to do about a call that a policy of the caller's own identity denies, or that AWS fails at; "" for all else."""
    kind = classify(error)
    if kind == "server":
        return "Ask again in some minutes; https://health.aws.amazon.com/health/status says whether AWS knows of a problem."
    if not isinstance(error, ClientError) or kind != "denied":
        return ""
    message = str(error.response.get("Error", {}).get("Message", ""))
    policy = _policy(message)
    if policy not in ("", "identity-based policy"):
        return ""
    api = next(iter(getattr(error, "__notes__", ())), "")
    action = _action(message) or api or error.operation_name
    if "explicit deny" in message.lower():
        where = (
            "the policies of this identity"
            if policy
            else "what denies it: a policy of this identity or of the organisation"
        )
        return f"Take the denial of {action} out of {where}. No further permission helps."
    return f"Allow this identity {action}: `runbooks policy` prints the policy that the checks need."


def refused(api: str, refusal: Refusal) -> str:
    """One sentence about a refusal that was expected, as `describe` says it of an error."""
    error = {"Code": refusal.code, "Message": refusal.message}
    metadata = {"HTTPStatusCode": refusal.status}
    return _refused(ClientError({"Error": error, "ResponseMetadata": metadata}, api), api)  # type: ignore[typeddict-item]


def _refused(error: ClientError, api: str) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
    operation = api or error.operation_name
    match classify(error):
        case "denied":
            return f"{operation} was denied: {_why_denied(message, operation)} ({code})."
        case "expired":
            return f"{operation} was refused: the session has expired ({code}); sign in again."
        case "too late":
            return f"{operation} was refused: the session has expired, or this machine's clock is wrong ({code})."
        case "unsigned":
            return f"{operation} was refused: it arrived without a valid access key ({code}); check the profile, and look for a proxy that drops headers."
        case "credentials":
            return (
                f"{operation} was refused: AWS does not know these credentials ({code}); check the profile."
            )
        case "closed":
            return f"{operation} was refused: this account has not opted in to the service, or to the Region ({code})."
        case "clock":
            return (
                f"{operation} was refused: this machine's clock is wrong ({code}: {message}); set it by NTP."
            )
        case "signature":
            return f"{operation} was refused: the signature does not match ({code}); wrong secret key, or a proxy rewrites requests."
        case "throttled":
            return f"{operation} was throttled ({code}), also after retries; try again in a minute."
        case "server":
            return f"{operation} failed inside the service (HTTP {status}{', ' + code if code and not code.isdigit() else ''}), also after retries."
        case "http":
            return f"{operation} got HTTP {status} from something that is not AWS: look for a proxy or a captive portal."
    return f"{operation} was refused: {code}: {message}"


def _why_denied(message: str, operation: str) -> str:
    """Why a call was denied, as AWS's message says it: by a denial, or for want of a policy that allows it."""
    policy, action = _policy(message), _action(message) or operation
    if not policy:
        return f"this identity may not call {action}"
    if f"no {policy.lower()} allows" in message.lower():
        return f"no {policy} allows this identity {action}"
    return f"{'an' if policy[0] in 'aeiou' else 'a'} {policy} denies this identity {action}"


def _policy(message: str) -> str:
    """The kind of policy that AWS's message names; "" for none."""
    return next((kind for kind in _POLICIES if kind.lower() in message.lower()), "")


def _action(message: str) -> str:
    """The action that AWS's message names ("… is not authorized to perform: iam:GetUser on …")."""
    found = re.search(r"not authorized to perform: ([\w-]+:\w+)", message)
    return found[1] if found else ""


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "no traceback"
