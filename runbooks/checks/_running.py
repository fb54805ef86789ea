"""What of an agent that runs or does not is worth a finding of its own, and what its log's times say."""

import re
from collections.abc import Iterator
from datetime import timedelta

from runbooks.checks._host import restarting, service
from runbooks.checks._start import first_fix, what_stops
from runbooks.commands import script, then
from runbooks.findings import FAIL, UNKNOWN, WARN, Finding
from runbooks.host import HostReport, run_state
from runbooks.host.log import read_entry

_LOOK_PAGE = "/guides/check-the-agent/#look"
_UP, _TOO_OFTEN = 60, 3  # seconds that a process has lasted; starts by systemd
# What is a cause where a worker ends at each start, beside what the host's files show.
_OF_A_LOOP = (
    "agent-log-is-clean",
    "host-reaches-codedeploy",
    "metadata-service-serves-the-agent",
    "agent-identity-is-the-registered-one",
    "agent-takes-its-region-from-its-yml",
)
_AHEAD = timedelta(
    minutes=10
)  # of the host's clock, by which an entry of its log is taken for one of the future


def beside_systemd(report: HostReport, name: str) -> Iterator[Finding]:
    """That an agent runs which systemd does not know of: it was started by hand."""
    state = report.unit.state.value
    if state in ("failed", "inactive"):
        says = f"The agent runs on {name}, but not by systemd, whose unit is {state}: it was started by hand, and a restart of the unit would not replace it."
        fix = "While no deployment runs, stop it with `sudo /opt/codedeploy-agent/bin/codedeploy-agent stop`, and start the service: `sudo systemctl start codedeploy-agent`."
        yield Finding(WARN, says, code="started-by-hand", about=name, fix=fix, next=_LOOK_PAGE)


def does_not_work(report: HostReport, name: str) -> Finding | None:
    """Why an agent does not do its work: it does not run, ends at each start, or is not alone; None where it does."""
    state, masters = run_state(report), report.agent.masters()
    if not report.agent.running.value:
        return _stopped(report, name)
    if state and state.state == "loops":
        return _loops(report, name, state.says)
    restarts = report.unit.restarts.value or 0
    youngest = min((one.seconds for one in report.agent.listed() if one.seconds is not None), default=_UP)
    if restarts >= _TOO_OFTEN and youngest < _UP:
        return _restarts(report, name, restarts, youngest)
    if state and state.state == "starting":
        says = f"Could not check: the agent on {name} {state.says}; ask again in a few minutes."
        return Finding(UNKNOWN, says, code="starting", about=name)
    if len(masters) > 1:
        pids = [one.pid for one in masters]
        says = f"{len(pids)} agents run on {name} (processes {', '.join(pids)}), and each fetches commands."
        return Finding(
            FAIL, says, code="two-agents", about=name, fix=_one_agent(report, pids), next=_LOOK_PAGE
        )
    return None


STARTS = "starts"  # what a finding is of that keeps the agent from starting


def _loops(report: HostReport, name: str, state: str) -> Finding:
    causes = what_stops(report, name)
    by_log = "Fix what the log names as the cause of the failed start; the agent then starts by itself."
    return Finding(
        FAIL,
        f"The agent on {name} {state}.",
        code="loops",
        about=name,
        fix=first_fix(report, causes) if causes else by_log,
        next="agent-log-is-clean",
        explained_by=(*causes, *_OF_A_LOOP),
        of=frozenset() if causes else frozenset((name, STARTS)),  # else the log says why
    )


def _restarts(report: HostReport, name: str, times: int, seconds: int) -> Finding:
    causes = what_stops(report, name)
    says = f"systemd has started the agent on {name} {times} times again, {seconds} s ago: it ends after each start."
    by_journal = (
        "Fix what `sudo journalctl -u codedeploy-agent` names as the cause; its log does not hold it."
    )
    fix, page = first_fix(report, causes) if causes else by_journal, "/guides/check-the-agent/#log-lines"
    return Finding(FAIL, says, code="restarts", about=name, fix=fix, next=page, explained_by=causes)


def not_enabled(report: HostReport, name: str) -> Iterator[Finding]:
    """That an agent which runs does not start with its host."""
    enabled = report.unit.enabled.value
    if enabled in ("disabled", "masked"):
        says = f"The agent runs on {name}, but its unit is {enabled}: it does not start with the host."
        fix = script("sudo systemctl unmask codedeploy-agent && sudo systemctl enable codedeploy-agent")
        yield Finding(WARN, says, code="not-enabled", about=name, fix=fix, next=_LOOK_PAGE)


def by_systemd(by: str) -> str:
    """How it was seen whether the agent runs, with the unit's states as systemd writes them: "inactive (dead)"."""
    return re.sub(r"(systemctl: )(\w+) (\w+)(?=;|$)", _states, by)


def _states(found: re.Match[str]) -> str:
    state, sub = found[2], found[3]
    return found[1] + (state if state == sub else f"{state} ({sub})")


def _one_agent(report: HostReport, pids: list[str]) -> str:
    """The command that ends all agents and starts one; a sentence while a deployment runs."""
    stop = f"{service(report, 'stop')}; sudo kill {' '.join(pids)}; sleep 5"
    return restarting(report, script(stop))


def _stopped(report: HostReport, name: str) -> Finding:
    """That no agent runs, and what systemd and the kernel say of its end."""
    causes = what_stops(report, name)
    says, result = (
        f"The agent does not run on {name} ({by_systemd(report.agent.running.by)}).",
        report.unit.result.value,
    )
    if result and result != "success":
        says += f" Its unit ended with {result}."
    killed = [line for line in report.host.kills.value or () if re.search(r"\((?:ruby|codedeploy)", line)]
    if killed:
        says += f" The kernel killed a process of that name for want of memory: {killed[-1]}"
    unit, restart = report.unit.enabled.value, service(report, "restart")
    # restart also where systemd takes a dead agent for active (exited), and start does nothing
    fix = restart
    below = says
    if causes:
        fix = first_fix(report, causes)
        says += f" What {' and '.join(causes)} found can keep it from starting: fix that first."
    elif unit == "masked":
        fix = then(script("sudo systemctl unmask codedeploy-agent"), restart)
    elif killed or result == "oom-kill":
        fix = (
            f"Give the host more memory, or the unit (MemoryMax): else it is killed again. Then: `{restart}`"
        )
    elif unit == "disabled":
        fix = then(script("sudo systemctl enable codedeploy-agent"), restart)
    if unit == "masked":
        says += " Its unit is masked, so that nothing can start it."
    elif unit == "disabled":
        says += " Its unit is disabled, so that it does not start with the host."
    page = "/symptoms/out-of-memory/" if killed else "/guides/check-the-agent/#log"
    return Finding(
        FAIL, says, code="stopped", about=name, fix=fix, next=page, explained_by=causes, below=below
    )


def of_before(report: HostReport, name: str) -> Iterator[Finding]:
    """That agent 2.x is installed and 1.x still runs, which alone gives its processes such titles."""
    old = [one.pid for one in report.agent.masters() if ": master " in one.title]
    if old and report.agent.line.value == "2.x":
        says = f"Agent 2.x is installed on {name}, but what runs is agent 1.x (process {old[0]}): it has not been restarted since."
        fix, page = restarting(report), "/guides/agent-upgrade/"
        yield Finding(WARN, says, code="runs-the-old-line", about=name, fix=fix, next=page)


def of_the_future(report: HostReport, name: str) -> Iterator[Finding]:
    """That the newest entry of the log is dated in the future, so that its times say nothing of now."""
    entries = [entry for line in report.log.lines.value or () if (entry := read_entry(line))]
    age = report.age(entries[-1]) if entries else None
    if age is not None and age < -_AHEAD:
        minutes = int(-age.total_seconds() // 60)
        says = f"The newest entry of the agent's log on {name} is dated {minutes} minutes in the future: the clock or the time zone of the host was set back since, and how old its entries are is not known."
        page = "/guides/check-the-network/#clock"
        yield Finding(WARN, says, code="of-the-future", about=name, next=page)
