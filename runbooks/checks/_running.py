"""What of an agent that runs or does not is worth a finding of its own, and what its log's times say."""

import re
from collections.abc import Iterator
from datetime import timedelta

from runbooks.checks._host import restarting, service
from runbooks.commands import script, then
from runbooks.findings import FAIL, WARN, Finding
from runbooks.host import HostReport
from runbooks.host.log import read_entry

_AHEAD = timedelta(
    minutes=10
)  # of the host's clock, by which an entry of its log is taken for one of the future


def beside_systemd(report: HostReport, name: str) -> Iterator[Finding]:
    """That an agent runs which systemd does not know of: it was started by hand."""
    state = report.unit.state.value
    if state in ("failed", "inactive"):
        says = f"The agent runs on {name}, but not by systemd, whose unit is {state}: it was started by hand, and a restart of the unit would not replace it."
        fix = "While no deployment runs, stop it with `/opt/codedeploy-agent/bin/codedeploy-agent stop`, and start the service."
        page = "/guides/check-the-agent/#look"
        yield Finding(WARN, says, code="started-by-hand", about=name, fix=fix, next=page)


def stopped(report: HostReport, name: str) -> Finding:
    """That no agent runs, and what systemd and the kernel say of its end."""
    says, result = f"The agent does not run on {name} ({report.agent.running.by}).", report.unit.result.value
    if result and result != "success":
        says += f" Its unit ended with {result}."
    killed = [line for line in report.host.kills.value or () if re.search(r"\((?:ruby|codedeploy)", line)]
    if killed:
        says += f" The kernel killed a process of that name for want of memory: {killed[-1]}"
    # restart also where systemd takes a dead agent for active (exited), and start does nothing
    fix = service(report, "restart")
    if report.unit.enabled.value == "masked":
        says += " Its unit is masked, so that nothing can start it."
        fix = then(script("sudo systemctl unmask codedeploy-agent"), fix)
    page = "/symptoms/out-of-memory/" if killed else "/guides/check-the-agent/#log"
    return Finding(FAIL, says, code="stopped", about=name, fix=fix, next=page)


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
