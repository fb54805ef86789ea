"""What the lines of the agent's log mean: ``agent_log.json`` and the judgement of a log that rests on it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from runbooks.text.mask import masked

# An entry of the log begins with its time: `2026-11-26T08:33:37` (1.x) or with a space (older 1.x, and 2.x).
_HEAD = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)\S* +(?:(DEBUG|INFO|WARN|ERROR|FATAL)\b)?", re.ASCII
)
# What the agent reports of an event that failed, within its line: JSON in a quoted string.
_TEXT = r'\\"((?:[^\\"]|\\\\(?:\\")?)*)'
_REPORTED = re.compile(rf'\\"message\\":{_TEXT}(?:\\",\\"log\\":{_TEXT})?')
_NOT_THE_LOG = (
    "LifecycleEvent - ",
    "Script - ",
)  # lines of a script's log that name the event and the script
_LONG, _BEFORE = 240, 60  # characters of a line that are shown, and of these before what matters
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


def gist(line: str, symptom: Symptom | None = None) -> str:
    """The part of a line that says what happened: all of a short one; the time and what the agent reports of an event;
    else what stands around the words by which the symptom was known.
    """
    line = masked(line.strip())  # a secret that was cut might not look like one
    if len(line) <= _LONG:
        return line
    head = _HEAD.match(line)
    at = f"{head[0].strip()} " if head else ""
    if found := _REPORTED.search(line):
        said = [_unquoted(found[1]), *_unquoted(found[2] or "").splitlines()]
        kept = [part for part in said if part and not part.startswith(_NOT_THE_LOG)]
        return at + _cut(" | ".join(kept))
    known = symptom.pattern.search(line) if symptom else None
    start = max(len(at), (known.start() if known else 0) - _BEFORE)
    return at + "…" * (start > len(at)) + _cut(line[start:])


def _unquoted(text: str) -> str:
    """Text out of the quoted JSON of the agent's log."""
    return re.sub(r'\\+"', '"', re.sub(r"\\+n", "\n", text)).rstrip("\\")


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


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
