"""The checks on the agent and the host: hosts that the real probe looks at, and what each check says of them."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.stub import Stubber
from codedeploy_sandbox.hosts.host import POLLS_2, required

from runbooks.aws.session import Aws
from runbooks.checks import _host, all_checks
from runbooks.engine import run
from runbooks.facts.host_report import managed_node
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Command, CouldNotCheck, Finding, Verdict
from runbooks.host import Datum, HostReport, read_report, symptoms
from runbooks.host.probe import probe_document
from runbooks.question import Question
from tests.support import DOCS, hosts
from tests.support.hosts import (
    DEFAULT_CONFIG,
    SESSION_ARN,
    SESSION_YML,
    USER_ARN,
    USER_YML,
    Fakes,
    Files,
    build,
)
from tests.support.world import session, world

CHECKS = {check.id: check for check in all_checks() if check.category in ("agent", "host", "readiness")}
# Judged from the host's report; the one that is left asks Systems Manager.
OF_THE_HOST = {id_: check for id_, check in CHECKS.items() if id_ != "host-is-managed-and-online"}

SAMPLES = {symptom.id: next(iter(symptom.samples.values()))[0] for symptom in reversed(symptoms())}
# The same symptom, in other words, in a log of 2.x.
NOT_FOUND = "2026-11-26 08:42:04 ERROR Error polling for host commands: Failed to load file credentials: Credentials file not found: /x"
WELL = "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1\n"
HEALTHY = Files(log=WELL)
SECOND = replace(
    HEALTHY,
    version="agent_version: 2.1.0\n",
    log=SAMPLES["poll-loop-starts"] + "\n",
    processes=POLLS_2,
)
SECOND_FAKES = Fakes(package="2.1.0-1")
ANSWER = "printf 'HTTP/1.1 404 Not Found\\r\\ndate: %s\\r\\n\\r\\n' \"$(date -u -d '{}' '+%a, %d %b %Y %H:%M:%S GMT')\""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """The healthy sandbox, in which web-01 and web-02 are registered by session and batch-01 by user."""
    with world("healthy") as (_, sandbox):
        aws = session(sandbox)
        aws.now = lambda: datetime.now(UTC)  # the hosts live today
        yield aws


def curl(answer: str) -> str:
    """A curl whose endpoints answer so; no metadata service answers it."""
    return f"case $url in http://169.254.*) {hosts.NO_ANSWER} ;; *) {answer} ;; esac"


def metadata(region: str) -> str:
    """A curl that a metadata service answers with this Region, once it shows a token."""
    document = f'{hosts.status(200)}; case $url in */document) echo \'{{"region" : "{region}"}}\' ;; esac'
    return hosts.curl(hosts.ANSWERS, required("AQAEAGvB", document))


def failing(code: int, says: str) -> str:
    return f"echo 'curl: ({code}) {says}' >&2; exit {code}"


def yml_is_a_directory(root: Path) -> None:
    (root / hosts.IDENTITY).mkdir()


def credentials_are_a_directory(root: Path) -> None:
    (root / hosts.CREDENTIALS).mkdir()


def credentials_of_root(root: Path) -> None:
    hosts.write(root, "root/.aws/credentials", hosts.CREDENTIALS_FILE)
    (root / "root/.aws/credentials").chmod(0o600)


def aged(path: str, age: timedelta) -> Callable[[Path], None]:
    """A file that was written last so long ago."""

    def set_time(root: Path) -> None:
        then = time.time() - age.total_seconds()
        os.utime(root / path, (then, then))

    return set_time


def mode(path: str, mode: int) -> Callable[[Path], None]:
    return lambda root: (root / path).chmod(mode)


def without_systemd(root: Path) -> None:
    (root / "proc/1/comm").write_text("init\n")


@dataclass(frozen=True)
class Case:
    """A host, and the checks that do not answer OK there, with a piece of what they say."""

    fakes: Fakes = field(default_factory=Fakes)
    files: Files = field(default_factory=lambda: HEALTHY)
    not_ok: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    system: str = "rhel"
    instance: str = "web-01"
    then: Callable[[Path], None] = lambda root: None
    fixes: dict[str, str] = field(default_factory=dict)


NO_AGENT = (SKIP, "No agent is installed")
# What can no longer be asked where the agent has no yml that it can read.
NO_YML = {
    "agent-identity-is-registered-under-this-name": (SKIP, "no sound identity"),
    "agent-takes-its-region-from-its-yml": (SKIP, "yml"),
    "host-reaches-codedeploy": (SKIP, "no endpoint to reach"),
    "host-credentials-file-is-in-place": (SKIP, "yml"),
    "host-keeps-its-keys-private": (SKIP, "yml"),
    "host-clock-is-right": (UNKNOWN, "no endpoint told"),
}
NOT_OF_USERS = {"host-credentials-file-is-in-place": (SKIP, "does not name a session")}
NOT_OF_2 = {"agent-takes-its-region-from-its-yml": (SKIP, "of the line 2.x")}
OTHER_ARN = SESSION_ARN.replace("web-01", "web-09")

CASES = {
    "healthy": Case(),
    "healthy, Debian": Case(Fakes(manager="dpkg"), system="debian"),
    "healthy, 2.x": Case(SECOND_FAKES, SECOND, NOT_OF_2),
    "healthy, by user": Case(
        files=replace(HEALTHY, identity=USER_YML.replace("web-01", "batch-01")),
        instance="batch-01",
        not_ok=NOT_OF_USERS,
    ),
    "no agent": Case(
        Fakes(systemctl="inactive dead", package=None),
        Files(None, None, None, None, None, None, {}),
        {
            "agent-is-installed": (FAIL, "No agent is installed on web-01 (rpm; no /opt/codedeploy-agent"),
            **{
                id_: NO_AGENT
                for id_ in CHECKS
                if id_.startswith(("agent-", "host-has-")) and id_ != "agent-is-installed"
            },
            "host-credentials-file-is-in-place": NO_AGENT,
            "host-reaches-codedeploy": (SKIP, "No agent is installed on the host. So there is no endpoint"),
            "host-keeps-its-keys-private": (SKIP, "There is no /etc"),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
        },
        system="amazon",
        fixes={
            "agent-is-installed": "sudo yum install -y ruby && curl -fsSO"
            " https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com/latest/install"
            " && chmod +x install && sudo env AWS_REGION=eu-west-1 ./install auto"
        },
    ),
    "stopped": Case(
        Fakes(systemctl="inactive dead"),
        replace(HEALTHY, processes={}),
        {"agent-is-running": (FAIL, "does not run on web-01 (systemctl: inactive (dead); process 1412")},
        fixes={"agent-is-running": "sudo systemctl restart codedeploy-agent"},
    ),
    "stopped, no systemd": Case(
        Fakes(systemctl=None),
        then=without_systemd,
        files=replace(HEALTHY, processes={}),
        not_ok={"agent-is-running": (FAIL, "does not run")},
        fixes={"agent-is-running": "sudo service codedeploy-agent restart"},
    ),
    "never started": Case(
        Fakes(systemctl="inactive dead"),
        replace(HEALTHY, processes={}, log=None),
        {
            "agent-is-running": (FAIL, "does not run"),
            "agent-log-is-clean": (SKIP, "no agent runs that would"),
        },
    ),
    "too old": Case(
        Fakes(package="1.7.1-95", manager="dpkg"),
        replace(HEALTHY, version="OFFICIAL_1.7.1-95_deb\n"),
        {"agent-version-is-supported": (FAIL, "On web-01, agent 1.7.1 is older than 1.8.0")},
        system="debian",
        fixes={"agent-version-is-supported": "sudo apt-get install -y ruby-full && curl -fsSO https://"},
    ),
    "one that AWS calls deprecated, and that takes no Region from a metadata service": Case(
        Fakes(package="1.3.0-1", curl=metadata("us-east-1")),
        replace(HEALTHY, version="OFFICIAL_1.3.0-1_rpm\n"),
        not_ok={
            "agent-version-is-supported": (FAIL, "AWS calls this one deprecated"),
            "agent-takes-its-region-from-its-yml": (SKIP, "1.3.0-1 on web-01 is older than 1.3.1"),
        },
    ),
    "not the newest 2.x": Case(
        SECOND_FAKES,
        replace(SECOND, version="agent_version: 2.0.1\n"),
        {**NOT_OF_2, "agent-version-is-supported": (WARN, "not of the newest minor of its line, 2.1.0")},
        fixes={
            "agent-version-is-supported": "curl -fsSO https://aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com/latestv2/"
        },
    ),
    "newer than the table": Case(
        SECOND_FAKES,
        replace(SECOND, version="agent_version: 2.9.0\n"),
        NOT_OF_2 | {"agent-version-is-supported": (WARN, "agent 2.9.0 is newer than the table")},
    ),
    "no version": Case(
        Fakes(package=None, manager=None),
        replace(HEALTHY, version=None),
        {
            "agent-is-installed": (UNKNOWN, "/opt/codedeploy-agent has no version"),
            "agent-version-is-supported": (UNKNOWN, "the version of the agent on web-01 is not known"),
            "agent-takes-its-region-from-its-yml": (UNKNOWN, "the line of the agent"),
            "host-has-the-tools": (UNKNOWN, "the line of the agent"),
        },
    ),
    "another ARN, that is free": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace(SESSION_ARN, OTHER_ARN)),
        not_ok={
            "agent-identity-is-the-registered-one": (
                FAIL,
                f"The agent on web-01 is {OTHER_ARN}, but web-01 is registered as {SESSION_ARN}.",
            )
        },
    ),
    "the ARN of web-02": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace("web-01", "web-02")),
        not_ok={
            "agent-identity-is-the-registered-one": (FAIL, "but web-01 is registered as"),
            "agent-identity-is-registered-under-this-name": (FAIL, "has the ARN of web-02, "),
        },
        fixes={"agent-identity-is-registered-under-this-name": "sudo sed -E -i 's|"},
    ),
    "a user's ARN": Case(
        files=replace(HEALTHY, identity=USER_YML),
        not_ok=NOT_OF_USERS
        | {"agent-identity-is-the-registered-one": (FAIL, f"The agent on web-01 is {USER_ARN}, but")},
        fixes={"agent-identity-is-the-registered-one": ""},
    ),
    "a name that is not registered": Case(
        instance="web-07",
        not_ok={
            "agent-identity-is-the-registered-one": (SKIP, "web-07 is not registered in eu-west-1"),
            "agent-identity-is-registered-under-this-name": (
                FAIL,
                "The agent on web-07 has the ARN of web-01",
            ),
        },
        fixes={"agent-identity-is-registered-under-this-name": "Give this host an identity of its own"},
    ),
    "another Region": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace("eu-west-1", "us-east-1")),
        not_ok={
            "agent-identity-is-the-registered-one": (
                FAIL,
                "sends its agent to us-east-1, but web-01 is registered in eu-west-1",
            )
        },
    ),
    "both ARNs": Case(
        files=replace(HEALTHY, identity=f"{SESSION_YML}iam_user_arn: {USER_ARN}\n"),
        not_ok={
            "agent-identity-is-the-registered-one": (
                FAIL,
                "has iam_user_arn and iam_session_arn, and the agent refuses",
            ),
            "agent-identity-is-registered-under-this-name": (SKIP, "no sound identity"),
            "host-credentials-file-is-in-place": (SKIP, "does not name a session"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "no ARN": Case(
        files=replace(HEALTHY, identity="---\nregion: eu-west-1\n"),
        not_ok={
            "agent-identity-is-the-registered-one": (FAIL, "has neither iam_user_arn nor iam_session_arn"),
            "agent-identity-is-registered-under-this-name": (SKIP, "no sound identity"),
            "host-credentials-file-is-in-place": (SKIP, "does not name a session"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "a missing field": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace("aws_credentials_file", "credentials")),
        not_ok={
            "agent-identity-is-the-registered-one": (
                FAIL,
                "codedeploy.onpremises.yml lacks aws_credentials_file.",
            ),
            "agent-identity-is-registered-under-this-name": (SKIP, "no sound identity"),
            "host-credentials-file-is-in-place": (SKIP, "names no credentials file"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "an ARN that is none": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace(SESSION_ARN, "web-01")),
        not_ok={
            "agent-identity-is-the-registered-one": (FAIL, "iam_session_arn in /etc/codedeploy-agent/conf/"),
            "agent-identity-is-registered-under-this-name": (SKIP, "no sound identity"),
        },
    ),
    "no yml": Case(
        files=replace(HEALTHY, identity=None),
        not_ok=NO_YML
        | {
            "agent-identity-is-the-registered-one": (
                FAIL,
                "There is no /etc/codedeploy-agent/conf/codedeploy.onpremises.yml",
            )
        },
    ),
    "no yml, and an agent that sends no token where one is required": Case(
        Fakes(package="1.1.2-1", curl=metadata("eu-west-1")),
        replace(HEALTHY, identity=None, version="OFFICIAL_1.1.2-1_rpm\n"),
        # the probe sends a token, so it knows the Region and its endpoint
        not_ok={
            check: said
            for check, said in NO_YML.items()
            if check not in ("host-reaches-codedeploy", "host-clock-is-right")
        }
        | {
            "agent-version-is-supported": (FAIL, "1.1.2"),
            "agent-identity-is-the-registered-one": (FAIL, "required (IMDSv2), and agent 1.1.2-1 sends none"),
        },
    ),
    "a yml that is a directory": Case(
        files=replace(HEALTHY, identity=None),
        then=yml_is_a_directory,
        not_ok=NO_YML
        | {
            "agent-identity-is-the-registered-one": (
                FAIL,
                "cannot read its yml: /etc/codedeploy-agent/conf/codedeploy.onpremises.yml is a directory",
            )
        },
    ),
    "a yml that the probe does not read": Case(
        files=replace(HEALTHY, identity="--- {region: eu-west-1}\n"),
        not_ok={
            id_: (UNKNOWN, "more than plain key: value lines, so read it by hand")
            for id_ in [*NO_YML, "agent-identity-is-the-registered-one"]
            if id_ != "host-clock-is-right"
        }
        | {"host-clock-is-right": (UNKNOWN, "no endpoint told")},
    ),
    "no configuration": Case(
        files=replace(HEALTHY, config=None),
        not_ok={
            "agent-settings-are-sound": (FAIL, "There is no /etc/codedeploy-agent/conf/codedeployagent.yml")
        },
    ),
    "no configuration, 2.x": Case(
        SECOND_FAKES,
        replace(SECOND, config=None),
        {**NOT_OF_2, "agent-settings-are-sound": (WARN, "There is no /etc")},
    ),
    "secrets in the log, FIPS in Ireland": Case(
        files=replace(
            HEALTHY, config=DEFAULT_CONFIG.replace("wire: false", "wire: true") + ":use_fips_mode: true\n"
        ),
        not_ok={"agent-settings-are-sound": (FAIL, "use_fips_mode is on for web-01 in eu-west-1")},
    ),
    "FIPS in the United States": Case(
        files=replace(
            HEALTHY,
            config=f"{DEFAULT_CONFIG}:use_fips_mode: true\n",
            identity=SESSION_YML.replace("eu-west-1", "us-east-1"),
        ),
        not_ok={"agent-identity-is-the-registered-one": (FAIL, "sends its agent to us-east-1")},
    ),
    "the wire log": Case(
        files=replace(HEALTHY, config=DEFAULT_CONFIG.replace("wire: false", "wire: true")),
        not_ok={"agent-settings-are-sound": (WARN, "log_aws_wire is on for web-01")},
    ),
    "a metadata service": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS, hosts.status(200))),
        not_ok={"agent-takes-its-region-from-its-yml": (WARN, "answers web-01 at 169.254.169.254")},
        fixes={
            "agent-takes-its-region-from-its-yml": "echo ':deploy_control_endpoint:"
            " https://codedeploy-commands.eu-west-1.amazonaws.com' | sudo tee -a /etc/codedeploy-agent/conf/codedeployagent.yml"
        },
    ),
    "a metadata service that requires a token and names the yml's Region": Case(
        Fakes(curl=metadata("eu-west-1"))
    ),
    "a metadata service that requires a token and names another Region": Case(
        Fakes(curl=metadata("us-east-1")),
        not_ok={"agent-takes-its-region-from-its-yml": (FAIL, "us-east-1, though its yml names eu-west-1")},
    ),
    "a metadata service that asks for a token and gives none": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS, hosts.status(401)))
    ),
    "the first agent that takes its Region from a metadata service": Case(
        Fakes(package="1.3.1-1", curl=metadata("us-east-1")),
        replace(HEALTHY, version="OFFICIAL_1.3.1-1_rpm\n"),
        not_ok={
            "agent-version-is-supported": (FAIL, "1.3.1"),
            "agent-takes-its-region-from-its-yml": (FAIL, "us-east-1, though its yml names eu-west-1"),
        },
    ),
    "a metadata address that answers 404 to all": Case(
        Fakes(curl=hosts.curl(hosts.ANSWERS, hosts.status(404))),
    ),
    "a curl that cannot say whether there is a metadata service": Case(
        Fakes(curl=f"case $url in http:*) {failing(48, 'a broken library')} ;; *) {hosts.ANSWERS} ;; esac"),
        not_ok={"agent-takes-its-region-from-its-yml": (UNKNOWN, "curl: (48) a broken library")},
    ),
    "a metadata service, and an endpoint": Case(
        Fakes(curl=hosts.ANSWERS),
        replace(
            HEALTHY, config=f"{DEFAULT_CONFIG}:deploy_control_endpoint: https://codedeploy.example.com\n"
        ),
    ),
    "access denied": Case(
        files=replace(HEALTHY, log=WELL + SAMPLES["access-denied"] + "\n"),
        not_ok={"agent-log-is-clean": (FAIL, "Not the network: CodeDeploy answered and refused.")},
    ),
    "denied once, answered since": Case(
        files=replace(HEALTHY, log=SAMPLES["access-denied"] + "\n" + SAMPLES["polled"] + "\n")
    ),
    "two problems": Case(
        files=replace(HEALTHY, log=SAMPLES["network-fault"] + "\n" + SAMPLES["token-expired"] + "\n"),
        not_ok={"agent-log-is-clean": (FAIL, "ExpiredTokenException")},
    ),
    "a note": Case(files=replace(HEALTHY, log=SAMPLES["imds-v1"] + "\n")),
    "quiet for hours": Case(
        then=aged(hosts.LOG, timedelta(hours=3)),
        not_ok={"agent-log-is-clean": (WARN, "has logged nothing for 180 minutes")},
        fixes={"agent-log-is-clean": "sudo systemctl restart codedeploy-agent"},
    ),
    "quiet for hours, 2.x": Case(SECOND_FAKES, SECOND, NOT_OF_2, then=aged(hosts.LOG, timedelta(hours=3))),
    "denied hours ago, 2.x": Case(
        SECOND_FAKES,
        replace(SECOND, log=NOT_FOUND + "\n"),
        {**NOT_OF_2, "agent-log-is-clean": (WARN, "It has not been logged again since")},
        then=aged(hosts.LOG, timedelta(hours=3)),
    ),
    "a mismatch hours ago, 2.x": Case(
        SECOND_FAKES,
        replace(SECOND, log=SAMPLES["identifier-mismatch"] + "\n"),
        {**NOT_OF_2, "agent-log-is-clean": (FAIL, "Host Identifier mismatch")},
        then=aged(hosts.LOG, timedelta(hours=3)),
    ),
    "denied now, 2.x": Case(
        SECOND_FAKES,
        replace(SECOND, log=NOT_FOUND + "\n"),
        {**NOT_OF_2, "agent-log-is-clean": (FAIL, "Credentials file not found")},
    ),
    "an empty log": Case(
        files=replace(HEALTHY, log=""), not_ok={"agent-log-is-clean": (UNKNOWN, "is empty")}
    ),
    "no log": Case(
        files=replace(HEALTHY, log=None),
        not_ok={
            "agent-log-is-clean": (
                UNKNOWN,
                "what /var/log/aws/codedeploy-agent/codedeploy-agent.log says is not known",
            )
        },
    ),
    "no HTTPS": Case(
        Fakes(curl=curl(failing(28, "Connection timed out after 5001 milliseconds"))),
        not_ok={
            "host-reaches-codedeploy": (
                FAIL,
                "web-01 does not reach https://codedeploy-commands.eu-west-1.amazonaws.com directly (curl: (28)",
            ),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
        },
    ),
    "no name": Case(
        Fakes(getent="exit 2", curl=curl(failing(6, "Could not resolve host"))),
        not_ok={
            "host-reaches-codedeploy": (
                FAIL,
                "On web-01 the name of https://codedeploy-commands.eu-west-1.amazonaws.com does not resolve",
            ),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
        },
    ),
    "no S3": Case(
        Fakes(
            curl=f"case $url in *.s3.*|http:*) {failing(7, 'Connection refused')} ;; *) {hosts.ANSWERS} ;; esac"
        ),
        not_ok={"host-reaches-codedeploy": (WARN, "s3.eu-west-1.amazonaws.com directly (curl: (7)")},
    ),
    "a proxy that resolves": Case(
        Fakes(getent="exit 2"),
        replace(HEALTHY, config=f"{DEFAULT_CONFIG}:proxy_uri: http://proxy.example.com:3128\n"),
    ),
    "a proxy that refuses": Case(
        Fakes(getent="exit 2", curl=curl(failing(56, "CONNECT tunnel failed, response 407"))),
        replace(HEALTHY, config=f"{DEFAULT_CONFIG}:proxy_uri: http://proxy.example.com:3128\n"),
        {
            "host-reaches-codedeploy": (FAIL, "by the agent's proxy (curl: (56) CONNECT tunnel failed"),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
        },
    ),
    "an endpoint that fails": Case(
        Fakes(curl=curl(hosts.ANSWERS.replace("404 Not Found", "503 Unavailable"))),
        not_ok={"host-reaches-codedeploy": (WARN, "with HTTP 503")},
    ),
    "no curl": Case(
        Fakes(curl=None),
        not_ok={
            "host-reaches-codedeploy": (UNKNOWN, "curl is not on this host"),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
            "agent-takes-its-region-from-its-yml": (UNKNOWN, "curl is not on this host"),
        },
    ),
    "curl is broken": Case(
        Fakes(curl=curl(failing(77, "error setting certificate verify locations"))),
        not_ok={
            "host-reaches-codedeploy": (UNKNOWN, "curl: (77)"),
            "host-clock-is-right": (UNKNOWN, "no endpoint told"),
        },
    ),
    "ten minutes ahead": Case(
        Fakes(curl=curl(ANSWER.format("10 minutes ago"))),
        not_ok={"host-clock-is-right": (FAIL, "10 min ahead, by the endpoint")},
        fixes={"host-clock-is-right": "sudo timedatectl set-ntp true"},
    ),
    "two minutes behind": Case(
        Fakes(curl=curl(ANSWER.format("2 minutes"))),
        not_ok={"host-clock-is-right": (WARN, "min behind, by the endpoint")},
    ),
    "no credentials": Case(
        files=replace(HEALTHY, credentials=None),
        not_ok={
            "host-credentials-file-is-in-place": (FAIL, "There is no /etc/codedeploy-agent/creds on web-01"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "empty credentials": Case(
        files=replace(HEALTHY, credentials=""),
        not_ok={"host-credentials-file-is-in-place": (FAIL, "creds on web-01 is empty")},
    ),
    "credentials in a directory": Case(
        files=replace(HEALTHY, credentials=None),
        then=credentials_are_a_directory,
        not_ok={
            "host-credentials-file-is-in-place": (FAIL, "is a directory"),
            "host-keeps-its-keys-private": (WARN, "its mode is 7"),
        },
    ),
    "credentials of yesterday": Case(
        then=aged(hosts.CREDENTIALS, timedelta(hours=25)),
        not_ok={"host-credentials-file-is-in-place": (WARN, "was written 25 h ago")},
    ),
    "root's credentials, 1.x": Case(
        files=replace(
            HEALTHY, identity=SESSION_YML.replace(f"/{hosts.CREDENTIALS}", "/root/.aws/credentials")
        ),
        then=credentials_of_root,
        not_ok={"host-credentials-file-is-in-place": (WARN, "/root/.aws/credentials, which agent 1.x")},
    ),
    "keys for the group": Case(
        then=mode(hosts.CREDENTIALS, 0o640),
        not_ok={
            "host-keeps-its-keys-private": (WARN, "creds on web-01 holds a secret key, and its mode is 640")
        },
    ),
    "keys for everybody": Case(
        files=replace(HEALTHY, identity=USER_YML.replace("web-01", "batch-01")),
        instance="batch-01",
        then=mode(hosts.IDENTITY, 0o644),
        not_ok=NOT_OF_USERS | {"host-keeps-its-keys-private": (WARN, "its mode is 644")},
        fixes={
            "host-keeps-its-keys-private": "sudo chmod 600 /etc/codedeploy-agent/conf/codedeploy.onpremises.yml"
        },
    ),
}


def look(case: Case, place: Path) -> HostReport:
    """What the real probe sees of a case's host."""
    host = build(place, case.system, fakes=case.fakes, files=case.files)
    case.then(host.root)
    return read_report(host.run().stdout.decode())


def ask(aws: Aws, report: HostReport | None, instance: str = "web-01") -> dict[str, list[Finding]]:
    """What each check says of a host, as in one diagnosis."""
    question, remembering = Question(instance=instance, host_report=report), aws.remembering()
    return {id_: run(check.function, remembering, question) for id_, check in OF_THE_HOST.items()}


def worst(findings: list[Finding]) -> Finding:
    return max(findings, key=lambda finding: finding.verdict)


def test_an_agent_that_sends_a_token_is_not_said_to_send_none(aws: Aws, tmp_path: Path) -> None:
    """1.2.1 is the first that does."""
    case = Case(
        Fakes(package="1.2.1-1", curl=metadata("eu-west-1")),
        replace(HEALTHY, identity=None, version="OFFICIAL_1.2.1-1_rpm\n"),
    )
    said = worst(ask(aws, look(case, tmp_path))["agent-identity-is-the-registered-one"]).says
    assert "asks instance metadata" in said
    assert "token" not in said


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    case = CASES[name]
    found = {id_: worst(said) for id_, said in ask(aws, look(case, tmp_path), case.instance).items()}
    expected = {id_: case.not_ok.get(id_, (OK, ""))[0] for id_ in OF_THE_HOST}
    assert {id_: (f.verdict, f.says) for id_, f in found.items() if f.verdict is not expected[id_]} == {}
    for id_, (_, says) in case.not_ok.items():
        assert says in found[id_].says
    for id_, fix in case.fixes.items():
        assert found[id_].fix.startswith(fix)
        assert bool(found[id_].fix) == bool(fix)
    for finding in found.values():
        assert "\n" not in finding.says
        assert "None" not in finding.says
        assert_leads_somewhere(finding)


def assert_leads_somewhere(finding: Finding) -> None:
    """What is open next is a check, or an anchor of a page; the fix is a command that a shell can read."""
    if finding.next.startswith("/"):
        page, _, anchor = finding.next.strip("/").partition("/#")
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        assert not anchor or f"{{ #{anchor} }}" in text, finding.next
    elif finding.next:
        assert finding.next in CHECKS
    if isinstance(finding.fix, Command):
        assert subprocess.run(["sh", "-n", "-c", finding.fix], check=False).returncode == 0
        assert "NONE" not in finding.fix.upper()


def test_every_problem_in_the_log_is_shown(aws: Aws, tmp_path: Path) -> None:
    """Each by itself, with its meaning and page, and with nothing of a secret that stands beside it."""
    said = ask(aws, look(CASES["two problems"], tmp_path))["agent-log-is-clean"]
    assert [(f.verdict, f.about) for f in said] == [(FAIL, "token-expired"), (FAIL, "network-fault")]
    assert said[1].next == "/symptoms/network-fault/"
    assert "could not reach CodeDeploy" in said[1].says


def test_a_note_in_the_log_is_shown_and_no_fault(aws: Aws, tmp_path: Path) -> None:
    (said,) = ask(aws, look(CASES["a note"], tmp_path))["agent-log-is-clean"]
    assert said.verdict is OK
    assert "It notes: " in said.says


@pytest.mark.parametrize("id_", list(OF_THE_HOST))
def test_without_a_host_a_check_does_not_apply(id_: str, aws: Aws) -> None:
    (said,) = run(OF_THE_HOST[id_].function, aws, Question())
    assert (said.verdict, said.proof) == (SKIP, ())


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the probe prints on a healthy host."""
    return build(tmp_path_factory.mktemp("host") / "web-01", files=HEALTHY).document()


def changed(document: dict[str, Any], section: str, name: str, datum: object) -> HostReport:
    return read_report(json.dumps(document | {section: document[section] | {name: datum}}))


def test_what_is_not_known_is_never_taken_for_good(aws: Aws, document: dict[str, Any]) -> None:
    """Each datum made unknown: a check stays with what it can still prove, or says that it could not check."""
    blind: dict[str, set[str]] = {id_: set() for id_ in OF_THE_HOST}
    for section, data in document.items():
        for name in data if isinstance(data, dict) else ():
            report = changed(document, section, name, {"error": "this user may not look"})
            for id_, said in ask(aws, report).items():
                finding = worst(said)
                if finding.verdict is not OK:
                    blind[id_].add(f"{section}.{name}")
                    # A value that is withheld because it has not the form of an ARN or a Region is wrong, not unseen.
                    withheld = section == "identity" and name in ("region", "iam_user_arn", "iam_session_arn")
                    assert finding.verdict is UNKNOWN or (withheld and finding.verdict in (FAIL, SKIP)), said
                    assert "The check itself failed" not in finding.says
    assert blind == {
        "agent-is-installed": {"agent.installed"},
        "agent-is-running": {"agent.running", "agent.processes"},
        "agent-version-is-supported": {"agent.version"},
        "agent-identity-is-the-registered-one": IDENTITY | {f"identity.{n}" for n in SHOWN},
        "agent-identity-is-registered-under-this-name": IDENTITY | {f"identity.{n}" for n in SHOWN},
        "agent-settings-are-sound": {
            "config_file.exists", "config_file.readable", "wire_log.exists", *(f"config.{name}" for name in JUDGED),
        },
        "agent-takes-its-region-from-its-yml": {
            "agent.line", "config.deploy_control_endpoint", "network.imds_answers", *YML,
        },
        "agent-log-is-clean": {"log.lines"},
        "host-clock-is-right": {"clock.epoch"},
        "host-reaches-codedeploy": {
            f"endpoint_{which}.{name}" for which in ("commands", "s3") for name in ("url", "status")
        },
        "host-credentials-file-is-in-place": {
            "credentials_file.exists", "credentials_file.readable", *YML,
        },
        "host-keeps-its-keys-private": {"credentials_file.exists", "credentials_file.mode", *YML},
        "host-has-room": {f"{folder}.{name}" for folder in FOLDERS for name in ("free", "inodes")},
        "agent-may-use-its-files": {"agent.user", *(f"{name}.usable" for name in (*FOLDERS, *FILES))},
        "host-has-the-tools": {"agent.line", "tools.missing", "tools.ruby"},
        "host-has-sound-state": {f"deployment.{name}" for name in ("ongoing", "last", "cleanup")},
    }  # fmt: skip


JUDGED = (
    *("enable_auth_policy", "use_fips_mode", "disable_imds_v1", "log_aws_wire", "verbose"),
    *("log_dir", "pid_dir", "root_dir"),
    *("max_revisions", "children", "proxy_uri", "wait_between_runs", "deploy_control_endpoint"),
    "s3_endpoint_override",
)
FOLDERS = ("root_folder", "log_folder", "temporary_folder")
FILES = ("config_file", "identity_file", "credentials_file", "log_file")
SHOWN = ("region", "iam_user_arn", "iam_session_arn")
YML = {"identity_file.exists", "identity_file.readable", "identity.registration"}
IDENTITY = {*YML, "identity.missing"}


def test_a_datum_that_is_not_there_breaks_no_check(aws: Aws, document: dict[str, Any]) -> None:
    for section, data in document.items():
        for name in data if isinstance(data, dict) else ():
            for said in ask(aws, changed(document, section, name, {"value": None})).values():
                assert "The check itself failed" not in worst(said).says, f"{section}.{name}"


@pytest.mark.parametrize(
    ("file", "check"),
    [
        ("identity_file", "agent-identity-is-the-registered-one"),
        ("credentials_file", "host-credentials-file-is-in-place"),
        ("config_file", "agent-settings-are-sound"),
    ],
)
@pytest.mark.parametrize(
    ("uid", "by", "verdict"),
    [
        (0, "this user may not read it", FAIL),
        (1000, "this user may not read it", UNKNOWN),
        (1000, "it is not a regular file", FAIL),
    ],
)
def test_a_file_that_only_the_probe_cannot_read_is_not_called_unreadable(
    uid: int, by: str, verdict: Verdict, file: str, check: str, aws: Aws, document: dict[str, Any]
) -> None:
    report = document | {
        "host": document["host"] | {"uid": {"value": uid}},
        file: document[file] | {"readable": {"value": False, "by": by}},
    }
    said = worst(ask(aws, read_report(json.dumps(report)))[check])
    assert said.verdict is verdict
    assert ("run the probe as root" in said.says) == (verdict is UNKNOWN)


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("this user may not read it", "x is not known: this user may not read it; run the probe as root."),
        ("curl is not on this host", "x is not known: curl is not on this host."),
        ("", "x is not known: the probe found nothing."),
    ],
)
def test_what_is_not_known_says_why_and_what_to_do(reason: str, says: str) -> None:
    with pytest.raises(CouldNotCheck) as caught:
        _host.require(Datum(None, error=reason), "x")
    assert str(caught.value) == says


def test_an_agent_that_runs_is_there_whatever_the_packages_say(aws: Aws, document: dict[str, Any]) -> None:
    found = ask(aws, changed(document, "agent", "installed", {"value": False, "by": "rpm"}))
    assert [id_ for id_, said in found.items() if worst(said).verdict is not OK] == ["agent-is-installed"]


def test_where_the_init_is_not_known_systemd_is_taken_for_granted(document: dict[str, Any]) -> None:
    unseen = changed(document, "host", "init", {"error": "neither can be read"})
    assert _host.service(unseen, "start") == "sudo systemctl start codedeploy-agent"
    other = json.loads(json.dumps(document))
    other["host"]["init"], other["agent"]["line"] = {"value": "init"}, {"value": "2.x"}
    assert _host.service(read_report(json.dumps(other)), "start") == ""  # 2.x has no script for another init


@pytest.mark.parametrize("name", ["both ARNs", "a missing field", "no yml", "an ARN that is none"])
def test_a_yml_with_faults_is_compared_with_nothing(name: str, aws: Aws, tmp_path: Path) -> None:
    (said,) = ask(aws, look(CASES[name], tmp_path))["agent-identity-is-the-registered-one"]
    assert said.proof == ()


def test_who_holds_an_arn_is_asked_only_where_it_differs(aws: Aws, tmp_path: Path) -> None:
    check = "agent-identity-is-registered-under-this-name"
    same = ask(aws, look(CASES["healthy"], tmp_path / "same"))[check]
    other = ask(aws, look(CASES["another ARN, that is free"], tmp_path / "other"))[check]
    apis = [[call.api.partition(":")[2] for call in worst(said).proof] for said in (same, other)]
    assert apis[0] == ["GetOnPremisesInstance"]
    assert apis[1] == ["GetOnPremisesInstance", "ListOnPremisesInstances", "BatchGetOnPremisesInstances"]


@pytest.mark.parametrize("registered", ["arn:aws:sts::111122223333:assumed-role/R/a&b", SESSION_ARN])
@pytest.mark.parametrize(
    "key", ["iam_session_arn:", ":iam_session_arn:", '"iam_session_arn":', "iam_session_arn :"]
)
def test_the_fix_of_the_yml_works(registered: str, key: str, tmp_path: Path) -> None:
    """Run for real: sed writes the registered ARN and keeps the mode, and the agent is restarted."""
    yml, tools = tmp_path / "codedeploy.onpremises.yml", tmp_path / "bin"
    written = SESSION_YML.replace("iam_session_arn:", key)
    yml.write_text(written.replace(SESSION_ARN, OTHER_ARN))
    yml.chmod(0o600)
    tools.mkdir()
    hosts.command(tools, "sudo", 'exec "$@"')
    hosts.command(tools, "systemctl", f'echo "$@" >{tmp_path}/told')
    report = look(Case(files=replace(HEALTHY, identity=SESSION_YML)), tmp_path / "host")
    fix = _host.take_session(report, registered).replace(f"/{hosts.IDENTITY}", str(yml))
    path = f"{tools}:{os.environ['PATH']}"
    subprocess.run(["sh", "-c", fix], check=True, env={"PATH": path})
    assert yml.read_text() == written.replace(SESSION_ARN, registered)
    assert [path.name for path in tmp_path.glob("codedeploy*")] == [
        yml.name
    ]  # a copy would hold the secret key
    assert yml.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "told").read_text() == "restart codedeploy-agent\n"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "aws-codedeploy-us-east-1.s3.us-east-1.amazonaws.com"),
        ("cn-north-1", "aws-codedeploy-cn-north-1.s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-codedeploy-us-gov-west-1.s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_installer_is_that_of_the_partition(region: str, host: str, document: dict[str, Any]) -> None:
    report = changed(document, "host", "os_id", {"value": "alpine"})
    assert f"https://{host}/latest/install " in _host.install(report, region)
    assert "yum install -y ruby || sudo apt-get" in _host.install(report, region)


# Systems Manager, whose answers are stubbed: their form is checked against its model.

NODE = {"InstanceId": "mi-0a1b2c3d4e5f60001", "ComputerName": "web-01.example.com", "PlatformType": "Linux"}
METADATA = {"RequestId": "r-1", "HTTPStatusCode": 200}


@pytest.fixture
def ssm(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.client("ssm")) as stub:
        yield stub


def nodes(stub: Stubber, *found: dict[str, Any]) -> None:
    answer = {"InstanceInformationList": list(found), "ResponseMetadata": METADATA}
    stub.add_response("describe_instance_information", answer)


@pytest.mark.parametrize(
    ("node", "minutes", "expected"),
    [
        ({"PingStatus": "Online"}, 3, [(OK, "Systems Manager calls web-01 (mi-0a1b2c3d4e5f60001, web-01.example.com) Online, last heard 3 min ago.")]),
        ({"PingStatus": "Online"}, 200, [(WARN, "Online, last heard 3 h ago")]),
        ({"PingStatus": "Online"}, -1, [(OK, "last heard 0 min ago")]),
        ({"PingStatus": "ConnectionLost"}, 9000, [(WARN, "ConnectionLost, last heard 6 days ago")]),
        ({}, 3, [(UNKNOWN, "gives no PingStatus")]),
        ({"PingStatus": "Online", "PlatformType": "Windows"}, 3, [(OK, "Online"), (WARN, "runs Windows")]),
    ],
)  # fmt: skip
def test_what_systems_manager_says_of_the_host(
    node: dict[str, Any], minutes: int, expected: list[tuple[Verdict, str]], aws: Aws, ssm: Stubber
) -> None:
    heard = datetime.now(UTC) - timedelta(minutes=minutes, seconds=5)
    nodes(ssm, NODE | node | {"LastPingDateTime": heard})
    said = run(CHECKS["host-is-managed-and-online"].function, aws, Question(instance="web-01"))
    assert [(f.verdict, says in f.says) for f, (_, says) in zip(said, expected, strict=True)] == [
        (verdict, True) for verdict, _ in expected
    ]
    for finding in said:
        assert_leads_somewhere(finding)


def test_a_host_that_systems_manager_does_not_know(aws: Aws, ssm: Stubber, document: dict[str, Any]) -> None:
    check = CHECKS["host-is-managed-and-online"].function
    nodes(ssm, NODE | {"ComputerName": "web-02", "PingStatus": "Online"})
    (said,) = run(check, aws, Question(instance="web-01"))
    assert said.verdict is WARN
    assert "CodeDeploy does not need it" in said.says
    assert said.fix.startswith("runbooks probe --instance=web-01 | ssh -- web-01 sudo sh > ./web-01.json && ")
    assert_leads_somewhere(said)
    nodes(ssm)
    (said,) = run(check, aws, Question(instance="web-01", host_report=read_report(json.dumps(document))))
    assert (said.verdict, said.fix) == (WARN, "")


@pytest.mark.parametrize(
    ("instance", "computers", "found"),
    [
        ("web-01.example.com", {"mi-a": "web-01.example.com"}, "mi-a"),
        ("web-01.example.com", {"mi-a": "web-01"}, "mi-a"),
        ("web-01.example.com", {"mi-a": "web-01.other.org"}, None),
        ("web-01", {"mi-a": "WEB-01.example.com", "mi-b": "web-011"}, "mi-a"),
        ("web-01", {"mi-a!": "web-01", "mi-b": "web-01"}, "mi-b"),  # activated again: the old one is lost
        ("web-01", {"mi-a": "web-01", "mi-b": "web-01.example.com"}, CouldNotCheck),
    ],
)
def test_the_node_is_found_by_its_name(
    instance: str, computers: dict[str, str], found: Any, aws: Aws, ssm: Stubber
) -> None:
    listed = [
        {
            "InstanceId": id_.strip("!"),
            "ComputerName": name,
            "PingStatus": "ConnectionLost" if "!" in id_ else "Online",
        }
        for id_, name in computers.items()
    ]
    nodes(ssm, *listed)
    if found is CouldNotCheck:
        with pytest.raises(CouldNotCheck, match="mi-a, mi-b"):
            managed_node(aws, instance)
    else:
        node = managed_node(aws, instance)
        assert (node and node["InstanceId"]) == found


def the_document_is_there(stub: Stubber) -> None:
    """Stub the read of the document that holds the probe."""
    content = json.dumps(yaml.safe_load(probe_document()))
    answer = {"Content": content, "DocumentVersion": "1", "ResponseMetadata": METADATA}
    stub.add_response("get_document", answer)


def through_systems_manager(stub: Stubber, document: dict[str, Any]) -> None:
    """Stub what is asked to run the probe on web-01, whose answer is ``document``."""
    nodes(stub, NODE | {"PingStatus": "Online"})
    the_document_is_there(stub)
    command = {"CommandId": "0" * 36}
    stub.add_response("send_command", {"Command": command, "ResponseMetadata": METADATA})
    stub.add_response(
        "get_command_invocation",
        command
        | {"InstanceId": NODE["InstanceId"]}
        | {"Status": "Success", "StandardOutputContent": json.dumps(document), "ResponseMetadata": METADATA},
    )


@pytest.mark.parametrize(
    ("ahead", "verdict", "says"),
    [
        (0, OK, "right to the minute, by the clock of this machine"),
        (-200, WARN, "3 min behind, by the clock of this machine"),
        (280, WARN, "4 min ahead"),
        (-400, FAIL, "behind, by the clock of this machine: AWS refuses"),
    ],
)
def test_the_clock_of_a_host_that_reaches_nothing(
    ahead: int, verdict: Verdict, says: str, aws: Aws, ssm: Stubber, document: dict[str, Any]
) -> None:
    """Systems Manager brought the report just now, so this machine's clock can stand in for AWS's."""
    mute = {"date": {"error": "curl: (28)"}, "status": {"error": "curl: (28)"}}
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    through_systems_manager(
        ssm,
        document
        | {name: document[name] | mute for name in ("endpoint_commands", "endpoint_s3")}
        | {
            "clock": document["clock"] | {"epoch": {"value": int(now.timestamp())}},
            "collected_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        },
    )
    (said,) = run(CHECKS["host-clock-is-right"].function, aws, Question(instance="web-01"))
    assert said.verdict is verdict
    assert says in said.says
    assert [call.api for call in said.proof] == [
        "ssm:DescribeInstanceInformation",
        "codedeploy:GetOnPremisesInstance",
        "ssm:GetDocument",
        "ssm:SendCommand",
        "ssm:GetCommandInvocation",
    ]


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"PingStatus": "Online", "PlatformType": "Windows"}, "there is no probe for Windows yet"),
        ({"PingStatus": "ConnectionLost"}, "mi-0a1b2c3d4e5f60001 is not connected to Systems Manager (ConnectionLost)"),
        ({}, "not connected to Systems Manager (no PingStatus)"),
    ],
)  # fmt: skip
def test_a_probe_that_cannot_run_is_not_sent(node: dict[str, Any], says: str, aws: Aws, ssm: Stubber) -> None:
    nodes(ssm, NODE | node)
    (said,) = run(CHECKS["agent-is-running"].function, aws, Question(instance="web-01"))
    assert said.verdict is UNKNOWN
    assert says in said.says
    assert "ssm:SendCommand" not in [call.api for call in said.proof]


def test_what_the_probe_says_of_its_own_failure_is_shown(aws: Aws, ssm: Stubber) -> None:
    nodes(ssm, NODE | {"PingStatus": "Online"})
    the_document_is_there(ssm)
    command = {"CommandId": "0" * 36}
    ssm.add_response("send_command", {"Command": command, "ResponseMetadata": METADATA})
    failed = '{"schema":2,"failed":"awk is not on this host","complete":true}'
    answer = {
        "InstanceId": NODE["InstanceId"],
        "Status": "Failed",
        "StandardOutputContent": failed,
        "StandardErrorContent": "exit status 1",
    }
    ssm.add_response("get_command_invocation", command | answer | {"ResponseMetadata": METADATA})
    (said,) = run(CHECKS["agent-is-running"].function, aws, Question(instance="web-01"))
    assert said.verdict is UNKNOWN
    assert "awk is not on this host" in said.says


def test_a_secret_never_gets_into_a_finding(aws: Aws, tmp_path: Path) -> None:
    """A host full of secrets, in its yml, its proxy and its log: no finding and no fix shows one."""
    leaky = Case(
        files=Files(
            identity=USER_YML,
            config=f"{DEFAULT_CONFIG}:proxy_uri: http://deploy:{hosts.PROXY_PASSWORD}@proxy.example.com:3128\n",
            log="\n".join([f"{SAMPLES['access-denied']} {line}" for line in hosts.LEAKING_LINES]) + "\n",
        )
    )
    said = json.dumps([repr(found) for found in ask(aws, look(leaky, tmp_path)).values()])
    assert "AccessDenied" in said
    assert not [secret for secret in hosts.SECRETS if secret in said]


def test_every_check_of_these_rooms_is_in_the_table() -> None:
    """A check that no host of the table makes fail would be proved by nothing."""
    failing = {
        id_ for case in CASES.values() for id_, (verdict, _) in case.not_ok.items() if verdict in (FAIL, WARN)
    }
    assert failing == {id_ for id_, check in OF_THE_HOST.items() if check.category != "readiness"}
