"""The report of the host probe, wherever it comes from: a file, Systems Manager, or nowhere."""

import shlex
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain, repeat
from typing import Any

from runbooks.aws import Refusal
from runbooks.aws.answers import NotAnAnswer, require
from runbooks.aws.arn import Arn
from runbooks.aws.session import Aws
from runbooks.commands import aws_cli, runbooks, script, then
from runbooks.facts.ec2 import present
from runbooks.facts.optional import if_readable
from runbooks.facts.registration import registration
from runbooks.findings import Command, CouldNotCheck
from runbooks.host import HostReport, read_report
from runbooks.host.probe import ProbeBy, holds_only_the_probe
from runbooks.question import Question, is_ec2, is_instance
from runbooks.text.spelling import named

# Seconds for Systems Manager to run the probe, which itself waits for a network for at most half of that.
_PATIENCE = 40
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)  # seconds before each question whether it is done; then the last of them
_PAGE = "/guides/check-permissions/#probe"
_LOOK = "/guides/check-the-agent/#look"
_WAY = "/guides/check-the-network/#look"
# The checks of what in a VPC can stop a request of a host.
OF_THE_WAY = (
    "security-group-lets-https-out",
    "network-acl-lets-https-through",
    "route-leads-out",
    "vpc-endpoint-serves-the-agent",
)
_DOCUMENT = "ssm:GetDocument"
_INVOCATION = "ssm:GetCommandInvocation"


def host_report(aws: Aws, question: Question) -> HostReport:
    """What the probe found on the host of the question's instance.

    Raises `CouldNotCheck` when the probe cannot be run there, `NotApplicable` for an EC2 instance that is gone, `HostReportError` when what came back is not a
    whole report, and what `Aws.read` raises.
    """
    if question.host_report is not None:
        return question.host_report
    by = aws.probe_by
    if by is None:
        raise CouldNotCheck(
            "the host was not probed. With --probe (in a notebook probe = True) Systems Manager runs the read-only "
            f"probe there; if it cannot, run what "
            f"`runbooks probe --instance {question.instance}` prints on the host by hand, and give its output with"
            f" {named('host_report')}."
        )
    node = managed_node(aws, question.instance)
    if node is None and is_ec2(question.instance):
        present(aws, question.instance)  # one that is gone has no host to check
    if node is None:
        says = f"{question.instance} is not a managed node of Systems Manager in {aws.region}, which would run the probe there."
        of = frozenset((question.instance, "probe"))
        raise CouldNotCheck(says, fix=by_hand(aws, question), next=_LOOK, of=of)
    if obstacle := _obstacle(node):
        says = f"{obstacle}, so Systems Manager cannot run the probe there."
        of, is_lost = frozenset((node["InstanceId"], "probe", "ping")), node.get("PlatformType") != "Windows"
        restart = restart_of_ssm(question.instance, node)
        restart = f"Restart its SSM Agent: `{restart}`." if isinstance(restart, Command) else restart
        fix, next_ = (restart, _WAY) if is_lost else ("", "")
        raise CouldNotCheck(says, fix=fix, next=next_, of=of, explained_by=OF_THE_WAY if is_lost else ())
    report: HostReport = aws.once(
        ("probe", node["InstanceId"]),
        f"the probe on {node['InstanceId']}",
        lambda: _run(aws, by, node["InstanceId"]),
    )
    if report.host.instance.value:  # the script that was sent has no instance's name in it
        raise NotAnAnswer(_INVOCATION, f"with a report that was made for {report.host.instance.value!r}")
    return report


def restart_of_ssm(name: str, node: Mapping[str, Any]) -> str:
    """What to do on a host that Systems Manager does not hear."""
    windows = node.get("PlatformType") == "Windows"
    restart = script(
        "Restart-Service AmazonSSMAgent" if windows else "sudo systemctl restart amazon-ssm-agent"
    )
    # an EC2 instance that is stopped is lost to Systems Manager as well
    return f"If the instance runs, restart its SSM Agent: `{restart}`." if is_ec2(name) else restart


def by_hand(aws: Aws, question: Question) -> str:
    """How to check a host that Systems Manager does not know, as a sentence, with the group that was asked about.

    The group is only repeated, so no check is seen to take it (`Question.subjects`).
    """
    name, group = question.instance, dict(question.subjects).get("deployment_group", "")
    if is_ec2(name):
        return (
            "Give its role the policy AmazonSSMManagedInstanceCore and see that the SSM Agent runs on it; or run what"
            f" `runbooks probe --instance {name}` prints there by hand, and give its output with {named('host_report')}."
        )
    host, file = shlex.quote(name), shlex.quote(f"./{name}.json")
    diagnose = runbooks(
        aws.place, "diagnose", instance=name, deployment_group=group, host_report=f"./{name}.json"
    )
    return (
        f"With SSH to it: `runbooks probe --instance={host} | ssh -- {host} sudo sh > {file} && {diagnose}`."
    )


def report_if_any(aws: Aws, question: Question) -> HostReport | None:
    """The host's report where it can be had, for what it only refines; else None."""
    return if_readable(lambda: host_report(aws, question) if can_be_asked(aws, question) else None)


def can_be_asked(aws: Aws, question: Question) -> bool:
    """Whether the probe can be run on the host, so that `host_report` may be called for what is only useful."""
    if question.host_report is not None:
        return True
    node = managed_node(aws, question.instance) if aws.allows("ssm:SendCommand") else None
    return node is not None and not _obstacle(node)


def _obstacle(node: Mapping[str, Any]) -> str:
    """Why the probe cannot run on a node; "" if it can."""
    name = node["InstanceId"]
    if node.get("PlatformType") == "Windows":
        return f"{name} runs Windows, and there is no probe for Windows yet"
    if node.get("PingStatus") != "Online":
        return f"{name} is not connected to Systems Manager ({node.get('PingStatus', 'no PingStatus')})"
    return ""


def managed_nodes(aws: Aws) -> list[dict[str, Any]]:
    """What Systems Manager says about every managed node of the Region."""
    return aws.read_all("ssm:DescribeInstanceInformation", "InstanceInformationList", "InstanceId")


def managed_node(aws: Aws, name: str) -> dict[str, Any] | None:
    """Systems Manager's description of the host, or None where it has none, as `nodes_called` finds it.

    Raises `CouldNotCheck` when several nodes have the name.
    """
    nodes = managed_nodes(aws)
    found = nodes_called(nodes, name, "" if is_ec2(name) else _session_name(aws, name))
    if len(found) > 1:
        ids = ", ".join(sorted(node["InstanceId"] for node in found))
        raise CouldNotCheck(
            f"several managed nodes have the name {name}: {ids}. Run `runbooks probe --instance {name}` on the right"
            " one by hand."
        )
    return found[0] if found else None


def nodes_called(nodes: Sequence[dict[str, Any]], name: str, session: str) -> list[dict[str, Any]]:
    """The managed nodes that may be the host of an instance. Systems Manager knows an EC2 instance by its ID.

    CodeDeploy knows an ARN and not the host, so the node is found by the ``session`` name of that ARN if that is a
    node's id (as for a host whose credentials come from Systems Manager), else by its name.
    """
    if is_ec2(name):
        return [node for node in nodes if node["InstanceId"] == name]
    found = [node for node in nodes if node["InstanceId"] in (session, name)]
    found = found or [node for node in nodes if {name.lower(), session.lower()} & _names(node)]
    short = name.lower().partition(".")[0]
    found = found or [node for node in nodes if short and short == _bare(node)]
    # a host that was activated again leaves its old node behind
    return [node for node in found if node.get("PingStatus") == "Online"] or found


def names_of(node: Mapping[str, Any]) -> list[str]:
    """The names by which a managed node may be registered: its own, its computer's, and that without the domain."""
    computer = str(node.get("ComputerName", ""))
    names = (str(node.get("Name", "")), computer, computer.partition(".")[0])
    return [name for name in dict.fromkeys(names) if is_instance(name)]


def _bare(node: Mapping[str, Any]) -> str:
    """The computer's name, if it has no domain."""
    computer = str(node.get("ComputerName", "")).lower()
    return "" if "." in computer else computer


def _names(node: Mapping[str, Any]) -> set[str]:
    """The names of a node: its own, its computer's, and that without the domain."""
    name, computer = node.get("Name", "").lower(), node.get("ComputerName", "").lower()
    return {name, computer, computer.partition(".")[0]} - {""}


def _session_name(aws: Aws, name: str) -> str:
    info = registration(aws, name)
    arn = info.get("iamSessionArn", "") if isinstance(info, dict) else ""
    return session_of(str(arn))


def session_of(arn: str) -> str:
    """The name of the session that an ARN is of; "" for a user's."""
    parts = Arn.of(arn)
    return parts.name if parts.kind == "assumed-role" else ""


def _run(aws: Aws, by: ProbeBy, node: str) -> HostReport:
    version = "" if by.has_free_commands else _document_version(aws, by)
    command = aws.read("ssm:SendCommand", "Command", "CommandId", **by.parameters(node, version))["CommandId"]
    end = time.monotonic() + _PATIENCE
    pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
    while time.monotonic() < end:
        time.sleep(next(pauses))
        # the invocation of a new command is not there at once, so its absence is an answer
        answer = aws.ask(
            _INVOCATION,
            "Status",
            expecting=("InvocationDoesNotExist",),
            CommandId=command,
            InstanceId=node,
        )
        if isinstance(answer, Refusal) or answer["Status"] in ("Pending", "InProgress", "Delayed"):
            continue
        if (answer.get("CommandId"), answer.get("InstanceId")) != (command, node):
            raise NotAnAnswer(_INVOCATION, "about another command or another node")
        return _report(aws, answer, node)
    raise CouldNotCheck(f"the probe did not end on {node} within {_PATIENCE} s.")


def _report(aws: Aws, answer: Mapping[str, Any], node: str) -> HostReport:
    if answer["Status"] == "Success":
        text = require(_INVOCATION, answer, "StandardOutputContent")
        return read_report(text, now=aws.now(), oldest=timedelta(minutes=15), just_made=True)
    text = answer.get("StandardOutputContent", "")
    if '"failed":' in text:
        read_report(text)  # raises what the probe itself says
    detail = str(answer.get("StandardErrorContent") or answer.get("StatusDetails") or "no detail")[:200]
    raise CouldNotCheck(
        f"the probe did not run on {node}: Systems Manager says {answer['Status']} ({detail})."
    )


def _document_version(aws: Aws, by: ProbeBy) -> str:
    """The version of the document that holds this probe. Raises `CouldNotCheck` if there is none."""
    which = {"Name": by.document, "DocumentVersion": "$LATEST", "DocumentFormat": "JSON"}
    # one answer holds both, so that the version that is sent is the one whose content was compared
    answer = aws.ask(_DOCUMENT, "Content", expecting=("InvalidDocument",), **which)
    if isinstance(answer, Refusal):
        says = (
            f"Systems Manager has no document {by.document} in {aws.region}, by which it would run the probe."
        )
        raise CouldNotCheck(
            says, fix=_deployment(aws, by, "create-document", document_type="Command"), next=_PAGE
        )
    if not holds_only_the_probe(answer["Content"]):
        says = f"the document {by.document} in {aws.region} does not hold this version's probe, so it was not run."
        raise CouldNotCheck(
            says, fix=_deployment(aws, by, "update-document", document_version="$LATEST"), next=_PAGE
        )
    return str(require(_DOCUMENT, answer, "DocumentVersion"))


def _deployment(aws: Aws, by: ProbeBy, operation: str, **more: str) -> Command:
    """The commands that create or update the document."""
    content = {"document_format": "YAML", "content": "file://probe-document.yml"}
    deploy = aws_cli(aws.place, "ssm", operation, name=by.document, **content, **more)
    return then(script("runbooks probe --document > probe-document.yml"), deploy)
