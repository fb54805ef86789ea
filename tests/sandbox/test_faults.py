"""Every fault, as a stock client meets it; and which errors botocore tries again."""

import socket
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from codedeploy_sandbox import Cut, Delay, Error, Fault, Hang, Http, Pass, Reset, Sandbox, serve

from tests.support.sandbox import AUTHORIZATION, client

ALL = "codedeploy:*"


def attempts(sandbox: Sandbox, **options: Any) -> Any:
    """The error of one ListOnPremisesInstances under the client's default retries."""
    with pytest.raises(ClientError) as raised:
        client(sandbox, "codedeploy", attempts=None).list_on_premises_instances(**options)
    return raised.value.response


def test_the_bad_filter_is_tried_once() -> None:
    with serve("healthy") as sandbox:
        sandbox.account.journal.clear()
        metadata = attempts(sandbox, registrationStatus="bogus")["ResponseMetadata"]
        assert metadata["RetryAttempts"] == 0
        assert [call.operation for call in sandbox.account.journal] == ["ListOnPremisesInstances"]


def test_throttling_is_tried_three_times() -> None:
    with serve("healthy", faults=[Fault(ALL, Error("ThrottlingException", "Rate exceeded"))]) as sandbox:
        response = attempts(sandbox)
    assert response["ResponseMetadata"]["RetryAttempts"] == 2
    assert response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}


def test_two_throttles_and_then_the_answer() -> None:
    with serve("healthy", faults=[Fault(ALL, Error("ThrottlingException"), times=2)]) as sandbox:
        answer = client(sandbox, "codedeploy", attempts=None).list_on_premises_instances()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert "web-01" in answer["instanceNames"]


@pytest.mark.parametrize(
    ("service", "method", "code", "status"),
    [
        ("codedeploy", "list_on_premises_instances", "AccessDeniedException", 400),
        ("iam", "list_users", "AccessDenied", 403),
        ("ec2", "describe_instances", "UnauthorizedOperation", 403),
        ("s3", "list_buckets", "AccessDenied", 403),
        ("cloudtrail", "lookup_events", "ExpiredTokenException", 400),
        ("sts", "get_caller_identity", "ExpiredToken", 403),
    ],
)
def test_an_error_in_the_services_own_protocol(service: str, method: str, code: str, status: int) -> None:
    fault = Fault(f"{service}:*", Error(code, "User: x is <not> authorized", status))
    with serve("healthy", faults=[fault]) as sandbox, pytest.raises(ClientError) as raised:
        getattr(client(sandbox, service), method)()
    error, metadata = raised.value.response["Error"], raised.value.response["ResponseMetadata"]
    assert (error["Code"], error["Message"]) == (code, "User: x is <not> authorized")
    assert metadata["HTTPStatusCode"] == status
    assert len(metadata["RequestId"]) == 36


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Http(407, "<html><body>Proxy</body></html>"), "407"), (Http(503, ""), "503")],
)
def test_an_answer_of_something_else_is_an_error_by_its_status(fault: Http, code: str) -> None:
    with serve("healthy", faults=[Fault(ALL, fault)]) as sandbox, pytest.raises(ClientError) as raised:
        client(sandbox, "codedeploy").list_on_premises_instances()
    assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("body", ["<html>Welcome to the hotel</html>", '{"instanceNames": ["web-'])
def test_a_good_status_with_a_foreign_body_looks_like_no_instances(body: str) -> None:
    """botocore raises nothing here: a caller must ask for the key and for the request id itself."""
    with serve("healthy", faults=[Fault(ALL, Http(200, body))]) as sandbox:
        answer = client(sandbox, "codedeploy").list_on_premises_instances()
    assert "instanceNames" not in answer
    assert "RequestId" not in answer["ResponseMetadata"]


def test_an_answer_that_is_cut() -> None:
    with serve("healthy", faults=[Fault(ALL, Cut())]) as sandbox:
        answer = client(sandbox, "codedeploy").list_on_premises_instances()
    # Everything that AWS puts in its headers is there: the request id alone proves nothing.
    assert "instanceNames" not in answer
    assert "RequestId" in answer["ResponseMetadata"]


def test_a_reset_connection(capsys: pytest.CaptureFixture[str]) -> None:
    with serve("healthy", faults=[Fault(ALL, Reset(), times=1)]) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        with pytest.raises(ConnectionClosedError, match="endpoint URL"):
            codedeploy.list_on_premises_instances()
        assert codedeploy.list_on_premises_instances()["instanceNames"]
    assert capsys.readouterr().err == ""


def test_a_reset_is_a_reset_on_the_wire() -> None:
    with serve("healthy", faults=[Fault(ALL, Reset())]) as sandbox, connection(sandbox) as raw:
        raw.sendall(request("X-Amz-Target: CodeDeploy_20141006.ListOnPremisesInstances", "Content-Length: 0"))
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_half_a_request_is_a_bad_request_and_no_noise(capsys: pytest.CaptureFixture[str]) -> None:
    with serve("healthy") as sandbox:
        with connection(sandbox) as raw:
            raw.sendall(request("Content-Length: 100") + b"half")
            raw.shutdown(socket.SHUT_WR)
            assert b" 400 " in raw.recv(1000).partition(b"\r\n")[0]
        with connection(sandbox) as raw:
            raw.sendall(b"POST / HT")
        assert client(sandbox, "sts").get_caller_identity()["Account"]
    assert capsys.readouterr().err == ""


def connection(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(sandbox.endpoint.rpartition(":")[2])), 5)


def request(*headers: str) -> bytes:
    lines = (
        "POST / HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {AUTHORIZATION.format('codedeploy')}",
        *headers,
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def test_an_endpoint_that_hangs_and_a_sandbox_that_ends_nevertheless() -> None:
    with serve("healthy", faults=[Fault(ALL, Hang())]) as sandbox:
        with pytest.raises(ReadTimeoutError):
            client(sandbox, "codedeploy", read_timeout=0.2).list_on_premises_instances()
        assert client(sandbox, "sts").get_caller_identity()["Account"]
        assert threads_that_answer()
    deadline = time.monotonic() + 2
    while threads_that_answer() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not threads_that_answer()


def threads_that_answer() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "process_request" in thread.name]


def test_a_late_answer_is_the_right_one() -> None:
    with serve("healthy", faults=[Fault(ALL, Delay(0.3))]) as sandbox:
        began = time.monotonic()
        assert client(sandbox, "codedeploy").list_on_premises_instances()["instanceNames"]
        assert time.monotonic() - began > 0.3


def test_match_skip_times_and_the_first_that_fits() -> None:
    faults = [
        Fault("codedeploy:Get*", Pass()),
        Fault("codedeploy:List*", Error("First"), skip=1, times=1),
        Fault("*:*", Error("Second"), skip=1),
    ]
    outcomes = []
    with serve("healthy", faults=faults) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        for _ in range(4):
            codedeploy.get_on_premises_instance(instanceName="web-01")
            try:
                codedeploy.list_on_premises_instances()
                outcomes.append("answer")
            except ClientError as error:
                outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["answer", "First", "Second", "Second"]


@pytest.mark.parametrize("match", ["codedeploy:list*", "CodeDeploy:*", "ssm:*", "codedeploy"])
def test_a_match_is_exact_in_case_and_in_service(match: str) -> None:
    with serve("healthy", faults=[Fault(match, Reset())]) as sandbox:
        assert client(sandbox, "codedeploy").list_on_premises_instances()["instanceNames"]


def test_the_faults_of_a_running_sandbox_can_be_replaced() -> None:
    once = Fault(ALL, Error("ThrottlingException", "Rate exceeded"), times=1)
    with serve("healthy", faults=[Fault(ALL, Error("AccessDeniedException"))]) as sandbox:
        listed = client(sandbox, "codedeploy").list_on_premises_instances
        for _ in range(2):  # what the old one has met does not count for the new one
            sandbox.app.set_faults([once])
            with pytest.raises(ClientError, match="ThrottlingException"):
                listed()
            assert "web-01" in listed()["instanceNames"]
        sandbox.app.set_faults([])
        assert "web-01" in listed()["instanceNames"]
