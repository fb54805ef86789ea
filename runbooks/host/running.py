"""Whether the agent on a host works: a process that never polls does not, whatever systemd calls it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from runbooks.host.log import read_entry
from runbooks.host.report import HostReport, Process

# A poll is answered within 80 seconds, and a failing agent polls at least every 90.
_QUIET = timedelta(minutes=5)
# A start takes a second; 3.5 minutes where the packets to the metadata address are dropped.
_START = 240
# Agent 2.x pauses up to 60 seconds between two workers, so a worker that is older has begun to poll.
_UP = 60

_WORKER_ENDED = re.compile(
    r"not enough child processes running|error during start(?: or run)?: |Worker exited with status"
    r"|SSL validation failed for endpoint|Worker failed |Failed to resolve AWS region"
)
_POLLS = re.compile(r"Starting host command poll loop|Client 200 .*poll_host_command\(")
# One of these for each end of a worker; and the end that max_runs_per_worker asks for.
_ENDED = re.compile(r"not enough child processes running|Worker exited with status")
_ASKED = re.compile(r": ran \d+ - shutting down")
# Ends that are further apart than this are restarts, not a worker that cannot live.
_APART = timedelta(minutes=10)


@dataclass(frozen=True)
class RunState:
    """How an agent fares, and what that rests on.

    polls: it works. starting: it is too early to say. loops: its worker ends again and again. silent: it is there
    and logs nothing. stopped: there is no process. ``says`` completes "The agent on web-01 ...".
    """

    state: Literal["polls", "starting", "loops", "silent", "stopped"]
    says: str


def run_state(report: HostReport) -> RunState | None:
    """The state of the agent by its processes and its log; None where the probe's user cannot see the processes.

    Agent 1.x logs each poll and names its worker's process once it has reached CodeDeploy; 2.x does neither, so
    there the age of the worker's process counts.
    """
    seen = report.agent.running
    if seen.value is None:
        return None
    if not seen.value:
        return RunState("stopped", f"does not run ({seen.by})")
    return _second(report) if report.agent.line.value == "2.x" else _first(report)


def _first(report: HostReport) -> RunState:
    worker, poll, ends = _worker(report), report.newest_poll(), _ends(report)
    quiet, polled = longest_silence(report), poll[1] if poll else None
    if dies := _dies(report, worker):
        return dies
    if polled is not None and polled <= quiet and not ends:
        return RunState("polls", f"polled CodeDeploy {span(polled)} ago")
    if worker is None:
        return _without_a_worker(report, ends if ends >= 2 else 0)
    logged = _newest(report)
    if report.log.lines.value is None or (logged is not None and logged <= quiet):
        return RunState("polls", f"runs, and its worker has reached CodeDeploy (process {worker.pid})")
    heard = "nothing" if logged is None else f"nothing for {span(logged)}"
    return RunState("silent", f"runs (process {worker.pid}), but has logged {heard}")


def _second(report: HostReport) -> RunState:
    worker, ends = _worker(report), _ends(report)
    if worker is None:
        return _without_a_worker(report, ends)
    if dies := _dies(report, worker):
        return dies
    if worker.seconds is None or worker.seconds > _UP:
        return RunState("polls", f"runs, and its worker is up (process {worker.pid})")
    if ends:
        return RunState("loops", f"{_AGAIN}: process {worker.pid} is {worker.seconds} s old")
    if any("Starting host command poll loop" in line for line in report.log.lines.value or ()):
        return RunState("polls", f"runs, and its worker (process {worker.pid}) polls")
    return RunState("starting", f"has a worker (process {worker.pid}) that is {worker.seconds} s old")


_AGAIN = "starts its worker again and again"


def _without_a_worker(report: HostReport, ends: int) -> RunState:
    processes, poll = report.agent.listed(), report.newest_poll()
    master = next((p for p in processes if p.is_master), None)
    boots = next((p for p in processes if p.boots), None)
    if ends:
        last = f" since the last poll, {span(poll[1])} ago" if poll and poll[1] is not None else ""
        starts = "1 failed start" if ends == 1 else f"{ends} failed starts"
        return RunState("loops", f"{_AGAIN}: its log shows {starts}{last}")
    one = boots or master
    if one is None:
        return RunState(
            "starting", "is being started or stopped (" + ", ".join(p.title for p in processes) + ")"
        )
    age = "" if one.seconds is None else f" for {span(timedelta(seconds=one.seconds))}"
    if boots and master and (boots.seconds or 0) < 20 and (master.seconds or 0) > _START:
        return RunState("loops", f"{_AGAIN}: process {master.pid} is old, its worker boots{age}")
    if (one.seconds or 0) > _START:
        return RunState("loops", f"has no worker: process {one.pid} ({one.title}) is all there is{age}")
    return RunState("starting", f"has no worker yet: process {one.pid} ({one.title}){age}")


def _worker(report: HostReport) -> Process | None:
    return next((process for process in report.agent.listed() if process.is_worker), None)


def _ends(report: HostReport) -> int:
    """How many ends of a worker the log shows since its newest sign of polling; the probe brings three alike."""
    ends = 0
    for line in report.log.lines.value or ():
        ends = 0 if _POLLS.search(line) else ends + bool(_WORKER_ENDED.search(line))
    return ends


def _dies(report: HostReport, worker: Process | None) -> RunState | None:
    """That workers reach CodeDeploy and end soon after, again and again: killed for memory, or by a fault.

    The probe brings three lines alike. A worker that is older than those before it became has outlived the cause.
    """
    lines = report.log.lines.value or ()
    entries = [entry for line in lines if _ENDED.search(line) and (entry := read_entry(line))]
    ages = [age for entry in entries[-3:] if (age := report.age(entry)) is not None]
    if worker is None or len(ages) < 3 or any(_ASKED.search(line) for line in lines):
        return None
    lived = (ages[0] - ages[2]) / 2
    if lived > _APART or ages[2] > _APART or worker.seconds is None or worker.seconds > lived.total_seconds():
        return None
    within = span(ages[0] - ages[2])
    return RunState(
        "loops", f"{_AGAIN}: 3 of them ended within {within}, and this one is {worker.seconds} s old"
    )


def longest_silence(report: HostReport) -> timedelta:
    """For how long an agent 1.x that works may log nothing: it logs each poll, while a script runs too.

    Source: the history of the agent's repository, commit a1a0b2a (2018): events run beside the polls.
    """
    return _QUIET + timedelta(seconds=_seconds(report.config.wait_between_runs.value))


def _newest(report: HostReport) -> timedelta | None:
    """How long ago the agent logged last."""
    entries = [entry for line in report.log.lines.value or () if (entry := read_entry(line))]
    return min((age for entry in entries if (age := report.age(entry)) is not None), default=None)


def _seconds(text: str | None) -> int:
    return min(int(text), 3600) if text and text.isdecimal() else 0


def span(age: timedelta) -> str:
    """A length of time in one unit, for a sentence."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length, several in (("days", 86_400, 3), ("h", 3600, 3), ("min", 60, 2)):
        if seconds >= several * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
