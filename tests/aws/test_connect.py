"""`connect`: which credentials it takes, what it says about the others, and how long it waits."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import HTTPClientError
from codedeploy_sandbox import Fault, Hang, Http
from codedeploy_sandbox.faults import What

from runbooks.aws import connect, failures
from runbooks.aws.connect import SHARE
from runbooks.errors import UserError
from tests.aws.test_answers import XHTML
from tests.support.sandbox import environment_for
from tests.support.world import world

SECRET = "IQoJb3JpZ2luX2VjHIDDEN"


@pytest.fixture
def sandboxed_environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that points boto3 at a sandbox of this process."""

    def point(sandbox: Any, **more: str) -> None:
        for name, value in (environment_for(sandbox.address()) | more).items():
            monkeypatch.setenv(name, value)

    return point


# Credentials


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " ", "\x00x", "é"])
@pytest.mark.parametrize(
    ("variable", "name"),
    [("AWS_SESSION_TOKEN", "session token"), ("AWS_SECRET_ACCESS_KEY", "secret key"), ("AWS_ACCESS_KEY_ID", "access key")],
)  # fmt: skip
def test_credentials_that_no_header_can_hold_are_refused_and_not_shown(
    variable: str, name: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"AWS_ACCESS_KEY_ID": "ASIAX", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "eu-west-1"}
    for key, value in (values | {variable: SECRET + end.replace("\x00", "\x01")}).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with pytest.raises(UserError, match=f"^The {name} of the AWS credentials has a newline") as raised:
        connect("aws")
    assert "HIDDEN" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_text_of_a_header_that_failed_is_not_shown() -> None:
    error = HTTPClientError(error=ValueError(f"Invalid header value b'{SECRET}\\r'"))
    assert "HIDDEN" not in failures.describe(error)
    assert "ValueError" in failures.describe(error)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"Expiration": "soon"}, "something that botocore cannot read"),
        ({"Expiration": 5}, "something that botocore cannot read"),
        ({"AccessKeyId": None}, "The AWS credentials have no access key"),
        ({"SessionToken": 5}, "The session token of the AWS credentials has"),
        ({"SessionToken": f"{SECRET}\n"}, "The session token of the AWS credentials has"),
        ({"Version": 7}, "Unsupported version '7'"),
        (None, "something that botocore cannot read"),
    ],
    ids=str,
)
def test_a_program_that_gives_bad_credentials_is_one_sentence(
    answer: dict[str, Any] | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {"Version": 1, "AccessKeyId": "AKIAX", "SecretAccessKey": SECRET, "SessionToken": SECRET}
    (tmp_path / "answer").write_text("no JSON" if answer is None else json.dumps(right | answer))
    code = "import sys; print(open(sys.argv[1]).read())"
    (tmp_path / "print.py").write_text(code)
    config = f"[profile p]\nregion = eu-west-1\ncredential_process = {sys.executable} {tmp_path / 'print.py'} {tmp_path / 'answer'}\n"
    (tmp_path / "config").write_text(config)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(UserError, match=says) as raised:
        connect("aws", profile="p")
    assert "HIDDEN" not in str(raised.value)
    assert "\n" not in str(raised.value)


# Who answers


@pytest.mark.parametrize(
    "what", [Http(403, XHTML), Http(404, XHTML), Http(407, XHTML), Http(302, ""), Http(200, XHTML)]
)
def test_a_block_page_for_sts_is_left_to_the_checks(what: What, sandboxed_environment: Any) -> None:
    with world("healthy", [Fault("sts:*", what)]) as (_, sandbox):
        sandboxed_environment(sandbox)
        aws = connect("aws")
    assert aws.known_identity is None
    assert "an unknown identity" in repr(aws)


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        ("", "111122223333"),
        ("arn:aws:iam::111122223333:root", "999999999999"),
        ("x", "111122223333"),
        ("arn:aws:iam::111122223333:user/a\u202eb", "111122223333"),
        ("arn:aws:iam::1111:root", "1111"),
        ("arn:aws:iam::111122223333:root", "111122223333\n"),
    ],
)
def test_an_identity_that_cannot_be_one_is_not_taken(
    arn: str, account: str, sandboxed_environment: Any
) -> None:
    result = f"<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>u</UserId><Account>{account}</Account></GetCallerIdentityResult>"
    body = f"<GetCallerIdentityResponse>{result}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    with world("healthy", [Fault("sts:*", Http(200, body, "text/xml"))]) as (_, sandbox):
        sandboxed_environment(sandbox)
        assert connect("aws").known_identity is None


# Time


def test_an_sts_that_hangs_uses_up_a_share_of_the_time(sandboxed_environment: Any) -> None:
    with world("healthy", [Fault("sts:*", Hang(20))]) as (_, sandbox):
        sandboxed_environment(sandbox)
        began = time.monotonic()
        assert connect("aws", timeout=4).known_identity is None
        assert SHARE * 4 <= time.monotonic() - began < 3


def test_an_interrupt_while_the_modules_load_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)")
    paths = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    command = [sys.executable, "-m", "runbooks", "checks"]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_with_debug_the_exit_code_is_the_same() -> None:
    for debug in ([], ["--debug"]):
        command = [sys.executable, "-m", "runbooks", *debug, "diagnose", "--sandbox", "helthy"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, "There is no scenario 'helthy'" in done.stderr) == (64, True)
        assert ("Traceback" in done.stderr) is bool(debug)
