"""The host probe, run for real: by each shell that is here, on each kind of host."""

import json
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.loaders import Loader

from runbooks.host import HostReport, log_rule, log_rules, probe_script, read_report
from tests.support import hosts
from tests.support.hosts import Fakes, Files, Host, build

SCRIPT = Path(str(resources("runbooks.host") / "probe.sh"))
# The shells that hosts have as sh: dash on Debian, bash on RHEL and Amazon Linux, busybox's on small images.
SHELLS = [
    pytest.param(shell, id=shell[0])
    for shell in (("dash",), ("bash", "--posix"), ("busybox", "sh"))
    if shutil.which(shell[0])
] or [pytest.param(("sh",), id="sh")]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may look into: pytest's own is closed to the user nobody."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        for path in place.rglob("*"):  # an unprivileged run could not clear what it has closed
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


def value(document: dict[str, Any], name: str) -> Any:
    section, _, key = name.partition(".")
    return document[section][key].get("value", document[section][key].get("error"))


NO_AGENT = Files(version=None, config=None, identity=None, credentials=None, log=None, pid=None, processes={})
IDLE = "ruby /usr/bin/other"

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
            "identity.registration": "session",
            "identity.region": "eu-west-1",
            "identity.iam_session_arn": hosts.SESSION_ARN,
            "identity.iam_user_arn": None,
            "identity.fields": ["region", "iam_session_arn", "aws_credentials_file"],
            "identity.missing": [],
            "identity_file.path": f"/{hosts.IDENTITY}",
            "identity_file.mode": "600",
            "credentials_file.path": f"/{hosts.CREDENTIALS}",
            "credentials_file.exists": True,
            "config.verbose": "false",
            "config.proxy_uri": None,
            "log_file.exists": True,
            "endpoint_commands.url": "https://codedeploy-commands.eu-west-1.amazonaws.com",
            "endpoint_commands.via": "direct",
            "endpoint_commands.address": "192.0.2.10",
            "endpoint_commands.status": 404,
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
        Files(version="agent_version: 2.1.0\n", config="log_dir: /var/log/aws/codedeploy-agent\n", pid=None),
        {"host.os_id": "amzn", "agent.version": "2.1.0", "agent.line": "2.x", "agent.running": True},
    ),
    "agent 2.x without systemd, by its process file": (
        "debian",
        Fakes(systemctl=None, manager="dpkg", package="2.0.1-1"),
        Files(
            version="agent_version: 2.0.1\n",
            processes={1412: "/opt/codedeploy-agent/bin/codedeploy-agent start"},
        ),
        {"host.init": "systemd", "agent.line": "2.x", "agent.running": True},
    ),
    "no agent": (
        "rhel",
        Fakes(systemctl="inactive", package=None, pgrep="exit 1"),
        NO_AGENT,
        {
            "agent.installed": False,
            "agent.package_version": None,
            "agent.version_file": None,
            "agent.version": None,
            "agent.line": None,
            "agent.running": False,
            "identity.registration": None,
            "identity.fields": None,
            "identity_file.exists": False,
            "config_file.exists": False,
            "log_file.exists": False,
            "log.lines": None,
            "endpoint_commands.url": "<no Region is known>",
        },
    ),
    "no agent, and nobody to ask for packages": (
        "rhel",
        Fakes(systemctl=None, manager=None),
        NO_AGENT,
        {
            "agent.installed": False,
            "agent.package_version": "<neither dpkg nor rpm>",
            "agent.running": "<neither systemctl>",
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
        Fakes(systemctl="inactive", manager="dpkg", package="removed"),
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
        Fakes(systemctl="inactive", pgrep="exit 1"),
        Files(processes={}),
        {"agent.installed": True, "agent.running": False},
    ),
    "failed, its number taken by another process": (
        "rhel",
        Fakes(systemctl="failed"),
        Files(processes={1412: IDLE}),
        {"agent.running": False},
    ),
    "an init script's unit that is active without a process": (
        "debian",
        Fakes(systemctl="active exited", manager="dpkg", pgrep="exit 1"),
        Files(processes={}),
        {"agent.running": False},
    ),
    "an init script's unit that is active, and a process": (
        "debian",
        Fakes(systemctl="active exited", manager="dpkg"),
        Files(),
        {"agent.running": True},
    ),
    "a proxy without a scheme, its password short": (
        "rhel",
        Fakes(),
        Files(config=":proxy_uri: ab:cd@proxy.example.com:3128\n"),
        {"config.proxy_uri": "[masked]@proxy.example.com:3128", "endpoint_s3.via": "proxy"},
    ),
    "starting again and again": (
        "rhel",
        Fakes(systemctl="activating"),
        Files(),
        {"agent.running": "<systemctl: activating>"},
    ),
    "started by a script that systemd does not know": (
        "rhel",
        Fakes(systemctl="inactive"),
        Files(),
        {"agent.running": True},
    ),
    "no systemd, found by pgrep": (
        "debian",
        Fakes(systemctl=None, manager="dpkg", pgrep="echo 77"),
        Files(pid=None),
        {"agent.running": True},
    ),
    "no systemd, not found by pgrep": (
        "debian",
        Fakes(systemctl=None, manager="dpkg", pgrep="exit 1"),
        Files(pid=None),
        {"agent.running": False},
    ),
    "no systemd, pgrep that fails, no process file": (
        "debian",
        Fakes(systemctl=None, manager="dpkg", pgrep="exit 2"),
        Files(pid=None),
        {"agent.running": "<neither systemctl nor>"},
    ),
    "another identity than the registered one": (
        "rhel",
        Fakes(),
        Files(identity=hosts.SESSION_YML.replace("web-01", "web-99")),
        {"identity.iam_session_arn": hosts.SESSION_ARN.replace("web-01", "web-99")},
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
        Files(identity=None),
        {
            "identity.registration": "<not a regular file>",
            "identity_file.exists": True,
            "identity_file.readable": False,
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
        Files(
            identity=hosts.SESSION_YML.replace(
                "OnPremises/web-01", "OnPremisesProductionRoleOfShop/web.01@example.com"
            )
        ),
        {
            "identity.iam_session_arn": f"arn:aws:sts::{hosts.ACCOUNT}:assumed-role/CodeDeployOnPremisesProductionRoleOfShop/web.01@example.com"
        },
    ),
    "other places for yml, log and process file": (
        "rhel",
        Fakes(systemctl=None, pgrep="exit 1"),
        Files(
            config=":on_premises_config_file: /srv/cd.yml\n:log_dir: /srv/log\n:program_name: cd\n:pid_dir: /srv/run/\n",
            pid=None,
        ),
        {
            "identity.registration": "session",
            "identity_file.path": "/srv/cd.yml",
            "log_file.path": "/srv/log/cd.log",
            "log.lines": ["moved"],
            "agent.running": True,
        },
    ),
    "proxy, secure endpoint, FIPS": (
        "rhel",
        Fakes(),
        Files(
            config=f":proxy_uri: http://deploy:{hosts.PROXY_PASSWORD}@proxy.example.com:3128\n"
            ":enable_auth_policy: true\n:use_fips_mode: true\n:log_aws_wire: true\n"
        ),
        {
            "config.proxy_uri": "http://[masked]@proxy.example.com:3128",
            "config.enable_auth_policy": "true",
            "config.log_aws_wire": "true",
            "endpoint_commands.url": "https://codedeploy-commands-secure-fips.eu-west-1.amazonaws.com",
            "endpoint_commands.via": "proxy",
        },
    ),
    "endpoints of its own": (
        "rhel",
        Fakes(),
        Files(
            config="deploy_control_endpoint: https://vpce-0a1b.codedeploy-commands-secure.eu-west-1.vpce.amazonaws.com\n"
            "s3_endpoint_override: https://s3.example.com:8443/\n",
            identity=None,
        ),
        {
            "endpoint_commands.url": "https://vpce-0a1b.codedeploy-commands-secure.eu-west-1.vpce.amazonaws.com",
            "endpoint_s3.url": "https://s3.example.com:8443/",
            "endpoint_s3.status": 404,
        },
    ),
    "an endpoint that is no URL": (
        "rhel",
        Fakes(),
        Files(config="deploy_control_endpoint: https://$(id)/\ns3_endpoint_override: file:///etc/passwd\n"),
        {"endpoint_commands.url": "<not a plain URL>", "endpoint_s3.status": "<not a plain URL>"},
    ),
    "no name resolution, no connection": (
        "rhel",
        Fakes(getent="exit 2", curl="echo 'curl: (6) Could not resolve host: x' >&2; exit 6"),
        Files(),
        {
            "endpoint_commands.address": None,
            "endpoint_commands.status": "<curl: (6) Could not resolve host>",
            "endpoint_commands.date": "<curl: (6) Could not resolve host>",
        },
    ),
    "name resolution that hangs, curl that dies": (
        "rhel",
        Fakes(getent="exit 124", curl="exit 56"),
        Files(),
        {"endpoint_commands.address": "<getent failed>", "endpoint_commands.status": "<curl failed>"},
    ),
    "no getent, no curl": (
        "rhel",
        Fakes(getent=None, curl=None),
        Files(),
        {
            "endpoint_commands.address": "<getent is not on this host>",
            "endpoint_commands.status": "<curl is not on this host>",
            "network.imds_answers": "<curl is not on this host>",
        },
    ),
    "metadata that answers, an endpoint behind a proxy": (
        "rhel",
        Fakes(
            curl="printf 'HTTP/1.1 200 Connection established\\r\\n\\r\\nHTTP/2 403 \\r\\nDate: Tue, 24 Nov 2020 03:00:00 GMT\\r\\n\\r\\n'"
        ),
        Files(config=":proxy_uri: proxy.example.com:3128\n"),
        {
            "endpoint_commands.status": 403,
            "endpoint_commands.date": "Tue, 24 Nov 2020 03:00:00 GMT",
            "network.imds_answers": True,
        },
    ),
}


def made(place: Path, name: str) -> Host:
    system, fakes, files, _ = HOSTS[name]
    host = build(place, system, fakes=fakes, files=files)
    if name == "yml with a directory in its place":
        (host.root / hosts.IDENTITY).mkdir(parents=True)
    if name == "other places for yml, log and process file":
        hosts.write(host.root, "srv/cd.yml", hosts.SESSION_YML)
        hosts.write(host.root, "srv/log/cd.log", "moved\n")
        hosts.write(host.root, "srv/run/codedeploy-agent.pid", "1412")
    return host


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
    assert len(done.stdout) < 20_000
    for secret in hosts.SECRETS:
        assert secret.encode() not in done.stdout
    document = json.loads(done.stdout)
    for datum, expected in HOSTS[name][3].items():
        said = value(document, datum)
        if isinstance(expected, str) and expected.startswith("<"):
            assert expected[1:-1] in document[datum.partition(".")[0]][datum.partition(".")[2]]["error"]
        else:
            assert (datum, said) == (datum, expected)
    assert (
        read_report(done.stdout.decode(), instance="web-01", oldest=timedelta(days=36500)).host.instance.value
        == "web-01"
    )


YAML = r"""
plain¦'single'¦"double"¦it's¦'it''s'¦"a\"b"¦"a" # b¦a # b¦a#b¦"a#b"¦'a' b¦'open¦"open¦a:b¦a: b¦a:¦a ¦  a
~¦null¦Null¦NULL¦nullable¦[a]¦{a: b}¦&a b¦*a¦!!str a¦!a b¦| a¦|¦> a¦>-¦- a¦-¦-a¦--- a¦? a¦?a¦: a¦%a¦@a¦`a`¦,a¦]a¦}a
1.8¦true¦0x10¦a	b¦a\b¦<a>¦=a¦..¦...¦a, b¦"a": b¦# only a comment¦
"""


@pytest.mark.parametrize("written", YAML.strip("\n").replace("\n", "¦").split("¦"))
def test_a_yaml_value_is_read_as_yaml_or_not_at_all(written: str, place: Path) -> None:
    """Measured against a real parser: a wrong value would be worse than none."""
    text = f"verbose: {written}\n"
    said = build(place, files=Files(config=text)).document(PROBE_NETWORK="0")["config"]["verbose"]
    try:
        meant = yaml.safe_load(text)["verbose"]
        as_written = yaml.load(text, yaml.BaseLoader)["verbose"]
    except yaml.YAMLError:
        assert "more than plain" in said["error"]
        return
    if said.get("error") is None:
        assert said["value"] == (as_written if meant is not None else None)
    else:
        assert not re.fullmatch(r"[\w.:/-]+", written), "this is plain enough to be read"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("closed", "mode", "reason"),
    [
        (hosts.IDENTITY, 0o600, f"this user may not read /{hosts.IDENTITY}"),
        ("etc/codedeploy-agent/conf", 0o700, "this user cannot look into /etc/codedeploy-agent/conf"),
        ("etc/codedeploy-agent/conf", 0o744, "this user cannot look into /etc/codedeploy-agent/conf"),
    ],
)
def test_what_a_user_may_not_see_is_not_called_missing(
    closed: str, mode: int, reason: str, shell: tuple[str, ...], place: Path
) -> None:
    """Root may read everything, so as root the probe is run as nobody; another user closes the file to itself."""
    host = build(place)
    (host.root / closed).chmod(mode if hosts.is_root() else 0)
    document = host.document(shell, as_nobody=hosts.is_root())
    assert document["identity"]["region"] == {"error": reason}
    assert document["endpoint_commands"]["status"]["error"].startswith("no Region is known")
    if closed == hosts.IDENTITY:
        assert document["identity_file"]["exists"] == {"value": True}
        assert document["identity_file"]["readable"] == {"value": False, "by": reason}
    else:
        assert document["identity_file"]["exists"] == {"error": reason}
        assert document["config"]["proxy_uri"] == {"error": reason}


def test_a_link_that_leads_nowhere_is_not_called_missing(place: Path) -> None:
    host = build(place, files=Files(identity=None))
    (host.root / hosts.IDENTITY).symlink_to("/nowhere/at/all")
    document = host.document()
    assert "leads nowhere" in document["identity"]["region"]["error"]
    assert "leads nowhere" in document["identity_file"]["exists"]["error"]


def test_processes_that_cannot_be_seen_are_not_called_stopped(place: Path) -> None:
    host = build(place, fakes=Fakes(systemctl="inactive", pgrep="exit 1"), files=Files(processes={}))
    shutil.rmtree(host.root / "proc")
    assert "cannot see the processes of others" in host.document()["agent"]["running"]["error"]


def expected_line(line: bytes) -> str:
    return line.replace(b"\0", b"").replace(b"\r", b"").replace(b"\t", b" ")[:300].decode("utf-8", "replace")


@pytest.mark.parametrize("shell", SHELLS)
def test_any_bytes_in_the_log_come_out_as_correct_json(shell: tuple[str, ...], place: Path) -> None:
    dice = random.Random(20261124)
    lines = [
        b'"quotes", \\backslashes\\, \\u0041, </script>, {"complete":true}',
        b"\x1b[31mred\x1b[0m \x07bell \x7f del \x01\x02\x1f",
        "Größe 日本語 🎉 \u2028 \ufeff".encode(),
        b"broken \xff\xfe \xc0\xaf \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xf0\x9f\x8e",
        b"tab\there, nul\x00gone, return\rgone",
        *(bytes(dice.choice(range(256)) for _ in range(60)).replace(b"\n", b"") for _ in range(30)),
    ]
    host = build(place, files=Files(log=b"\n".join(lines) + b"\n"))
    assert host.document(shell)["log"]["lines"]["value"] == [expected_line(line) for line in lines]


def test_hostile_words_elsewhere_are_data_too(place: Path) -> None:
    hostile = 'x"y\\z\x1b[31m$(id)`id`{{ssm}}'
    host = build(
        place,
        fakes=Fakes(hostname="printf 'bad\"\\\\\\033[1m\\377host\\nsecond\\tline'"),
        files=Files(version=f"{hostile}\n", config=f"verbose: a{hostile}\n"),
    )
    hosts.write(host.root, "etc/os-release", f"PRETTY_NAME={hostile}\nID=\xff\n".encode("latin-1"))
    document = host.document(PROBE_INSTANCE=f"{hostile}\nnext")
    assert document["host"]["hostname"]["value"] == 'bad"\\\x1b[1m\ufffdhost second line'
    assert document["host"]["instance"]["value"] == f"{hostile} next"
    assert document["host"]["os_id"]["value"] == "\ufffd"
    assert document["agent"]["version_file"]["value"] == hostile
    assert document["config"]["verbose"]["value"] == f"a{hostile}"


@pytest.mark.parametrize(
    "unit", [b"A line of the log that goes on for a while. ", b'\x01"\\\xff', "日本".encode()]
)
def test_the_document_stays_short_and_whole(unit: bytes, place: Path) -> None:
    """5 MB of log, with the newest lines in it, and everything else as long as it can be."""
    line = unit * (400 // len(unit))
    log = (line + b"\n") * (5_000_000 // len(line)) + b"the newest line\n"
    long = '"' * 2000
    host = build(
        place,
        fakes=Fakes(hostname=f"printf '%s' '{long}'"),
        files=Files(
            log=log,
            version=long,
            config=f"log_dir: /var/log/aws/codedeploy-agent\nverbose: x{long}\nproxy_uri: h{long}\n",
        ),
    )
    done = host.run(PROBE_INSTANCE=long)
    document = json.loads(done.stdout)
    assert len(done.stdout) < 20_000
    assert list(document)[-1] == "complete"
    lines = document["log"]["lines"]["value"]
    assert lines[-1] == "the newest line"
    assert len(lines) > 5
    assert set(lines[:-1]) == {line[:300].decode("utf-8", "replace")}
    assert document["host"]["instance"]["value"].endswith("\u2026")


def test_one_endless_line_is_not_shown_from_its_middle(place: Path) -> None:
    secret_ends = b"aws_secret_access_key = " + b"x" * 70_000 + hosts.SHORT_PASSWORD.encode() + b"\n"
    host = build(place, files=Files(log=b"x" * 5_000_000 + secret_ends))
    done = host.run()
    assert json.loads(done.stdout)["log"]["lines"]["value"] == []
    assert hosts.SHORT_PASSWORD.encode() not in done.stdout


def test_every_known_log_line_is_still_known_after_masking(place: Path) -> None:
    for start in range(0, len(log_rules()), 20):
        rules = log_rules()[start : start + 20]
        host = build(place / str(start), files=Files(log="".join(f"{rule.sample}\n" for rule in rules)))
        lines = host.document()["log"]["lines"]["value"]
        assert [log_rule(line) for line in lines] == list(rules)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("secret", ["s3cr3t-but-of-no-form", "ünïcode-s3cret", "a[b]*c.d\\e"])
def test_the_yml_s_own_secrets_are_masked_wherever_they_stand(
    secret: str, shell: tuple[str, ...], place: Path
) -> None:
    """By their very text, for those that have no form to be known by."""
    yml = hosts.USER_YML.replace(hosts.SECRET_KEY, secret)
    log = f"it is {secret}, {secret}!\n{'- ' * 148}{secret}\n"  # the second is cut in the midst of it
    host = build(place, files=Files(identity=yml, log=log, version=f"1.8.1 {secret}\n"))
    document = host.document(shell)
    assert document["log"]["lines"]["value"] == ["it is [masked], [masked]!", "- " * 148 + "[mas"]
    assert document["agent"]["version_file"]["value"] == "1.8.1 [masked]"


@pytest.mark.parametrize("secret", ["string", "identity", "missing", "masked", '"value"', "179549"])
def test_a_secret_that_is_a_word_of_the_document_does_not_break_it(secret: str, place: Path) -> None:
    host = build(place, files=Files(identity=hosts.USER_YML.replace(hosts.SECRET_KEY, secret)))
    assert host.document()["identity"]["registration"] == {"value": "user"}


def test_the_proxy_s_password_is_on_no_command_line(place: Path) -> None:
    host = made(place, "proxy, secure endpoint, FIPS")
    host.document(https_proxy="http://other.example.com", HTTPS_PROXY="http://other.example.com")
    endpoints, metadata = host.calls.read_text().splitlines()[:2], host.calls.read_text().splitlines()[2]
    for call in endpoints:
        arguments, proxy = call.rsplit("proxy=", 1)
        assert proxy == f"http://deploy:{hosts.PROXY_PASSWORD}@proxy.example.com:3128"
        assert hosts.PROXY_PASSWORD not in arguments
        assert arguments.startswith("-q ")
    assert metadata.startswith("-q --noproxy *")


def test_without_a_proxy_the_shell_s_is_not_used(place: Path) -> None:
    host = build(place)
    document = host.document(https_proxy="http://other.example.com")
    assert document["endpoint_commands"]["via"] == {"value": "direct"}
    assert all(call.startswith("-q --noproxy *") for call in host.calls.read_text().splitlines())


def test_the_network_can_be_left_out(place: Path) -> None:
    host = build(place)
    document = host.document(PROBE_NETWORK="0")
    assert not host.calls.exists()
    assert document["endpoint_commands"]["url"]["value"].startswith("https://codedeploy-commands.")
    for section, name in (
        ("endpoint_commands", "status"),
        ("endpoint_s3", "address"),
        ("network", "imds_answers"),
    ):
        assert document[section][name] == {"error": "not asked: PROBE_NETWORK=0"}


def partitions() -> list[Any]:
    loaded = Loader().load_data("endpoints")["partitions"]
    return [
        pytest.param(region, p["dnsSuffix"], id=region) for p in loaded for region in list(p["regions"])[:1]
    ]


@pytest.mark.parametrize(("region", "suffix"), partitions())
def test_each_partition_has_its_domain(region: str, suffix: str, place: Path) -> None:
    host = build(place, files=Files(identity=hosts.SESSION_YML.replace(hosts.REGION, region)))
    document = host.document(PROBE_NETWORK="0")
    assert document["endpoint_commands"]["url"]["value"] == f"https://codedeploy-commands.{region}.{suffix}"
    assert document["endpoint_s3"]["url"]["value"] == f"https://aws-codedeploy-{region}.s3.{region}.{suffix}"


def test_nothing_below_the_root_is_executed(place: Path) -> None:
    host = build(place, fakes=Fakes(systemctl=None, manager=None))
    for name in ("systemctl", "rpm", "codedeploy-agent"):
        for folder in ("bin", "usr/bin", "opt/codedeploy-agent/bin"):
            (host.root / folder).mkdir(parents=True, exist_ok=True)
            hosts.command(host.root / folder, name, f"touch {place}/executed")
    document = host.document()
    assert not (place / "executed").exists()
    assert "neither dpkg nor rpm" in document["agent"]["package_version"]["error"]


@pytest.mark.parametrize("tool", ["awk", "od", "sed"])
def test_a_host_without_a_basic_tool_says_so(tool: str, place: Path) -> None:
    host = build(place)
    (host.path / tool).unlink()
    done = host.run()
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"schema": 1, "failed": f"{tool} is not on this host", "complete": True}


def test_a_host_without_stat_and_timeout_still_answers(place: Path) -> None:
    host = build(place)
    (host.path / "stat").unlink()
    (host.path / "timeout").unlink()
    document = host.document()
    assert document["log_file"]["size"] == {"error": "stat failed"}
    assert document["log_file"]["readable"] == {"value": True}
    assert document["endpoint_commands"]["address"] == {"value": "192.0.2.10"}


@pytest.mark.parametrize("how", ["file", "text", "named"])
def test_it_runs_in_each_way_that_it_is_handed_over(how: str, place: Path) -> None:
    """As a file, as the text of a command, and with the instance's name written into it."""
    host = build(place)
    odd = 'it\'s "web" $(id)'
    (place / "probe.sh").write_text(probe_script(odd if how == "named" else None))
    argument = ["-c", probe_script()] if how == "text" else [str(place / "probe.sh")]
    done = subprocess.run(
        [str(shutil.which("sh")), *argument],
        env={"PATH": str(host.path), "PROBE_ROOT": str(host.root)},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["host"]["instance"]["value"] == (odd if how == "named" else None)


def test_it_does_not_take_itself_for_the_agent() -> None:
    """pgrep -f sees whole command lines, and the probe's own may hold the probe."""
    (pattern,) = re.findall(r"^PROCESS='(.*)'", probe_script(), re.MULTILINE)
    agents = [
        "codedeploy-agent: master 1412",
        "codedeploy-agent: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller of master 1412",
        "/opt/codedeploy-agent/bin/codedeploy-agent start",
        "/opt/codedeploy-agent/bin/codedeploy-agent worker",
        "/usr/bin/ruby3.2 /opt/codedeploy-agent/bin/codedeploy-agent start",
    ]
    others = [
        f"sh -c {probe_script()}".replace("\n", " "),
        "vi /etc/codedeploy-agent/conf/codedeployagent.yml",
        "tail -f /var/log/aws/codedeploy-agent/codedeploy-agent.log",
        "/bin/sh /var/lib/amazon/ssm/codedeploy-agent-probe.sh",
        "systemctl status codedeploy-agent",
    ]
    found = subprocess.run(
        ["grep", "-E", pattern], input="\n".join(agents + others), text=True, capture_output=True, check=True
    )
    assert found.stdout.splitlines() == agents


def test_systems_manager_can_carry_it() -> None:
    """Double braces are Systems Manager's own in a command, and it hands out 24,000 characters of output."""
    assert "{{" not in probe_script()
    members = Loader().load_service_model("ssm", "service-2")["shapes"]
    assert members["StandardOutputContent"]["max"] == 24_000


def test_its_head_tells_all_that_it_reports(place: Path) -> None:
    document = build(place).document()
    head = probe_script().partition("set -u")[0]
    (settings,) = re.findall(r"SETTINGS='([^']*)'", probe_script())
    sections = {name for name in HostReport.__dataclass_fields__ if name != "collected_at"}
    assert set(document) == sections | {"schema", "collected_at", "complete"}
    assert set(document["config"]) == set(settings.split())
    for section in sections:
        assert re.search(rf"\b{section}\b", head), f"the head does not name {section}"
        for name in document[section] if section != "config" else ():
            assert re.search(rf"\b{name}\b", head), f"the head does not name {section}.{name}"


def test_it_is_clean_under_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent)
    assert shellcheck, "shellcheck is not here: `make setup` installs it"
    done = subprocess.run(
        [shellcheck, "--shell=sh", str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert probe_script().startswith("#!/bin/sh\n")
    assert stat.S_ISREG(SCRIPT.stat().st_mode)
