"""The sandbox as one WSGI application: faults, then the journal, then permissions, then our operations, then moto.

It speaks as AWS does, and only to clients: a request must be signed (the signature itself is not verified) and
addressed to a loopback name, and a web page is refused.
"""

import inspect
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

from botocore.parsers import create_parser
from moto.core.request import Request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from codedeploy_sandbox import aftermath
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.faults import Error, Fault, Faults, What, apply, is_answered
from codedeploy_sandbox.iam.enforcement import Denied, authorise
from codedeploy_sandbox.iam.identities import Principal, pull
from codedeploy_sandbox.moto_backend import Moto, not_implemented
from codedeploy_sandbox.protocol import codec, models, requests, routing
from codedeploy_sandbox.protocol.models import CBOR
from codedeploy_sandbox.protocol.validation import check
from codedeploy_sandbox.services import (
    applications,
    auto_scaling,
    cloudtrail,
    codedeploy,
    configurations,
    creation,
    deployments,
    groups,
    iam,
    load_balancing,
    revisions,
    ssm,
    sts,
    tagging,
)
from codedeploy_sandbox.state import UNKNOWN_ARN, Account, Call

Operation = Callable[..., dict[str, Any] | None]

_MODULES = {
    "autoscaling": (auto_scaling,),
    "cloudtrail": (cloudtrail,),
    "codedeploy": (
        *(applications, codedeploy, configurations, creation, deployments, groups, revisions, tagging),
    ),
    "elbv2": (load_balancing,),
    "iam": (iam,),
    "ssm": (ssm,),
    "sts": (sts,),
}
# Our own operations: the public functions of these modules.
OPERATIONS: dict[tuple[str, str], Operation] = {
    (service, name): function
    for service, modules in _MODULES.items()
    for module in modules
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if name[0].isupper() and function.__module__ == module.__name__
}
_OURS = {service for service, _ in OPERATIONS}


class App:
    """The application. `account` is what a scenario has set up; `seed` makes the request ids."""

    def __init__(self, account: Account, seed: str, faults: Iterable[Fault] = ()) -> None:
        self.account = account
        self.ending = threading.Event()
        self._seed = seed
        self._faults = Faults(tuple(faults))
        self._moto = Moto(account.seeds)
        self._repetitions: Counter[str] = Counter()
        account.ask = self._moto.ask
        for put in account.at_start:
            put(account.ask)

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Replace the faults; their counters begin at zero."""
        self._faults = Faults(tuple(faults))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            refusal = requests.refusal(Request(environ))
            answer = Response(f"{refusal}\n", 403) if refusal else self._respond(requests.received(environ))
        except HTTPException as unreadable:  # HTTP itself is broken: half a body, for one
            answer = Response(f"{unreadable.description}\n", unreadable.code)
        return answer(environ, start_response)

    def _respond(self, http: Request) -> Response:
        protocol = routing.spoken("", http)
        try:
            call = self._identify(http)
        except ApiError as error:
            unnamed = self.account.outage or error
            return codec.write_error("", protocol, unnamed, self._request_id(http))
        except Exception as error:  # noqa: BLE001 - a failure of the sandbox is an answer, too
            return codec.write_error("", protocol, _failure(error), self._request_id(http))
        what = self._faults.pick(call.service, call.operation)
        if not is_answered(what):
            self._note_fault(what, call, http)
        return apply(what, call, http.environ, lambda: self._serve(call, http), self.ending)

    def _note_fault(self, what: What, call: Call, http: Request) -> None:
        call.fault, call.parameters = type(what).__name__, _parameters(call, http)
        if isinstance(what, Error):
            call.error = ApiError(what.code, what.message, what.status)
        with self.account.lock:
            self.account.journal.append(call)

    def _identify(self, http: Request) -> Call:
        """The caller, the operation and the Region, from the scope of the signature and the name of the operation."""
        access_key, region, service = requests.scope(http)
        protocol = routing.spoken(service, http)
        found = routing.recognise(service, protocol, http)
        operation, in_path = found or (routing.named(http), None)
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
            protocol=protocol,
            known=bool(found),
            parameters=in_path,
        )

    def _caller(self, access_key: str) -> Principal:
        # Assumption: any-key
        if known := self.account.callers.get(access_key):
            return known
        # Assumption: unsigned
        owner = self._moto.owner(access_key) if access_key else None
        return Principal(owner or UNKNOWN_ARN, access_key)

    def _request_id(self, http: Request, *key: str) -> str:
        """A request id: the same for the n-th identical request of every run, whatever other requests there are."""
        content = sha256(http.full_path.encode() + b"\n" + http.get_data()).hexdigest()
        text = " ".join((self._seed, *key, content))
        with self.account.lock:
            self._repetitions[text] += 1
            number = self._repetitions[text]
        return str(UUID(bytes=sha256(f"{text} {number}".encode()).digest()[:16], version=4))

    def _serve(self, call: Call, http: Request) -> Response:
        try:
            return self._answer(call, http)
        except Denied as denied:
            # Assumption: trail-denied
            call.error, call.parameters = ApiError("AccessDenied", denied.message), None
            return codec.write_error(call.service, call.protocol, denied, call.request_id)
        except ApiError as error:
            call.error = error
        except Exception as error:  # noqa: BLE001 - a failure of the sandbox is an answer, too
            call.error = _failure(error)
        finally:
            with self.account.lock:
                self.account.journal.append(call)
        return codec.write_error(call.service, call.protocol, call.error, call.request_id)

    def _answer(self, call: Call, http: Request) -> Response:
        if self.account.outage:
            raise self.account.outage
        if not call.known:
            _check_named(call)
        # Assumption: any-key
        if self.account.enforces and call.caller.arn != UNKNOWN_ARN:
            authorise(call, _parameters(call, http) or {}, self.account.iam)
        return self._ours(call, http) or self._others(call, http)

    def _ours(self, call: Call, http: Request) -> Response | None:
        service = routing.model_of(call.service, http)
        function = OPERATIONS.get((service, call.operation))
        model = models.operation(service, call.operation)
        if not function or not model:
            return None
        try:
            call.parameters = codec.read(model, call.protocol, http.get_data())
            check(model, call.protocol, call.parameters)
            with self.account.lock:
                aftermath.settle(self.account, call.region, call.at)
                output = function(call, **call.parameters)
        except ApiError as error:
            # Assumption: messages
            raise ApiError(error.code, f"{error.message} [sandbox]", error.status) from None
        return None if output is None else codec.write(model, call.protocol, output, call.request_id)

    def _others(self, call: Call, http: Request) -> Response:
        if http.path.startswith("/moto-api"):  # moto's own controls, which AWS does not have
            raise not_implemented(call.service, call.operation)
        call.parameters = _parameters(call, http)
        if call.service == "codedeploy":  # what the sandbox does not play, moto does not either
            _check_model(call, http)
            raise not_implemented(call.service, call.operation)
        if call.service == "iam":
            iam.check_trust(call)
        self._settle(call)
        with self._moto.lock:
            try:
                answer = self._moto_answer(call, http)
            except ApiError as error:
                if error.code == "InternalFailure":
                    _check_model(call, http)
                raise
            if answer.status_code >= 400:
                call.error = _error(answer, call.protocol)
            elif call.service == "iam" and not cloudtrail.read_only(call):
                self.account.iam = pull(self.account.iam, self._moto.ask)
        if call.service == "monitoring":  # an alarm may stop a deployment
            self._settle(call)
        return _numbered(answer, call.request_id)

    def _settle(self, call: Call) -> None:
        """Let what follows from the deployments happen. Never with moto's lock alone: an operation of ours takes it second."""
        if not aftermath.is_settled(self.account, call.region):
            with self.account.lock:
                aftermath.settle(self.account, call.region, call.at)

    def _moto_answer(self, call: Call, http: Request) -> Response:
        model = models.operation(call.service, call.operation)
        if call.protocol != CBOR:
            return self._moto.answer(call, http)
        if not model or call.parameters is None:  # moto does not speak CBOR, so it is asked in JSON
            raise not_implemented(call.service, call.operation, " in CBOR")
        return codec.write(model, CBOR, self._moto.output(call), call.request_id)


_REQUEST_ID = re.compile(rb"(<(requestId|RequestId)>)[^<]*")


def _numbered(answer: Response, request_id: str) -> Response:
    """moto's answer with the sandbox's request id; moto's own ids depend on other requests."""
    for name in ("x-amzn-RequestId", "x-amz-request-id"):
        if name in answer.headers:
            answer.headers[name] = request_id
    if (answer.mimetype or "").endswith("xml"):
        answer.set_data(_REQUEST_ID.sub(rb"\g<1>" + request_id.encode(), answer.get_data()))
    return answer


def _parameters(call: Call, http: Request) -> dict[str, Any] | None:
    """The parameters of a request: for REST those in its path, None where there is no model or the body cannot be read."""
    model = models.operation(call.service, call.operation)
    if not model or call.protocol.startswith("rest"):
        return call.parameters
    try:
        return codec.read(model, call.protocol, http.get_data())
    except ApiError:
        return None


def _check_named(call: Call) -> None:
    """Raise ApiError for a request that names no operation, or one that a service of ours does not have."""
    # Assumption: unknown-operation
    if call.protocol in ("query", "ec2") and " " in call.operation:
        raise ApiError("MissingAction", "the request has no Action that can be read [sandbox]", 400)
    if call.service in _OURS:
        code = "InvalidAction" if call.protocol == "query" else "UnknownOperationException"
        raise ApiError(
            code, f"{call.service} has no operation {call.operation} under this name [sandbox]", 400
        )


def _check_model(call: Call, http: Request) -> None:
    """Raise ApiError if the model does not allow the request: then it is not moto that is to blame for a failure."""
    model = models.operation(call.service, call.operation)
    if model and not call.protocol.startswith("rest"):
        try:
            check(model, call.protocol, codec.read(model, call.protocol, http.get_data()))
        except ApiError as error:
            # Assumption: messages
            raise ApiError(error.code, f"{error.message} [sandbox]", error.status) from None


def _failure(error: Exception) -> ApiError:
    """InternalFailure for an exception of the sandbox itself, which is also one line on standard error."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    sys.stderr.write(f"sandbox: {what}\n")
    return ApiError("InternalFailure", f"the sandbox failed: {what} [sandbox]", 500)


def _error(answer: Response, protocol: str) -> ApiError:
    response = {
        "status_code": answer.status_code,
        "headers": dict(answer.headers.items()),
        "body": answer.get_data(),
    }
    try:
        error = create_parser(protocol).parse(response, None)["Error"]  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - the body is moto's; if it cannot be read, its status is the code
        error = {}
    return ApiError(
        str(error.get("Code", answer.status_code)), str(error.get("Message", "")), answer.status_code
    )
