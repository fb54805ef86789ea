"""The checks whether the agent is there and runs, and which version it is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbooks.aws.session import Aws
from runbooks.checks import _host
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN
from runbooks.host import read_report
from tests.checks import test_agent_identity, test_agent_log, test_agent_settings, test_host
from tests.checks.on_hosts import (
    CHECKS,
    HEALTHY,
    NO_AGENT,
    NOT_OF_2,
    NOT_OF_USERS,
    OF_THE_HOST,
    SECOND,
    SECOND_FAKES,
    Case,
    ask,
    aws,
    changed,
    document,
    exactly_the_intended,
    metadata,
    without_systemd,
    worst,
)
from tests.support.hosts import (
    USER_YML,
    Fakes,
    Files,
)

__all__ = ["aws", "document"]  # fixtures

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
}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    exactly_the_intended(CASES[name], aws, tmp_path)


def test_an_agent_that_runs_is_there_whatever_the_packages_say(aws: Aws, document: dict[str, Any]) -> None:
    found = ask(aws, changed(document, "agent", "installed", {"value": False, "by": "rpm"}))
    assert [id_ for id_, said in found.items() if worst(said).verdict is not OK] == ["agent-is-installed"]


def test_where_the_init_is_not_known_systemd_is_taken_for_granted(document: dict[str, Any]) -> None:
    unseen = changed(document, "host", "init", {"error": "neither can be read"})
    assert _host.service(unseen, "start") == "sudo systemctl start codedeploy-agent"
    other = json.loads(json.dumps(document))
    other["host"]["init"], other["agent"]["line"] = {"value": "init"}, {"value": "2.x"}
    assert _host.service(read_report(json.dumps(other)), "start") == ""  # 2.x has no script for another init


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


def test_every_check_of_these_rooms_is_in_the_table() -> None:
    """A check that no host of the table makes fail would be proved by nothing."""
    tables = (
        CASES,
        test_agent_identity.CASES,
        test_agent_settings.CASES,
        test_agent_log.CASES,
        test_host.CASES,
    )
    cases = [case for table in tables for case in table.values()]
    failing = {id_ for case in cases for id_, (verdict, _) in case.not_ok.items() if verdict in (FAIL, WARN)}
    assert failing == {id_ for id_, check in OF_THE_HOST.items() if check.category != "readiness"}
