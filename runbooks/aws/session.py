"""A session with AWS for diagnosis: it remembers, keeps to AWS's rates, and is strict about what counts as an answer."""

import dataclasses
import re
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from runbooks.aws.answers import NotAnAnswer, require
from runbooks.aws.arn import Arn
from runbooks.aws.cache import Cache
from runbooks.aws.clients import Clients
from runbooks.aws.endpoint import EndpointAnswer, ask_endpoint, is_aws_host
from runbooks.aws.guard import NotARead
from runbooks.aws.http import TooLong
from runbooks.aws.pace import PACES, THROTTLED, Pace
from runbooks.findings import CouldNotCheck
from runbooks.host.probe import ProbeBy
from runbooks.source import Place, Source


@dataclass(frozen=True)
class Refusal:
    """An error that the caller expected as one possible answer."""

    code: str
    message: str
    status: int
    request_id: str


@dataclass(frozen=True)
class Identity:
    """The identity that signs the calls (the answer of sts:GetCallerIdentity)."""

    arn: str
    account: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(eq=False)
class Aws:
    """One Region of one account, asked under one identity.

    ``target`` and ``profile`` are how the session was asked for ("aws", "sandbox:healthy"); ``now`` gives the time
    by which ages are measured (the sandbox has a clock of its own).
    """

    clients: Clients
    target: str = "aws"
    profile: str = ""
    now: Callable[[], datetime] = _utc_now
    known_identity: Identity | None = None  # once AWS gave it
    _cache: Cache | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _paces: dict[str, Pace] = field(
        default_factory=lambda: {api: Pace(seconds) for api, seconds in PACES.items()}
    )

    def __repr__(self) -> str:
        who = self.known_identity
        return f"{self.where} in {self.region}, as {who.arn if who else 'an unknown identity: AWS did not give it'}"

    @property
    def region(self) -> str:
        """The Region that is asked."""
        return self.clients.region

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of this session, guarded and journalled like every other."""
        return self.clients.get(service, region)

    @property
    def where(self) -> str:
        """The target, and the endpoint where that is not AWS's own: "aws at http://127.0.0.1:9700"."""
        url = "" if self.clients.endpoint else str(self.clients.get("codedeploy").meta.endpoint_url)
        return f"{self.target} at {url}" if url and not is_aws_host(url) else self.target

    @property
    def place(self) -> Place:
        """Where this session asks, for a command that asks there again."""
        return Place(self.region, self.profile, self.target.partition("sandbox:")[2])

    def source(self) -> Source:
        """What a report shows of this session."""
        who = self.known_identity
        return Source(
            place=self.place,
            target=self.where,
            account=who.account if who else "unknown",
            identity=who.arn if who else "unknown",
            at=self.now(),
            probed=self.allows("ssm:SendCommand"),
        )

    @property
    def identity(self) -> Identity:
        """The identity that signs the calls; asked once. Raises what `ask` raises."""
        if self.known_identity is None:
            self.known_identity = self.ask_identity()
        return self.known_identity

    def ask_identity(self) -> Identity:
        """The identity that signs the calls, asked again each time. Raises what `ask` raises."""
        api = "sts:GetCallerIdentity"
        answer = self.ask(api, "Arn")
        who = Identity(arn=answer["Arn"], account=require(api, answer, "Account"))
        if not re.fullmatch(r"\d{12}", who.account) or Arn.of(who.arn).account != who.account:
            raise NotAnAnswer(api, "with an ARN and an account that do not belong together")
        if not who.arn.isprintable():
            raise NotAnAnswer(api, "with an ARN that cannot be one")
        return who

    def read(
        self,
        api: str,
        want: str,
        *members: str,
        expecting: tuple[str, ...] = (),
        region: str = "",
        **params: Any,
    ) -> Any:
        """One fact: ``read("codedeploy:GetOnPremisesInstance", "instanceInfo", instanceName="web-01")``.

        Gives the value under the key ``want``, or a `Refusal` when AWS answers with an error code that is
        ``expecting``-ed. Raises `NotAnAnswer` when the answer lacks the key, or one of ``members`` in it
        (`answers.require`), and what botocore raises.
        """
        answer = self.once(
            (api, region, expecting, repr(sorted(params.items()))),
            api,
            lambda: self.ask(api, want, expecting=expecting, region=region, **params),
        )
        return answer if isinstance(answer, Refusal) else require(api, answer, want, *members)

    def ask(
        self, api: str, want: str, *, expecting: tuple[str, ...] = (), region: str = "", **params: Any
    ) -> Any:
        """The whole answer, asked again each time; else as `read`."""
        service, operation = api.split(":")
        try:
            call = getattr(self.clients.get(service, region), xform_name(operation))
            answer = self._patiently(lambda: self._sent(api, lambda: call(**params)))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in expecting:
                return _refusal(api, error)
            raise
        require(api, answer, want)
        return answer

    def read_all(
        self, api: str, want: str, *members: str, most: int | None = None, region: str = "", **params: Any
    ) -> list[Any]:
        """Ask for every page of a list, or until ``most`` items are there; gives what stands under ``want``.

        Raises as `read` does.
        """
        key = (api, region, want, members, most, repr(sorted(params.items())))
        found: list[Any] = self.once(
            key,
            api,
            lambda: self._patiently(
                lambda: self._pages(api, want, *members, most=most, region=region, **params)
            ),
        )
        return found

    def read_all_or_refusal(
        self, api: str, want: str, expecting: tuple[str, ...], *, most: int | None = None, **params: Any
    ) -> list[Any] | Refusal:
        """The list as `read_all` gives it, or a `Refusal` when AWS answers with an error code that is ``expecting``-ed."""

        def ask() -> list[Any] | Refusal:
            try:
                pages: list[Any] = self._patiently(lambda: self._pages(api, want, most=most, **params))
                return pages
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in expecting:
                    return _refusal(api, error)
                raise

        found: list[Any] | Refusal = self.once(
            (api, want, expecting, most, repr(sorted(params.items()))), api, ask
        )
        return found

    def _pages(
        self, api: str, want: str, *members: str, most: int | None = None, region: str = "", **params: Any
    ) -> list[Any]:
        service, operation = api.split(":")
        found: list[Any] = []
        paginator = self.clients.get(service, region).get_paginator(xform_name(operation))
        pages = iter(paginator.paginate(**params))
        while most is None or len(found) < most:
            if api in self._paces and not self.clients.endpoint:
                self._paces[api].wait()
            with self._place_for(api):
                page = next(pages, None)
                if page is None:
                    break
                found += require(api, page, want, *members)
        return found[:most]

    def endpoint(self, service: str) -> EndpointAnswer:
        """How the endpoint of a service answers an unsigned request; a failure is an answer too."""
        client = self.clients.get(service)
        url = client.meta.endpoint_url
        answer: EndpointAnswer = self.once(("endpoint", url), url, lambda: ask_endpoint(client))
        return answer

    def once(self, key: Hashable, what: str, ask: Callable[[], Any]) -> Any:
        """The answer of ``ask``, remembered by ``key`` within a diagnosis and asked again outside of one.

        ``what`` names it for a check that is late: "codedeploy:GetOnPremisesInstance".
        """
        return self._cache.once(key, what, ask) if self._cache else ask()

    def remembering(self) -> "Aws":
        """This session for one diagnosis, in which each fact is asked for once.

        A session that remembers already keeps what it knows, so that several diagnoses can share their facts.
        """
        return dataclasses.replace(self, _cache=self._cache or Cache(), _ended=threading.Event())

    def asking_anew(self) -> "Aws":
        """This session for a fact that may change while it is read: it remembers nothing, and ends with this one."""
        return dataclasses.replace(self, _cache=None)

    @property
    def has_ended(self) -> bool:
        """Whether the diagnosis that this session is for has ended."""
        return self._ended.is_set()

    def end(self) -> None:
        """End the diagnosis: what still runs in it sends nothing more."""
        self._ended.set()

    def allows(self, api: str) -> bool:
        """Whether the user allowed this operation, which does more than read."""
        return api in self.clients.allowed

    @property
    def probe_by(self) -> ProbeBy | None:
        """How Systems Manager runs the probe; None if the user did not allow that."""
        allowed = self.clients.allowed.get("ssm:SendCommand")
        return allowed if isinstance(allowed, ProbeBy) else None

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """The answer of ``ask``, again after a pause where AWS throttles it, as long as the diagnosis goes on."""
        for pause in self.clients.pauses:
            try:
                return ask()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in THROTTLED or self._ended.wait(pause):
                    raise
        return ask()

    def _sent(self, api: str, call: Callable[[], Any]) -> Any:
        with self._place_for(api):
            return call()

    @contextmanager
    def _place_for(self, api: str) -> Iterator[None]:
        with self.clients.places:
            if self.has_ended:
                raise CouldNotCheck(f"{api} was not sent: the diagnosis had ended.")
            with _named(api):
                yield


@contextmanager
def _named(api: str) -> Iterator[None]:
    """Note on every error which call it is about; `failures.describe` reads it there.

    An answer that botocore's parsers cannot read (a KeyError, an XML error) is refused: it proves nothing.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        error.add_note(api)
        raise
    except (NotARead, NotAnAnswer, CouldNotCheck):
        raise
    except TooLong as error:
        raise NotAnAnswer(api, f"with {error}") from error
    except Exception as error:
        raise NotAnAnswer(api, f"with a body that cannot be read ({type(error).__name__})") from error


def _refusal(api: str, error: ClientError) -> Refusal:
    metadata = error.response.get("ResponseMetadata", {})
    if not metadata.get("RequestId"):
        raise NotAnAnswer(api, "with an error without a request id")
    return Refusal(
        code=error.response["Error"]["Code"],
        message=error.response["Error"].get("Message", ""),
        status=metadata["HTTPStatusCode"],
        request_id=metadata["RequestId"],
    )
