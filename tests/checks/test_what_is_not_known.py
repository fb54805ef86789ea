"""What is not known of a host is never taken for good, and the finding says why it is not known."""

import json
from typing import Any

import pytest

from runbooks.aws.session import Aws
from runbooks.checks import _host
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, CouldNotCheck, Verdict
from runbooks.host import Datum, read_report
from runbooks.question import Question
from tests.checks.on_hosts import (
    OF_THE_HOST,
    ask,
    aws,
    changed,
    document,
    worst,
)

__all__ = ["aws", "document"]  # fixtures


@pytest.mark.parametrize("id_", list(OF_THE_HOST))
def test_without_a_host_a_check_does_not_apply(id_: str, aws: Aws) -> None:
    (said,) = run(OF_THE_HOST[id_].function, aws, Question())
    assert (said.verdict, said.proof) == (SKIP, ())


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
