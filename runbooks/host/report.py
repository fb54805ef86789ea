"""The host report: all that one run of the probe found, section by section. `runbooks.host.reading` reads it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Generic, TypeVar

from runbooks.host.log import Entry, read_entry

T = TypeVar("T")

_POLL = re.compile(
    r"\[Aws::CodeDeployCommand\w*::Client 200 .*\] poll_host_command\(|PollHostCommand: Host Command = +nil"
)
_STARTS = 5  # seconds by which the times of a log and of a process may differ
_IDENTIFIER = re.compile(r"host_identifier[:=]\"?(arn:[^\s\"]+)")


@dataclass(frozen=True)
class Datum(Generic[T]):
    """One thing about a host. With an ``error`` it is not known; else None was looked for and is not there."""

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
    kills: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class Process:
    """A process of the agent: a master (it restarts workers), a worker (it polls), or one that only boots."""

    pid: str
    user: str
    seconds: int | None
    title: str

    @property
    def is_master(self) -> bool:
        return bool(re.search(r": master \d+$| (?:re)?start$", self.title))

    @property
    def is_worker(self) -> bool:
        """It has its identity and has reached CodeDeploy: agent 1.x names a worker so only after that."""
        return bool(re.search(r"CommandPoller of master|codedeploy-agent _?worker$", self.title))

    @property
    def boots(self) -> bool:
        return "booting child" in self.title


@dataclass(frozen=True)
class Agent:
    """``running``: a process of the agent is there, whatever systemd says (``by_systemd``)."""

    installed: Datum[bool]
    package_version: Datum[str]
    version_file: Datum[str]
    version: Datum[str]
    line: Datum[str]
    running: Datum[bool]
    by_systemd: Datum[str]
    processes: Datum[tuple[str, ...]]
    program: Datum[str]
    user: Datum[str]
    environment: Datum[tuple[str, ...]]
    profiles: Datum[tuple[str, ...]]
    certificates: Datum[bool]

    def listed(self) -> list[Process]:
        """Its processes."""
        parts = [text.split(" ", 3) for text in self.processes.value or () if text.count(" ") >= 3]
        return [Process(p, u, int(s) if s.isdecimal() else None, t) for p, u, s, t in parts]

    def masters(self) -> list[Process]:
        """Its masters: more than one are several agents. The command that has just started one is none."""
        seen = [one for one in self.listed() if one.is_master]
        return [one for one in seen if ": master " in one.title or (one.seconds or 0) > 60]

    def variable(self, name: str) -> str:
        """A variable of its environment, in either case; "" where it is not set."""
        for text in self.environment.value or ():
            key, _, value = text.partition("=")
            if key.lower() == name.lower() and value:
                return value
        return ""


@dataclass(frozen=True)
class Unit:
    """What systemd says of the agent's unit. ``source`` is the init script or the unit file that it is made of."""

    state: Datum[str]
    sub: Datum[str]
    result: Datum[str]
    restarts: Datum[int]
    enabled: Datum[str]
    source: Datum[str]


@dataclass(frozen=True)
class Config:
    """codedeployagent.yml, as written, by "quoted" where a value is; see :func:`switched_on` for its switches."""

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
    log_dir: Datum[str]
    pid_dir: Datum[str]
    root_dir: Datum[str]
    program_name: Datum[str]
    max_revisions: Datum[str]
    user: Datum[str]
    children: Datum[str]


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
    """``readable`` is meant for the user that the probe ran as, ``usable`` for the agent's, by the modes."""

    path: Datum[str]
    exists: Datum[bool]
    readable: Datum[bool]
    usable: Datum[bool]
    mode: Datum[str]
    owner: Datum[str]
    size: Datum[int]
    modified: Datum[int]


@dataclass(frozen=True)
class Folder:
    """A folder in which the agent writes: ``free`` kB and ``inodes`` of its file system, ``options`` of the mount."""

    path: Datum[str]
    exists: Datum[bool]
    usable: Datum[bool]
    free: Datum[int]
    inodes: Datum[int]
    options: Datum[str]


@dataclass(frozen=True)
class Deployment:
    """What the agent keeps below its root_dir. ``ongoing``: "d-ID seconds"; ``last``: "group state path";
    ``stuck``: "mount PATH" and "attribute PATH" of what cannot be deleted.
    """

    ongoing: Datum[tuple[str, ...]]
    last: Datum[tuple[str, ...]]
    cleanup: Datum[tuple[str, ...]]
    stuck: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class Revisions:
    """Of each deployment group the newest revision and the last successful one: `runbooks.host.revisions` reads it."""

    kept: Datum[tuple[str, ...]]
    appspec: Datum[tuple[str, ...]]
    scripts: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class HookLog:
    """The last deployment that has run a hook script on the host: `runbooks.host.hook_log` reads it."""

    deployment: Datum[str]
    steps: Datum[tuple[str, ...]]
    output: Datum[tuple[str, ...]]
    answers: Datum[tuple[str, ...]]
    since: Datum[str]


@dataclass(frozen=True)
class Tools:
    missing: Datum[tuple[str, ...]]
    ruby: Datum[str]


@dataclass(frozen=True)
class Endpoint:
    """``status`` and ``date`` come from an unsigned HTTPS request; any status shows that the endpoint answers."""

    url: Datum[str]
    via: Datum[str]
    address: Datum[str]
    status: Datum[int]
    date: Datum[str]
    issuer: Datum[str]


@dataclass(frozen=True)
class Network:
    """The metadata service: whether it gives a token, and its status, with the token where it gives one.

    ``imds_token`` is "required" (IMDSv2 only) or "offered"; None where no token is given.
    """

    imds_answers: Datum[bool]
    imds_token: Datum[str]
    imds_status: Datum[int]
    imds_region: Datum[str]


@dataclass(frozen=True)
class Clock:
    epoch: Datum[int]
    offset: Datum[str]


@dataclass(frozen=True)
class Log:
    """The heads of the newest entries of the agent's log, oldest first, masked, without what ordinary work leaves.

    ``entries``, ``errors`` and ``polls`` count all that was read, from ``since`` on.
    """

    lines: Datum[tuple[str, ...]]
    entries: Datum[int]
    errors: Datum[int]
    polls: Datum[int]
    since: Datum[str]
    files: Datum[tuple[str, ...]]


@dataclass(frozen=True)
class HostReport:
    """All that one run of the probe found, section by section."""

    collected_at: datetime
    host: Host
    agent: Agent
    unit: Unit
    config: Config
    identity: Identity
    config_file: File
    identity_file: File
    credentials_file: File
    log_file: File
    wire_log: File
    root_credentials: File
    root_folder: Folder
    log_folder: Folder
    temporary_folder: Folder
    deployment: Deployment
    hook_log: HookLog
    revisions: Revisions
    tools: Tools
    endpoint_commands: Endpoint
    endpoint_start: Endpoint
    endpoint_s3: Endpoint
    network: Network
    clock: Clock
    log: Log

    def server_time(self) -> datetime | None:
        """The time by an endpoint that answered during the run, if one did. Anything may stand in that header."""
        for endpoint in (self.endpoint_commands, self.endpoint_start, self.endpoint_s3):
            if time := _http_time(endpoint.date.value or ""):
                return time
        return None

    def clock_ahead(self) -> Datum[int]:
        """By how many seconds the host's clock is ahead of AWS's, to some 20 seconds: the run takes that long."""
        server, epoch = self.server_time(), self.clock.epoch
        if epoch.value is None:
            return Datum(None, error=epoch.error or "the probe reports no clock")
        if server is None:
            return Datum(None, error="no endpoint told the probe the time")
        return Datum(epoch.value - int(server.timestamp()), by="the Date header of an endpoint")

    def age(self, entry: Entry) -> timedelta | None:
        """How old an entry of the agent's log was when the probe ran: 1.x logs in local time, 2.x in UTC."""
        return self._age(entry.time, UTC if self.agent.line.value == "2.x" else self._offset())

    def local_age(self, time: datetime) -> timedelta | None:
        """How long ago a local time of the host was when the probe ran."""
        return self._age(time, self._offset())

    def _age(self, time: datetime, zone: timezone | None) -> timedelta | None:
        epoch = self.clock.epoch.value
        if epoch is None or zone is None:
            return None
        return timedelta(seconds=epoch - time.replace(tzinfo=zone).timestamp())

    def _offset(self) -> timezone | None:
        return _zone(self.clock.offset.value or "")

    def newest_poll(self) -> tuple[str, timedelta | None] | None:
        """The newest poll in the log that CodeDeploy answered, and its age; None where the log shows none."""
        for line in reversed(self.log.lines.value or ()):
            if _POLL.search(line) and (entry := read_entry(line)):
                return line, self.age(entry)
        return None

    def proxy(self) -> str:
        """The proxy of the agent's configuration, "" where it uses none: agent 1.x ignores one without a scheme."""
        proxy = self.config.proxy_uri.value or ""
        return proxy if "://" in proxy or self.agent.line.value != "1.x" else ""

    def polled_as(self) -> str:
        """The ARN with which the agent's worker polled last, by its log; "" where the log does not say."""
        workers = [one.seconds for one in self.agent.listed() if one.is_worker and one.seconds is not None]
        for line in reversed(self.log.lines.value or ()):
            if ("poll_host_command(" in line or "poll loop" in line) and (found := _IDENTIFIER.search(line)):
                entry = read_entry(line)
                age = self.age(entry) if entry else None
                earlier = age is not None and workers and age.total_seconds() > max(workers) + _STARTS
                return "" if earlier else found[1]  # the poll of an earlier worker says nothing of this one
        return ""


def switched_on(setting: Datum[str], line: str | None = None) -> Datum[bool]:
    """A switch of the agent's configuration: off where it is not written, as unknown as what it was read from.

    Agent 1.x (``line``) is Ruby: a quoted value is a text, and every text is true, "false" too; so is everything
    but an unquoted false, no or off. Agent 2.x takes an unquoted true or false and refuses all else.
    """
    if setting.error:
        return Datum(None, setting.by, setting.error)
    value = setting.value
    if line == "1.x":
        on = value is not None and (setting.by == "quoted" or value.lower() not in ("", "false", "no", "off"))
    else:
        on = (value or "").lower() in ("true", "yes", "on")
    return Datum(on, setting.by)


def _http_time(text: str) -> datetime | None:
    """The time of a Date header in the one form that HTTP allows to send, see RFC 9110, section 5.6.7."""
    try:
        return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None


def _zone(offset: str) -> timezone | None:
    """The time zone of what `date +%z` prints."""
    found = re.fullmatch(r"([+-])([01]\d)([0-5]\d)", offset)
    if not found:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
