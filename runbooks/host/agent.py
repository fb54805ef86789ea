"""The agent's versions and the lines of its log: two data files, and the judgement that rests on them."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

_NUMBER = re.compile(r"(?:agent_version:\s*)?[\"']?(?:OFFICIAL_)?(\d+(?:[.-]\d+)+)")


def _data(name: str) -> Any:
    return json.loads((files(__package__) / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Version:
    """One release of the agent. ``released`` is as exact as the source is: a day, a year or nothing.

    ``tag`` is the provenance of the note; the dates are documented ones (D).
    """

    version: str
    released: str | None
    note: str
    tag: str
    withdrawn: bool = False

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
    data = _data("agent_versions.json")
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


def _known(version: str) -> tuple[int, ...]:
    number = parse_version(version)
    if number is None:
        raise ValueError(f"{version!r} in the table of versions is not a version")
    return number


@dataclass(frozen=True)
class Support:
    """Whether AWS supports a version, by the table: ``says`` is one sentence, ``state`` is for decisions.

    supported: yes. superseded: above the minimum, but not the newest minor of its line. unsupported: below the
    minimum. withdrawn: AWS took it back. unlisted: newer than the table. unreadable: not a version.
    """

    state: Literal["supported", "superseded", "unsupported", "withdrawn", "unlisted", "unreadable"]
    says: str


def supported(version: str) -> Support:
    """Whether ``version`` (any form that :func:`parse_version` reads) is a supported one; source: the table."""
    table = versions()
    number = parse_version(version)
    if number is None:
        return Support("unreadable", f"{version!r} is not a version of the agent")
    name = ".".join(map(str, number[:3]))
    newest = table.newest(number[0])
    entry = next((r for r in table.releases if r.number == number[:3]), None)
    if entry and entry.withdrawn:
        return Support("withdrawn", f"agent {name} was withdrawn: {entry.note}")
    if number < _known(table.minimum):
        return Support(
            "unsupported", f"agent {name} is older than {table.minimum}, the oldest that AWS supports"
        )
    if newest is None or number[:3] > newest.number:
        return Support("unlisted", f"agent {name} is newer than the table of versions of {table.compiled}")
    if number[:2] < newest.number[:2]:
        return Support("superseded", f"agent {name} is not of the newest minor of its line, {newest.version}")
    return Support(
        "supported", f"agent {name} is supported; the newest known of its line is {newest.version}"
    )


@dataclass(frozen=True)
class LogRule:
    """What one kind of line in the agent's log means, and what to do. ``tag`` is the provenance of the meaning.

    A ``fallback`` rule speaks only for lines that no other rule knows. A rule that ``sticks`` is about something
    that a successful poll does not put right. ``page`` is a page below ``docs/``, with an anchor where it helps.
    ``sample`` is such a line, constructed from the strings of the agent's source.
    """

    id: str
    line: Literal["1.x", "2.x", "any"]
    severity: Literal["bad", "note", "healthy"]
    pattern: re.Pattern[str]
    meaning: str
    do: str
    page: str
    tag: str
    sample: str
    fallback: bool = False
    sticks: bool = False


@cache
def log_rules() -> tuple[LogRule, ...]:
    """The dictionary in ``agent_log.json``. Its patterns are strings of the agent's source code, 1.x and 2.x."""
    return tuple(
        LogRule(**{**entry, "pattern": re.compile(entry["pattern"])})
        for entry in _data("agent_log.json")["rules"]
    )


def log_rule(line: str) -> LogRule | None:
    """The rule for one line of the log: the first that matches it, fallbacks last."""
    matching = [rule for rule in log_rules() if rule.pattern.search(line)]
    return min(matching, key=lambda rule: rule.fallback, default=None)


def judge_log(lines: Iterable[str]) -> list[tuple[LogRule, str]]:
    """What an agent's log, oldest line first, still complains of: each rule with its newest line, newest first.

    A healthy line (the poll loop starts, a poll is answered) takes back all before it, except what ``sticks``:
    what was wrong is mended, or will be logged again, since a failing agent polls at least every 90 seconds.
    The 2.x line logs nothing when a poll succeeds, so there an old complaint may be over: look at its time.
    """
    standing: dict[str, tuple[LogRule, str]] = {}
    for line in lines:
        rule = log_rule(line)
        if rule is None:
            continue
        if rule.severity == "healthy":
            standing = {id_: found for id_, found in standing.items() if found[0].sticks}
        else:
            standing.pop(rule.id, None)
            standing[rule.id] = (rule, line)
    return list(reversed(standing.values()))
