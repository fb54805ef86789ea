"""What a deployment leaves on a host: lines in the agent's log, and files below its root_dir.

The files, their order and their form are those of the source of agent 1.8.1 (command_executor.rb, hook_executor.rb,
installer.rb, log.rb), and of 2.x where that is the agent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import yaml

from codedeploy_sandbox.hosts.agent import EVENT, EVENTS, GROUP, REVISION, Failure
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine, poll
from codedeploy_sandbox.hosts.second import is_second

_RECORDS = f"{DEPLOYMENTS}/deployment-instructions/"
_LOG = f"{DEPLOYMENTS}/deployment-logs"

# The agent's number for each code, in its report.
_NUMBERS = {
    "Success": 0,
    "ScriptMissing": 1,
    "ScriptNotExecutable": 2,
    "ScriptTimedOut": 3,
    "ScriptFailed": 4,
}
# These run the scripts of the last revision that was installed.
_OF_THE_LAST = frozenset(("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic"))
# Failures of such scripts: a revision that is installed after all has scripts of its own.
_OUTGROWN = frozenset(("last-revision-gone", "old-script-missing", "stop-script-timed-out"))


_SECOND = "%Y-%m-%d %H:%M:%S"


class _Row(NamedTuple):
    """A line of the scripts' log."""

    at: datetime
    event: str
    line: str


def marked(
    machine: Machine,
    arn: str,
    deployment: str,
    failure: Failure | None,
    begun: datetime,
    *,
    files: Mapping[str, str] = REVISION,
    events: tuple[str, ...] = EVENTS,
    pace: timedelta = EVENT,
) -> Machine:
    """The machine after events of a deployment that began then: what its agent logged, and what it left on disk.

    `files` are those of the revision, and `pace` is what an event takes.
    """
    if failure and not failure.heard:
        return machine
    if failure and failure.event in ("BlockTraffic", "AllowTraffic"):  # which no agent works on
        events, failure = events[: events.index(failure.event)], None
    second = is_second(machine)
    done = events[: events.index(failure.event)] if failure else events
    ended = begun + len(done) * pace + (failure.takes if failure else timedelta()) + machine.ahead
    said = (f"{ended.isoformat()} {line}" for line in _reports(machine, deployment, failure, events))
    reports = (*machine.reports, *said, *(() if second else (poll(arn),)))
    there = dict(machine.others)
    fails = "" if "Install" in done and machine.fails in _OUTGROWN else machine.fails
    times = {event: begun + machine.ahead + number * pace for number, event in enumerate(events)}
    rows = _rows(there, failure, files, times)
    place = f"{DEPLOYMENTS}/{GROUP}/{deployment}"
    if rows:
        _write(there, machine, deployment, rows, failure)
    if "DownloadBundle" in done:
        archive = dict(files) if failure is None else failure.left()
        there |= {f"{place}/deployment-archive/{name}": text for name, text in archive.items()}
        there |= {
            f"{_RECORDS}{GROUP}_most_recent_install": f"/{place}",
            "bin/sh": "",  # what the scripts name in their first line
        }
        if "Install" in done:
            there |= _installed(archive, place)
    return replace(machine, reports=reports, others=tuple(sorted(there.items())), fails=fails)


def _rows(
    there: Mapping[str, str],
    failure: Failure | None,
    files: Mapping[str, str],
    times: Mapping[str, datetime],
) -> list[_Row]:
    """The lines of the scripts' log, by the events and when each begins: of the events before the failure, and of that."""
    last = there.get(f"{_RECORDS}{GROUP}_last_successful_install", "").strip().lstrip("/")
    old = there.get(f"{last}/deployment-archive/appspec.yml", "")
    new = (files if failure is None else failure.left()).get("appspec.yml", "")
    rows: list[_Row] = []
    for event, at in times.items():
        if failure and failure.event == event:
            return [*rows, *(_Row(at, event, line) for line in failure.lines)]
        scripts = list(_scripts(old if event in _OF_THE_LAST else new, event))
        lines = [f"LifecycleEvent - {event}"] * bool(scripts) + [f"Script - {name}" for name in scripts]
        rows += [_Row(at, event, line) for line in lines]
    return rows


def _scripts(appspec: str, event: str) -> Iterator[str]:
    """The scripts of an event, by the text of an AppSpec file."""
    for row in ((_read(appspec).get("hooks") or {}).get(event)) or ():
        yield str(row["location"])


def _read(appspec: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(appspec)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(
    there: dict[str, str],
    machine: Machine,
    deployment: str,
    rows: list[_Row],
    failure: Failure | None,
) -> None:
    """Write the scripts' log of the deployment, and the log of all deployments."""
    scripts = f"{DEPLOYMENTS}/{GROUP}/{deployment}/logs/scripts.log"
    there[scripts] = there.get(scripts, "") + "".join(f"{row.at:{_SECOND}} {row.line}\n" for row in rows)
    if "enable_deployments_log: false" in machine.settings:
        return
    named = re.search(r"program_name: ([\w-]+)", machine.settings)
    log = f"{_LOG}/{named[1] if named else 'codedeploy-agent'}-deployments.log"
    if is_second(machine):
        head, lines = "", _mirrored(rows, failure)
    else:  # the head is of Ruby's logger, which makes the file; this is the one of Ruby 3.1
        head = f"# Logfile created on {rows[0].at:{_SECOND}} +0000 by logger.rb/v1.5.0\n"
        lines = [(row.at, f"[{deployment}]{row.line}") for row in rows]
    there[log] = there.get(log, head) + "".join(f"[{_millis(at)}] {line}\n" for at, line in lines)


def _mirrored(rows: list[_Row], failure: Failure | None) -> list[tuple[datetime, str]]:
    """What agent 2.x writes into the log of all deployments: of an event that failed, no line of its scripts."""
    whole = [row for row in rows if not failure or row.event != failure.event]
    lines = [(row.at, f"{row.at:{_SECOND}} {row.line}\n") for row in whole]
    if failure:
        event, at = failure.event, rows[-1].at
        lines += [(at, f"LifecycleEvent - {event}"), (at, f"{event}/{event} failed: {failure.message}")]
    return lines


def _millis(at: datetime) -> str:
    return f"{at:{_SECOND}}.{at.microsecond // 1000:03}"


def _installed(archive: Mapping[str, str], place: str) -> dict[str, str]:
    """What the agent writes about a revision that it has installed, which it then takes for the last successful one."""
    copies = [
        {
            "type": "copy",
            "source": f"/{place}/deployment-archive/{source}",
            "destination": f"{str(row['destination']).rstrip('/')}/{source.rpartition('/')[2]}",
        }
        for row in _read(archive.get("appspec.yml", "")).get("files") or ()
        for source in [str(row["source"]).strip("/")]
    ]
    return {
        f"{_RECORDS}{GROUP}-install.json": json.dumps({"instructions": copies}, separators=(",", ":")),
        f"{_RECORDS}{GROUP}-cleanup": "".join(f"{row['destination']}\n" for row in copies),
        f"{_RECORDS}{GROUP}_last_successful_install": f"/{place}",
    }


def _reports(
    machine: Machine, deployment: str, failure: Failure | None, events: tuple[str, ...]
) -> tuple[str, ...]:
    """The lines of the agent's log: of 1.x about the event that failed, or about the last one; of 2.x about each."""
    if is_second(machine):
        spans = [f"deployment{{deployment_id={deployment} command={one} app=shop}}" for one in events]
        before = events.index(failure.event) if failure else len(events)
        well = tuple(f" INFO {span}: Command succeeded elapsed_ms=2" for span in spans[:before])
        if not failure:
            return well
        if failure.number == 7:  # what it does at its start about an event under way
            found = "The agent likely restarted while running a customer-supplied script. Failing the lifecycle event."
            return (*well, f" WARN Deployment tracking file found for {deployment}. {found}")
        script = f"{failure.script}: " if failure.script else ""
        return (
            *well,
            f"ERROR {spans[before]}: Command failed elapsed_ms=2 error={script}{failure.message}",
        )
    status, number = (
        ("Failed", failure.number or _NUMBERS.get(failure.code, 5)) if failure else ("Succeeded", 0)
    )
    payload = {
        "error_code": number,
        "script_name": failure.script if failure else "",
        "message": failure.message if failure else "Succeeded: ",
        "log": failure.tail if failure else "",
    }
    diagnostics = f'{{format:"JSON",payload:{json.dumps(json.dumps(payload, separators=(",", ":")))}}}'
    call = f'put_host_command_complete(command_status:"{status}",diagnostics:{diagnostics},host_command_identifier:"eyJiYXRjaElkIjoi")'
    done = f"INFO  [codedeploy-agent(1415)]: [Aws::CodeDeployCommand::Client 200 0.053927 0 retries] {call}  "
    return (*(failure.logged.splitlines() if failure else ()), done)
