"""The checks whether the agent's yml makes it the host that is registered."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from runbooks.aws.session import Aws
from runbooks.checks import _host
from runbooks.findings import FAIL, SKIP, UNKNOWN
from tests.checks.on_hosts import (
    HEALTHY,
    NO_YML,
    NOT_OF_USERS,
    OTHER_ARN,
    Case,
    ask,
    aws,
    document,
    exactly_the_intended,
    look,
    metadata,
    worst,
    yml_is_a_directory,
)
from tests.support import hosts
from tests.support.hosts import (
    SESSION_ARN,
    SESSION_YML,
    USER_ARN,
    USER_YML,
    Fakes,
)

__all__ = ["aws", "document"]  # fixtures

CASES = {
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
        fixes={
            "agent-identity-is-registered-under-this-name": "Give the session the name web-01 where the host renews"
        },
    ),
    "a user's ARN": Case(
        files=replace(HEALTHY, identity=USER_YML),
        not_ok=NOT_OF_USERS
        | {"agent-identity-is-the-registered-one": (FAIL, f"The agent on web-01 is {USER_ARN}, but")},
        fixes={
            "agent-identity-is-the-registered-one": "Write /etc/codedeploy-agent/conf/codedeploy.onpremises.yml again, with"
        },
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
        fixes={
            "agent-identity-is-registered-under-this-name": "If web-01 is this host, ask about web-01, or give it the name web-07. Note the tags of web-01 before"
        },
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
            "agent-identity-is-registered-under-this-name": (SKIP, "no valid identity"),
            "host-credentials-file-is-in-place": (SKIP, "does not name a session"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "no ARN": Case(
        files=replace(HEALTHY, identity="---\nregion: eu-west-1\n"),
        not_ok={
            "agent-identity-is-the-registered-one": (FAIL, "has neither iam_user_arn nor iam_session_arn"),
            "agent-identity-is-registered-under-this-name": (SKIP, "no valid identity"),
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
            "agent-identity-is-registered-under-this-name": (SKIP, "no valid identity"),
            "host-credentials-file-is-in-place": (SKIP, "names no credentials file"),
            "host-keeps-its-keys-private": (SKIP, "no file with keys"),
        },
    ),
    "an ARN that is none": Case(
        files=replace(HEALTHY, identity=SESSION_YML.replace(SESSION_ARN, "web-01")),
        not_ok={
            "agent-identity-is-the-registered-one": (FAIL, "iam_session_arn in /etc/codedeploy-agent/conf/"),
            "agent-identity-is-registered-under-this-name": (SKIP, "no valid identity"),
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
}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    exactly_the_intended(CASES[name], aws, tmp_path)


def test_an_agent_that_sends_a_token_is_not_said_to_send_none(aws: Aws, tmp_path: Path) -> None:
    """1.2.1 is the first that does."""
    case = Case(
        Fakes(package="1.2.1-1", curl=metadata("eu-west-1")),
        replace(HEALTHY, identity=None, version="OFFICIAL_1.2.1-1_rpm\n"),
    )
    said = worst(ask(aws, look(case, tmp_path))["agent-identity-is-the-registered-one"]).says
    assert "asks instance metadata" in said
    assert "token" not in said


@pytest.mark.parametrize("name", ["both ARNs", "a missing field", "no yml", "an ARN that is none"])
def test_a_yml_with_faults_is_compared_with_nothing(name: str, aws: Aws, tmp_path: Path) -> None:
    (said,) = ask(aws, look(CASES[name], tmp_path))["agent-identity-is-the-registered-one"]
    assert said.proof == ()


def test_who_holds_an_arn_is_asked_only_where_it_differs(aws: Aws, tmp_path: Path) -> None:
    check = "agent-identity-is-registered-under-this-name"
    same = ask(aws, look(Case(), tmp_path / "same"))[check]
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
    credentials, fix, _ = _host.take_session(report, registered).split("`")
    assert credentials.startswith(
        f"Give the session the name {registered.rpartition('/')[2]} where the host renews"
    )
    fix = fix.replace(f"/{hosts.IDENTITY}", str(yml))
    path = f"{tools}:{os.environ['PATH']}"
    subprocess.run(["sh", "-c", fix], check=True, env={"PATH": path})
    assert yml.read_text() == written.replace(SESSION_ARN, registered)
    assert [path.name for path in tmp_path.glob("codedeploy*")] == [
        yml.name
    ]  # a copy would hold the secret key
    assert yml.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "told").read_text() == "restart codedeploy-agent\n"
