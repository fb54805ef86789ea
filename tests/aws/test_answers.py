"""What counts as an answer of AWS: redirects, block pages, wrong types, missing members, bodies without end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from runbooks.aws import failures, http
from runbooks.aws.answers import NotAnAnswer, require
from runbooks.aws.clients import Clients
from runbooks.aws.session import Aws

QUICK = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1}, proxies={})
LIST = ("codedeploy:ListOnPremisesInstances", "instanceNames")
GET = ("codedeploy:GetOnPremisesInstance", "instanceInfo")
ROLE = ("iam:GetRole", "Role", "Arn")
XHTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Blocked</title></head><body>No.</body></html>'
)


class Canned(BaseHTTPRequestHandler):
    """Answers every request with what the server holds."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """No line for a request."""


@contextmanager
def answering(body: str | bytes, status: int = 200, request_id: str = "r-1", **headers: str) -> Iterator[Aws]:
    """A session whose every call is answered so."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    marks = {"x-amzn-RequestId": request_id} if request_id else {}
    server.answer = (status, marks | headers, body.encode() if isinstance(body, str) else body)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-west-1")
    try:
        yield Aws(Clients(session, endpoint=f"http://127.0.0.1:{server.server_port}", config=QUICK))
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("api", "body", "wrong"),
    [
        (LIST, '{"instanceNames": "abc"}', "a text as ListOnPremisesInstancesOutput.instanceNames, which is a list"),
        (LIST, '{"instanceNames": ""}', "a text as"),
        (LIST, '{"instanceNames": {}}', "a structure as"),
        (LIST, '{"instanceNames": ["web-01", 5]}', "a number as ListOnPremisesInstancesOutput.instanceNames[]"),
        (LIST, '{"instanceNames": [null]}', "nothing as"),
        (LIST, '{"instanceNames": [], "nextToken": 5}', "a number as"),
        (LIST, '["web-01"]', "a list as ListOnPremisesInstancesOutput, which is a structure"),
        (LIST, "null", "nothing as"),
        (LIST, "", "something that is not JSON"),
        (LIST, XHTML, "something that is not JSON"),
        (GET, '{"instanceInfo": {"iamSessionArn": 5}}', "instanceInfo.iamSessionArn, which is a string"),
        (GET, '{"instanceInfo": {"iamSessionArn": {"a": 1}}}', "a structure as"),
        (GET, '{"instanceInfo": {"registerTime": true}}', "a boolean as"),
        (GET, '{"instanceInfo": {"tags": {"Key": "Name"}}}', "a structure as"),
        (GET, '{"instanceInfo": "web-01"}', "a text as"),
        (("cloudtrail:LookupEvents", "Events"), '{"Events": [null]}', "nothing as LookupEventsResponse.Events[]"),
        (("cloudtrail:LookupEvents", "Events"), '{"Events": {}}', "a structure as LookupEventsResponse.Events"),
        (("ssm:GetDocument", "Content"), '{"Content": ["x"]}', "a list as"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused(api: tuple[str, ...], body: str, wrong: str) -> None:
    parameters: dict[str, Any] = {
        "codedeploy:GetOnPremisesInstance": {"instanceName": "web-01"},
        "ssm:GetDocument": {"Name": "x"},
    }
    with answering(body) as aws, pytest.raises(NotAnAnswer, match="so what answered is not AWS") as raised:
        aws.read(*api, **parameters.get(api[0], {}))
    assert wrong in str(raised.value)
    assert str(raised.value).startswith(api[0])


@pytest.mark.parametrize(
    "body",
    [
        '{"instanceNames": []}',
        '{"instanceNames": ["web-01"], "nextToken": null}',
        '{"instanceNames": ["web-01"], "newMember": {"of": "tomorrow"}}',
    ],
)
def test_a_right_answer_is_one(body: str) -> None:
    with answering(body) as aws:
        assert aws.read(*LIST) in ([], ["web-01"])


@pytest.mark.parametrize(
    ("api", "body", "missing"),
    [
        (LIST, "{}", "instanceNames"),
        (LIST, '{"instanceNames": null}', "instanceNames"),
        (("ssm:SendCommand", "Command", "CommandId"), '{"Command": {}}', "Command.CommandId"),
        (("ssm:SendCommand", "Command", "CommandId"), '{"Command": {"CommandId": ""}}', "Command.CommandId"),
    ],
)
def test_a_missing_member_is_named(api: tuple[str, ...], body: str, missing: str) -> None:
    with answering(body) as aws:
        aws.clients.allowed = {"ssm:SendCommand": lambda _: True}
        parameters: dict[str, Any] = {"DocumentName": "x"} if "ssm" in api[0] else {}
        with pytest.raises(NotAnAnswer, match=f"{api[0]} was answered without the member {missing},"):
            aws.read(*api, **parameters)


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        (("Id",), ""),
        (("Routes",), ""),
        (("Routes.State",), "Table.Routes.State"),
        (("Routes.Gateway.Id",), ""),  # one has no gateway, so it has no gateway without an id
        (("Empty.X", "Nothing.X"), ""),
        (("Name",), "Table.Name"),
        (("None",), "Table.None"),
        (("Id.X",), "Table.Id.X"),
    ],
)
def test_a_path_leads_through_lists_and_structures(members: tuple[str, ...], missing: str) -> None:
    routes = [{"State": "active", "Gateway": {"Id": "igw-1"}}, {"State": ""}]
    table = {"Id": "rtb-1", "Name": "", "None": None, "Routes": routes, "Empty": []}
    answer = {"Table": table, "ResponseMetadata": {"RequestId": "r-1"}}
    if missing:
        with pytest.raises(NotAnAnswer, match=f"without the member {missing},"):
            require("ec2:X", answer, "Table", *members)
    else:
        assert require("ec2:X", answer, "Table", *members) == table


def test_an_answer_without_a_request_id_is_none() -> None:
    with answering('{"instanceNames": []}', request_id="") as aws:
        with pytest.raises(NotAnAnswer, match="without a request id"):
            aws.read(*LIST)
        with pytest.raises(NotAnAnswer, match="without a request id"):
            aws.read_all(*LIST)


def test_an_expected_error_without_a_request_id_proves_nothing() -> None:
    body, code = '{"__type": "InstanceNotRegisteredException"}', "InstanceNotRegisteredException"
    with answering(body, 400) as aws:
        assert aws.read(*GET, expecting=(code,), instanceName="web-01").code == code
    with answering(body, 400, request_id="") as aws, pytest.raises(NotAnAnswer, match="without a request id"):
        aws.read(*GET, expecting=(code,), instanceName="web-01")


# What a proxy, a captive portal or a redirect answers


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404, 407, 451])
@pytest.mark.parametrize("body", [XHTML, "<html><body>Sign in<br></body></html>", "", '{"error": "blocked"}', "<Error>no</Error>"])  # fmt: skip
@pytest.mark.parametrize("api", [LIST, ROLE], ids=["json", "query"])
def test_another_http_server_is_named_as_such(api: tuple[str, ...], body: str, status: int) -> None:
    parameters: dict[str, Any] = {"RoleName": "x"} if api is ROLE else {}
    portal = answering(body, status, request_id="", Location="http://portal.example/")
    with portal as aws, pytest.raises((NotAnAnswer, ClientError, *failures.UNREACHABLE)) as raised:
        aws.read(*api, expecting=("NoSuchEntity",), **parameters)
    sentence = failures.describe(raised.value)
    assert api[0] in sentence
    assert "not AWS" in sentence
    assert "report it" not in sentence


# Bodies


def padded(size: int) -> bytes:
    """An answer of ``size`` bytes."""
    body = b'{"instanceNames": []' + b" " * (size - 21) + b"}"
    assert len(body) == size
    return body


def test_a_body_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert http.MOST_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr(http, "MOST_BYTES", 1024 * 1024)
    with answering(padded(1024 * 1024)) as aws:
        assert aws.read(*LIST) == []
    with answering(padded(1024 * 1024 + 1)) as aws, pytest.raises(NotAnAnswer) as raised:
        aws.read(*LIST)
    assert "codedeploy:ListOnPremisesInstances was answered with an answer of more than 1 MB" in str(
        raised.value
    )


@pytest.mark.parametrize("body", ["[" * 200_000, '{"instanceNames": ' + "[" * 200_000])
def test_json_that_is_nested_too_deep_is_refused(body: str) -> None:
    with answering(body) as aws, pytest.raises(NotAnAnswer):
        aws.read(*LIST)
