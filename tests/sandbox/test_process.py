"""The sandbox as a process: how it starts, what it says, how it ends, and that two runs are the same."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.app import OPERATIONS
from codedeploy_sandbox.moto_backend import Moto
from codedeploy_sandbox.protocol import codec, requests

from tests.support.sandbox import AUTHORIZATION, client, environment_for

COMMAND = [sys.executable, "-m", "codedeploy_sandbox"]
CLOCK = "2026-01-15T12:00:00Z"


@contextmanager
def started(*arguments: str, hash_seed: str = "0") -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    pipe, environment = subprocess.PIPE, os.environ | {"PYTHONHASHSEED": hash_seed}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
    )


def test_it_says_in_one_line_how_to_reach_it() -> None:
    with started("--scenario", "bad-filter", "--clock", CLOCK) as (process, about):
        assert about["endpoint"].startswith("http://127.0.0.1:")
        assert about == about | {
            "scenario": "bad-filter",
            "region": "eu-west-1",
            "account": "111122223333",
            "access_key_id": "ASIASANDBOXCALLER000",
            "clock": CLOCK,
        }
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with started() as (process, about):
        assert about["clock"] is None
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_with_its_standard_input_when_asked_to() -> None:
    with started("--until-eof") as (process, _):
        assert process.stdin is not None
        process.stdin.write("not the end\n")
        process.stdin.flush()
        time.sleep(0.2)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_it_does_not_end_with_its_standard_input_when_not_asked_to() -> None:
    with started() as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        time.sleep(0.3)
        assert process.poll() is None


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port))
    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert f"127.0.0.1 port {port}: Address already in use" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--scenario", "bad-fliter"],
            ["no scenario 'bad-fliter'", "mean bad-filter?"],
        ),
        (["--scenario", ""], ["no scenario ''", "`runbooks sandbox --list` lists all"]),
        (["--clock", "yesterday"], ["'yesterday' is not a time", CLOCK]),
        (["--clock", "2026-01-15T12:00:00"], ["not a time"]),
        (["--clock", "0001-01-01T00:00:00Z"], ["not a time"]),
        (["--port", "70000"], ["70000 is not a port"]),
        (["--port", "http"], ["--port", "'http'"]),
        (["--host", "0.0.0.0"], ["this machine only", "'0.0.0.0'"]),
        (["--host", "::"], ["this machine only"]),
        (["--host", "example.com"], ["this machine only"]),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], words: list[str]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (64, "", 1)
    for word in words:
        assert word in result.stderr


def test_another_host_cannot_be_had_from_python_either() -> None:
    with pytest.raises(ValueError, match="this machine only"), serve(host="0.0.0.0"):
        pass


def test_it_listens_on_loopback_and_nowhere_else() -> None:
    with serve("healthy") as sandbox, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        port = int(sandbox.endpoint.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), 2).close()
        probe.connect(("192.0.2.1", 9))  # sends nothing; gives the address this machine has elsewhere
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((probe.getsockname()[0], port), 2)


def test_the_port_is_free_again_when_it_has_ended() -> None:
    with serve("healthy") as sandbox:
        port = int(sandbox.endpoint.rpartition(":")[2])
    with serve("healthy", port=port) as again:
        assert again.endpoint == sandbox.endpoint


SCRIPT = """
import boto3, json
from botocore.exceptions import ClientError
answers = []
def ask(service, method, **parameters):
    try:
        answer = getattr(boto3.client(service), method)(**parameters)
    except ClientError as error:
        answer = error.response
    answer["ResponseMetadata"]["HTTPHeaders"].pop("date")
    answers.append(answer)
for status in ("Registered", "bogus", "bogus"):
    ask("codedeploy", "list_on_premises_instances", registrationStatus=status)
ask("codedeploy", "register_on_premises_instance", instanceName="new-01", iamUserArn="arn:aws:iam::111122223333:user/x")
ask("codedeploy", "batch_get_on_premises_instances", instanceNames=["web-01", "old-01", "new-01"])
ask("sts", "get_caller_identity")
ask("iam", "create_user", UserName="x", Path="/AWS/CodeDeploy/")
ask("cloudtrail", "lookup_events")
answers[-2]["User"].pop("CreateDate")  # moto gives the real time
print(json.dumps(answers, default=str, indent=1))
"""


def answers_of_a_new_sandbox(hash_seed: str) -> str:
    arguments = ["--scenario", "bad-filter", "--clock", CLOCK, "--until-eof"]
    with started(*arguments, hash_seed=hash_seed) as (_, about):
        # botocore's user agent holds a set, whose order is the hash seed's: the client's must not vary.
        environment = environment_for(about) | {"PYTHONHASHSEED": "0"}
        script = [sys.executable, "-c", SCRIPT]
        return subprocess.run(script, env=environment, capture_output=True, text=True, check=True).stdout


def test_two_processes_give_the_same_answers() -> None:
    first, second = answers_of_a_new_sandbox("1"), answers_of_a_new_sandbox("2")
    assert first == second
    answers = json.loads(first)
    ids = [answer["ResponseMetadata"]["RequestId"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert "2026-01-15 12:00:04" in answers[4]["instanceInfos"][2]["registerTime"]
    assert answers[-1]["Events"][0]["EventName"] == "CreateUser"


def test_it_starts_quickly_and_says_nothing_of_requests() -> None:
    with started("--until-eof") as (process, about):
        script = "import boto3; boto3.client('codedeploy').list_on_premises_instances()"
        subprocess.run([sys.executable, "-c", script], env=environment_for(about), check=True)
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.communicate(timeout=10) == ("", "")


def test_what_moto_prints_is_not_on_standard_output() -> None:
    with started("--until-eof") as (process, about):
        script = "import boto3; boto3.client('accessanalyzer').list_analyzers()"
        asked = subprocess.run(
            [sys.executable, "-c", script], env=environment_for(about), capture_output=True
        )
        assert b"SandboxNotImplemented" in asked.stderr
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        out, err = process.communicate(timeout=10)
    assert out == ""
    assert "Unable to find appropriate backend" in err


def test_a_failure_of_the_sandbox_itself_is_an_answer_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the request's protocol, retried as AWS's own failures are, and told on standard error without a traceback."""

    def fails(call: object, **_: object) -> None:
        raise KeyError("what\never")

    for key in (("codedeploy", "ListOnPremisesInstances"), ("sts", "GetCallerIdentity")):
        monkeypatch.setitem(OPERATIONS, key, fails)
    with serve("healthy") as sandbox:
        for service, method in (("codedeploy", "list_on_premises_instances"), ("sts", "get_caller_identity")):
            with pytest.raises(ClientError) as raised:
                getattr(client(sandbox, service, attempts=2), method)()
            assert raised.value.response["Error"]["Code"] == "InternalFailure"
            assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
            assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 1
        assert sandbox.account.journal[-1].error
        assert client(sandbox, "codedeploy").get_on_premises_instance(instanceName="web-01")
    assert capfd.readouterr().err == "sandbox: KeyError: 'what\\never'\n" * 4


def test_a_failure_before_the_operation_is_known_is_an_answer_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> str:
        raise RuntimeError("no owner")

    monkeypatch.setattr(Moto, "owner", fails)
    with serve("healthy") as sandbox, pytest.raises(ClientError, match="InternalFailure"):
        client(sandbox, "codedeploy", aws_access_key_id="test").list_on_premises_instances()
    assert capfd.readouterr().err == "sandbox: RuntimeError: no owner\n"


def exchange(sandbox: Sandbox, *pieces: bytes) -> bytes:
    """What is answered to these bytes."""
    port = int(sandbox.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # what was not read when the answer was sent
            while more := connection.recv(65536):
                answer += more
    return answer


HEAD = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Amz-Target: "
    f"CodeDeploy_20141006.ListOnPremisesInstances\r\nAuthorization: {AUTHORIZATION.format('codedeploy')}\r\n"
).encode()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (b"Content-Length: 2\r\n", b"{}", b"200 OK"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"200 OK"),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n", b"400 BAD REQUEST"),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"400 BAD REQUEST"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}x0\r\n\r\n", b"400 BAD REQUEST"),
        (f"Content-Length: {requests.LONGEST}\r\n".encode(), b" " * requests.LONGEST, b"400 BAD REQUEST"),
        (f"Content-Length: {codec.LONGEST}\r\n".encode(), b" " * (codec.LONGEST - 2) + b"{}", b"200 OK"),
        (
            f"Content-Length: {codec.LONGEST + 1}\r\n".encode(),
            b" " * (codec.LONGEST - 1) + b"{}",
            b"400 BAD REQUEST",
        ),
        (f"Content-Length: {requests.LONGEST + 1}\r\n".encode(), b"", b"413 REQUEST ENTITY TOO LARGE"),
        (
            b"Transfer-Encoding: chunked\r\n",
            b"4000001\r\n" + b" " * (requests.LONGEST + 1) + b"\r\n0\r\n\r\n",
            b"413 REQUEST",
        ),
    ],
)
def test_a_body_is_whole_and_of_a_bearable_length(
    capfd: pytest.CaptureFixture[str], headers: bytes, body: bytes, status: bytes
) -> None:
    with serve("healthy") as sandbox:
        assert exchange(sandbox, HEAD + headers + b"\r\n", body).startswith(b"HTTP/1.1 " + status)
        assert client(sandbox, "codedeploy").list_on_premises_instances()
    assert capfd.readouterr().err == ""


def test_a_client_that_waits_gets_100_continue_once() -> None:
    with serve("healthy") as sandbox:
        answer = exchange(sandbox, HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", b"{}")
    assert answer.count(b"100 Continue") == 1
    assert b"HTTP/1.1 200 OK" in answer
