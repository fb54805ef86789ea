"""How the hook scripts of the last deployment on a host ended: its own log, read beside what the agent reported."""

import re
from dataclasses import dataclass
from datetime import datetime

from runbooks.host.log import symptom_of
from runbooks.host.report import HookLog
from runbooks.text.mask import masked

_STEP = re.compile(r"(.{19}) (LifecycleEvent|Script) - (.*)")
_ANSWER = re.compile(r"(.{19}) (Failed|Succeeded) ?(.*)")  # agent 1.x
_ANSWER_2 = re.compile(r"(.{19}) (failed|succeeded) (d-\w+) (\w+) ?(.*)")
_OF_A_SCRIPT = ("Script ", "Unable to set script ")  # what agent 2.x says after the name of one
_TEXT = r'\\"((?:[^\\"]|\\\\(?:\\")?)*)'  # in the JSON that the log of agent 1.x quotes
_PAYLOAD = re.compile(
    rf'\{{\\"error_code\\":(?:\\")?(\w+)(?:\\")?,\\"script_name\\":{_TEXT}\\",\\"message\\":{_TEXT}'
)

# The page of each code with which agent 1.x reports a script, and the pages that its words can name instead.
_PAGES = {
    "1": "hook-script-missing",
    "2": "hook-not-executable",
    "3": "hook-timeout",
    "4": "hook-script-failed",
    "6": "hook-output-left-open",
    "7": "restarted-in-deployment",
    "Unknown": "hook-output-not-utf8",
}


@dataclass(frozen=True)
class Step:
    """An event, or a script of it; "" for an event whose line the log does not show."""

    time: datetime
    event: str
    script: str = ""


@dataclass(frozen=True)
class Answer:
    """What the agent reported of an event's end. Agent 1.x gives a ``code``; 2.x the ``event`` and its ``deployment``."""

    time: datetime
    failed: bool
    code: str = ""
    script: str = ""
    message: str = ""
    event: str = ""
    deployment: str = ""

    @property
    def symptom(self) -> str:
        """The id of what it reports of a script; the code decides, and the words where the code says little."""
        known = symptom_of(self.message)
        of_words = known.id if known and known.id.startswith("hook-") else ""
        if self.code in ("", "4"):
            return of_words or _PAGES.get(self.code, "")
        return _PAGES.get(self.code, "")


@dataclass(frozen=True)
class HookRun:
    """The last deployment that has run a hook script on a host: its steps, and what the agent reported while it ran."""

    deployment: str
    steps: tuple[Step, ...]
    answers: tuple[Answer, ...]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    def ending(self) -> Answer | None:
        """What the agent reported of the event of the last script.

        Agent 1.x names no event: it is the first report since the script began, or one of the same second after it.
        """
        later = [one for one in self.answers if one.event == self.last.event and one.deployment] or [
            one for one in self.answers if not one.deployment and one.time >= self.last.time
        ]
        same = [one for one in later if one.deployment or one.time == later[0].time]
        return same[-1] if same else None

    def failures(self) -> list[Answer]:
        """The reports that a script of this deployment failed, and the failed end of the last event."""
        ending = self.ending()
        events = {one.event for one in self.steps}
        return [
            one
            for one in self.answers
            if one.failed
            and (
                one is ending or (one.event in events if one.deployment else bool(one.script or one.symptom))
            )
        ]

    def event_of(self, answer: Answer) -> str:
        """The event that a report is about; "" where that is not shown."""
        if answer.event:
            return answer.event
        before = [one for one in self.steps if one.time <= answer.time]
        named = [one for one in before if one.script == answer.script] or before
        return named[-1].event if named else ""

    def is_over(self, answer: Answer, answers: list[Answer]) -> bool:
        """Whether the deployment went on after a failure, or an event has succeeded since."""
        went_on = answer.event != self.last.event if answer.deployment else answer.time < self.last.time
        return went_on or any(not one.failed and one.time > answer.time for one in answers)


def hook_run(section: HookLog) -> HookRun | None:
    """What a section of a report says; None where no deployment or none of its steps is shown."""
    id_, ran = section.deployment.value or "", _steps(section)
    if not id_ or not ran:
        return None
    mine = [one for one in answers(section) if (one.deployment or id_) == id_]
    return HookRun(id_, tuple(ran), tuple(one for one in mine if one.deployment or one.time >= ran[0].time))


def answers(section: HookLog) -> list[Answer]:
    """All that the agent has reported of events, oldest first."""
    return [row for row in map(_answer, section.answers.value or ()) if row]


def output(section: HookLog) -> str:
    """The newest lines that the last script printed, in one line, without their times."""
    return masked(" | ".join(text[20:] for text in section.output.value or ()))


def held_since(section: HookLog) -> datetime | None:
    """Since when the agent's log holds all that it reported; None where there is no such log."""
    return time_of(section.since.value or "")


def time_of(text: str) -> datetime | None:
    """The time of a line of either log."""
    try:
        return datetime.strptime(text.replace("T", " "), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def _steps(section: HookLog) -> list[Step]:
    """The events and scripts of the log, oldest first: each event, then its scripts."""
    found: list[Step] = []
    event = ""
    for text in section.steps.value or ():
        row = _STEP.fullmatch(text)
        if row and (time := time_of(row[1])):
            of_event = row[2] == "LifecycleEvent"
            event = row[3] if of_event else event
            found.append(Step(time, event, "" if of_event else row[3]))
    return found


def _answer(text: str) -> Answer | None:
    if (row := _ANSWER_2.fullmatch(text)) and (time := time_of(row[1])):
        script, _, message = row[5].partition(": ")
        if not message.startswith(_OF_A_SCRIPT):
            script, message = "", row[5]
        return Answer(time, row[2] == "failed", "", script, message, row[4], row[3])
    row = _ANSWER.fullmatch(text)
    if not row or not (time := time_of(row[1])):
        return None
    said = _PAYLOAD.match(row[3])
    details = (said[1], _plain(said[2]), _plain(said[3])) if said else ("", "", "")
    return Answer(time, row[2] == "Failed", *details)


def _plain(text: str) -> str:
    return re.sub(r'\\+"', '"', text).rstrip("\\")
