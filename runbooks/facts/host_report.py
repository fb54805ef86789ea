"""The report of the host probe, wherever it comes from: a file, Systems Manager, or nowhere."""

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

from runbooks.aws.arn import Arn
from runbooks.aws.session import Aws
from runbooks.facts.registration import registration
from runbooks.findings import CouldNotCheck
from runbooks.host import HostReport, probe_script, read_report
from runbooks.host.probe import PROBE_DOCUMENT
from runbooks.question import Question

_PATIENCE = (
    40  # seconds for Systems Manager to run the probe, which itself waits for a network at most half of that
)
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)  # seconds between two questions whether it is done; then the last of them


def host_report(aws: Aws, question: Question) -> HostReport:
    """What the probe saw on the host of the question's instance.

    Raises `CouldNotCheck` when no way leads to the host, `HostReportError` when what came back is not a
    whole report, and what botocore raises.
    """
    if question.host_report is not None:
        return question.host_report
    if not aws.allows("ssm:SendCommand"):
        raise CouldNotCheck(
            "the host was not probed. With --probe (in a notebook probe = True) Systems Manager runs the read-only "
            f"probe there; where it cannot, {_by_hand(question)}."
        )
    node = managed_node(aws, question.instance)
    if node is None:
        raise CouldNotCheck(
            f"{question.instance} is not a managed node of Systems Manager in {aws.region}: {_by_hand(question)}."
        )
    if obstacle := _obstacle(node):
        raise CouldNotCheck(f"{obstacle}, so Systems Manager cannot run the probe there.")
    report: HostReport = aws.once(
        ("probe", node["InstanceId"]),
        f"the probe on {node['InstanceId']}",
        lambda: _run(aws, node["InstanceId"]),
    )
    return report


def _by_hand(question: Question) -> str:
    return (
        f"run what `runbooks probe --instance {question.instance}` prints on the host by hand, and give its output"
        " with --host-report FILE (in a notebook host_report)"
    )


def can_be_asked(aws: Aws, question: Question) -> bool:
    """Whether a way leads to the host, so that `host_report` may be called for what is good to know."""
    if question.host_report is not None:
        return True
    node = managed_node(aws, question.instance) if aws.allows("ssm:SendCommand") else None
    return node is not None and not _obstacle(node)


def _obstacle(node: Mapping[str, Any]) -> str:
    """Why the probe need not be sent to a node at all; "" when it may be."""
    name = node["InstanceId"]
    if node.get("PlatformType") == "Windows":
        return f"{name} runs Windows, and there is no probe for Windows yet"
    if node.get("PingStatus") != "Online":
        return f"Systems Manager does not hear {name} (it says {node.get('PingStatus', 'nothing')} of it)"
    return ""


def managed_nodes(aws: Aws) -> list[dict[str, Any]]:
    """What Systems Manager says of every managed node of the Region."""
    return aws.read_all("ssm:DescribeInstanceInformation", "InstanceInformationList")


def managed_node(aws: Aws, name: str) -> dict[str, Any] | None:
    """Systems Manager's description of the host, or None where it has none.

    CodeDeploy knows no host, only an ARN, so the node is found by the session name of that ARN when that
    is a node's id (it is where the host takes its credentials from Systems Manager), else by its name.
    Raises `CouldNotCheck` when several nodes go by the name.
    """
    nodes = managed_nodes(aws)
    session = _session_name(aws, name)
    found = [node for node in nodes if node["InstanceId"] == session]
    found = found or [node for node in nodes if {name.lower(), session.lower()} & _names(node)]
    short = name.lower().partition(".")[0]
    found = found or [node for node in nodes if short and short == _bare(node)]
    # One that was activated anew leaves the old node behind.
    found = [node for node in found if node.get("PingStatus") == "Online"] or found
    if len(found) > 1:
        ids = ", ".join(sorted(node["InstanceId"] for node in found))
        raise CouldNotCheck(
            f"several managed nodes go by the name {name}: {ids}. Run `runbooks probe --instance {name}` on the right"
            " one by hand."
        )
    return found[0] if found else None


def _bare(node: Mapping[str, Any]) -> str:
    """The computer's name, where it has no domain."""
    computer = str(node.get("ComputerName", "")).lower()
    return "" if "." in computer else computer


def _names(node: Mapping[str, Any]) -> set[str]:
    """What a node goes by: its name, its computer's name, and that without the domain."""
    name, computer = node.get("Name", "").lower(), node.get("ComputerName", "").lower()
    return {name, computer, computer.partition(".")[0]} - {""}


def _session_name(aws: Aws, name: str) -> str:
    info = registration(aws, name)
    arn = info.get("iamSessionArn", "") if isinstance(info, dict) else ""
    return Arn.of(str(arn)).name


def _run(aws: Aws, node: str) -> HostReport:
    command = aws.read(
        "ssm:SendCommand",
        "Command",
        DocumentName=PROBE_DOCUMENT,
        InstanceIds=[node],
        Parameters={"commands": [probe_script()]},
    )
    end = time.monotonic() + _PATIENCE
    pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
    while time.monotonic() < end:
        time.sleep(next(pauses))
        # A new command's invocation is not there at once, so its absence is an answer.
        answer = aws.ask(
            "ssm:GetCommandInvocation",
            "Status",
            expecting=("InvocationDoesNotExist",),
            CommandId=command["CommandId"],
            InstanceId=node,
        )
        status = answer.get("Status", "Pending") if isinstance(answer, dict) else "Pending"
        if status == "Success":
            return read_report(answer["StandardOutputContent"], now=aws.now(), oldest=timedelta(minutes=15))
        if status not in ("Pending", "InProgress", "Delayed"):
            if '"failed":' in answer.get("StandardOutputContent", ""):
                read_report(answer["StandardOutputContent"])  # raises what the probe itself says
            raise CouldNotCheck(
                f"the probe did not run on {node}: Systems Manager says {status} ({_detail(answer)})."
            )
    raise CouldNotCheck(f"the probe did not end on {node} within {_PATIENCE} s.")


def _detail(answer: Mapping[str, Any]) -> str:
    return str(answer.get("StandardErrorContent") or answer.get("StatusDetails") or "no detail")[:200]
