"""boto3 clients that only read: guarded, journalled, strict about answers, with few calls under way at a time."""

import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from runbooks.aws import answers, journal
from runbooks.aws.guard import Permission, refuse_writes
from runbooks.aws.http import LimitedSession
from runbooks.aws.pace import PAUSES
from runbooks.findings import Call

# The product token by which CloudTrail distinguishes the guide's own calls from others.
USER_AGENT = "codedeploy-field-guide"

# Calls under way at a time: enough to hide the waiting, few enough for AWS's rates. One that hangs holds one place.
MOST_AT_ONCE = 8

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent_extra=USER_AGENT,
)
# The sandbox is on loopback: never by a proxy, and without a DNS name for each bucket.
_LOCAL = _CONFIG.merge(Config(proxies={}, s3={"addressing_style": "path"}))


class Clients:
    """The clients of one boto3 session, each made once.

    ``endpoint`` is the sandbox's address; ``allowed`` names the operations beyond reading that the user asked
    for, each with the parameters that it may have (`guard.Permission`).
    """

    def __init__(
        self,
        session: boto3.Session,
        *,
        endpoint: str | None = None,
        allowed: Mapping[str, Permission] | None = None,
        config: Config | None = None,
    ) -> None:
        self.region: str = session.region_name
        self.endpoint = endpoint
        self.allowed = allowed or {}
        self.places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.session: Any = session  # its client() is overloaded on service names known in advance
        self._config = config or (_LOCAL if endpoint else _CONFIG)
        # who asks for one try alone wants no patience
        tries = (getattr(self._config, "retries", None) or {}).get("total_max_attempts")
        self.pauses: tuple[int, ...] = () if tries == 1 else PAUSES
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def get(self, service: str, region: str = "") -> Any:
        """A boto3 client ("codedeploy"), of the session's Region or of another."""
        region = region or self.region
        with self._lock:  # boto3 makes clients one at a time
            if (service, region) not in self._clients:
                client = self.session.client(
                    service, region_name=region, endpoint_url=self.endpoint, config=self._config
                )
                client._endpoint.http_session = LimitedSession(client._endpoint.http_session)
                self._watch(client.meta.events)
                self._clients[service, region] = client
            return self._clients[service, region]

    def _watch(self, events: Any) -> None:
        # Each client, not the session: botocore signs in (sts:AssumeRole, sso, ...) by clients of its own.
        events.register("before-parameter-build", self._before_parameters)
        events.register("before-call", self._before)
        events.register("before-parse", self._before_parse)
        events.register("after-call", self._after)
        events.register("after-call-error", self._failed)

    def _before_parameters(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        refuse_writes(_api(model), params, self.allowed)

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        context["field_guide_api"] = _api(model)  # botocore gives a failed call's handler no model

    def _before_parse(self, response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
        protocol = operation_model.service_model.resolved_protocol
        # XML has texts only, of which botocore's parser makes what the model says
        if protocol == "json" and response_dict["status_code"] < 300:
            answers.refuse_wrong_types(
                _api(operation_model), operation_model.output_shape, response_dict["body"]
            )

    def _after(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        code = parsed.get("Error", {}).get("Code") or str(http_response.status_code)
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId", "")
        answer = "ok" if http_response.status_code < 300 else code
        journal.record(Call(_api(model), context["client_region"], answer, request_id))

    def _failed(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        api = context["field_guide_api"]
        journal.record(Call(api, context["client_region"], type(exception).__name__))


def _api(model: Any) -> str:
    return f"{model.service_model.service_name}:{model.name}"
