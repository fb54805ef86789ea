"""The host probe, run for real by each shell that is here: the agent, its files and its identity."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import BOOTS, POLLS, POLLS_2, SPARE_CONFIG

from runbooks.host import read_report
from tests.support import hosts
from tests.support.hosts import SHELLS, Fakes, Files, Host, build, disagreements

NO_AGENT = Files(version=None, config=None, identity=None, credentials=None, log=None, pid=None, processes={})
IDLE = "ruby /usr/bin/other"
WEB_99 = hosts.SESSION_ARN.replace("web-01", "web-99")
LONG_ARN = (
    f"arn:aws:sts::{hosts.ACCOUNT}:assumed-role/CodeDeployOnPremisesProductionRoleOfShop/web.01@example.com"
)

# Each kind of host: how it is built, and what the probe must say. A text in < > is a piece of an error.
HOSTS: dict[str, tuple[str, Fakes, Files, dict[str, Any]]] = {
    "rhel with agent 1.x and a session": (
        "rhel",
        Fakes(),
        Files(),
        {
            "host.os_id": "rhel",
            "host.os_version": "9.4",
            "host.os_name": "Red Hat Enterprise Linux 9.4 (Plow)",
            "host.hostname": "web-01",
            "host.init": "systemd",
            "agent.installed": True,
            "agent.package_version": "1.8.1-13",
            "agent.version_file": "OFFICIAL_1.8.1-13_rpm",
            "agent.version": "1.8.1-13",
            "agent.line": "1.x",
            "agent.running": True,
            "agent.by_systemd": "active running",
            "agent.processes": [f"{pid} 0 86400 {title}" for pid, title in POLLS.items()],
            "agent.program": None,
            "agent.user": "root",
            "agent.environment": [],
            "agent.profiles": [],
            "unit.state": "active",
            "unit.restarts": 0,
            "unit.enabled": "enabled",
            "identity.registration": "session",
            "identity.region": "eu-west-1",
            "identity.iam_session_arn": hosts.SESSION_ARN,
            "identity.iam_user_arn": None,
            "identity.fields": ["region", "iam_session_arn", "aws_credentials_file"],
            "identity.missing": [],
            "identity_file.path": f"/{hosts.IDENTITY}",
            "identity_file.mode": "600",
            "identity_file.usable": True,
            "credentials_file.path": f"/{hosts.CREDENTIALS}",
            "credentials_file.exists": True,
            "config.verbose": "false",
            "config.proxy_uri": None,
            "log_file.exists": True,
            "wire_log.exists": False,
            "root_credentials.exists": False,
            "tools.missing": [],
            "tools.ruby": "ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]",
            "endpoint_commands.url": "https://codedeploy-commands.eu-west-1.amazonaws.com",
            "endpoint_commands.via": "direct",
            "endpoint_commands.address": "192.0.2.10",
            "endpoint_commands.status": 404,
            "endpoint_start.url": None,
            "endpoint_s3.url": "https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com",
            "network.imds_answers": False,
        },
    ),
    "debian with agent 1.x and a user": (
        "debian",
        Fakes(manager="dpkg", package="1.8.0-12"),
        Files(version="OFFICIAL_1.8.0-12_deb\n", identity=hosts.USER_YML, credentials=None),
        {
            "host.os_id": "debian",
            "agent.installed": True,
            "agent.package_version": "1.8.0-12",
            "agent.version": "1.8.0-12",
            "identity.registration": "user",
            "identity.iam_user_arn": hosts.USER_ARN,
            "identity.missing": [],
            "credentials_file.path": None,
            "credentials_file.exists": False,
        },
    ),
    "amazon linux with agent 2.x": (
        "amazon",
        Fakes(package="2.1.0-1"),
        Files(
            version="agent_version: 2.1.0\n",
            config="log_dir: /var/log/aws/codedeploy-agent\n",
            pid=None,
            processes=POLLS_2,
        ),
        {
            "host.os_id": "amzn",
            "agent.version": "2.1.0",
            "agent.line": "2.x",
            "agent.running": True,
            "agent.processes": [f"{pid} 0 86400 {title}" for pid, title in POLLS_2.items()],
        },
    ),
    "no agent": (
        "rhel",
        Fakes(systemctl="inactive dead", unit={"LoadState": "not-found"}, package=None),
        NO_AGENT,
        {
            "agent.installed": False,
            "agent.package_version": None,
            "agent.version_file": None,
            "agent.version": None,
            "agent.line": None,
            "agent.running": False,
            "agent.by_systemd": "no such unit",
            "identity.registration": None,
            "identity.fields": None,
            "identity_file.exists": False,
            "config_file.exists": False,
            "log_file.exists": False,
            "log.lines": None,
            "deployment.ongoing": [],
            "endpoint_commands.url": "<no Region is known>",
        },
    ),
    "no agent, and no one to ask for packages": (
        "rhel",
        Fakes(systemctl=None, manager=None),
        NO_AGENT,
        {
            "agent.installed": False,
            "agent.package_version": "<neither dpkg nor rpm>",
            "agent.running": False,
            "agent.by_systemd": "<systemctl is not on this host>",
            "unit.restarts": "<systemctl is not on this host>",
        },
    ),
    "agent from an archive, no package": (
        "rhel",
        Fakes(package=None),
        Files(),
        {"agent.installed": True, "agent.package_version": None, "agent.version": "1.8.1-13"},
    ),
    "package removed, its configuration left": (
        "debian",
        Fakes(systemctl="inactive dead", manager="dpkg", package="removed"),
        replace(NO_AGENT, identity=hosts.USER_YML),
        {"agent.installed": False, "agent.running": False, "identity.registration": "user"},
    ),
    "package database that cannot say": (
        "debian",
        Fakes(manager="dpkg", package="damaged"),
        replace(NO_AGENT, log=""),
        {
            "agent.installed": "<dpkg: error: cannot open>",
            "agent.package_version": "<dpkg: error: cannot open>",
            "log.lines": [],
        },
    ),
    "stopped": (
        "rhel",
        Fakes(systemctl="inactive dead"),
        Files(processes={}),
        {"agent.installed": True, "agent.running": False, "agent.processes": []},
    ),
    "failed, its number taken by another process": (
        "rhel",
        Fakes(systemctl="failed failed", unit={"Result": "start-limit-hit", "NRestarts": "5"}),
        Files(processes={1412: IDLE}),
        {"agent.running": False, "unit.result": "start-limit-hit", "unit.restarts": 5},
    ),
    "an init script's unit that is active without a process": (
        "debian",
        Fakes(systemctl="active exited", manager="dpkg", unit={"SourcePath": "/etc/init.d/codedeploy-agent"}),
        Files(processes={}),
        {"agent.running": False, "unit.sub": "exited", "unit.source": "/etc/init.d/codedeploy-agent"},
    ),
    "an init script's unit that is active, and a process": (
        "debian",
        Fakes(systemctl="active exited", manager="dpkg"),
        Files(),
        {"agent.running": True, "agent.by_systemd": "active exited"},
    ),
    "starting again and again": (
        "rhel",
        Fakes(systemctl="activating auto-restart"),
        Files(processes=BOOTS, ages={1420: 2}),
        {
            "agent.running": True,
            "agent.processes": [
                "1412 0 86400 codedeploy-agent: master 1412",
                "1420 0 2 codedeploy-agent: booting child",
            ],
        },
    ),
    "started by a script that systemd does not know": (
        "rhel",
        Fakes(systemctl="inactive dead"),
        Files(),
        {"agent.running": True},
    ),
    "no systemd, no process file": (
        "debian",
        Fakes(systemctl=None, manager="dpkg"),
        Files(pid=None),
        {"agent.running": True},
    ),
    "two agents": (
        "rhel",
        Fakes(),
        Files(processes={**POLLS, 2000: "codedeploy-agent: master 2000"}),
        {
            "agent.processes": [
                *(f"{pid} 0 86400 {title}" for pid, title in POLLS.items()),
                "2000 0 86400 codedeploy-agent: master 2000",
            ]
        },
    ),
    "another identity than the registered one": (
        "rhel",
        Fakes(),
        Files(identity=hosts.SESSION_YML.replace("web-01", "web-99")),
        {"identity.iam_session_arn": WEB_99},
    ),
    "both ARNs": (
        "rhel",
        Fakes(),
        Files(identity=hosts.SESSION_YML + f"iam_user_arn: {hosts.USER_ARN}\n"),
        {
            "identity.registration": "both",
            "identity.iam_user_arn": hosts.USER_ARN,
            "identity.iam_session_arn": hosts.SESSION_ARN,
        },
    ),
    "neither ARN": (
        "rhel",
        Fakes(),
        Files(identity="region: eu-west-1\n"),
        {"identity.registration": "neither", "identity.fields": ["region"], "identity.missing": []},
    ),
    "fields without values": (
        "rhel",
        Fakes(),
        Files(
            identity=f"region:\niam_user_arn: {hosts.USER_ARN}\naws_access_key_id: ~\naws_secret_access_key: ''\n"
        ),
        {
            "identity.missing": ["region", "aws_access_key_id", "aws_secret_access_key"],
            "identity.region": None,
            "endpoint_s3.status": "<no Region is known>",
        },
    ),
    "yml with quotes, comments, colons and Windows line ends": (
        "rhel",
        Fakes(),
        Files(
            identity=f"--- # ours\r\n# a comment: here\r\n:region: 'eu-central-1'  # Frankfurt\r\n"
            f'"iam_session_arn":   "{hosts.SESSION_ARN}"\r\n\r\naws_credentials_file: /etc/none # later\r\n...\r\n'
        ),
        {
            "identity.registration": "session",
            "identity.region": "eu-central-1",
            "identity.iam_session_arn": hosts.SESSION_ARN,
            "credentials_file.path": "/etc/none",
            "credentials_file.exists": False,
        },
    ),
    "a key twice: the last one holds": (
        "rhel",
        Fakes(),
        Files(identity=hosts.SESSION_YML + "region: eu-north-1\n"),
        {"identity.region": "eu-north-1"},
    ),
    "yml in a form that the probe does not read": (
        "rhel",
        Fakes(),
        Files(identity=f"{{region: eu-west-1, aws_secret_access_key: {hosts.SHORT_PASSWORD}}}\n"),
        {
            "identity.registration": "<more than plain key: value lines>",
            "identity.region": "<more than plain key: value lines>",
            "identity_file.readable": True,
            "endpoint_commands.status": "<no Region is known>",
        },
    ),
    "yml with a directory in its place": (
        "rhel",
        Fakes(),
        Files(identity=None, others={f"{hosts.IDENTITY}/x": ""}),
        {
            "identity.registration": "<is a directory>",
            "identity_file.exists": True,
            "identity_file.readable": False,
            "identity_file.usable": False,
        },
    ),
    "secrets in the wrong fields": (
        "rhel",
        Fakes(),
        Files(
            identity=f"region: {hosts.SECRET_KEY}\niam_user_arn: {hosts.SECRET_KEY}\n"
            f"iam_session_arn: {hosts.KEY_ID}\naws_credentials_file: {hosts.SECRET_KEY}\n",
            config=f":deploy_control_endpoint: {hosts.SECRET_KEY}\n:proxy_uri: {hosts.SECRET_KEY}\n",
        ),
        {
            "identity.region": "<so it is not shown>",
            "identity.iam_user_arn": "<so it is not shown>",
            "identity.iam_session_arn": "<so it is not shown>",
            "credentials_file.path": "<not absolute>",
            "credentials_file.exists": "<not absolute>",
            "endpoint_commands.url": "<not a plain URL>",
        },
    ),
    "an ARN with a long name and an at sign": (
        "rhel",
        Fakes(),
        Files(identity=hosts.SESSION_YML.replace(hosts.SESSION_ARN, LONG_ARN)),
        {"identity.iam_session_arn": LONG_ARN},
    ),
    "other places, another program name": (
        "rhel",
        Fakes(systemctl=None),
        Files(
            config=":on_premises_config_file: /srv/cd.yml\n:log_dir: /srv/log\n:program_name: cd\n"
            ":pid_dir: /srv/run/\n:root_dir: /srv/deploy\n",
            pid=None,
            processes={1412: "cd: master 1412", 1500: "cd: session of a user"},
            others={
                "srv/cd.yml": hosts.SESSION_YML,
                "srv/log/cd.log": "2026-11-24 02:00:00 INFO  [cd(1412)]: moved\n",
                "srv/run/cd.pid": "1412",
            },
        ),
        {
            "identity.registration": "session",
            "identity_file.path": "/srv/cd.yml",
            "log_file.path": "/srv/log/cd.log",
            "log.lines": ["2026-11-24 02:00:00 INFO  [cd(1412)]: moved"],
            "wire_log.path": "/srv/log/cd.aws_wire.log",
            "root_folder.path": "/srv/deploy",
            "agent.processes": ["1412 0 86400 cd: master 1412"],
        },
    ),
    "the agent's own configuration, where there is no other": (
        "rhel",
        Fakes(),
        Files(config=None, others={SPARE_CONFIG: ":verbose: true\n:max_revisions: '0'\n"}),
        {
            "config_file.path": f"/{SPARE_CONFIG}",
            "config.verbose": "true",
            "config.max_revisions": "0",
            "config.log_dir": None,
        },
    ),
    "an agent of its own user, a key in root's home": (
        "rhel",
        Fakes(unit={"User": "codedeploy"}),
        Files(owner=990, others={"root/.aws/credentials": hosts.CREDENTIALS_FILE}),
        {"agent.user": "codedeploy", "root_credentials.exists": True},
    ),
    "a wire log": (
        "rhel",
        Fakes(),
        Files(others={f"{hosts.LOGS}/codedeploy-agent.aws_wire.log": "\n".join(hosts.LEAKING_LINES)}),
        {"wire_log.exists": True, "wire_log.size": len("\n".join(hosts.LEAKING_LINES))},
    ),
}


def made(place: Path, name: str) -> Host:
    system, fakes, files, _ = HOSTS[name]
    return build(place, system, fakes=fakes, files=files)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", HOSTS)
def test_says_what_is_there_and_no_secret_and_changes_nothing(
    name: str, shell: tuple[str, ...], place: Path
) -> None:
    host = made(place, name)
    before = hosts.fingerprint(host.root)
    done = host.run(shell, PROBE_INSTANCE="web-01")
    assert (done.returncode, done.stderr) == (0, b"")
    assert hosts.fingerprint(host.root) == before
    assert len(done.stdout) < 24_000
    assert [secret for secret in hosts.SECRETS if secret.encode() in done.stdout] == []
    document = json.loads(done.stdout)
    assert disagreements(document, HOSTS[name][3]) == []
    report = read_report(done.stdout.decode(), instance="web-01", oldest=timedelta(days=36500))
    assert report.host.instance.value == "web-01"
