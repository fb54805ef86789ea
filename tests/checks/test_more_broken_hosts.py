"""Hosts with faults of the agent that were made by its source, not met in a run: none of them is all OK either."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from codedeploy_sandbox.hosts.host import LOG as LOG_FILE
from codedeploy_sandbox.hosts.host import POLLS_2

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, UNKNOWN, WARN
from tests.checks.test_agent import HEALTHY, SECOND, SECOND_FAKES, Case, aged, aws
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
from tests.support.agent_lines import PLUGIN, boot, completed, first, performed, refused, second
from tests.support.hosts import DEFAULT_CONFIG

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


UNSEEN = {
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
