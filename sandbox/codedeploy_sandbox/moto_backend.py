"""The rest of AWS: an unmodified moto, loaded when the first request needs it.

moto keeps its state in the process. Of two sandboxes in one process the one that asks has it; it finds what its
scenario put there, but no longer what was changed before the other one asked. A sandbox with a process of its own has
moto to itself.
"""

import os
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree
from zlib import crc32

from botocore.model import OperationNotFoundError
from moto.core.request import Request
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.moto_client import asker
from codedeploy_sandbox.state import ACCOUNT, Call

_GET_CALLER_IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
# moto has 1,300 machine images, and makes them all again for each Region of each sandbox, which takes a second and more.
# It reads this when its EC2 is imported.
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).parent / "scenarios" / "images.json")
_UNKNOWN = ":user/moto"  # moto's name for the owner of a key that it does not know


class Moto:
    """moto, as the sandbox's account, with what the scenario has put there.

    Before the first request for a service its `seeds` are called with `ask`, and its random ids begin from the same
    number each time. One request is answered at a time, so that none comes between a service and its seeds; hold `lock`
    for several answers without another request between them.
    """

    lock: ClassVar = threading.RLock()  # a seed asks while it is held
    _app: ClassVar[Any] = None
    _tenant: ClassVar["Moto | None"] = None

    def __init__(self, seeds: Iterable[tuple[str, Callable[..., object]]] = ()) -> None:
        self._seeds = seeds
        self._seeded: set[str] = set()
        self._asker = asker(self._send)

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """moto's answer to the sandbox itself, as `moto_client.asker` gives it."""
        with self.lock:
            self._seed(service)
            return self._asker(service, operation, **parameters)

    def answer(self, call: Call, http: Request) -> Response:
        """moto's answer. Raises ApiError for an operation that moto does not have, and when moto fails."""
        answer: Response = self._tried(call, lambda: self._send(dict(http.environ), http.get_data()))
        if answer.status_code >= 400 and answer.get_data().startswith(b"<!doctype html>"):
            raise not_implemented(call.service, call.operation)  # no such path in moto, or no such method
        return answer

    def output(self, call: Call) -> dict[str, Any]:
        """moto's output for the parameters of a request. Raises ApiError as `answer` does, and for moto's errors."""
        where = {"region": call.region, "access_key": call.caller.access_key}
        given = call.parameters or {}
        output: dict[str, Any] = self._tried(
            call, lambda: self._asker(call.service, call.operation, **where, **given)
        )
        return output

    def _tried(self, call: Call, ask: Callable[[], Any]) -> Any:
        with self.lock:
            self._seed(call.service)
            try:
                return ask()
            except ApiError:
                raise
            except (NotImplementedError, OperationNotFoundError):
                raise not_implemented(call.service, call.operation) from None
            except ModuleNotFoundError as missing:
                needs = f": moto needs the package {missing.name} for it"
                raise not_implemented(call.service, call.operation, needs) from None
            except Exception as error:
                host = f"http://{call.service}.{call.region}.amazonaws.com"
                if not any(pattern.match(host) for _, pattern in self._app.backend_url_patterns):
                    raise not_implemented(call.service, call.operation) from None
                text = f"moto failed: {type(error).__name__}: {error}"
                raise ApiError("InternalFailure", text, 500) from error

    def owner(self, access_key: str) -> str | None:
        """The ARN behind an access key that was made in moto, or None."""
        if Moto._tenant is not self:  # then moto has made no key
            return None
        scope = f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/us-east-1/sts/aws4_request, Signature=0"
        environ = EnvironBuilder(
            method="POST",
            headers=[("Authorization", scope)],
            content_type="application/x-www-form-urlencoded",
        ).get_environ()
        with self.lock:
            answer = self._send(environ, _GET_CALLER_IDENTITY)
        arn = ElementTree.fromstring(answer.get_data()).findtext(".//{*}Arn", _UNKNOWN)  # noqa: S314 - moto's
        return None if arn.endswith(_UNKNOWN) else arn

    def _seed(self, service: str) -> None:
        if Moto._app is None:
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            app = DomainDispatcherApplication(create_backend_app)
            # by itself it lists its own folder and tries hundreds of patterns at each request
            app.get_backend_for_host = lru_cache(app.get_backend_for_host)
            Moto._app = app
        if Moto._tenant is not self:
            Moto._tenant = self
            self._seeded.clear()
            self._begin("reset")
            self._control("reset")
        if service in self._seeded:
            return
        self._seeded.add(service)
        self._begin(service)
        if service == "ec2":  # it begins with a network of its own, unless the reset has made that already
            self._asker("ec2", "DescribeRegions")
            self._begin(service)
        if service == "autoscaling":  # what it works with begins with ids of its own, once in a process
            self._asker("autoscaling", "DescribeAutoScalingGroups")
            self._begin(service)
        for put in [put for name, put in self._seeds if name == service]:
            try:
                put(self.ask)
            except ApiError as error:
                raise RuntimeError(f"moto refused what the scenario puts into {service}: {error}") from error

    def _begin(self, with_what: str) -> None:
        self._control(f"seed?a={crc32(with_what.encode())}")

    def _control(self, command: str) -> None:
        self._send(EnvironBuilder(f"/moto-api/{command}", method="POST").get_environ(), b"")

    def _send(self, environ: dict[str, Any], body: bytes) -> Response:
        environ |= {
            "wsgi.input": BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_X_MOTO_ACCOUNT_ID": ACCOUNT,
        }
        answer = Response.from_app(self._app, environ, buffered=True)
        for header in [name for name, _ in answer.headers if name.lower().startswith("access-control-")]:
            del answer.headers[header]  # no web page is invited to read this
        return answer


def not_implemented(service: str, operation: str, why: str = "") -> ApiError:
    """The answer for what neither the sandbox nor moto has. 501 is a status that botocore does not retry."""
    text = f"{service}:{operation} is not implemented by the sandbox{why}"
    return ApiError("SandboxNotImplemented", text, 501)
