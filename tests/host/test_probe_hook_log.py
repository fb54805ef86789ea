"""What the probe says of the last deployment that has run a hook script on a host."""

import os
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import DEPLOYMENTS, LOGS

from tests.support import hosts
from tests.support.agent_lines import completed, first, second
from tests.support.hosts import SHELLS, Files, build

ALL = f"{DEPLOYMENTS}/deployment-logs/codedeploy-agent-deployments.log"
OWN = f"{DEPLOYMENTS}/5f1e/d-NEW/logs/scripts.log"
SINCE = first("INFO", "master 1412: Spawned child 1/1", "2026-11-26T08:00:00")
FAILED = completed("Failed", 4, "no")
OF_TWO = """# Logfile created on 2026-11-01 00:00:00 +0000 by logger.rb/v1.5.0
[2026-11-26 08:42:01.123] [d-OLD]LifecycleEvent - BeforeInstall
[2026-11-26 08:42:02.123] [d-NEW]LifecycleEvent - ApplicationStart
[2026-11-26 08:42:02.200] [d-NEW]Script - scripts/start.sh
[2026-11-26 08:42:03.123] [d-OLD][stdout]other
[2026-11-26 08:42:03.200] [d-NEW][stderr]\ttwo   words\\ "q" \x1b[31m
not an entry [d-NEW]Script - forged
"""
# By what the logs hold: the files, and what the section says.
HOSTS: dict[str, tuple[dict[str, str | bytes], dict[str, Any]]] = {
    "nothing": ({}, {"deployment": None, "steps": [], "output": [], "answers": [], "since": None}),
    "two deployments at the same time": (
        {ALL: OF_TWO, hosts.LOG: f"{SINCE}\n{FAILED}\n"},
        {
            "deployment": "d-NEW",
            "steps": ["2026-11-26 08:42:02 LifecycleEvent - ApplicationStart", "2026-11-26 08:42:02 Script - scripts/start.sh"],
            "output": ['2026-11-26 08:42:03 [stderr] two   words\\ "q" \x1b[31m'],
            "answers": [r'2026-11-26T08:42:04 Failed {\"error_code\":4,\"script_name\":\"\",\"message\":\"no\",\"log\":\"\"}"},host_command_identifier:"eyJiYXRjaElkIjoi")  '],
            "since": "2026-11-26T08:00:00",
        },
    ),
    "a payload that the SDK has cut": (
        {ALL: OF_TWO, hosts.LOG: FAILED.replace('payload:"', 'payload:#<String "') + "\n"},
        {"answers": [r'2026-11-26T08:42:04 Failed {\"error_code\":4,\"script_name\":\"\",\"message\":\"no\",\"log\":\"\"}"},host_command_identifier:"eyJiYXRjaElkIjoi")  ']},
    ),
    "agent 2.x": (
        {
            OWN: "2026-11-26 09:42:02 LifecycleEvent - ApplicationStart\n2026-11-26 09:42:02 [stdout]unfinished",
            hosts.LOG: second("ERROR", "deployment{deployment_id=d-NEW command=ApplicationStart app=a b}: Command failed elapsed_ms=4 error=x: y") + "\n",
        },
        {
            "deployment": "d-NEW",
            "steps": ["2026-11-26 09:42:02 LifecycleEvent - ApplicationStart"],
            "output": ["2026-11-26 09:42:02 [stdout]unfinished"],
            "answers": ["2026-11-26 08:42:04 failed d-NEW ApplicationStart x: y"],
            "since": "2026-11-26 08:42:04",
        },
    ),
    "more than it shows": (
        {
            OWN: "".join(f"2026-11-26 08:42:{n:02} Script - {n}\n" for n in range(13)) + "".join(f"2026-11-26 08:43:{n:02} [stdout]{n}\n" for n in range(7)),
            hosts.LOG: "".join(completed("Succeeded", 0, "x").replace(":42:04", f":42:{n:02}") + "\n" for n in range(13)),
        },
        {
            "steps": [f"2026-11-26 08:42:{n:02} Script - {n}" for n in range(1, 13)],
            "output": [f"2026-11-26 08:43:{n:02} [stdout]{n}" for n in range(1, 7)],
            "answers": [f"2026-11-26T08:42:{n:02} Succeeded " for n in range(1, 13)],
            "since": "2026-11-26T08:42:01",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", HOSTS)
def test_it_brings_the_newest_deployment_and_what_the_agent_reported(
    name: str, shell: tuple[str, ...], place: Path
) -> None:
    others, meant = HOSTS[name]
    log = others.get(hosts.LOG, "")
    host = build(place, files=Files(log=log, others={p: t for p, t in others.items() if p != hosts.LOG}))
    said = host.document(shell)["hook_log"]
    assert {member: said[member]["value"] for member in meant} == meant


@pytest.mark.parametrize(("seconds", "counts"), [(-6, "d-NEW"), (-5, "d-OLD"), (60, "d-OLD")])
def test_the_log_of_all_deployments_counts_unless_another_is_newer(
    seconds: int, counts: str, place: Path
) -> None:
    """It can be switched off, and then stays behind."""
    own, old = "2026-11-26 08:42:02 LifecycleEvent - X\n", OF_TWO.replace("d-NEW", "d-OLD")
    host = build(place, files=Files(others={ALL: old, OWN: own}))
    os.utime(host.root / OWN, (1_800_000_000, 1_800_000_000))
    os.utime(host.root / ALL, (1_800_000_000 + seconds, 1_800_000_000 + seconds))
    assert host.document()["hook_log"]["deployment"]["value"] == counts


def test_a_cut_log_holds_reports_only_since_its_cut(place: Path) -> None:
    """Of a file that is longer than what is read, the beginning is not known."""
    line = SINCE + " " * 1000 + "\n"
    late = line.replace("08:00:00", "08:30:00")
    rotated = f"{LOGS}/codedeploy-agent.20261125.log"
    log = line.replace("08:00", "08:10") + late * 1100
    host = build(place, files=Files(log=log, others={OWN: OF_TWO, ALL: OF_TWO, rotated: FAILED + "\n"}))
    said = host.document()["hook_log"]
    assert said["since"]["value"] == "2026-11-26T08:30:00"
    assert len(said["answers"]["value"]) == 1


@pytest.mark.skipif(not hosts.is_root(), reason="root runs the probe as nobody")
@pytest.mark.parametrize("closed", [f"{DEPLOYMENTS}/5f1e", f"{DEPLOYMENTS}/5f1e/d-NEW/logs"])
def test_a_folder_that_cannot_be_looked_into_is_named(closed: str, place: Path) -> None:
    host = build(place, files=Files(others={OWN: OF_TWO}))
    (host.root / closed).chmod(0o700)
    said = host.document(as_nobody=True)["hook_log"]
    assert {one["error"] for one in said.values()} == {f"this user cannot look into /{closed}/"}


def test_a_log_outside_the_root_is_not_read(place: Path) -> None:
    hosts.write(place, "outside/scripts.log", "2026-11-26 08:42:02 Script - secret\n")
    host = build(place / "host", files=Files(others={f"{DEPLOYMENTS}/5f1e/d-NEW/x": ""}))
    (host.root / f"{DEPLOYMENTS}/5f1e/d-NEW/logs").symlink_to(place / "outside")
    said = host.document()["hook_log"]
    assert "leads out of PROBE_ROOT" in said["steps"]["error"]
    assert "secret" not in str(said)
