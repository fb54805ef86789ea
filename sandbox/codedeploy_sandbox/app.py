"""The sandbox as one WSGI application: faults, then the journal, then permissions, then our operations, then moto.

It speaks as AWS does, and only to clients: a request must be signed (the signature itself is not verified) and
addressed to a loopback name, and a web page is refused.
"""

import inspect
import ipaddress
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

from botocore.parsers import create_parser
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.faults import Fault, Faults, apply
from codedeploy_sandbox.iam.enforcement import Denied, authorise
from codedeploy_sandbox.iam.identities import Principal, pull
from codedeploy_sandbox.moto_backend import Moto
from codedeploy_sandbox.protocol import models, rest_routing, wire
from codedeploy_sandbox.protocol.validation import check
from codedeploy_sandbox.services import cloudtrail, codedeploy, iam, ssm, sts
from codedeploy_sandbox.state import NOBODY_ARN, Account, Call

Operation = Callable[..., dict[str, Any] | None]

# The operations that are ours: the public functions of these modules, whose names are the services'.
OPERATIONS: dict[tuple[str, str], Operation] = {
    (module.__name__.rpartition(".")[2], name): function
    for module in (cloudtrail, codedeploy, iam, ssm, sts)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if name[0].isupper()
}

_SCOPE = re.compile(r"([^/=\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class App:
    """The application. `account` is what a scenario has set up; `seed` makes the request ids."""

    def __init__(self, account: Account, seed: str, faults: Iterable[Fault] = ()) -> None:
        self.account = account
        self.ending = threading.Event()
        self._seed = seed
        self._faults = Faults(tuple(faults))
        self._moto = Moto(account.seeds)
        self._repetitions: Counter[str] = Counter()
        for put in account.at_start:
            put(self._moto.ask)

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Replace the faults, and begin to count anew what they meet."""
        self._faults = Faults(tuple(faults))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            answer = self._respond(Request(environ))
        except HTTPException as unreadable:  # HTTP itself is broken: half a body, for one
            answer = Response(f"{unreadable.description}\n", unreadable.code, content_type="text/plain")
        return answer(environ, start_response)

    def _respond(self, http: Request) -> Response:
        if refusal := _refusal(http):
            return Response(refusal + "\n", 403, content_type="text/plain")
        try:
            call = self._identify(http)
        except ApiError as error:
            return wire.write_error("", _protocol(http), self.account.outage or error, self._request_id(http))
        what = self._faults.pick(call.service, call.operation)
        return apply(what, call, http.environ, lambda: self._serve(call, http), self.ending)

    def _identify(self, http: Request) -> Call:
        """Who asks for what, from the scope of the signature and the name of the operation."""
        scope = _SCOPE.search(http.headers.get("Authorization") or http.args.get("X-Amz-Credential") or "")
        if not scope:
            code = "MissingAuthenticationToken" + ("Exception" if "X-Amz-Target" in http.headers else "")
            raise ApiError(code, "Missing Authentication Token", 403)
        access_key, region, service = scope.groups()
        operation, in_path = rest_routing.recognise(service, http) or (_operation(http), None)
        return Call(
            account=self.account,
            at=self.account.clock(),
            service=service,
            operation=operation,
            region=region,
            caller=self._caller(access_key),
            user_agent=http.headers.get("User-Agent", ""),
            source_ip=http.remote_addr or "",
            request_id=self._request_id(http, access_key, region, operation),
            protocol=models.protocol(service) or _protocol(http),
            parameters=in_path,
        )

    def _caller(self, access_key: str) -> Principal:
        # Assumption: any-key
        if known := self.account.callers.get(access_key):
            return known
        return Principal(self._moto.owner(access_key) or NOBODY_ARN, access_key)

    def _request_id(self, http: Request, *key: str) -> str:
        """The same for the n-th such request of every run, whatever else goes on beside it."""
        content = sha256(http.full_path.encode() + b"\n" + http.get_data()).hexdigest()
        text = " ".join((self._seed, *key, content))
        with self.account.lock:
            self._repetitions[text] += 1
            number = self._repetitions[text]
        return str(UUID(bytes=sha256(f"{text} {number}".encode()).digest()[:16], version=4))

    def _serve(self, call: Call, http: Request) -> Response:
        try:
            if self.account.outage:
                raise self.account.outage
            # Assumption: any-key
            if self.account.enforces and call.caller.arn != NOBODY_ARN:
                authorise(call, _parameters(call, http) or {}, self.account.iam)
            return self._ours(call, http) or self._others(call, http)
        except Denied as denied:
            # Assumption: trail-denied
            call.error, call.parameters = ApiError("AccessDenied", denied.message), None
            return wire.write_error(call.service, call.protocol, denied, call.request_id)
        except ApiError as error:
            call.error = error
            return wire.write_error(call.service, call.protocol, error, call.request_id)
        finally:
            with self.account.lock:
                self.account.journal.append(call)

    def _ours(self, call: Call, http: Request) -> Response | None:
        function = OPERATIONS.get((call.service, call.operation))
        model = models.operation(call.service, call.operation)
        if not function or not model:
            return None
        if "Smithy-Protocol" in http.headers:
            raise ApiError("SandboxNotImplemented", f"the sandbox speaks {call.protocol}, not CBOR", 501)
        try:
            call.parameters = wire.read(model, call.protocol, http.get_data())
            check(model, call.protocol, call.parameters)
            with self.account.lock:
                output = function(call, **call.parameters)
        except ApiError as error:
            # Assumption: messages
            raise ApiError(error.code, f"{error.message} [sandbox]", error.status) from None
        return None if output is None else wire.write(model, call.protocol, output, call.request_id)

    def _others(self, call: Call, http: Request) -> Response:
        call.parameters = _parameters(call, http)
        answer = self._moto.answer(call, http)
        if answer.status_code >= 400:
            call.error = _error(answer, call.protocol)
        elif call.service == "iam" and not cloudtrail.read_only(call):
            self.account.iam = pull(self.account.iam, self._moto.ask)
        return _numbered(answer, call.request_id)


_REQUEST_ID = re.compile(rb"(<(requestId|RequestId)>)[^<]*")


def _numbered(answer: Response, request_id: str) -> Response:
    """moto's answer with the sandbox's request id, as its own depends on what else goes on."""
    for name in ("x-amzn-RequestId", "x-amz-request-id"):
        if name in answer.headers:
            answer.headers[name] = request_id
    if (answer.mimetype or "").endswith("xml"):
        answer.set_data(_REQUEST_ID.sub(rb"\g<1>" + request_id.encode(), answer.get_data()))
    return answer


def _refusal(http: Request) -> str:
    """Why this request is not even looked at: a page on the web could have sent it through the reader's browser."""
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


def _operation(http: Request) -> str:
    """json names its operation in a header, query and ec2 in the form; REST does so by method and path."""
    if target := http.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if cbor := re.search(r"/operation/(\w+)$", http.path):
        return cbor[1]
    action = re.search(rb"(?:^|&)Action=(\w+)", http.get_data() + b"&" + http.query_string)
    return action[1].decode() if action else f"{http.method} {http.path}"


def _protocol(http: Request) -> str:
    """The protocol of a service that has no model here, by the look of the request."""
    if "X-Amz-Target" in http.headers:
        return "json"
    return "query" if http.mimetype == "application/x-www-form-urlencoded" else "rest-json"


def _parameters(call: Call, http: Request) -> dict[str, Any] | None:
    """What we know of a request: of REST what stands in its path, nothing where the model is not known to us."""
    model = models.operation(call.service, call.operation)
    if not model or call.protocol not in ("json", "query", "ec2"):
        return call.parameters
    try:
        return wire.read(model, call.protocol, http.get_data())
    except ApiError:
        return None


def _error(answer: Response, protocol: str) -> ApiError:
    response = {
        "status_code": answer.status_code,
        "headers": dict(answer.headers.items()),
        "body": answer.get_data(),
    }
    try:
        error = create_parser(protocol).parse(response, None)["Error"]  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the body is moto's; what cannot be read is told by its status
        error = {}
    return ApiError(
        str(error.get("Code", answer.status_code)), str(error.get("Message", "")), answer.status_code
    )
