"""The checks on the host: its way to CodeDeploy, its clock, and the files with its keys."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, SKIP, UNKNOWN, WARN
from tests.checks.on_hosts import (
    ANSWER,
    HEALTHY,
    NOT_OF_USERS,
    Case,
    aged,
    aws,
    credentials_are_a_directory,
    credentials_of_root,
    curl,
    document,
    exactly_the_intended,
    failing,
    mode,
)
from tests.support import hosts
from tests.support.hosts import (
    DEFAULT_CONFIG,
    SESSION_YML,
    USER_YML,
    Fakes,
)

__all__ = ["aws", "document"]  # fixtures

CASES = {
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
        not_ok={"host-clock-is-right": (FAIL, "10 min ahead, by the clock of AWS")},
        fixes={"host-clock-is-right": "sudo timedatectl set-ntp true"},
    ),
    "two minutes behind": Case(
        Fakes(curl=curl(ANSWER.format("2 minutes"))),
        not_ok={"host-clock-is-right": (WARN, "min behind, by the clock of AWS")},
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


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    exactly_the_intended(CASES[name], aws, tmp_path)
