"""The machines of the sandbox: each description makes the host that it says, the same on every computer."""

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts import host as hosts
from codedeploy_sandbox.hosts import machine as machines
from codedeploy_sandbox.hosts.host import Fakes, Files, build
from codedeploy_sandbox.hosts.machine import Machine, run_probe, session_yml, user_yml

from runbooks.host import HostReport, judge_log, probe_script, read_report, run_state

PROBE = probe_script()

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
SESSION = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01"
USER = "arn:aws:iam::111122223333:user/AWS/CodeDeploy/web-01"
YML = session_yml(SESSION, "eu-west-1")
COMMANDS = "https://codedeploy-commands.eu-west-1.amazonaws.com"

# A description, and what the probe must say of it; a value in < > is a piece of what kept it from saying.
MACHINES: dict[str, tuple[Machine, dict[str, Any]]] = {
    "healthy": (
        Machine("web-01", YML),
        {
            "host.hostname": "web-01",
            "host.os_id": "rhel",
            "host.uid": 0,
            "agent.version": "1.8.1-1",
            "agent.running": True,
            "identity.iam_session_arn": SESSION,
            "identity_file.mode": "600",
            "identity_file.owner": "root",
            "credentials_file.modified": int((NOON - timedelta(minutes=10)).timestamp()),
            "log_file.modified": int((NOON - timedelta(seconds=5)).timestamp()),
            "endpoint_commands.url": COMMANDS,
            "endpoint_commands.status": 404,
            "network.imds_answers": False,
        },
    ),
    "a user on Debian": (
        Machine("web-01", user_yml(USER, "eu-west-1"), "debian"),
        {
            "host.os_id": "debian",
            "agent.version_file": "OFFICIAL_1.8.1-1_deb",
            "identity.iam_user_arn": USER,
            "identity.missing": (),
            "credentials_file.exists": False,
        },
    ),
    "2.x on Amazon Linux": (
        Machine("web-01", YML, "amazon", agent="2.1.0"),
        {"host.os_id": "amzn", "agent.line": "2.x", "agent.running": True, "config.verbose": None},
    ),
    "no agent": (
        Machine("web-01", YML, agent=None),
        {"agent.installed": False, "agent.running": False, "identity_file.exists": False, "log.lines": None},
    ),
    "stopped": (
        Machine(
            "web-01",
            YML,
            running=False,
            quiet=timedelta(hours=3),
            log=("INFO  [codedeploy-agent(1412)]: agent exiting now",),
        ),
        {
            "agent.installed": True,
            "agent.running": False,
            "log_file.modified": int((NOON - timedelta(hours=3)).timestamp()),
            "log.lines": ("2026-01-15T09:00:00 INFO  [codedeploy-agent(1412)]: agent exiting now",),
        },
    ),
    "log of its own": (
        Machine("web-01", YML, log=("INFO one", "ERROR two")),
        {"log.lines": ("2026-01-15T11:58:55 INFO one", "2026-01-15T11:59:55 ERROR two")},
    ),
    "settings": (
        Machine(
            "web-01", YML, settings=":enable_auth_policy: true\n:proxy_uri: http://u:pw@proxy.example.com\n"
        ),
        {
            "config.enable_auth_policy": "true",
            "config.proxy_uri": "http://[masked]@proxy.example.com",
            "endpoint_commands.via": "proxy",
            "endpoint_commands.url": COMMANDS.replace("commands", "commands-secure"),
        },
    ),
    "clock ahead": (
        Machine("web-01", YML, ahead=timedelta(minutes=17)),
        {
            "clock.epoch": int((NOON + timedelta(minutes=17)).timestamp()),
            "endpoint_s3.date": "Thu, 15 Jan 2026 12:00:00 GMT",
            "log_file.modified": int((NOON + timedelta(minutes=17, seconds=-5)).timestamp()),
        },
    ),
    "no names": (
        Machine("web-01", YML, resolves=False),
        {"endpoint_commands.address": None, "endpoint_commands.status": "<curl: (6)>"},
    ),
    "no way out": (
        Machine("web-01", YML, blocked="*"),
        {
            "endpoint_commands.address": "192.0.2.10",
            "endpoint_commands.status": "<curl: (28)>",
            "endpoint_s3.status": "<curl: (28)>",
        },
    ),
    "no way to one": (
        Machine("web-01", YML, blocked="*codedeploy-commands*"),
        {"endpoint_commands.status": "<curl: (28)>", "endpoint_s3.status": 404},
    ),
    "a log of the day before": (
        Machine("web-01", YML, log=("INFO now",), rotated=("ERROR then",)),
        {
            "log.lines": ("2026-01-14T12:00:00 ERROR then", "2026-01-15T11:59:55 INFO now"),
            "log.files": (f"/{hosts.LOG}", f"/{hosts.LOGS}/codedeploy-agent.20260115.log"),
        },
    ),
    "metadata of a Region": (
        Machine("web-01", YML, metadata="us-east-1"),
        {"network.imds_token": None, "network.imds_status": 200, "network.imds_region": "us-east-1"},
    ),
    "metadata that requires a token": (
        Machine("web-01", YML, metadata="us-east-1", token="AQAEAGvB"),
        {"network.imds_token": "required", "network.imds_status": 200, "network.imds_region": "us-east-1"},
    ),
    "metadata that is not found": (
        Machine("web-01", YML, metadata="404"),
        {"network.imds_answers": True, "network.imds_status": 404, "network.imds_region": None},
    ),
    "metadata whose packets are dropped": (
        Machine("web-01", YML, metadata="dropped"),
        {"network.imds_answers": False, "network.imds_status": None},
    ),
    "a worker that cannot start": (
        Machine("web-01", YML, processes=tuple(hosts.BOOTS.items()), ages=((1420, 3),)),
        {
            "agent.running": True,
            "agent.processes": (
                "1412 0 86400 codedeploy-agent: master 1412",
                "1420 0 3 codedeploy-agent: booting child",
            ),
        },
    ),
    "a user of its own": (Machine("web-01", YML, owner=990), {"agent.user": "codedeploy"}),
    "an environment": (
        Machine("web-01", YML, environment=(("https_proxy", "http://proxy.example.com:3128"),)),
        {"agent.environment": ("https_proxy=http://proxy.example.com:3128",)},
    ),
    "a unit": (
        Machine(
            "web-01", YML, unit="active exited", shows=(("NRestarts", "7"), ("UnitFileState", "disabled"))
        ),
        {"agent.by_systemd": "active exited", "unit.restarts": 7, "unit.enabled": "disabled"},
    ),
    "no configuration": (Machine("web-01", YML, config=None), {"config_file.exists": False}),
    "no room": (
        Machine("web-01", YML, free=100, inodes=3, mounts="/dev/vda1 / ext4 ro 0 0\n"),
        {"root_folder.free": 100, "root_folder.inodes": 3, "root_folder.options": "ro"},
    ),
    "no Ruby, no unzip": (
        Machine("web-01", YML, ruby=None, without=("unzip",)),
        {"tools.ruby": None, "tools.missing": ("unzip",)},
    ),
    "an event under way": (
        Machine("web-01", YML, others=((f"{hosts.DEPLOYMENTS}/ongoing-deployment/d-ABC", "x"),)),
        {"deployment.ongoing": ("d-ABC 120",)},
    ),
    "no credentials file": (
        Machine("web-01", YML, credentials=False),
        {"credentials_file.path": f"/{hosts.CREDENTIALS}", "credentials_file.exists": False},
    ),
    "open to all": (
        Machine("web-01", YML, private=False),
        {"credentials_file.mode": "644", "identity_file.mode": "644"},
    ),
    "a directory for a yml": (
        Machine("web-01", None, others=((f"{hosts.IDENTITY}/x", ""),)),
        {"identity_file.exists": True, "identity_file.readable": False},
    ),
}


def look(machine: Machine, now: datetime = NOON) -> HostReport:
    output = run_probe(machine, now, PROBE)
    assert (output.status, output.stderr) == (0, "")
    return read_report(output.stdout, now=now)


@pytest.mark.parametrize("name", MACHINES)
def test_a_description_makes_its_host(name: str) -> None:
    machine, expected = MACHINES[name]
    report = look(machine)
    for path, value in expected.items():
        section, _, field = path.partition(".")
        datum = getattr(getattr(report, section), field)
        if isinstance(value, str) and value.startswith("<"):
            assert value[1:-1] in datum.error, path
        else:
            assert (path, datum.value, datum.error) == (path, value, "")
    assert report.collected_at == NOON + machine.ahead


@pytest.mark.parametrize("agent", ["1.8.1", "2.1.0"])
def test_a_log_that_was_not_described_complains_of_nothing(agent: str) -> None:
    lines = look(Machine("web-01", YML, agent=agent)).log.lines.value
    assert lines
    assert judge_log(lines).standing == ()


@pytest.mark.parametrize("agent", ["1.8.1", "2.1.0"])
def test_a_machine_that_was_not_described_works(agent: str) -> None:
    found = run_state(look(Machine("web-01", YML, agent=agent)))
    assert found
    assert found.state == "polls"
    stopped = run_state(look(Machine("web-01", YML, agent=agent, running=False)))
    assert stopped
    assert stopped.state == "stopped"


def test_no_key_of_a_host_is_shown() -> None:
    for machine in (Machine("web-01", YML), Machine("web-01", user_yml(USER, "eu-west-1"))):
        text = run_probe(machine, NOON, PROBE).stdout
        assert "the-sandbox-verifies-no-signature" not in text
        assert "SANDBOXHOST" not in text


def test_a_host_has_only_fakes_and_the_plain_tools(tmp_path: Path) -> None:
    """What is not a fake must be on the list of tools that neither ask the machine nor leave it."""
    host = hosts.build(tmp_path, "rhel", hosts.Fakes(), hosts.Files())
    linked = {path.name for path in host.path.iterdir() if path.is_symlink()}
    fakes = {path.name for path in host.path.iterdir()} - linked
    asking = {"systemctl", "rpm", "getent", "curl", "hostname", "df", "ruby"}
    assert fakes == asking | set(hosts.DEPLOYMENT_TOOLS)
    assert linked <= set(hosts.TOOLS)
    assert not linked & {"sh", "curl", "wget", "nc", "ssh", "python3", "rm", "touch"}
    assert host.environment == {"PATH": str(host.path), "PROBE_ROOT": str(host.root)}


def test_neither_the_user_nor_the_day_nor_the_directory_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine("web-01", YML)
    usual = run_probe(machine, NOON, PROBE).stdout
    run_probe.cache_clear()
    for name, value in {
        "TZ": "Asia/Tokyo",
        "LANG": "de_DE.UTF-8",
        "PROBE_INSTANCE": "other",
        "USER": "x",
    }.items():
        monkeypatch.setenv(name, value)
    assert run_probe(machine, NOON, PROBE).stdout == usual
    assert str(Path.cwd()) not in usual
    assert "sandbox-host-" not in usual


def test_a_host_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    places: list[Path] = []

    def build(place: Path, *how: Any) -> hosts.Host:
        places.append(place)
        return hosts.build(place, *how)

    monkeypatch.setattr(machines, "build", build)
    run_probe(Machine("another", YML), NOON, PROBE)
    assert [place.parent for place in places] == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_a_basic_tool_says_so_by_the_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a computer that lacks awk, the sandbox says so by the probe, and does not crash."""
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "awk" else which(name))
    output = run_probe(Machine("no-awk", YML), NOON, PROBE)
    assert (output.status, '"failed":"awk is not on this host"' in output.stdout) == (1, True)


def test_the_room_on_a_disk_does_not_depend_on_where_the_host_lies(tmp_path: Path) -> None:
    """Each run has a directory with a random name, which may well hold what looks like an option."""
    host = build(tmp_path / "sandbox-host-i9", "rhel", Fakes(), Files())
    answered = {
        flag: subprocess.run(
            [host.path / "df", "-P", flag, host.root], capture_output=True, text=True, check=True
        ).stdout.split()[-3]
        for flag in ("-k", "-i")
    }
    assert answered == {"-k": "15000000", "-i": "900000"}
