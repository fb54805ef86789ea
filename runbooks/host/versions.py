"""The agent's releases, and whether AWS supports one: ``agent_versions.json`` and the judgement that rests on it."""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

# From these on the agent asks the metadata service with a token (IMDSv2), and takes Region and domain from there even
# with a yml. Source: the history of the agent's repository (commits 49c1c45 and 237f3d1).
TOKENS_SINCE = (1, 2, 1)
METADATA_SINCE = (1, 3, 1)

_NUMBER = re.compile(r"(?:agent_version:\s*)?[\"']?(?:OFFICIAL_)?(\d+(?:[.-]\d+)+)")


@dataclass(frozen=True)
class Version:
    """One release of the agent. ``released`` is as exact as the source is: a day, a year or nothing.

    ``tag`` is the provenance of the note; the dates are documented ones (D). ``security``: it closes a vulnerability.
    """

    version: str
    released: str | None
    note: str
    tag: str
    deprecated: bool = False
    security: bool = False

    @property
    def number(self) -> tuple[int, ...]:
        return _known(self.version)


@dataclass(frozen=True)
class Versions:
    """The table of releases, oldest first: when it was compiled, from what, and the oldest supported version."""

    compiled: date
    sources: tuple[str, ...]
    minimum: str
    minimum_tag: str
    releases: tuple[Version, ...]

    def newest(self, line: int) -> Version | None:
        """The newest release of a line (1 or 2) that the table knows, if it knows the line."""
        return next((r for r in reversed(self.releases) if r.number[0] == line), None)


@cache
def versions() -> Versions:
    """The table in ``agent_versions.json``, which names its sources."""
    data = json.loads((files(__package__) / "agent_versions.json").read_text(encoding="utf-8"))
    return Versions(
        compiled=date.fromisoformat(data["compiled"]),
        sources=tuple(data["sources"]),
        minimum=data["minimum"],
        minimum_tag=data["minimum_tag"],
        releases=tuple(Version(**release) for release in data["releases"]),
    )


def parse_version(text: str) -> tuple[int, ...] | None:
    """The numbers of a version in any form the agent has used, or None where there are none.

    ``OFFICIAL_1.8.1-13_rpm`` (version file, 1.x) gives (1, 8, 1, 13), ``agent_version: 2.0.0`` (2.x) gives
    (2, 0, 0), a package's ``1.0-1.1095`` gives (1, 0, 1, 1095): old releases put a dash inside the version. What
    has fewer than three numbers is filled up with zeros.
    """
    found = _NUMBER.match(text.strip())
    if not found:
        return None
    number = tuple(int(part[:9]) for part in re.split("[.-]", found[1]))
    return number + (0,) * (3 - len(number))


def is_before(version: str | None, since: tuple[int, ...]) -> bool:
    """Whether a version, in any form that `parse_version` reads, is older; False where it is not known."""
    number = parse_version(version or "")
    return number is not None and number < since


def _known(version: str) -> tuple[int, ...]:
    number = parse_version(version)
    if number is None:
        raise ValueError(f"{version!r} in the table of versions is not a version")
    return number


@dataclass(frozen=True)
class Support:
    """Whether AWS supports a version, by the table: ``says`` is one sentence, ``state`` is for decisions.

    supported: yes. superseded: above the minimum, but not the newest minor of its line. unsupported: below the
    minimum. unlisted: newer than the table. unreadable: not a version.
    """

    state: Literal["supported", "superseded", "unsupported", "unlisted", "unreadable"]
    says: str


def supported(version: str) -> Support:
    """Whether ``version`` (any form that :func:`parse_version` reads) is a supported one; source: the table.

    AWS says that it supports the newest minor version. That 1.8 is the oldest supported one while 2.x is out is
    inferred from its pages.
    """
    table = versions()
    number = parse_version(version)
    if number is None:
        return Support("unreadable", f"{version!r} is not a version of the agent")
    name = ".".join(map(str, number[:3]))
    newest = table.newest(number[0])
    if number < _known(table.minimum):
        says = f"agent {name} is older than {table.minimum}, and AWS supports the newest minor version only"
        return Support("unsupported", says + _and_besides(number))
    if newest is None or number[:3] > newest.number:
        return Support("unlisted", f"agent {name} is newer than the table of versions of {table.compiled}")
    if number[:2] < newest.number[:2]:
        return Support("superseded", f"agent {name} is not of the newest minor of its line, {newest.version}")
    return Support(
        "supported", f"agent {name} is supported; the newest known of its line is {newest.version}"
    )


def _and_besides(number: tuple[int, ...]) -> str:
    """What more speaks against an unsupported version: AWS calls it deprecated, or it has a known vulnerability."""
    line = [release for release in versions().releases if release.number[0] == number[0]]
    if any(release.deprecated and release.number == number[:3] for release in line):
        return "; AWS calls this one deprecated"
    closes = next((release for release in line if release.security and release.number > number), None)
    return f"; {closes.version} closed a vulnerability" if closes else ""
