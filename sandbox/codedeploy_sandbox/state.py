"""The state of the sandbox: one account, its callers, its journal, and what exists in each Region."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from codedeploy_sandbox.clock import Clock
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.hosts.machine import Machine, Output
from codedeploy_sandbox.iam.identities import Iam, Principal

ACCOUNT = "111122223333"  # the account number that AWS's documentation uses for examples
REGION = "eu-west-1"
# The credentials that the sandbox hands out. They are not secret: they open nothing but the sandbox.
CALLER_ACCESS_KEY = "ASIASANDBOXCALLER000"
CALLER_SECRET_KEY = "the-sandbox-verifies-no-signature"  # noqa: S105
ADMINISTRATOR, ADMINISTRATOR_ACCESS_KEY = "Administrator", "administrator"  # may do everything
CALLER_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/OnCall/alex"
UNKNOWN_ARN = f"arn:aws:iam::{ACCOUNT}:user/unknown"  # the caller whose key is not known


WAITING = (
    "Created",
    "Queued",
    "InProgress",
    "Baking",
    "Ready",
)  # the statuses of a deployment that are no end


@dataclass
class Instance:
    """An on-premises instance, registered or deregistered."""

    name: str
    arn: str
    registered: datetime
    iam_user_arn: str | None = None
    iam_session_arn: str | None = None
    deregistered: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def iam_arn(self) -> str:
        """The one ARN that the instance is registered with."""
        return self.iam_user_arn or self.iam_session_arn or ""


@dataclass(frozen=True)
class Node:
    """A machine as Systems Manager knows it: `mi-...` by a hybrid activation, `i-...` in EC2."""

    id: str
    machine: Machine
    ping: str = "Online"
    heard: timedelta = timedelta(minutes=2)  # how long ago
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Command:
    """A command that was sent to nodes, with what each of them answers."""

    id: str
    sent: datetime
    document: str
    comment: str
    parameters: dict[str, list[str]]
    outputs: dict[str, Future[Output]]
    asked: set[str] = field(default_factory=set)  # the nodes whose invocation was asked for


@dataclass
class Deployment:
    """A deployment as CodeDeploy answers about it: the members of DeploymentInfo, and its targets by id."""

    info: dict[str, Any]
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)  # each a DeploymentTarget

    def at(self, now: datetime) -> "Deployment":
        """The deployment as it is at this time; one that a scenario wrote down does not change."""
        return self


@dataclass
class Revision:
    """A revision that an application knows: where it lies, since when, and what was said of it."""

    location: dict[str, Any]  # a RevisionLocation
    registered: datetime
    description: str | None = None


@dataclass
class RegionState:
    """What exists in one Region. `holders` names the registered instance that holds an IAM ARN."""

    region: str
    instances: dict[str, Instance] = field(default_factory=dict)
    holders: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)  # by id
    commands: dict[str, Command] = field(default_factory=dict)  # by id
    deployments: dict[str, Deployment] = field(default_factory=dict)  # by id
    revisions: dict[str, list[Revision]] = field(default_factory=dict)  # by application
    configurations: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # of a DeploymentConfigInfo, by name
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)  # each an ApplicationInfo, by name
    # what was said of each deployment group (DeploymentGroupInfo), by "APPLICATION/GROUP"
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)  # of applications and groups, by ARN
    tokens: list[str] = field(default_factory=list)  # the names of connections to GitHub accounts
    # of a target of a load balancer, by its id, where it is not as moto says (a TargetHealth)
    health: dict[str, dict[str, str]] = field(default_factory=dict)
    # what each Auto Scaling group did (Activities), the newest first
    activities: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def create(self, name: str, platform: str, id_: str, at: datetime) -> None:
        """Make an application of this name and id."""
        self.applications[name] = {
            "applicationId": id_,
            "applicationName": name,
            "createTime": at,
            "linkedToGitHub": False,
            "computePlatform": platform,
        }

    def application(self, name: str) -> dict[str, Any]:
        """The application of this name. Raises ApiError where there is none."""
        if name not in self.applications:
            raise ApiError("ApplicationDoesNotExistException", f"there is no application {name}")
        return self.applications[name]

    def group(self, application: str, name: str) -> dict[str, Any]:
        """What was said of a deployment group. Raises ApiError where it, or its application, is not there."""
        self.application(application)
        if f"{application}/{name}" not in self.groups:
            text = f"{application} has no deployment group {name}"
            raise ApiError("DeploymentGroupDoesNotExistException", text)
        return self.groups[f"{application}/{name}"]

    def groups_of(self, application: str) -> list[str]:
        """The names of an application's deployment groups."""
        begins = f"{application}/"
        return [name.removeprefix(begins) for name in self.groups if name.startswith(begins)]

    def arn(self, application: str, group: str = "") -> str:
        """The ARN of an application, or of one of its deployment groups."""
        what = f"deploymentgroup:{application}/{group}" if group else f"application:{application}"
        return f"arn:aws:codedeploy:{self.region}:{ACCOUNT}:{what}"

    def register(
        self, name: str, at: datetime, *, user: str | None = None, session: str | None = None
    ) -> None:
        """Register `name` by the ARN of an IAM user or of a session; the caller has checked for conflicts."""
        # Assumption: instance-arn
        suffix = sha256(f"{self.region} {name} {at.isoformat()}".encode()).hexdigest()[:10]
        arn = f"arn:aws:codedeploy:{self.region}:{ACCOUNT}:instance/{name}_{suffix}"
        # Assumption: register-again
        instance = Instance(name, arn, at, iam_user_arn=user, iam_session_arn=session)
        self.instances[name] = instance
        self.holders[instance.iam_arn] = name

    def deregister(self, name: str, at: datetime) -> None:
        """Deregister `name`, if it is registered. The name and its tags stay; its ARN is free again."""
        instance = self.instances.get(name)
        if instance and not instance.deregistered:
            instance.deregistered = at
            del self.holders[instance.iam_arn]

    def registered(self, name: str) -> Instance | None:
        """The instance of this name, unless it is unknown or deregistered."""
        instance = self.instances.get(name)
        return instance if instance and not instance.deregistered else None


@dataclass(kw_only=True)
class Call:
    """One request: what an operation is handed, and what the journal keeps of it."""

    account: "Account" = field(repr=False)
    at: datetime
    service: str
    operation: str
    region: str
    caller: Principal
    user_agent: str
    source_ip: str
    request_id: str
    protocol: str = "json"
    known: bool = True  # the model has this operation
    parameters: dict[str, Any] | None = None
    error: ApiError | None = None
    fault: str = ""  # the kind of the fault that was met in place of an answer

    @property
    def state(self) -> RegionState:
        """The Region that the request is for."""
        return self.account.state(self.region)


def _not_started(*_: Any, **__: Any) -> dict[str, Any]:
    raise RuntimeError("the sandbox has not started")


@dataclass
class Account:
    """The account: everything that a scenario sets up and that an operation can change.

    `enforces` says whether callers are held to their policies. `seeds` fill moto before the first request for a service:
    functions that get a way to ask moto (`moto_client.Ask`). Those `at_start` are called when the sandbox starts, since
    other state depends on moto's answers.
    """

    clock: Clock
    probe: str = ""  # the one script that Run Command runs on a machine
    iam: Iam = field(default_factory=Iam)
    enforces: bool = False
    seeds: list[tuple[str, Callable[..., object]]] = field(default_factory=list)
    at_start: list[Callable[..., object]] = field(default_factory=list)
    ask: Callable[..., dict[str, Any]] = field(default=_not_started, repr=False)  # moto, once there is one
    outage: ApiError | None = None  # what every request is answered with
    ahead: timedelta = timedelta()  # how far the Date of every answer is ahead of this machine's clock
    journal: list[Call] = field(default_factory=list)
    callers: dict[str, Principal] = field(default_factory=dict)
    regions: dict[str, RegionState] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.knows(CALLER_ARN, CALLER_ACCESS_KEY)
        self.knows(f"arn:aws:sts::{ACCOUNT}:assumed-role/{ADMINISTRATOR}/sam", ADMINISTRATOR_ACCESS_KEY)

    def knows(self, arn: str, access_key: str) -> Principal:
        """Add an access key of a principal."""
        self.callers[access_key] = Principal(arn, access_key)
        return self.callers[access_key]

    def state(self, region: str) -> RegionState:
        """What exists in a Region, nothing at first."""
        return self.regions.setdefault(region, RegionState(region))
