"""The checks of the agent's configuration, and of what gives it its Region."""

from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, UNKNOWN, WARN
from tests.checks.on_hosts import (
    HEALTHY,
    NOT_OF_2,
    SECOND,
    SECOND_FAKES,
    Case,
    aws,
    document,
    exactly_the_intended,
    failing,
    metadata,
)
from tests.support import hosts
from tests.support.hosts import (
    DEFAULT_CONFIG,
    SESSION_YML,
    Fakes,
)

__all__ = ["aws", "document"]  # fixtures

CASES = {
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
}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    exactly_the_intended(CASES[name], aws, tmp_path)
