"""The command line as a person uses it: in a process of its own, with right and with wrong input."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
        (["diagnose", "--profile", "nobody"], 64, "(nobody) could not be found"),
        (["diagnose", "--region", "eu-wst-1"], 64, "Did you mean eu-west-1"),
        (["diagnose"], 64, "No Region"),
        (["diagnose", "--region", "eu-west-1"], 64, "No AWS credentials were found"),
        (["diagnose", "--sandbox", "healthy", "--profile", "x"], 64, "exclude each other"),
        (["diagnose", "--sandbox", "healthy", "--instance", "i-0123456789abcdef0"], 64, "EC2 instance ID"),
        (["diagnose", "--sandbox", "healthy", "--instance", "web:01"], 64, "cannot be an on-premises"),
        (["diagnose", "--sandbox", "healthy", "--check", "nonsense"], 64, "no check 'nonsense'"),
        (["diagnose", "--sandbox", "healthy", "--output", "/nowhere/report.txt"], 64, "cannot be written"),
        (["diagnose", "--hours", "soon"], 64, "--hours"),
        (["diagnose", "--bogus"], 64, "--bogus"),
        (["nonsense"], 64, "nonsense"),
        (["sandbox", "--scenario", "badfilter"], 64, "Did you mean bad-filter"),
    ],
)
def test_wrong_input_is_one_sentence(arguments: list[str], code: int, says: str) -> None:
    assert says in one_sentence(runbooks(*arguments), code)


def test_an_expired_session_is_one_sentence() -> None:
    from runbooks.sandbox import Error, Fault, serve

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
    done = runbooks("diagnose", "--sandbox", "healthy", "--format", "html", "--output", str(path))
    assert done.returncode == 0, done.stderr
    assert path.read_text().startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


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
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in shown
