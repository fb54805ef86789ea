"""Hosts with faults of the agent that were made by its source, not met in a run: none of them is all OK either."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from codedeploy_sandbox.hosts.host import DEPLOYMENTS, POLLS, POLLS_2
from codedeploy_sandbox.hosts.host import LOG as LOG_FILE

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, UNKNOWN, WARN
from tests.checks.on_hosts import HEALTHY, SECOND, SECOND_FAKES, Case, aged, aws
from tests.checks.test_broken_hosts import (
    LOG,
    POLL,
    RESPAWNS,
    RUNS,
    SETTINGS,
    SPAWNS,
    WORKS,
    as_of_now,
    at,
    log,
    loops,
    only_the_intended,
)
from tests.support import hosts
from tests.support.agent_lines import PLUGIN, boot, completed, first, performed, refused, second
from tests.support.hosts import DEFAULT_CONFIG, Fakes

__all__ = ["aws"]  # a fixture

POLLED = f"{PLUGIN}CommandPoller: Error polling for host commands: "
NIL = "TypeError - no implicit conversion of nil into String"
API = ":deploy_control_endpoint: https://codedeploy.eu-west-1.amazonaws.com\n"
COMMANDS = ":deploy_control_endpoint: https://codedeploy-commands.eu-west-1.amazonaws.com\n"
ENDS = (first("INFO", "master 1412: Received CHLD - cleaning dead child process"), RESPAWNS, SPAWNS)
KILLED = second("WARN", "Worker exited with status signal: 9 (SIGKILL), restarting in 2s")
BEGINS = second("INFO", "Starting host command poll loop host_identifier=x")
ASKED = first("INFO", f"{PLUGIN}CommandPoller of master 1412: ran 1 - shutting down")
SCRIPT = f"{PLUGIN}ScriptError - Script at specified location: a.sh failed with error"


def often(*lines: str) -> str:
    """A log whose lines are half a minute apart, the newest of now."""
    return "".join(f"{at(line, (len(lines) - 1 - number) / 2)}\n" for number, line in enumerate(lines))


def without(setting: str) -> str:
    return "".join(line for line in DEFAULT_CONFIG.splitlines(True) if f":{setting}:" not in line)


def waiting(seconds: str) -> str:
    return DEFAULT_CONFIG.replace(":wait_between_runs: 1", f":wait_between_runs: {seconds}")


def failed(error: str) -> dict[str, Case]:
    """An agent that polls well, and whose last event failed so."""
    return {
        error[:40]: Case(
            files=replace(HEALTHY, log=log(POLL, performed(error), POLL)), not_ok={LOG: (FAIL, error)}
        )
    }


SECOND_CONFIG = "log_dir: /var/log/aws/codedeploy-agent\n"


def of_second(setting: str) -> Case:
    """A host whose agent 2.x works, and will not after its next start."""
    files = replace(SECOND, config=f"{SECOND_CONFIG}{setting}\n", processes=POLLS_2)
    wrong = f"{setting.partition(':')[0]} on web-01 is"
    return Case(SECOND_FAKES, files, {SETTINGS: (WARN, wrong)}, fixes={SETTINGS: "sudo sed -E -i.bak"})


def future(case: Case) -> Case:
    """The case with its log dated by a clock that was two hours ahead."""

    def ahead(root: Path) -> None:
        times = [
            (datetime.now(UTC) + timedelta(hours=2, minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S")
            for minute in (0, 1)
        ]
        hosts.write(root, LOG_FILE, "".join(f"{time}{POLL[19:]}\n" for time in times))

    return replace(case, then=ahead)


UNSEEN = {
    "2.x, and what runs is 1.x": Case(
        SECOND_FAKES,
        replace(SECOND, processes=POLLS),
        {RUNS: (WARN, "what runs is agent 1.x (process 1412)")},
        fixes={RUNS: "sudo systemctl restart codedeploy-agent"},
    ),
    "a log of the future": future(Case(files=WORKS, not_ok={LOG: (WARN, "minutes in the future: the clock")})),
    "2.x, a switch that is yes": of_second("verbose: yes"),
    "2.x, a switch in quotes": of_second('log_aws_wire: "false"'),
    "2.x, a number in quotes": of_second('max_revisions: "5"'),
    "2.x, a number below zero": of_second("max_revisions: -1"),
    "2.x, no time to wait": of_second("wait_between_runs: soon"),
    "2.x, max_revisions 0": Case(
        SECOND_FAKES, replace(SECOND, config=f"{SECOND_CONFIG}max_revisions: 0\n", processes=POLLS_2)
    ),
    "2.x does not start for a switch": Case(
        replace(SECOND_FAKES, systemctl="failed failed"),
        replace(SECOND, config=f"{SECOND_CONFIG}verbose: yes\n", processes={}),
        {RUNS: (FAIL, "does not run"), SETTINGS: (FAIL, "verbose on web-01 is 'yes', and agent 2.x does not start with")},
    ),
    "an endpoint without a scheme": Case(
        files=replace(WORKS, config=f"{DEFAULT_CONFIG}:deploy_control_endpoint: codedeploy-commands.eu-west-1.amazonaws.com\n"),
        not_ok={
            SETTINGS: (FAIL, "without https:// in front: the agent does not start"),
            "host-reaches-codedeploy": (UNKNOWN, "not a plain URL"),
        },
    ),
    "children 2": Case(
        files=replace(WORKS, config=f"{DEFAULT_CONFIG}:children: 2\n"), not_ok={SETTINGS: (FAIL, "children is '2'")}
    ),
    "children 1": Case(files=replace(WORKS, config=f"{DEFAULT_CONFIG}:children: 1\n")),
    "children 2, which 2.x does not read": Case(
        SECOND_FAKES, replace(SECOND, config=f"{SECOND_CONFIG}children: 2\n", processes=POLLS_2)
    ),
    "a root_dir that is a file": Case(
        files=replace(WORKS, config=DEFAULT_CONFIG.replace("/opt/codedeploy-agent/deployment-root", "/srv/file"), others={"srv/file": "x"}),
        not_ok={"host-has-room": (FAIL, "/srv/file on web-01 is not a directory")},
    ),
    "a unit that is disabled and not running": Case(
        Fakes(systemctl="inactive dead", unit={"UnitFileState": "disabled"}),
        replace(WORKS, processes={}),
        {RUNS: (FAIL, "disabled, so that it does not start with the host")},
        fixes={RUNS: "sudo systemctl enable codedeploy-agent && sudo systemctl restart"},
    ),
    "an agent that was killed for want of memory": Case(
        Fakes(systemctl="failed failed", unit={"Result": "oom-kill"}),
        replace(WORKS, processes={}),
        {RUNS: (FAIL, "Its unit ended with oom-kill")},
        fixes={RUNS: "Give the host more memory"},
    ),
    "2.x on a file system without exec": Case(
        replace(SECOND_FAKES, systemctl="failed failed"),
        replace(SECOND, processes={}, mounts="/dev/vda1 / ext4 rw 0 0\n/dev/vdb1 /opt ext4 rw,noexec 0 0\n"),
        {RUNS: (FAIL, "host-has-room found can keep it"), "host-has-room": (FAIL, "noexec")},
        fixes={RUNS: "Fix what host-has-room found", "host-has-room": "sudo mount -o remount,exec "},
    ),
    "a disk that became read-only by an error": Case(
        Fakes(systemctl="failed failed"),
        replace(WORKS, processes={}, mounts="/dev/vda1 / ext4 ro,errors=remount-ro 0 0\n"),
        {RUNS: (FAIL, "host-has-room found can"), "host-has-room": (FAIL, "does that after an error")},
        fixes={"host-has-room": "sudo mount -o remount,rw "},
    ),
    "no configuration, and no agent that runs": Case(
        Fakes(systemctl="failed failed"),
        replace(WORKS, processes={}, config=None),
        {RUNS: (FAIL, "agent-settings-are-sound found"), SETTINGS: (FAIL, "There is no /etc")},
        fixes={SETTINGS: "sudo mkdir -p /etc/codedeploy-agent/conf && printf"},
    ),
    "a masked unit": Case(
        Fakes(systemctl="inactive dead", unit={"UnitFileState": "masked", "Result": "oom-kill"}),
        replace(WORKS, processes={}),
        {RUNS: (FAIL, "Its unit ended with oom-kill. Its unit is masked")},
        fixes={RUNS: "sudo systemctl unmask codedeploy-agent && sudo systemctl restart codedeploy-agent"},
    ),
    "an agent that was started by hand": Case(
        Fakes(systemctl="inactive dead"), WORKS, {RUNS: (WARN, "not by systemd, whose unit is inactive")}
    ),
    "killed by the kernel": Case(
        Fakes(systemctl="failed failed", plain={"dmesg": "echo '[1.0] Out of memory: Killed process 1415 (ruby) total-vm:1kB'"}),
        replace(WORKS, processes={}),
        {RUNS: (FAIL, "Killed process 1415 (ruby)")},
    ),
    "certificates that an agent will miss at its next start": Case(
        files=replace(WORKS, signers=False), not_ok={"agent-is-installed": (WARN, "its worker ends at its next start")}
    ),
    "a file that cannot be deleted": Case(
        Fakes(plain={"lsattr": 'for path; do :; done; echo "----i---------e------- $path"'}),
        replace(WORKS, others={f"{DEPLOYMENTS}/5f1e/d-OLD/appspec.yml": "x"}),
        {"host-has-sound-state": (WARN, "an attribute (lsattr) guards /opt/codedeploy-agent/deployment-root/5f1e/d-OLD")},
        fixes={"host-has-sound-state": "sudo chattr -R -i -a /opt/codedeploy-agent/"},
    ),
    "a file with a byte-order mark": Case(files=replace(WORKS, config=f"\ufeff{DEFAULT_CONFIG}")),
    **{
        f"no {setting}": Case(
            files=replace(WORKS, config=without(setting)),
            not_ok={SETTINGS: (FAIL, f"has no {setting}, and agent 1.x does not work without it")},
            fixes={SETTINGS: f"echo ':{setting}: /"},
        )
        for setting in ("log_dir", "pid_dir", "root_dir")
    },
    "2.x has defaults": Case(SECOND_FAKES, replace(SECOND, config=without("root_dir"), processes=POLLS_2)),
    "polls without root_dir": Case(
        files=replace(HEALTHY, log=log(first("ERROR", f"{POLLED}{NIL} - /x.rb:1"))),
        not_ok={LOG: (FAIL, "no implicit conversion of nil")},
    ),
    "on_premises_config_file without a value": Case(
        files=loops(boot(NIL), config=f"{DEFAULT_CONFIG}:on_premises_config_file:\n"),
        not_ok={RUNS: (FAIL, "again and again"), LOG: (FAIL, "no implicit conversion of nil")},
    ),
    "it polls once an hour": Case(
        files=replace(WORKS, config=waiting("3600")), not_ok={SETTINGS: (WARN, "wait_between_runs is 3600 seconds")}
    ),
    "it waits four minutes": Case(files=replace(WORKS, config=waiting("240"))),
    "it waits a second more": Case(
        files=replace(WORKS, config=waiting("241")), not_ok={SETTINGS: (WARN, "is 241 seconds")}
    ),
    "a wait below nothing": Case(
        files=replace(WORKS, config=waiting("-1")),
        not_ok={SETTINGS: (FAIL, "ends after each poll")},
        fixes={SETTINGS: "sudo sed -E -i.bak 's|^"},
    ),
    "the endpoint of the API": Case(
        files=replace(WORKS, config=DEFAULT_CONFIG + API), not_ok={SETTINGS: (WARN, "does not serve agents")}
    ),
    "an endpoint that does not fit enable_auth_policy": Case(
        files=replace(WORKS, config=f"{DEFAULT_CONFIG}{COMMANDS}:enable_auth_policy: true\n"),
        not_ok={SETTINGS: (WARN, "enable_auth_policy is on")},
        fixes={SETTINGS: "sudo sed -E -i.bak 's|^"},
    ),
    "an endpoint that fits": Case(files=replace(WORKS, config=DEFAULT_CONFIG + COMMANDS)),
    "it hangs": Case(
        files=replace(WORKS, log=f"{at(POLL, 6)}\n"),
        then=aged(LOG_FILE, timedelta(minutes=6)),
        not_ok={LOG: (WARN, "has logged nothing for 6 minutes")},
    ),
    "its worker ends after each poll": Case(
        files=replace(HEALTHY, log=often(*(POLL, *ENDS) * 5, POLL), ages={1412: 40_000, 1415: 30}),
        not_ok={RUNS: (FAIL, "3 of them ended within 4 min, and this one is 30 s old")},
    ),
    "its worker ended three times, and has outlived that": Case(
        files=replace(HEALTHY, log=often(*(POLL, *ENDS) * 5, POLL), ages={1412: 40_000, 1415: 130})
    ),
    "max_runs_per_worker ends its worker": Case(
        files=replace(HEALTHY, log=often(*(POLL, ASKED, *ENDS) * 4, POLL), ages={1412: 40_000, 1415: 30})
    ),
    "the worker of a 2.x is killed every two minutes": Case(
        SECOND_FAKES,
        replace(SECOND, log=often(*(KILLED, BEGINS, BEGINS, BEGINS) * 3), processes=POLLS_2, ages={1412: 9000, 1415: 90}),
        {RUNS: (FAIL, "3 of them ended within 4 min, and this one is 90 s old")},
    ),
    "every port is taken": Case(
        files=replace(HEALTHY, log=log(POLL, first("ERROR", f"{POLLED}Errno::EADDRNOTAVAIL - Cannot assign - /x.rb:1"))),
        not_ok={LOG: (FAIL, "could not reach CodeDeploy")},
    ),
    "a portal answers": Case(
        files=replace(HEALTHY, log=log(POLL, first("ERROR", f'{POLLED}Net::HTTPBadResponse - wrong status line: "<html>" - /x.rb:1'))),
        not_ok={LOG: (FAIL, "wrong status line")},
    ),
    "Ruby lost what the agent needs": Case(
        files=loops(boot("NameError - uninitialized constant SortedSet")),
        not_ok={RUNS: (FAIL, "again and again"), LOG: (FAIL, "SortedSet")},
    ),
    "an event is refused before it begins": Case(
        files=replace(HEALTHY, log=log(POLL, first("WARN", f'{PLUGIN}CommandPoller: Calling PutHostCommandComplete: "Code Error" '), POLL)),
        not_ok={LOG: (FAIL, "Code Error")},
    ),
    "an error of a new kind": Case(
        files=replace(HEALTHY, log=log(POLL, first("FATAL", "something new"), POLL)), not_ok={LOG: (WARN, "something new")}
    ),
    "its log shows nothing but talk": Case(
        files=replace(HEALTHY, log=log(first("INFO", "words"))), not_ok={LOG: (UNKNOWN, "this guide knows none")}
    ),
    **failed("Errno::ESTALE - Stale file handle @ rb_sysopen - /mnt/share/x"),
    **failed(f"{SCRIPT} Errno::ENOSPC with message No space left on device @ io_write - /x"),
    **failed("ArgumentError - couldn't find HOME environment -- expanding `~'"),
    "the service refuses it since its last poll": Case(
        files=replace(HEALTHY, log=log(POLL, refused("OptInRequired - The AWS Access Key Id needs a subscription for the service"))),
        not_ok={LOG: (FAIL, "OptInRequired")},
    ),
    "an event fails in words that no one knows": Case(
        files=replace(HEALTHY, log=log(POLL, completed("Failed", 5, "la lune"), POLL)), not_ok={LOG: (FAIL, "la lune")}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN)
def test_of_a_host_that_no_one_met_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    only_the_intended(as_of_now(UNSEEN[name]), aws, tmp_path)
