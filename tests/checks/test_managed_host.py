"""What Systems Manager says of a host, and the probe that it runs there."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from botocore.stub import Stubber

from runbooks.aws.session import Aws
from runbooks.engine import run
from runbooks.facts.host_report import managed_node
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Verdict
from runbooks.host import read_report
from runbooks.host.probe import probe_document
from runbooks.question import Question
from tests.checks.on_hosts import (
    CHECKS,
    assert_leads_somewhere,
    aws,
    document,
)

__all__ = ["aws", "document"]  # fixtures

# Systems Manager, whose answers are stubbed: their form is checked against its model.

NODE = {"InstanceId": "mi-0a1b2c3d4e5f60001", "ComputerName": "web-01.example.com", "PlatformType": "Linux"}
METADATA = {"RequestId": "r-1", "HTTPStatusCode": 200}


@pytest.fixture
def ssm(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.client("ssm")) as stub:
        yield stub


def nodes(stub: Stubber, *found: dict[str, Any]) -> None:
    answer = {"InstanceInformationList": list(found), "ResponseMetadata": METADATA}
    stub.add_response("describe_instance_information", answer)


@pytest.mark.parametrize(
    ("node", "minutes", "expected"),
    [
        ({"PingStatus": "Online"}, 3, [(OK, "Systems Manager calls web-01 (mi-0a1b2c3d4e5f60001, web-01.example.com) Online, last heard 3 min ago.")]),
        ({"PingStatus": "Online"}, 200, [(WARN, "Online, last heard 3 h ago")]),
        ({"PingStatus": "Online"}, -1, [(OK, "last heard 0 min ago")]),
        ({"PingStatus": "ConnectionLost"}, 9000, [(WARN, "ConnectionLost, last heard 6 days ago")]),
        ({}, 3, [(UNKNOWN, "gives no PingStatus")]),
        ({"PingStatus": "Online", "PlatformType": "Windows"}, 3, [(OK, "Online"), (WARN, "runs Windows")]),
    ],
)  # fmt: skip
def test_what_systems_manager_says_of_the_host(
    node: dict[str, Any], minutes: int, expected: list[tuple[Verdict, str]], aws: Aws, ssm: Stubber
) -> None:
    heard = datetime.now(UTC) - timedelta(minutes=minutes, seconds=5)
    nodes(ssm, NODE | node | {"LastPingDateTime": heard})
    said = run(CHECKS["host-is-managed-and-online"].function, aws, Question(instance="web-01"))
    assert [(f.verdict, says in f.says) for f, (_, says) in zip(said, expected, strict=True)] == [
        (verdict, True) for verdict, _ in expected
    ]
    for finding in said:
        assert_leads_somewhere(finding)


def test_a_host_that_systems_manager_does_not_know(aws: Aws, ssm: Stubber, document: dict[str, Any]) -> None:
    check = CHECKS["host-is-managed-and-online"].function
    nodes(ssm, NODE | {"ComputerName": "web-02", "PingStatus": "Online"})
    (said,) = run(check, aws, Question(instance="web-01"))
    assert said.verdict is WARN
    assert "CodeDeploy does not need it" in said.says
    assert said.fix.startswith(
        "With SSH to it: `runbooks probe --instance=web-01 | ssh -- web-01 sudo sh > ./web-01.json && "
    )
    assert_leads_somewhere(said)
    nodes(ssm)
    (said,) = run(check, aws, Question(instance="web-01", host_report=read_report(json.dumps(document))))
    assert (said.verdict, said.fix) == (WARN, "")


@pytest.mark.parametrize(
    ("instance", "computers", "found"),
    [
        ("web-01.example.com", {"mi-a": "web-01.example.com"}, "mi-a"),
        ("web-01.example.com", {"mi-a": "web-01"}, "mi-a"),
        ("web-01.example.com", {"mi-a": "web-01.other.org"}, None),
        ("web-01", {"mi-a": "WEB-01.example.com", "mi-b": "web-011"}, "mi-a"),
        ("web-01", {"mi-a!": "web-01", "mi-b": "web-01"}, "mi-b"),  # activated again: the old one is lost
        ("web-01", {"mi-a": "web-01", "mi-b": "web-01.example.com"}, CouldNotCheck),
    ],
)
def test_the_node_is_found_by_its_name(
    instance: str, computers: dict[str, str], found: Any, aws: Aws, ssm: Stubber
) -> None:
    listed = [
        {
            "InstanceId": id_.strip("!"),
            "ComputerName": name,
            "PingStatus": "ConnectionLost" if "!" in id_ else "Online",
        }
        for id_, name in computers.items()
    ]
    nodes(ssm, *listed)
    if found is CouldNotCheck:
        with pytest.raises(CouldNotCheck, match="mi-a, mi-b"):
            managed_node(aws, instance)
    else:
        node = managed_node(aws, instance)
        assert (node and node["InstanceId"]) == found


def the_document_is_there(stub: Stubber) -> None:
    """Stub the read of the document that holds the probe."""
    content = json.dumps(yaml.safe_load(probe_document()))
    answer = {"Content": content, "DocumentVersion": "1", "ResponseMetadata": METADATA}
    stub.add_response("get_document", answer)


def through_systems_manager(stub: Stubber, document: dict[str, Any]) -> None:
    """Stub what is asked to run the probe on web-01, whose answer is ``document``."""
    nodes(stub, NODE | {"PingStatus": "Online"})
    the_document_is_there(stub)
    command = {"CommandId": "0" * 36}
    stub.add_response("send_command", {"Command": command, "ResponseMetadata": METADATA})
    stub.add_response(
        "get_command_invocation",
        command
        | {"InstanceId": NODE["InstanceId"]}
        | {"Status": "Success", "StandardOutputContent": json.dumps(document), "ResponseMetadata": METADATA},
    )


@pytest.mark.parametrize(
    ("ahead", "verdict", "says"),
    [
        (0, OK, "right to the minute, by the clock of this machine"),
        (-200, WARN, "3 min behind, by the clock of this machine"),
        (280, WARN, "4 min ahead"),
        (-400, FAIL, "behind, by the clock of this machine: AWS refuses"),
    ],
)
def test_the_clock_of_a_host_that_reaches_nothing(
    ahead: int, verdict: Verdict, says: str, aws: Aws, ssm: Stubber, document: dict[str, Any]
) -> None:
    """Systems Manager brought the report just now, so this machine's clock can stand in for AWS's."""
    mute = {"date": {"error": "curl: (28)"}, "status": {"error": "curl: (28)"}}
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    through_systems_manager(
        ssm,
        document
        | {name: document[name] | mute for name in ("endpoint_commands", "endpoint_s3")}
        | {
            "clock": document["clock"] | {"epoch": {"value": int(now.timestamp())}},
            "collected_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        },
    )
    (said,) = run(CHECKS["host-clock-is-right"].function, aws, Question(instance="web-01"))
    assert said.verdict is verdict
    assert says in said.says
    assert [call.api for call in said.proof] == [
        "ssm:DescribeInstanceInformation",
        "codedeploy:GetOnPremisesInstance",
        "ssm:GetDocument",
        "ssm:SendCommand",
        "ssm:GetCommandInvocation",
    ]


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"PingStatus": "Online", "PlatformType": "Windows"}, "there is no probe for Windows yet"),
        ({"PingStatus": "ConnectionLost"}, "mi-0a1b2c3d4e5f60001 is not connected to Systems Manager (ConnectionLost)"),
        ({}, "not connected to Systems Manager (no PingStatus)"),
    ],
)  # fmt: skip
def test_a_probe_that_cannot_run_is_not_sent(node: dict[str, Any], says: str, aws: Aws, ssm: Stubber) -> None:
    nodes(ssm, NODE | node)
    (said,) = run(CHECKS["agent-is-running"].function, aws, Question(instance="web-01"))
    assert said.verdict is UNKNOWN
    assert says in said.says
    assert "ssm:SendCommand" not in [call.api for call in said.proof]


def test_what_the_probe_says_of_its_own_failure_is_shown(aws: Aws, ssm: Stubber) -> None:
    nodes(ssm, NODE | {"PingStatus": "Online"})
    the_document_is_there(ssm)
    command = {"CommandId": "0" * 36}
    ssm.add_response("send_command", {"Command": command, "ResponseMetadata": METADATA})
    failed = '{"schema":2,"failed":"awk is not on this host","complete":true}'
    answer = {
        "InstanceId": NODE["InstanceId"],
        "Status": "Failed",
        "StandardOutputContent": failed,
        "StandardErrorContent": "exit status 1",
    }
    ssm.add_response("get_command_invocation", command | answer | {"ResponseMetadata": METADATA})
    (said,) = run(CHECKS["agent-is-running"].function, aws, Question(instance="web-01"))
    assert said.verdict is UNKNOWN
    assert "awk is not on this host" in said.says
