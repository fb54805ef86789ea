"""Systems Manager as the diagnosis needs it: the managed nodes, their agent's package, and the probe run on them.

Run Command runs one script, the probe that the sandbox was started with, on the machine of the scenario, and nothing
else: by AWS-RunShellScript, or by a document that holds it.
"""

import json
import re
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.hosts.host import SYSTEMS
from codedeploy_sandbox.hosts.machine import Output, run_probe
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call, Command, Node

SHELL = "AWS-RunShellScript"
PROBE = "CodeDeployFieldGuide-Probe"  # the document that every account of the sandbox has
SHOWN = 24_000  # characters of output, by botocore's model

_WAIT = 10  # seconds at most; by the second poll the probe has ended, on a busy machine too
_MACHINES = ThreadPoolExecutor(2)


def DescribeInstanceInformation(
    call: Call,
    *,
    InstanceInformationFilterList: list[dict[str, Any]] | None = None,
    Filters: list[dict[str, Any]] | None = None,
    MaxResults: int = 50,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """The managed nodes that pass every filter."""
    wanted = [(one["key"], one["valueSet"]) for one in InstanceInformationFilterList or []]
    wanted += [(one["Key"], one["Values"]) for one in Filters or []]
    for key, _ in wanted:
        if key not in _FILTERS and not re.fullmatch("tag-key|tag:.+", key):
            raise ApiError("InvalidFilterKey", f"{key!r} is not a filter")
    found = [
        _information(call, node)
        for _, node in sorted(call.state.nodes.items())
        if all(_passes(_information(call, node), node.tags, key, values) for key, values in wanted)
    ]
    return _page(call, "InstanceInformationList", found, MaxResults, NextToken, wanted)


def ListInventoryEntries(
    call: Call,
    *,
    InstanceId: str,
    TypeName: str,
    Filters: list[dict[str, Any]] | None = None,
    NextToken: str | None = None,
    MaxResults: int = 50,
) -> dict[str, Any]:
    """What is installed on a node (AWS:Application); of every other type there is nothing."""
    _understood(call, "InstanceId", "TypeName", "NextToken", "MaxResults")
    # Assumption: inventory-unknown
    node = call.state.nodes.get(InstanceId)
    entries = _applications(node) if node and TypeName == "AWS:Application" else []
    head = {"TypeName": TypeName, "InstanceId": InstanceId, "SchemaVersion": "1.1"}
    captured = {"CaptureTime": f"{call.account.clock.on_machines():%Y-%m-%dT%H:%M:%SZ}"} if entries else {}
    page = _page(call, "Entries", entries, MaxResults, NextToken, [InstanceId, TypeName])
    return head | captured | page


def SendCommand(
    call: Call,
    *,
    DocumentName: str,
    InstanceIds: list[str] | None = None,
    Targets: list[dict[str, Any]] | None = None,
    DocumentVersion: str | None = None,
    DocumentHash: str | None = None,
    DocumentHashType: str | None = None,
    TimeoutSeconds: int = 3600,
    Comment: str = "",
    Parameters: dict[str, list[str]] | None = None,
    OutputS3Region: str | None = None,
    OutputS3BucketName: str | None = None,
    OutputS3KeyPrefix: str | None = None,
    MaxConcurrency: str | None = None,
    MaxErrors: str | None = None,
    ServiceRoleArn: str | None = None,
    NotificationConfig: dict[str, Any] | None = None,
    CloudWatchOutputConfig: dict[str, Any] | None = None,
    AlarmConfiguration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run the probe on nodes."""
    _understood(
        call, "DocumentName", "DocumentVersion", "InstanceIds", "Parameters", "Comment", "TimeoutSeconds"
    )
    probe = call.account.probe
    if not probe or probe != _script(call, DocumentName, DocumentVersion, Parameters):
        only = "the probe that it was started with, and nothing else"
        text = f"the sandbox runs {only if probe else 'no command: it was started without a probe'}"
        raise ApiError("SandboxNotImplemented", text, 501)
    for name in InstanceIds or [""]:
        # Assumption: offline-node
        if name not in call.state.nodes or call.state.nodes[name].ping != "Online":
            raise ApiError("InvalidInstanceId", f"no node {name!r} is connected")
    now = call.account.clock.on_machines()
    outputs: dict[str, Future[Output]] = {
        name: _MACHINES.submit(run_probe, call.state.nodes[name].machine, now, probe)
        for name in InstanceIds or []
    }
    command = Command(
        str(uuid5(NAMESPACE_OID, call.request_id)), call.at, DocumentName, Comment, Parameters or {}, outputs
    )
    call.state.commands[command.id] = command
    return {
        "Command": {
            "CommandId": command.id,
            "DocumentName": DocumentName,
            "Comment": Comment,
            "Parameters": Parameters,
            "InstanceIds": InstanceIds,
            "RequestedDateTime": call.at,
            "Status": "Pending",
            "StatusDetails": "Pending",
            "TimeoutSeconds": TimeoutSeconds,
            "TargetCount": len(outputs),
            "CompletedCount": 0,
            "ErrorCount": 0,
        }
    }


def GetDocument(
    call: Call,
    *,
    Name: str,
    VersionName: str | None = None,
    DocumentVersion: str | None = None,
    DocumentFormat: str = "JSON",
) -> dict[str, Any] | None:
    """The document that holds the probe. None, which means that moto answers, for every other."""
    if Name != PROBE or not call.account.probe:
        return None
    _understood(call, "Name", "DocumentVersion", "DocumentFormat")
    if DocumentFormat != "JSON":
        raise ApiError("SandboxNotImplemented", f"the sandbox has {PROBE} in JSON only", 501)
    step = {"action": "aws:runShellScript", "name": "probe", "inputs": {"runCommand": [call.account.probe]}}
    return {
        "Name": PROBE,
        "DocumentVersion": "1",
        "Status": "Active",
        "Content": json.dumps({"schemaVersion": "2.2", "mainSteps": [step]}),
        "DocumentType": "Command",
        "DocumentFormat": "JSON",
    }


def GetCommandInvocation(
    call: Call, *, CommandId: str, InstanceId: str, PluginName: str | None = None
) -> dict[str, Any]:
    """What a command did on a node; the first request is too early."""
    command = call.state.commands.get(CommandId)
    if not command or InstanceId not in command.outputs:
        raise ApiError("InvocationDoesNotExist", f"no command {CommandId} was sent to {InstanceId}")
    if InstanceId not in command.asked:
        command.asked.add(InstanceId)
        # Assumption: invocation-late
        raise ApiError("InvocationDoesNotExist", f"{CommandId} has not reached {InstanceId} yet")
    output = _output(command.outputs[InstanceId], _WAIT)
    done = (
        {
            "ResponseCode": output.status,
            "ExecutionEndDateTime": f"{command.sent:%Y-%m-%dT%H:%M:%SZ}",
            "StandardOutputContent": output.stdout[:SHOWN],
            "StandardErrorContent": output.stderr[:SHOWN],
        }
        if output
        else {"ResponseCode": -1}
    )
    return {
        "CommandId": CommandId,
        "InstanceId": InstanceId,
        "Comment": command.comment,
        "DocumentName": command.document,
        "PluginName": "aws:runShellScript",
        "ExecutionStartDateTime": f"{command.sent:%Y-%m-%dT%H:%M:%SZ}",
        **_status(output),
        **done,
    }


def AddTagsToResource(
    call: Call, *, ResourceType: str, ResourceId: str, Tags: list[dict[str, str]]
) -> dict[str, Any] | None:
    """Tag a managed node. None, which means that moto answers, for all else that has tags."""
    node = _tagged(call, ResourceType, ResourceId)
    if node is None:
        return None
    node.tags.update({tag["Key"]: tag["Value"] for tag in Tags})
    return {}


def RemoveTagsFromResource(
    call: Call, *, ResourceType: str, ResourceId: str, TagKeys: list[str]
) -> dict[str, Any] | None:
    """Take tags from a managed node; a tag that is not there is ignored."""
    node = _tagged(call, ResourceType, ResourceId)
    if node is None:
        return None
    for key in TagKeys:
        node.tags.pop(key, None)
    return {}


def ListTagsForResource(call: Call, *, ResourceType: str, ResourceId: str) -> dict[str, Any] | None:
    """The tags of a managed node."""
    node = _tagged(call, ResourceType, ResourceId)
    if node is None:
        return None
    return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(node.tags.items())]}


_FILTERS = {
    "InstanceIds": "InstanceId",
    "AgentVersion": "AgentVersion",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "ActivationIds": "ActivationId",
    "IamRole": "IamRole",
    "ResourceType": "ResourceType",
    "AssociationStatus": "AssociationStatus",
}


def _passes(information: dict[str, Any], tags: dict[str, str], key: str, values: list[str]) -> bool:
    if key == "tag-key":
        return any(value in tags for value in values)
    if key.startswith("tag:"):
        return tags.get(key.removeprefix("tag:")) in values
    return information.get(_FILTERS[key]) in values


def _information(call: Call, node: Node) -> dict[str, Any]:
    system = {key: value.strip('"') for key, value in SYSTEMS[node.machine.system].items()}
    on_premises = node.id.startswith("mi-")
    return {
        "InstanceId": node.id,
        "PingStatus": node.ping,
        "LastPingDateTime": call.account.clock.on_machines() - node.heard,
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": system["PRETTY_NAME"].partition(f" {system['VERSION_ID']}")[0],
        "PlatformVersion": system["VERSION_ID"],
        "ResourceType": "ManagedInstance" if on_premises else "EC2Instance",
        "Name": node.machine.name if on_premises else None,
        "IamRole": "CodeDeployOnPremises" if on_premises else None,
        "ComputerName": f"{node.machine.name}.example.com",
    }


def _script(
    call: Call, document: str, version: str | None, parameters: dict[str, list[str]] | None
) -> str | None:
    """What a document runs: its one command, or the one that AWS-RunShellScript is given. None for anything else."""
    if document == SHELL and parameters and list(parameters) == ["commands"]:
        (command, *more) = parameters["commands"] or [""]
        return None if more else command
    if parameters or document.startswith("AWS-"):
        return None
    if document == PROBE:
        return call.account.probe
    held = call.account.ask(
        "ssm",
        "GetDocument",
        region=call.region,
        Name=document,
        DocumentVersion=version or "$DEFAULT",
        DocumentFormat="JSON",
    )
    steps = json.loads(held["Content"])["mainSteps"]
    commands: list[str] = steps[0]["inputs"].get("runCommand", []) if len(steps) == 1 else []
    return commands[0] if len(commands) == 1 else None


def _tagged(call: Call, kind: str, id: str) -> Node | None:
    return call.state.nodes.get(id) if kind == "ManagedInstance" else None


def _applications(node: Node) -> list[dict[str, str]]:
    versions = {"amazon-ssm-agent": "3.3.3050.0-1", "codedeploy-agent": node.machine.package}
    return [
        {"Name": name, "Version": version.partition("-")[0], "Release": version.partition("-")[2]}
        for name, version in versions.items()
        if version
    ]


def _output(running: Future[Output], wait: float) -> Output | None:
    """What the probe left, or None when it has not ended yet."""
    try:
        return running.result(wait)
    except TimeoutError:
        return None
    except (OSError, subprocess.SubprocessError) as error:  # this, too, gets an answer
        raise ApiError("InternalServerError", f"the sandbox failed to run the probe: {error}") from error


def _status(output: Output | None) -> dict[str, Any]:
    status = "InProgress" if output is None else "Failed" if output.status else "Success"
    return {"Status": status, "StatusDetails": status}


def _understood(call: Call, *names: str) -> None:
    """Refuse parameters that the sandbox does not understand, instead of ignoring them."""
    for name in call.parameters or {}:
        if name not in names:
            raise ApiError("SandboxNotImplemented", f"the sandbox knows no {name} of {call.operation}", 501)


def _page(
    call: Call, key: str, found: list[Any], most: int, token: str | None, question: list[Any]
) -> dict[str, Any]:
    question = [call.operation, call.region, *question]
    try:
        start = tokens.unseal(token, *question) if token else 0
    except ValueError as error:
        raise ApiError("InvalidNextToken", f"NextToken is {error}") from None
    end = start + most
    return {key: found[start:end], "NextToken": tokens.seal(end, *question) if end < len(found) else None}
