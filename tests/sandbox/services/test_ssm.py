"""Systems Manager in the sandbox, through real boto3 and the stock command line: nodes, packages, and the probe."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS, Sandbox, serve
from codedeploy_sandbox.hosts.machine import Output
from codedeploy_sandbox.services import ssm
from codedeploy_sandbox.state import REGION, Account

from runbooks.host import probe_script, read_report
from tests.support.sandbox import aws, client, environment_for, sandbox_process

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WEB_01, WEB_02, BATCH_01 = (f"mi-0a1b2c3d4e5f6000{number}" for number in (1, 2, 3))
PROBE = probe_script()
COMMAND = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [PROBE]}}


@pytest.fixture(scope="module")
def healthy() -> Iterator[Sandbox]:
    with serve("healthy", clock=NOON, probe=PROBE) as sandbox:
        yield sandbox


def refused(call: Any, **parameters: Any) -> str:
    """The code of the error with which a call ends."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return str(raised.value.response["Error"]["Code"])


def outcome(sandbox: Sandbox, node: str = WEB_01) -> dict[str, Any]:
    """Send the probe to a node and ask until there is an invocation."""
    api = client(sandbox, "ssm")
    sent = {"CommandId": api.send_command(InstanceIds=[node], **COMMAND)["Command"]["CommandId"]}
    assert refused(api.get_command_invocation, InstanceId=node, **sent) == "InvocationDoesNotExist"
    while True:
        answer: dict[str, Any] = api.get_command_invocation(InstanceId=node, **sent)
        if answer["Status"] != "InProgress":
            return answer


def test_nodes_are_described(healthy: Sandbox) -> None:
    nodes = client(healthy, "ssm").describe_instance_information()["InstanceInformationList"]
    assert [node["InstanceId"] for node in nodes] == [WEB_01, WEB_02, BATCH_01]
    assert nodes[0] | {"AgentVersion": "any"} == {
        "InstanceId": WEB_01,
        "PingStatus": "Online",
        "LastPingDateTime": NOON - timedelta(minutes=2),
        "AgentVersion": "any",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Red Hat Enterprise Linux",
        "PlatformVersion": "9.4",
        "ResourceType": "ManagedInstance",
        "Name": "web-01",
        "IamRole": "CodeDeployOnPremises",
        "ComputerName": "web-01.example.com",
    }
    assert (nodes[2]["PlatformName"], nodes[2]["PlatformVersion"]) == ("Debian GNU/Linux", "12")
    assert (
        client(healthy, "ssm", region_name="eu-north-1").describe_instance_information()[
            "InstanceInformationList"
        ]
        == []
    )


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"InstanceIds": [WEB_01, BATCH_01]}, [WEB_01, BATCH_01]),
        ({"InstanceIds": ["mi-0a1b2c3d4e5f60009"]}, []),
        ({"PingStatus": ["ConnectionLost"]}, [WEB_02]),
        ({"PingStatus": ["Online", "ConnectionLost"]}, [WEB_01, WEB_02, BATCH_01]),
        ({"ResourceType": ["EC2Instance"]}, []),
        ({"PlatformTypes": ["Linux"], "InstanceIds": [WEB_02]}, [WEB_02]),
        ({"IamRole": ["CodeDeployOnPremises"], "PlatformTypes": ["Windows"]}, []),
        ({"tag:Environment": ["production"]}, []),
    ],
)
def test_every_filter_must_hold_and_of_its_values_any(
    filters: dict[str, list[str]], names: list[str]
) -> None:
    def one_is_lost(account: Account) -> None:
        SCENARIOS["healthy"](account)
        nodes = account.state(REGION).nodes
        nodes[WEB_02] = replace(nodes[WEB_02], ping="ConnectionLost")

    with serve(one_is_lost, probe=PROBE) as sandbox:
        api = client(sandbox, "ssm")
        found = [
            api.describe_instance_information(Filters=[{"Key": k, "Values": v} for k, v in filters.items()])
        ]
        if not any(key.startswith("tag") for key in filters):
            old = [{"key": key, "valueSet": values} for key, values in filters.items()]
            found.append(api.describe_instance_information(InstanceInformationFilterList=old))
    for answer in found:
        assert [node["InstanceId"] for node in answer["InstanceInformationList"]] == names


def test_pages_and_what_is_refused() -> None:
    def many(account: Account) -> None:
        SCENARIOS["healthy"](account)
        nodes = account.state(REGION).nodes
        for number in range(10, 22):
            nodes[f"mi-0a1b2c3d4e5f600{number}"] = replace(nodes[WEB_01], id=f"mi-0a1b2c3d4e5f600{number}")

    with serve(many, probe=PROBE) as sandbox:
        api = client(sandbox, "ssm")
        pages = list(api.get_paginator("describe_instance_information").paginate(MaxResults=5))
        assert [len(page["InstanceInformationList"]) for page in pages] == [5, 5, 5]
        assert len({node["InstanceId"] for page in pages for node in page["InstanceInformationList"]}) == 15
        describe = api.describe_instance_information
        assert refused(describe, NextToken=pages[0]["NextToken"], Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == "InvalidNextToken"  # fmt: skip
        assert refused(describe, NextToken="x") == "InvalidNextToken"
        assert refused(describe, Filters=[{"Key": "Ping", "Values": ["Online"]}]) == "InvalidFilterKey"


def test_a_node_has_tags_as_everything_else_has() -> None:
    with serve("healthy", probe=PROBE) as sandbox:
        api = client(sandbox, "ssm", aws_access_key_id="test")
        node = {"ResourceType": "ManagedInstance", "ResourceId": WEB_01}
        assert api.list_tags_for_resource(**node)["TagList"] == []
        tags = [{"Key": "Team", "Value": "web"}, {"Key": "Stage", "Value": "production"}]
        api.add_tags_to_resource(**node, Tags=tags)
        api.add_tags_to_resource(**node, Tags=[{"Key": "Team", "Value": "shop"}])
        assert api.list_tags_for_resource(**node)["TagList"] == [tags[1], {"Key": "Team", "Value": "shop"}]

        def found(key: str, *values: str) -> list[str]:
            filters = [{"Key": key, "Values": list(values)}]
            nodes = api.describe_instance_information(Filters=filters)["InstanceInformationList"]
            return [one["InstanceId"] for one in nodes]

        assert found("tag:Team", "shop", "other") == [WEB_01]
        assert found("tag:Team", "web") == []
        assert found("tag-key", "Stage") == [WEB_01]
        api.remove_tags_from_resource(**node, TagKeys=["Team", "Nothing"])
        assert api.list_tags_for_resource(**node)["TagList"] == [tags[1]]
        unknown = {"ResourceType": "ManagedInstance", "ResourceId": "mi-0a1b2c3d4e5f60009"}
        for call, more in (
            (api.list_tags_for_resource, {}),
            (api.add_tags_to_resource, {"Tags": tags}),
            (api.remove_tags_from_resource, {"TagKeys": ["Team"]}),
        ):
            assert refused(call, **unknown, **more) == "InvalidResourceId"
        api.put_parameter(Name="p", Value="v", Type="String", Tags=tags)
        parameter = {"ResourceType": "Parameter", "ResourceId": "p"}
        assert len(api.list_tags_for_resource(**parameter)["TagList"]) == 2  # moto's


def test_the_inventory_names_the_agent_where_it_is_installed(healthy: Sandbox) -> None:
    def versions(sandbox: Sandbox, node: str) -> dict[str, str]:
        api = client(sandbox, "ssm")
        entries = api.list_inventory_entries(InstanceId=node, TypeName="AWS:Application")["Entries"]
        return {entry["Name"]: entry["Version"] for entry in entries}

    assert versions(healthy, WEB_01)["codedeploy-agent"] == "1.8.1"
    assert versions(healthy, WEB_02)["codedeploy-agent"] == "1.8.0"
    assert versions(healthy, "mi-0a1b2c3d4e5f60009") == {}
    api = client(healthy, "ssm")
    assert api.list_inventory_entries(InstanceId=WEB_01, TypeName="AWS:Network")["Entries"] == []
    with serve("agent-not-installed", probe=PROBE) as sandbox:
        assert set(versions(sandbox, WEB_01)) == {"amazon-ssm-agent"}


@pytest.mark.parametrize("node", [WEB_01, WEB_02, BATCH_01])
def test_the_probe_runs_on_the_machine_of_the_node(healthy: Sandbox, node: str) -> None:
    answer = outcome(healthy, node)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Success", "Success", 0)
    assert answer["StandardErrorContent"] == ""
    report = read_report(answer["StandardOutputContent"], now=NOON)
    names = {WEB_01: "web-01", WEB_02: "web-02", BATCH_01: "batch-01"}
    assert report.host.hostname.value == names[node]
    assert report.identity.registration.value == ("user" if node == BATCH_01 else "session")
    assert report.agent.running.value is True


def test_the_probe_says_the_same_whenever_and_however_often_it_is_asked() -> None:
    texts = []
    for _ in range(2):
        with serve("healthy", clock=NOON, probe=PROBE) as sandbox:
            client(sandbox, "codedeploy").list_on_premises_instances()  # moves the clock
            texts += [outcome(sandbox)["StandardOutputContent"] for _ in range(2)]
    assert len(set(texts)) == 1
    assert json.loads(texts[0])["collected_at"] == "2026-01-15T12:00:00Z"


def test_by_a_real_clock_the_machines_live_now() -> None:
    with serve("healthy", probe=PROBE) as sandbox:
        now = datetime.now(UTC)
        (node, *_) = client(sandbox, "ssm").describe_instance_information()["InstanceInformationList"]
        assert timedelta(minutes=1) < now - node["LastPingDateTime"] < timedelta(minutes=3)
        report = read_report(outcome(sandbox)["StandardOutputContent"], now=now)
    assert abs(report.collected_at - now) < timedelta(seconds=60)


@pytest.mark.parametrize(
    "changed",
    [
        {"Parameters": {"commands": ["touch {place}"]}},
        {"Parameters": {"commands": [probe_script(), "touch {place}"]}},
        {"Parameters": {"commands": [probe_script() + "touch {place}\n"]}},
        {"Parameters": {"commands": [probe_script()], "workingDirectory": ["/"]}},
        {"Parameters": {}},
        {"DocumentName": "AWS-RunPowerShellScript"},
        {"DocumentName": "AWS-UpdateSSMAgent", "Parameters": {}},
        {"OutputS3BucketName": "some-bucket"},
        {"Targets": [{"Key": "InstanceIds", "Values": [WEB_01]}]},
    ],
)
def test_nothing_but_the_probe_runs(healthy: Sandbox, changed: dict[str, Any], tmp_path: Path) -> None:
    place = tmp_path / "ran"
    filled = json.loads(json.dumps(changed).replace("{place}", str(place)))
    send = client(healthy, "ssm").send_command
    assert refused(send, InstanceIds=[WEB_01], **(COMMAND | filled)) == "SandboxNotImplemented"
    assert not place.exists()


def test_a_node_that_is_not_there_or_lost_is_refused(healthy: Sandbox) -> None:
    api = client(healthy, "ssm")
    assert refused(api.send_command, InstanceIds=["mi-0a1b2c3d4e5f60009"], **COMMAND) == "InvalidInstanceId"
    assert refused(api.send_command, InstanceIds=[WEB_01, "i-0a1b2c3d"], **COMMAND) == "InvalidInstanceId"
    assert refused(api.send_command, **COMMAND) == "InvalidInstanceId"
    with serve("host-offline", probe=PROBE) as sandbox:
        lost = client(sandbox, "ssm").send_command
        assert refused(lost, InstanceIds=[WEB_01], **COMMAND) == "InvalidInstanceId"


def test_an_invocation_is_of_one_command_and_one_node(healthy: Sandbox) -> None:
    api = client(healthy, "ssm")
    command = api.send_command(InstanceIds=[WEB_01, WEB_02], Comment="why", **COMMAND)["Command"]
    assert (command["Status"], command["TargetCount"], command["Comment"]) == ("Pending", 2, "why")
    ask = api.get_command_invocation
    for node in (WEB_01, WEB_02, BATCH_01):
        code = refused(ask, CommandId=command["CommandId"], InstanceId=node)
        assert code == "InvocationDoesNotExist"
    assert refused(ask, CommandId=command["CommandId"], InstanceId=BATCH_01) == "InvocationDoesNotExist"
    assert refused(ask, CommandId="0" * 36, InstanceId=WEB_01) == "InvocationDoesNotExist"
    assert ask(CommandId=command["CommandId"], InstanceId=WEB_01)["Comment"] == "why"


def test_a_sandbox_without_a_probe_runs_no_command() -> None:
    with (
        serve("healthy") as sandbox,
        pytest.raises(ClientError, match="was started without a probe") as raised,
    ):
        client(sandbox, "ssm").send_command(InstanceIds=[WEB_01], **COMMAND)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_output_is_cut_where_aws_cuts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssm, "run_probe", lambda machine, now, probe: Output(1, "x" * 30_000, "no\n"))
    with serve("healthy", probe=PROBE) as sandbox:
        answer = outcome(sandbox)
    assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 1)
    assert answer["StandardOutputContent"] == "x" * 24_000
    assert answer["StandardErrorContent"] == "no\n"


def test_a_probe_that_has_not_ended_is_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(ssm, "_WAIT", 0.1)
    monkeypatch.setattr(ssm, "run_probe", lambda machine, now, probe: Output(0, str(end.wait(20)), ""))
    with serve("healthy", probe=PROBE) as sandbox:
        api = client(sandbox, "ssm")
        sent = {"CommandId": api.send_command(InstanceIds=[WEB_01], **COMMAND)["Command"]["CommandId"]}
        refused(api.get_command_invocation, InstanceId=WEB_01, **sent)
        answer = api.get_command_invocation(InstanceId=WEB_01, **sent)
        assert (answer["Status"], answer["ResponseCode"]) == ("InProgress", -1)
        end.set()
        while answer["Status"] == "InProgress":
            answer = api.get_command_invocation(InstanceId=WEB_01, **sent)
    assert (answer["Status"], answer["StandardOutputContent"]) == ("Success", "True")


def test_a_probe_that_cannot_be_run_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*what: Any) -> Output:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ssm, "run_probe", fails)
    with (
        serve("healthy", probe=PROBE) as sandbox,
        pytest.raises(ClientError, match="No space left") as raised,
    ):
        outcome(sandbox)
    assert raised.value.response["Error"]["Code"] == "InternalServerError"


def test_the_command_line_runs_the_probe(tmp_path: Path) -> None:
    (tmp_path / "command.json").write_text(json.dumps({"InstanceIds": [WEB_01], **COMMAND}))
    with sandbox_process("agent-stopped") as about:
        environment = environment_for(about)
        sent = aws(environment, "ssm", "send-command", "--cli-input-json", f"file://{tmp_path}/command.json")
        name = json.loads(sent.stdout)["Command"]["CommandId"]
        ask = ("ssm", "get-command-invocation", "--command-id", name, "--instance-id", WEB_01)
        assert "(InvocationDoesNotExist)" in aws(environment, *ask).stderr
        answer = json.loads(aws(environment, *ask).stdout)
    assert json.loads(answer["StandardOutputContent"])["agent"]["running"]["value"] is False
