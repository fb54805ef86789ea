"""The host report: what the probe printed, read back with suspicion."""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from runbooks.errors import UserError

T = TypeVar("T")

_AGAIN = "run the probe on the host again"
_CUT = f"The host report is cut, or has something after its end: {_AGAIN} and give all of its output, alone."
_MAX_CHARACTERS = 100_000  # five times what the probe prints


class HostReportError(UserError):
    """A host report that cannot be used. The message is one sentence that says why, and what to do."""


@dataclass(frozen=True)
class Datum(Generic[T]):
    """One thing about a host. With an ``error`` nobody can say; else None was looked for and is not there."""

    value: T | None
    by: str = ""
    error: str = ""


@dataclass(frozen=True)
class Host:
    instance: Datum[str]
    hostname: Datum[str]
    os_id: Datum[str]
    os_version: Datum[str]
    os_name: Datum[str]
    uid: Datum[int]
    user: Datum[str]
    init: Datum[str]


@dataclass(frozen=True)
class Agent:
    installed: Datum[bool]
    package_version: Datum[str]
    version_file: Datum[str]
    version: Datum[str]
    line: Datum[str]
    running: Datum[bool]


@dataclass(frozen=True)
class Config:
    """codedeployagent.yml, as written; see :func:`switched_on` for its switches."""

    proxy_uri: Datum[str]
    enable_auth_policy: Datum[str]
    use_fips_mode: Datum[str]
    deploy_control_endpoint: Datum[str]
    s3_endpoint_override: Datum[str]
    disable_imds_v1: Datum[str]
    log_aws_wire: Datum[str]
    verbose: Datum[str]
    wait_between_runs: Datum[str]
    on_premises_config_file: Datum[str]


@dataclass(frozen=True)
class Identity:
    """codedeploy.onpremises.yml. ``registration`` is user, session, both or neither."""

    registration: Datum[str]
    region: Datum[str]
    iam_user_arn: Datum[str]
    iam_session_arn: Datum[str]
    fields: Datum[tuple[str, ...]]
    missing: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class File:
    """``readable`` is meant for the user that the probe ran as."""

    path: Datum[str]
    exists: Datum[bool]
    readable: Datum[bool]
    mode: Datum[str]
    owner: Datum[str]
    size: Datum[int]
    modified: Datum[int]


@dataclass(frozen=True)
class Endpoint:
    """``status`` and ``date`` come from an unsigned HTTPS request; any status shows that the endpoint answers."""

    url: Datum[str]
    via: Datum[str]
    address: Datum[str]
    status: Datum[int]
    date: Datum[str]


@dataclass(frozen=True)
class Network:
    imds_answers: Datum[bool]


@dataclass(frozen=True)
class Clock:
    epoch: Datum[int]


@dataclass(frozen=True)
class Log:
    """The newest lines of the agent's log, oldest first, masked."""

    lines: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class HostReport:
    """All that one run of the probe found, section by section."""

    collected_at: datetime
    host: Host
    agent: Agent
    config: Config
    identity: Identity
    config_file: File
    identity_file: File
    credentials_file: File
    log_file: File
    endpoint_commands: Endpoint
    endpoint_s3: Endpoint
    network: Network
    clock: Clock
    log: Log

    def server_time(self) -> datetime | None:
        """The time by an endpoint that answered during the run, if one did."""
        for endpoint in (self.endpoint_commands, self.endpoint_s3):
            parsed = parsedate_tz(endpoint.date.value or "")
            if parsed and 1970 <= parsed[0] <= 9000:  # of another year no time can be made
                return datetime.fromtimestamp(mktime_tz(parsed), UTC)
        return None

    def clock_ahead(self) -> Datum[int]:
        """By how many seconds the host's clock is ahead of AWS's, to some 20 seconds: the run takes that long."""
        server, epoch = self.server_time(), self.clock.epoch
        if epoch.value is None:
            return Datum(None, error=epoch.error or "the probe reports no clock")
        if server is None:
            return Datum(None, error="no endpoint told the probe the time")
        return Datum(epoch.value - int(server.timestamp()), by="the Date header of an endpoint")


def switched_on(setting: Datum[str]) -> Datum[bool]:
    """A switch of the agent's configuration: off where it is not written, as unknown as what it was read from."""
    on = (setting.value or "").lower() in ("true", "yes", "on")
    return Datum(None if setting.error else on, setting.by, setting.error)


def read_report(
    text: str,
    *,
    instance: str | None = None,
    now: datetime | None = None,
    oldest: timedelta = timedelta(minutes=30),
) -> HostReport:
    """Read what the probe printed.

    ``instance`` is the name that is asked about: a report made for another name is refused, and one that names
    none is taken only where the host calls itself so, since a host never knows its CodeDeploy name. ``now`` is the present time, ``oldest`` how old a
    report may be; its age is reckoned by AWS's clock where an endpoint answered, so that a host whose own clock
    is wrong can still be looked at. Raises :class:`HostReportError` for anything that is not a whole, recent
    report of schema 1.
    """
    document = _parse(text.strip().removeprefix("\ufeff"))
    sections = {f.name: f.type for f in fields(HostReport) if f.name != "collected_at"}
    report = HostReport(
        collected_at=_time(document.get("collected_at")),
        **{name: _section(document, name, kind) for name, kind in sections.items()},
    )
    _refuse_another(report, instance)
    _refuse_stale(report, now or datetime.now(UTC), oldest)
    return report


def read_report_file(path: str | Path, *, instance: str | None = None) -> HostReport:
    """`read_report` of what stands in a file. Raises :class:`HostReportError` also for one that cannot be read."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise HostReportError(f"The host report {str(path)!r} cannot be read: {reason}.") from None
    return read_report(text, instance=instance)


def _parse(text: str) -> dict[str, Any]:
    if len(text) > _MAX_CHARACTERS:
        raise HostReportError(
            "The host report is far longer than the probe's own: give the probe's output alone."
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.startswith('{"schema":'):
            raise HostReportError(_CUT) from error
        raise HostReportError("The host report is not JSON: give the probe's output alone.") from error
    if not isinstance(document, dict) or "schema" not in document:
        raise HostReportError("The host report is JSON, but not the probe's: it names no schema.")
    if document["schema"] != 1 or isinstance(document["schema"], bool):
        raise HostReportError(
            f"The host report has schema {document['schema']!r}, this version reads schema 1: {_AGAIN},"
            " with the script that `runbooks probe` prints."
        )
    if document.get("complete") is not True:
        raise HostReportError(_CUT)
    if "failed" in document:
        raise HostReportError(f"The probe could not look at the host: {document['failed']}.")
    return document


def _section(document: dict[str, Any], name: str, kind: Any) -> Any:
    """One section as its dataclass. Names that are not known are left aside, missing ones are an error."""
    section = document.get(name)
    if not isinstance(section, dict):
        raise HostReportError(f"The host report has no section {name!r}: {_AGAIN}.")
    return kind(
        **{field: _datum(section, f"{name}.{field}", hint) for field, hint in get_type_hints(kind).items()}
    )


def _datum(section: dict[str, Any], name: str, hint: Any) -> Datum[Any]:
    (wanted,) = get_args(hint)
    datum = section.get(name.rpartition(".")[2])
    by = str(datum.get("by", "")) if isinstance(datum, dict) else ""
    match datum:
        case {"error": str(error)} if error:
            return Datum(None, error=error)
        case {"value": None}:
            return Datum(None, by)
        case {"value": list(items)} if wanted == tuple[str, ...] and all(isinstance(i, str) for i in items):
            return Datum(tuple(items), by)
        case {"value": value} if type(value) is wanted:  # exactly: True is no number
            return Datum(value, by)
    raise HostReportError(f"The host report has no usable {name}: {_AGAIN}.")


def _time(text: Any) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise HostReportError(f"The host report does not say when it was made: {_AGAIN}.") from error


def _refuse_another(report: HostReport, instance: str | None) -> None:
    made_for = report.host.instance.value
    if instance is None:
        return
    if made_for is not None and made_for != instance:
        raise HostReportError(f"The host report was made for {made_for!r}, not for {instance!r}.")
    itself = report.host.hostname.value or ""
    if made_for is None and instance.lower() not in (itself.lower(), itself.lower().partition(".")[0]):
        raise HostReportError(
            f"The host report names no instance, and its host calls itself {itself!r}, not {instance!r}:"
            f" make it with `runbooks probe --instance {instance}`."
        )


def _refuse_stale(report: HostReport, now: datetime, oldest: timedelta) -> None:
    age = now - (report.server_time() or report.collected_at)
    if age > oldest:
        minutes, limit = int(age.total_seconds() // 60), int(oldest.total_seconds() // 60)
        old = (
            f"{minutes} minutes"
            if minutes < 120
            else f"{minutes // 60} hours"
            if age.days < 2
            else f"{age.days} days"
        )
        raise HostReportError(f"The host report is {old} old, at most {limit} minutes are taken: {_AGAIN}.")
    if age < -timedelta(minutes=5):
        raise HostReportError(
            "The host report comes from the future, so its age cannot be told:"
            f" set the clocks of the host and of this machine, then {_AGAIN}."
        )
