"""A session with AWS for diagnosis: guarded, journalled, and strict about what counts as an answer."""

import copy
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runbooks.aws import journal
from runbooks.aws.cache import Memory
from runbooks.aws.endpoint import Look, is_aws_host, look
from runbooks.aws.guard import NotARead, Permission, refuse_writes
from runbooks.errors import CouldNotLook

# By this name the guide's own calls are told from others in CloudTrail.
USER_AGENT = "codedeploy-field-guide"

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent_extra=USER_AGENT,
)
# The sandbox is on loopback: never by a proxy, and without a DNS name for each bucket.
_LOCAL = _CONFIG.merge(Config(proxies={}, s3={"addressing_style": "path"}))


# Seconds between two calls where AWS documents a rate: CloudTrail allows 2 LookupEvents a second.
_PACE = {"cloudtrail:LookupEvents": 0.6}


class Pace:
    """Keeps calls of one kind apart, whichever threads make them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._seconds


class NotWhole(Exception):
    """An HTTP 200 without the expected key or a request id: a proxy, a captive portal or a cut answer.

    botocore parses such an answer without complaint, and an empty result would read as "there is none".
    """

    def __init__(self, api: str, missing: str) -> None:
        super().__init__(
            f"{api} was answered without {missing}, so what answered is not AWS, or the answer was cut"
        )
        self.api = api


@dataclass(frozen=True)
class Refusal:
    """An error that the caller expected as one possible answer."""

    code: str
    message: str
    status: int
    request_id: str


@dataclass(frozen=True)
class Identity:
    """Who signs the calls (the answer of sts:GetCallerIdentity)."""

    arn: str
    account: str


class Aws:
    """One Region of one account, asked by one identity.

    ``target`` and ``profile`` are how the session was asked for ("aws", "sandbox:healthy"); ``endpoint`` the sandbox's
    address; ``now`` tells the time by which ages are measured (the sandbox has a clock of its own);
    ``allowed`` names the operations beyond reading that the user asked for, each with the parameters
    that it may have (`guard.Permission`).
    """

    def __init__(
        self,
        session: boto3.Session,
        *,
        target: str = "aws",
        profile: str = "",
        endpoint: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        allowed: Mapping[str, Permission] | None = None,
        config: Config | None = None,
    ) -> None:
        self.target = target
        self.profile = profile
        self.region: str = session.region_name
        self.now = now
        self._session: Any = session  # its client() is overloaded on service names known in advance
        self._endpoint = endpoint
        self._allowed = allowed or {}
        self._config = config or (_LOCAL if endpoint else _CONFIG)
        self._memory: Memory | None = None
        self._over = threading.Event()
        self._paces = {api: Pace(seconds) for api, seconds in _PACE.items()}
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def __repr__(self) -> str:
        who = self.known_identity
        return f"{self.where} in {self.region}, as {who.arn if who else 'unknown: AWS did not say who asks'}"

    @property
    def where(self) -> str:
        """The target, and the endpoint where that is not AWS's own: "aws at http://127.0.0.1:9700"."""
        url = "" if self._endpoint else str(self.client("codedeploy").meta.endpoint_url)
        return f"{self.target} at {url}" if url and not is_aws_host(url) else self.target

    @cached_property
    def identity(self) -> Identity:
        """Who the session speaks as; asked once. Raises what botocore raises."""
        api = "sts:GetCallerIdentity"
        answer = self.ask(api, "Arn")
        return Identity(arn=answer["Arn"], account=_need(api, answer, "Account"))

    @property
    def known_identity(self) -> Identity | None:
        """The identity if it was asked and answered before; asks nothing."""
        return self.__dict__.get("identity")

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of this session ("codedeploy"), guarded and journalled like every other."""
        region = region or self.region
        with self._lock:  # boto3 makes clients one at a time
            if (service, region) not in self._clients:
                client = self._session.client(
                    service, region_name=region, endpoint_url=self._endpoint, config=self._config
                )
                self._watch(client.meta.events)
                self._clients[service, region] = client
            return self._clients[service, region]

    def read(
        self, api: str, want: str, *, expecting: tuple[str, ...] = (), region: str = "", **params: Any
    ) -> Any:
        """One fact: ``read("codedeploy:GetOnPremisesInstance", "instanceInfo", instanceName="web-01")``.

        Gives the value under the key ``want``, or a `Refusal` when AWS answers with an error code that is
        ``expecting``-ed. Raises `NotWhole` when the answer lacks the key, and what botocore raises.
        """
        answer = self.once(
            (api, region, want, expecting, repr(sorted(params.items()))),
            lambda: self.ask(api, want, expecting=expecting, region=region, **params),
        )
        return answer if isinstance(answer, Refusal) else answer[want]

    def ask(
        self, api: str, want: str, *, expecting: tuple[str, ...] = (), region: str = "", **params: Any
    ) -> Any:
        """The whole answer, asked anew each time; else as `read`."""
        service, operation = api.split(":")
        self._refuse_when_over(api)
        try:
            with _named(api):
                answer = getattr(self.client(service, region), xform_name(operation))(**params)
        except ClientError as error:
            if error.response["Error"]["Code"] in expecting:
                return _refusal(error)
            raise
        _need(api, answer, want)
        return answer

    def read_all(
        self, api: str, want: str, *, most: int | None = None, region: str = "", **params: Any
    ) -> list[Any]:
        """Ask for every page of a list, or until ``most`` items are there; gives what stands under ``want``."""
        service, operation = api.split(":")

        def ask() -> list[Any]:
            found: list[Any] = []
            with _named(api):
                paginator = self.client(service, region).get_paginator(xform_name(operation))
                pages = iter(paginator.paginate(**params))
                while most is None or len(found) < most:
                    self._refuse_when_over(api)
                    if api in self._paces and not self._endpoint:
                        self._paces[api].wait()
                    page = next(pages, None)
                    if page is None:
                        break
                    found += _need(api, page, want)
            return found[:most]

        found: list[Any] = self.once((api, region, want, most, repr(sorted(params.items()))), ask)
        return found

    def reach(self, service: str) -> Look:
        """How the endpoint of a service answers a request that nobody signed; a failure is an answer too."""
        client = self.client(service)
        seen: Look = self.once(("reach", client.meta.endpoint_url), lambda: look(client))
        return seen

    def once(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer of ``ask``: remembered by ``key`` within a diagnosis, asked anew outside of one."""
        return self._memory.once(key, ask) if self._memory else ask()

    def remembering(self) -> "Aws":
        """This session for one diagnosis, in which each fact is asked for once."""
        twin = copy.copy(self)
        twin._memory, twin._over = Memory(), threading.Event()
        return twin

    @property
    def is_over(self) -> bool:
        """Whether the diagnosis that this session is for has ended."""
        return self._over.is_set()

    def end(self) -> None:
        """End the diagnosis: what still runs in it sends nothing more."""
        self._over.set()

    def _refuse_when_over(self, api: str) -> None:
        if self.is_over:
            raise CouldNotLook(f"{api} was not sent: the diagnosis had ended.")

    def allows(self, api: str) -> bool:
        """Whether the user allowed this operation, which does more than read."""
        return api in self._allowed

    def _watch(self, events: Any) -> None:
        # Each client, not the session: botocore signs in (sts:AssumeRole, sso, ...) by clients of its own.
        events.register("before-parameter-build", self._before_parameters)
        events.register("before-call", self._before)
        events.register("after-call", self._after)
        events.register("after-call-error", self._failed)

    def _before_parameters(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        refuse_writes(_api(model), params, self._allowed)

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        context["field_guide_api"] = _api(model)  # botocore tells a failed call's handler no model

    def _after(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        code = parsed.get("Error", {}).get("Code") or str(http_response.status_code)
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId", "")
        answer = "ok" if http_response.status_code < 300 else code
        journal.record(journal.Call(_api(model), context["client_region"], answer, request_id))

    def _failed(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        api = context["field_guide_api"]
        journal.record(journal.Call(api, context["client_region"], type(exception).__name__))


def _api(model: Any) -> str:
    return f"{model.service_model.service_name}:{model.name}"


@contextmanager
def _named(api: str) -> Iterator[None]:
    """Every error says which call it is about, as a note: `failures.describe` reads it there.

    An answer that botocore's parsers stumble over (a KeyError, an XML error) is no answer of AWS.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        error.add_note(api)
        raise
    except (NotARead, NotWhole, CouldNotLook):
        raise
    except Exception as error:
        raise NotWhole(api, f"a body that can be read ({type(error).__name__})") from error


def _need(api: str, answer: dict[str, Any], key: str) -> Any:
    if not answer.get("ResponseMetadata", {}).get("RequestId"):
        raise NotWhole(api, "a request id")
    if key not in answer:
        raise NotWhole(api, f"the member {key}")
    return answer[key]


def _refusal(error: ClientError) -> Refusal:
    return Refusal(
        code=error.response["Error"]["Code"],
        message=error.response["Error"].get("Message", ""),
        status=error.response["ResponseMetadata"]["HTTPStatusCode"],
        request_id=error.response["ResponseMetadata"].get("RequestId", ""),
    )
