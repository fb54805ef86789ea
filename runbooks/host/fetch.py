"""The report of the host probe, wherever it comes from: a file, Systems Manager, or nowhere."""

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from runbooks.errors import CouldNotLook
from runbooks.host import HostReport, probe_script, read_report

if TYPE_CHECKING:
    from runbooks.aws import Aws
    from runbooks.question import Question

_DOCUMENT = "AWS-RunShellScript"
_PATIENCE = (
    40  # seconds for Systems Manager to run the probe, which itself waits for a network at most half of that
)
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)  # seconds between two questions whether it is done; then the last of them


def is_our_probe(params: Mapping[str, Any]) -> bool:
    """Whether the parameters of ssm:SendCommand run the probe on a node, and do nothing else."""
    return set(params) == {"DocumentName", "InstanceIds", "Parameters"} and (
        params["DocumentName"] == _DOCUMENT and params["Parameters"] == {"commands": [probe_script()]}
    )


def host_report(aws: "Aws", question: "Question") -> HostReport:
    """What the probe saw on the host of the question's instance.

    Raises `CouldNotLook` when no way leads to the host, `HostReportError` when what came back is not a
    whole report, and what botocore raises.
    """
    if question.host_report is not None:
        return question.host_report
    if not aws.allows("ssm:SendCommand"):
        raise CouldNotLook(
            "nobody looked at the host. With --probe (in a notebook probe = True) Systems Manager runs the read-only "
            f"probe there; where it cannot, {_by_hand(question)}."
        )
    node = managed_node(aws, question)
    if node is None:
        raise CouldNotLook(
            f"{question.instance} is not a managed node of Systems Manager in {aws.region}: {_by_hand(question)}."
        )
    if obstacle := _obstacle(node):
        raise CouldNotLook(f"{obstacle}, so Systems Manager cannot run the probe there.")
    report: HostReport = aws.once(("probe", node["InstanceId"]), lambda: _run(aws, node["InstanceId"]))
    return report


def _by_hand(question: "Question") -> str:
    return (
        f"run what `runbooks probe --instance {question.instance}` prints on the host by hand, and give its output"
        " with --host-report FILE (in a notebook host_report)"
    )


def can_be_asked(aws: "Aws", question: "Question") -> bool:
    """Whether a way leads to the host, so that `host_report` may be called for what is good to know."""
    if question.host_report is not None:
        return True
    node = managed_node(aws, question) if aws.allows("ssm:SendCommand") else None
    return node is not None and not _obstacle(node)


def _obstacle(node: Mapping[str, Any]) -> str:
    """Why the probe need not be sent to a node at all; "" when it may be."""
    name = node["InstanceId"]
    if node.get("PlatformType") == "Windows":
        return f"{name} runs Windows, and there is no probe for Windows yet"
    if node.get("PingStatus") != "Online":
        return f"Systems Manager does not hear {name} (it says {node.get('PingStatus', 'nothing')} of it)"
    return ""


def managed_node(aws: "Aws", question: "Question") -> dict[str, Any] | None:
    """Systems Manager's description of the host, or None where it has none.

    CodeDeploy knows no host, only an ARN, so the node is found by the session name of that ARN when that
    is a node's id (it is where the host takes its credentials from Systems Manager), else by its name.
    Raises `CouldNotLook` when several nodes go by the name.
    """
    nodes = aws.read_all("ssm:DescribeInstanceInformation", "InstanceInformationList")
    session = _session_name(aws, question)
    found = [node for node in nodes if node["InstanceId"] == session]
    found = found or [node for node in nodes if {question.instance.lower(), session.lower()} & _names(node)]
    short = question.instance.lower().partition(".")[0]
    found = found or [node for node in nodes if short and short == _bare(node)]
    # One that was activated anew leaves the old node behind.
    found = [node for node in found if node.get("PingStatus") == "Online"] or found
    if len(found) > 1:
        ids = ", ".join(sorted(node["InstanceId"] for node in found))
        raise CouldNotLook(
            f"several managed nodes go by the name {question.instance}: {ids}. Run `runbooks probe --instance"
            f" {question.instance}` on the right one by hand."
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


def _session_name(aws: "Aws", question: "Question") -> str:
    info = aws.read(
        "codedeploy:GetOnPremisesInstance",
        "instanceInfo",
        expecting=("InstanceNotRegisteredException",),
        instanceName=question.instance,
    )
    arn = info.get("iamSessionArn", "") if isinstance(info, dict) else ""
    return str(arn).rpartition("/")[2]


def _run(aws: "Aws", node: str) -> HostReport:
    command = aws.read(
        "ssm:SendCommand",
        "Command",
        DocumentName=_DOCUMENT,
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
            raise CouldNotLook(
                f"the probe did not run on {node}: Systems Manager says {status} ({_detail(answer)})."
            )
    raise CouldNotLook(f"the probe did not end on {node} within {_PATIENCE} s.")


def _detail(answer: Mapping[str, Any]) -> str:
    return str(answer.get("StandardErrorContent") or answer.get("StatusDetails") or "no detail")[:200]
