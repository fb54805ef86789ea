"""The check of the agent's log."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from runbooks.aws.session import Aws
from runbooks.findings import FAIL, OK, UNKNOWN, WARN
from tests.checks.on_hosts import (
    HEALTHY,
    NOT_FOUND,
    NOT_OF_2,
    SAMPLES,
    SECOND,
    SECOND_FAKES,
    WELL,
    Case,
    aged,
    ask,
    aws,
    document,
    exactly_the_intended,
    look,
)
from tests.support import hosts
from tests.support.hosts import (
    DEFAULT_CONFIG,
    USER_YML,
    Files,
)

__all__ = ["aws", "document"]  # fixtures

CASES = {
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
}


@pytest.mark.parametrize("name", CASES)
def test_of_each_host_exactly_the_intended_is_said(name: str, aws: Aws, tmp_path: Path) -> None:
    exactly_the_intended(CASES[name], aws, tmp_path)


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
