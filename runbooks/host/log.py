"""What the lines of the agent's log mean: ``agent_log.json`` and the judgement of a log that rests on it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

# An entry of the log begins with its time: `2026-11-26T08:33:37` (1.x) or with a space (older 1.x, and 2.x).
_HEAD = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)\S* +(?:(DEBUG|INFO|WARN|ERROR|FATAL)\b)?", re.ASCII
)
# The worker's end is a consequence: where its cause stands beside it, the cause is shown.
_CONSEQUENCE = "crash-loop"


@dataclass(frozen=True)
class Symptom:
    """One thing that a line of the agent's log, of the journal or of the agent's commands can mean.

    severity: fault (it does not work), warning (it works, not for long), note, info (an ordinary line), healthy (it
    proves that the agent works: it takes back what stood before). A symptom that ``sticks`` is not taken back. A
    ``terminal`` one stands in the journal or on a terminal, never in the log itself. A ``fallback`` knows the frame
    of a line and not its words. ``tag`` is the provenance of the cause; ``samples`` are constructed from the strings
    of the agent's source. ``patterns`` and ``samples`` are by the line of the agent: 1.x, 2.x, any.
    """

    id: str
    area: str
    severity: Literal["fault", "warning", "note", "info", "healthy"]
    title: str
    cause: str
    do: str
    page: str
    checks: tuple[str, ...]
    tag: str
    patterns: Mapping[str, tuple[str, ...]]
    samples: Mapping[str, tuple[str, ...]]
    sticks: bool = False
    terminal: bool = False
    fallback: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """All its patterns as one. They are written for Python (ASCII) and JavaScript alike."""
        return re.compile("|".join(f"(?:{p})" for group in self.patterns.values() for p in group), re.ASCII)


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((files(__package__) / "agent_log.json").read_text(encoding="utf-8"))
    return data


@cache
def symptoms() -> tuple[Symptom, ...]:
    """All symptoms that ``agent_log.json`` knows. Their order counts: the first that matches a line has it."""
    return tuple(Symptom(**_frozen(entry)) for entry in _data()["symptoms"])


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def symptom_of(line: str) -> Symptom | None:
    """The symptom of one line, None where none is known. Of a very long line the beginning is read."""
    beginning = line[: _data()["longest"]]
    return next((symptom for symptom in symptoms() if symptom.pattern.search(beginning)), None)


@dataclass(frozen=True)
class Standing:
    """A symptom that a log still shows, with its newest line. ``since``: a later event of a deployment succeeded."""

    symptom: Symptom
    line: str
    since: bool = False


@dataclass(frozen=True)
class Judgement:
    """What a log says, see `judge_log`. ``unknown`` are the lines of level ERROR or FATAL that no symptom knows."""

    standing: tuple[Standing, ...]
    unknown: tuple[str, ...]
    understood: int

    @property
    def faults(self) -> tuple[Standing, ...]:
        return tuple(one for one in self.standing if one.symptom.severity in ("fault", "warning"))


def judge_log(lines: Iterable[str]) -> Judgement:
    """What an agent's log, oldest line first, still shows: each symptom with its newest line, newest first.

    A healthy line (a poll is answered, the poll loop starts, an event succeeded) takes back all before it, except
    what ``sticks``: what was wrong is corrected, or will be logged again, since a failing agent polls at least every
    90 seconds. The failure of a deployment stays. Agent 2.x logs nothing when a poll succeeds, so there an old
    symptom may be past: look at its time.
    """
    standing: dict[str, Standing] = {}
    unknown: list[str] = []
    understood = 0
    for line in lines:
        symptom = symptom_of(line)
        if symptom is None:
            if (entry := read_entry(line)) and entry.level in ("ERROR", "FATAL"):
                unknown.append(line)
            continue
        understood += 1
        if symptom.severity == "healthy":
            later = symptom.id == "event-succeeded"
            standing = {
                id_: Standing(one.symptom, one.line, one.since or later)
                for id_, one in standing.items()
                if one.symptom.sticks
            }
        elif symptom.severity != "info":
            standing.pop(symptom.id, None)
            standing[symptom.id] = Standing(symptom, line)
    causes = [one.symptom for id_, one in standing.items() if id_ != _CONSEQUENCE and not one.symptom.sticks]
    if any(cause.severity == "fault" for cause in causes):
        standing.pop(_CONSEQUENCE, None)
    return Judgement(tuple(reversed(standing.values())), tuple(reversed(unknown)), understood)


@dataclass(frozen=True)
class Entry:
    """The head of an entry: its time as the agent wrote it (1.x in local time, 2.x in UTC), and its level or ""."""

    time: datetime
    level: str


def read_entry(line: str) -> Entry | None:
    """The head of an entry of the agent's log; None for a line that begins none."""
    found = _HEAD.match(line)
    if not found:
        return None
    try:
        time = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S")
    except ValueError:  # the 31st of February
        return None
    return Entry(time, found[3] or "")
