"""The instances of a deployment group, and what Systems Manager and EC2 know of their hosts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._causes import causes
from runbooks.checks._selected import selected
from runbooks.facts.deployments import Target, deployment, targets
from runbooks.facts.ec2 import systems
from runbooks.facts.host_report import managed_nodes, nodes_called, session_of
from runbooks.facts.registration import arn_of, registered

MOST = 1000  # instances of a group that are looked up; none of them takes a call of its own
_SHOWN = 5  # names that a sentence holds


@dataclass(frozen=True)
class Member:
    """An instance of a group; ``node`` is its host as Systems Manager knows it, None where it knows none or several."""

    name: str
    node: Mapping[str, Any] | None
    system: str  # "linux", "windows"; "" where it is not known

    @property
    def is_online(self) -> bool:
        """Whether Systems Manager is connected with the host."""
        return self.node is not None and self.node.get("PingStatus") == "Online"


def members(aws: Aws, group: Mapping[str, Any]) -> list[Member]:
    """The instances that a group selects, the first `MOST` of them."""
    found = selected(aws, group)
    known_here, there = registered(aws) if found.on_premises else {}, managed_nodes(aws)
    sessions = {name: session_of(arn_of(known_here[name])) for name in found.on_premises}
    names = [*found.on_premises, *found.ec2][:MOST]
    nodes = {name: nodes_called(there, name, sessions.get(name, "")) for name in names}
    one = {name: rows[0] if len(rows) == 1 else None for name, rows in nodes.items()}
    known = {name: str((node or {}).get("PlatformType") or "").lower() for name, node in one.items()}
    asked = [name for name in found.ec2 if name in known and not known[name]]
    known |= systems(aws, asked) if asked else {}  # AWS refuses an empty list
    return [Member(name, node, known[name]) for name, node in one.items()]


@dataclass(frozen=True)
class Last:
    """The last deployment of a group that was begun, and the targets whose agent it heard, and did not."""

    deployment: str
    heard: frozenset[str]
    unheard: frozenset[str]


def last_heard(aws: Aws, group: Mapping[str, Any]) -> Last:
    """Whom the last deployment of a group heard. Of a large one CodeDeploy is asked for those only that did not succeed."""
    id_ = str((group.get("lastAttemptedDeployment") or {}).get("deploymentId") or "")
    info = deployment(aws, id_) if id_ else {}
    read = () if isinstance(info, Refusal) or not info else _read(aws, info)
    silent = [
        target.id
        for cause in causes(read)
        if cause.status == "Failed" and cause.known and cause.known.name == "agent-not-heard"
        for target in cause.targets
    ]
    heard = [one.id for one in read if one.status == "Succeeded" or any(event.began for event in one.events)]
    return Last(id_ if read else "", frozenset(heard) - frozenset(silent), frozenset(silent))


def _read(aws: Aws, info: Mapping[str, Any]) -> tuple[Target, ...]:
    found = targets(aws, info)
    return () if isinstance(found, Refusal) else found.read


def some(members: Sequence[Member]) -> str:
    """The names of some of them: "web-01, web-02 and 3 more"."""
    return listed([one.name for one in members])


def listed(names: Sequence[str]) -> str:
    """Some of these names: "web-01, web-02 and 3 more"."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def of(these: Sequence[Member], all_: Sequence[Member]) -> str:
    """Some members, of how many: "1 of 2 instances (web-01)"."""
    return f"{len(these)} of {len(all_)} instance{'s' * (len(all_) != 1)} ({some(these)})"


def have(these: Iterable[Member]) -> str:
    """The verb for so many."""
    return "has" if len(list(these)) == 1 else "have"
