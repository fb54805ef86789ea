"""The instances of a deployment group, and what Systems Manager and EC2 know of their hosts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._selected import selected
from runbooks.facts.ec2 import systems
from runbooks.facts.host_report import nodes_called
from runbooks.facts.registration import arn_of, registered

MOST = 100  # instances of a group that are looked up one by one
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
    arns = {name: arn_of(registered(aws)[name]) for name in found.on_premises[:MOST]}
    nodes = {name: nodes_called(aws, name, arn) for name, arn in arns.items()}
    nodes |= {name: nodes_called(aws, name) for name in found.ec2[: MOST - len(nodes)]}
    one = {name: rows[0] if len(rows) == 1 else None for name, rows in nodes.items()}
    known = {name: str((node or {}).get("PlatformType") or "").lower() for name, node in one.items()}
    asked = [name for name in found.ec2 if name in known and not known[name]]
    known |= systems(aws, asked) if asked else {}  # AWS refuses an empty list
    return [Member(name, node, known[name]) for name, node in one.items()]


def some(members: Sequence[Member]) -> str:
    """The names of some of them: "web-01, web-02 and 3 more"."""
    names = [one.name for one in members]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def of(these: Sequence[Member], all_: Sequence[Member]) -> str:
    """Some members, of how many: "1 of 2 instances (web-01)"."""
    return f"{len(these)} of {len(all_)} instance{'s' * (len(all_) != 1)} ({some(these)})"


def have(these: Iterable[Member]) -> str:
    """The verb for so many."""
    return "has" if len(list(these)) == 1 else "have"
