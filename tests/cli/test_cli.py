"""The command line as a person uses it: in a process of its own, with right and with wrong input."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from codedeploy_sandbox import Fault, Hang, serve

from runbooks.errors import UserError
from runbooks.report import FORMATS
from runbooks.streams import write
from tests.support import DOCS

NO_AWS = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def runbooks(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "runbooks", *arguments],
        env=NO_AWS | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def one_sentence(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_healthy_sandbox_ends_with_0() -> None:
    done = runbooks("diagnose", "--sandbox", "healthy", "--instance", "web-01")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("OK: ")


def test_what_passed_is_shown_on_demand() -> None:
    asked = ("diagnose", "--sandbox", "healthy", "--instance", "web-01")
    assert len(runbooks(*asked).stdout.splitlines()) == 3
    shown = runbooks(*asked, "-v").stdout
    assert "\nOK       agent-is-running: " in shown
    assert "\nSKIP " in shown


def test_without_an_instance_most_is_not_asked_and_that_is_no_success() -> None:
    done = runbooks("diagnose", "--sandbox", "agent-stopped")
    assert done.returncode == 2
    assert re.match(
        r"UNKNOWN: \d+ passed, .*\d+ not asked\. Most was not asked, which counts as not checked\."
        r" No instance was given \(--instance\)",
        done.stdout,
    )


def test_in_a_terminal_the_problem_stands_last() -> None:
    """Where standard output is a terminal, what scrolls away is the rest."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "runbooks", "diagnose", "--sandbox", "agent-stopped", "--instance"]
    with subprocess.Popen(
        [*command, "web-01", "-v"], env=NO_AWS, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # so a terminal ends, once no one writes to it
            while part := os.read(ours, 65536):
                shown += part
        assert process.wait(60) == 1
    os.close(ours)
    lines = shown.decode().splitlines()
    assert lines[-1].startswith("\x1b[1;31mFAIL\x1b[0m: 1 failed, ")
    problem = next(at for at, line in enumerate(lines) if "The agent does not run" in line)
    assert [at for at, line in enumerate(lines) if "mOK\x1b" in line or "mSKIP\x1b" in line][-1] < problem
    assert lines[0].startswith("web-01 - sandbox:agent-stopped - ")


@pytest.mark.parametrize("form", FORMATS)
def test_a_token_and_a_password_of_the_environment_are_in_no_report(form: str) -> None:
    """A token that AWS does not know, and a password in the endpoint's address."""
    with serve("healthy") as sandbox:
        done = runbooks(
            *("diagnose", "--region", "eu-west-1", "--check", "caller-is-known"),
            *("--format", form, "--timeout", "5"),
            AWS_ENDPOINT_URL=sandbox.endpoint.replace("://", "://joe:hunter22@"),
            AWS_ACCESS_KEY_ID="ASIAX",
            AWS_SECRET_ACCESS_KEY="y",
            AWS_SESSION_TOKEN="IQoJ_HIDDEN",
        )
    assert "caller-is-known" in done.stdout
    assert "HIDDEN" not in done.stdout + done.stderr
    assert "hunter22" not in done.stdout + done.stderr


def test_a_token_with_a_line_end_is_refused_and_not_shown() -> None:
    """As a file with Windows line ends gives it."""
    done = runbooks(
        *("diagnose", "--region", "eu-west-1", "--check", "caller-is-known"),
        AWS_ACCESS_KEY_ID="ASIAX",
        AWS_SECRET_ACCESS_KEY="y",
        AWS_SESSION_TOKEN="IQoJ_HIDDEN\r",
    )
    assert done.returncode == 64
    assert "The session token of the AWS credentials has a newline" in done.stderr
    assert "HIDDEN" not in done.stdout + done.stderr


def test_a_bad_filter_is_found_and_the_report_is_json() -> None:
    done = runbooks("diagnose", "--sandbox", "bad-filter", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 3
    (callers,) = [check for check in report["checks"] if check["id"] == "callers-send-valid-status-filters"]
    senders = {(f["about"].rpartition("/")[2], f["verdict"]) for f in callers["findings"]}
    assert {
        ("nightly", "FAIL"),
        ("fleet-report", "FAIL"),
        ("dana", "FAIL"),
        ("fleet-report", "UNKNOWN"),
    } == senders
    assert all(f["proof"][0]["api"] == "cloudtrail:LookupEvents" for f in callers["findings"])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["diagnose", "--sandbox", "helthy"], 64, "Did you mean healthy"),
        (["diagnose", "--profile", "missing"], 64, "(missing) could not be found"),
        (["diagnose", "--region", "eu-wst-1"], 64, "Did you mean eu-west-1"),
        (["diagnose"], 64, "No Region"),
        (["diagnose", "--region", "eu-west-1"], 64, "No AWS credentials were found"),
        (["diagnose", "--sandbox", "healthy", "--profile", "x"], 64, "exclude each other"),
        (["diagnose", "--sandbox", "healthy", "--instance", "i-0123456789ABCDEF0"], 64, "EC2 instance ID"),
        (["diagnose", "--sandbox", "healthy", "--instance", "web:01"], 64, "cannot be an on-premises"),
        (["diagnose", "--sandbox", "healthy", "--check", "nonsense"], 64, "no check 'nonsense'"),
        (["diagnose", "--sandbox", "healthy", "--output", "/nowhere/report.txt"], 64, "cannot be written"),
        (["diagnose", "--hours", "soon"], 64, "--hours"),
        (["diagnose", "--bogus"], 64, "--bogus"),
        (["nonsense"], 64, "nonsense"),
        (["sandbox", "--scenario", "badfilter"], 64, "Did you mean bad-filter"),
        (["diagnose", "--sandbox", "healthy", "--instance", ""], 64, "it is empty"),
        (["diagnose", "--sandbox", ""], 64, "it is empty"),
        (["diagnose", "--sandbox", "healthy", "--arn", "foo"], 64, "'foo' cannot be registered"),
        (["diagnose", "--sandbox", "healthy", "--deployment-group", "shop"], 64, "APPLICATION/GROUP"),
        (["diagnose", "--sandbox", "healthy", "--hours", "nan"], 64, "hours must be a number"),
        (["diagnose", "--sandbox", "healthy", "--output", "/"], 64, "that is a folder"),
        (["diagnose", "--sandbox", "healthy", "--output", ""], 64, "that is a folder"),
        (["diagnose", "--sandbox", "healthy", "--host-report", "/nowhere/host.json"], 64, "cannot be read"),
        (["diagnose", "--sandbox", "healthy", "--host-report", "/"], 64, "Is a directory"),
        (["explain", "logs/agent.log"], 64, "logs/agent.log cannot be read: No such file"),
        (["probe", "--instance", "web 01"], 64, "cannot be an on-premises"),
    ],
)
def test_wrong_input_is_one_sentence(arguments: list[str], code: int, says: str) -> None:
    assert says in one_sentence(runbooks(*arguments), code)


def test_an_expired_session_is_one_sentence() -> None:
    from codedeploy_sandbox import Error, Fault, serve

    expired = Fault(
        "sts:GetCallerIdentity",
        Error("ExpiredToken", "The security token included in the request is expired", 403),
    )
    with serve("healthy", faults=[expired]) as sandbox:
        done = runbooks(
            "diagnose",
            "--region",
            "eu-west-1",
            AWS_ENDPOINT_URL=sandbox.endpoint,
            AWS_ACCESS_KEY_ID="ASIASANDBOXCALLER000",
            AWS_SECRET_ACCESS_KEY="x",
        )
    assert "the session has expired" in one_sentence(done, 2)


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    options = ("--format", "html", "--output", str(path))
    done = runbooks("diagnose", "--sandbox", "healthy", "--instance", "web-01", *options)
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_link_is_followed_and_a_mode_is_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    write(link, "new")
    assert (real.read_text(), link.is_symlink(), real.stat().st_mode & 0o777) == ("new", True, 0o600)


def test_what_is_no_plain_file_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        write(pipe, "a report")
        assert read.result(10) == "a report"
    assert pipe.is_fifo()


def test_a_report_that_cannot_be_written_is_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="on standard output instead"):
        write(tmp_path / ("x" * 300), "a report")
    assert capsys.readouterr().out == "a report"
    assert list(tmp_path.iterdir()) == []


def shell(script: str) -> "subprocess.CompletedProcess[str]":
    """A script in which $R is the command."""
    command = f"{sys.executable} -m runbooks"
    return subprocess.run(
        ["bash", "-c", script.replace("$R", command)],
        env=NO_AWS,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("$R diagnose --sandbox agent-stopped --instance web-01 | true; exit ${PIPESTATUS[0]}", 1, ""),
        ("$R checks | head -1 >/dev/null; exit ${PIPESTATUS[0]}", 0, ""),
        ("$R policy >/dev/full", 64, "Standard output cannot be written to: No space left"),
        ("$R policy >&-", 0, ""),
        ("$R diagnose --bogus 2>&-", 64, ""),
        ("$R explain <&-", 64, "No text was given."),
    ],
)
def test_streams_that_are_full_closed_or_gone(script: str, code: int, says: str) -> None:
    done = shell(script)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1


def test_a_configuration_that_is_broken_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile x\nregion")
    done = runbooks("diagnose", "--region", "eu-west-1", AWS_CONFIG_FILE=str(tmp_path / "config"))
    assert "The AWS configuration cannot be read" in one_sentence(done, 64)


def test_what_a_helper_prints_is_masked(tmp_path: Path) -> None:
    """A credential_process that fails speaks on standard error, and botocore quotes it."""
    (tmp_path / "config").write_text(
        "[profile p]\ncredential_process = sh -c \"printf 'https://bob:hunter2@idp.example token=hunter2 \\033[31mRED' >&2; exit 1\"\n"
    )
    done = runbooks(
        "diagnose", "--profile", "p", "--region", "eu-west-1", AWS_CONFIG_FILE=str(tmp_path / "config")
    )
    said = one_sentence(done, 2)
    assert "(masked)" in said
    assert "hunter2" not in said
    assert "\x1b" not in said


def test_an_aws_that_never_answers_does_not_hold_the_diagnosis_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        done = runbooks(
            *("diagnose", "--region", "eu-west-1", "--timeout", "2", "--check", "caller-is-known"),
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="ASIASANDBOXCALLER000",
            AWS_SECRET_ACCESS_KEY="x",
        )
    assert done.returncode == 2
    assert "UNKNOWN" in done.stdout
    assert time.monotonic() - began < 20  # and not 3 times 20 seconds


def test_ctrl_c_gives_the_report_as_far_as_it_came() -> None:
    with serve("healthy", faults=[Fault("iam:*", Hang(30))]) as sandbox:
        command = [
            sys.executable,
            "-m",
            "runbooks",
            "diagnose",
            "--region",
            "eu-west-1",
            "--instance",
            "web-01",
        ]
        keys = {"AWS_ACCESS_KEY_ID": "ASIASANDBOXCALLER000", "AWS_SECRET_ACCESS_KEY": "x"}
        environment = NO_AWS | keys | {"AWS_ENDPOINT_URL": sandbox.endpoint}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            end = time.monotonic() + 30
            while not any(call.service == "codedeploy" for call in sandbox.account.journal[3:]):
                assert time.monotonic() < end
                time.sleep(0.05)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            shown, said = process.communicate(timeout=30)
    assert process.returncode & 2, said
    assert "Could not check: interrupted" in shown
    assert re.search(r"\b[1-9]\d* passed", shown)


def test_help_teaches() -> None:
    done = runbooks("diagnose", "--help")
    assert done.returncode == 0
    for word in ("--instance", "--sandbox", "--format", "0 all good"):
        assert word in done.stdout


def test_the_sandbox_says_how_to_reach_it_and_ends() -> None:
    command = [sys.executable, "-m", "runbooks", "sandbox", "--scenario", "bad-filter"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            shown += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    endpoint = re.search(r"export AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)\n", shown)
    assert endpoint
    assert "JavaScript 2, Go 1, older Go 2 and PHP, and older CLIs do not read AWS_ENDPOINT_URL" in shown
    assert f"aws --endpoint-url {endpoint[1]} deploy" in shown


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ("d-SHOPWEB01", 1, "failed at ApplicationStart with ScriptFailed"),
        (
            "https://eu-west-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-SHOPWEB01?region=eu-west-1",
            1,
            "HEALTH_CONSTRAINTS",
        ),
        ("d-SHOPWEB99", 1, "There is no deployment d-SHOPWEB99"),
        ("d-shopweb01", 64, "holds no deployment's id"),
        ("d-SHOPWEB01 d-SHOPWEB02", 64, "several deployments: d-SHOPWEB01 and d-SHOPWEB02"),
    ],
)
def test_why_takes_an_id_or_what_holds_one(given: str, code: int, says: str) -> None:
    done = runbooks("why", given, "--sandbox", "deployment-script-failed")
    assert done.returncode == code
    assert says in done.stdout + done.stderr
    assert "SKIP" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("shop/web", "--sandbox", "group-alarm-active"), 1, "The alarm web-errors of shop/web is in ALARM"),
        (("shop/web", "--sandbox", "group-healthy"), 0, "Not predicted:\n- whether the bundle is sound"),
        (
            ("shop/web", "--sandbox", "simulation-denied"),
            2,
            "Not predicted:\n- what could not be checked: service-role-may-do-what",
        ),
        (("web-01", "--sandbox", "healthy"), 64, "'web-01' is not a deployment group"),
        (("shop/web", "--bundle", "/nowhere", "--sandbox", "healthy"), 64, "There is no file or folder"),
        (("shop/web", "--revision", "web.zip", "--sandbox", "healthy"), 64, "give s3://BUCKET/KEY"),
    ],
)
def test_preflight_says_what_would_fail(arguments: tuple[str, ...], code: int, says: str) -> None:
    done = runbooks("preflight", *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr


def test_the_page_of_preflight_shows_what_it_prints() -> None:
    page = (DOCS / "guides" / "preflight.md").read_text(encoding="utf-8")
    shown = page.partition("```text\n")[2].partition("```")[0]
    done = runbooks("preflight", "shop/web", "--sandbox", "group-alarm-active")
    assert shown.strip()
    assert shown in done.stdout
