"""What EC2 says of the network around a host."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from runbooks.aws import Aws, Refusal, failures
from runbooks.facts.ec2 import DESCRIBE, instance, present
from runbooks.facts.host_report import managed_node
from runbooks.findings import CouldNotCheck, NotApplicable
from runbooks.question import is_ec2


def ec2_host(aws: Aws, name: str) -> dict[str, Any]:
    """The EC2 instance of this ID, or behind a registered name. Raises `NotApplicable` if there is none."""
    host = present(aws, name) if is_ec2(name) else _behind(aws, name)
    if not all(host.get(member) for member in ("VpcId", "SubnetId", "SecurityGroups")):
        raise CouldNotCheck(
            f"EC2 gives no VPC, subnet or security group of {host['InstanceId']}: is it running?"
        )
    return host


def _behind(aws: Aws, name: str) -> dict[str, Any]:
    """The EC2 instance that is the managed node of a registered name."""
    node = managed_node(aws, name)
    if node is None:
        says = f"Systems Manager has no managed node {name} in {aws.region}, so its VPC is not known."
        raise CouldNotCheck(says, of=frozenset((name, "probe")))
    id_ = str(node["InstanceId"])
    if not is_ec2(id_):
        says = f"{name} is a managed node ({id_}), not an EC2 instance, so there is no VPC to check."
        raise NotApplicable(says, about=name)
    host = instance(aws, id_)
    if isinstance(host, Refusal):
        raise CouldNotCheck(failures.refused(DESCRIBE, host))
    return host


def groups(aws: Aws, ids: list[str]) -> list[dict[str, Any]]:
    """The security groups of these ids, each of them."""
    if not ids:  # without ids EC2 would describe every group
        raise CouldNotCheck("EC2 gives no security group of the endpoint.")
    rules = [
        f"{rules}{member}"
        for rules in ("IpPermissions", "IpPermissionsEgress")
        for member in ("", ".IpProtocol", ".IpRanges.CidrIp")
    ]
    found = aws.read_all(
        "ec2:DescribeSecurityGroups", "SecurityGroups", "GroupId", *rules, GroupIds=sorted(ids)
    )
    if missing := set(ids) - {group["GroupId"] for group in found}:
        raise CouldNotCheck(f"EC2 does not describe the security group {', '.join(sorted(missing))}.")
    return found


def network_acl(aws: Aws, host: Mapping[str, Any]) -> dict[str, Any]:
    """The one network ACL of the host's subnet."""
    acls = _described(aws, "NetworkAcls", "association.subnet-id", host["SubnetId"])
    of_subnet = [acl for acl in acls if _is_of(acl, host["SubnetId"])]
    if not of_subnet:
        raise CouldNotCheck(f"EC2 describes no network ACL of {host['SubnetId']}.")
    return of_subnet[0]


def route_table(aws: Aws, host: Mapping[str, Any]) -> dict[str, Any]:
    """The route table of the host's subnet: its own, else the main one of the VPC."""
    tables = _described(aws, "RouteTables", "association.subnet-id", host["SubnetId"])
    if own := [table for table in tables if _is_of(table, host["SubnetId"])]:
        return own[0]
    main = [
        table
        for table in _described(aws, "RouteTables", "vpc-id", host["VpcId"])
        if table.get("VpcId") == host["VpcId"]
        and any(association.get("Main") for association in table.get("Associations", ()))
    ]
    if not main:
        raise CouldNotCheck(f"EC2 describes no route table of {host['SubnetId']}, nor a main one of its VPC.")
    return main[0]


def agent_endpoints(aws: Aws, host: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The VPC endpoints for the agent in the host's VPC, whatever their state."""
    endpoints = _described(aws, "VpcEndpoints", "vpc-id", host["VpcId"])
    service = f".{aws.region}.codedeploy-commands-secure"
    return [e for e in endpoints if e["ServiceName"].endswith(service) and e["VpcId"] == host["VpcId"]]


def s3_gateways(aws: Aws, host: Mapping[str, Any], table: str) -> list[dict[str, Any]]:
    """The gateway endpoints of S3 to which a route table of the host's VPC leads."""
    endpoints = _described(aws, "VpcEndpoints", "vpc-id", host["VpcId"])
    service = f".{aws.region}.s3"
    ours = [e for e in endpoints if e["ServiceName"].endswith(service) and e["VpcId"] == host["VpcId"]]
    return [e for e in ours if table in e.get("RouteTableIds", ())]  # an interface endpoint is in none


def endpoint_policy(endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    """The policy of an endpoint, which EC2 gives as JSON; None where it gives none that can be read."""
    with suppress(ValueError, RecursionError):
        document = json.loads(str(endpoint.get("PolicyDocument") or ""))
        return document if isinstance(document, dict) else None
    return None


# What a check reads of each, so that an answer without it is refused.
_MEMBERS = {
    "NetworkAcls": (
        "NetworkAclId",
        "Entries",
        *(f"Entries.{m}" for m in ("Egress", "Protocol", "RuleAction", "RuleNumber")),
    ),
    "RouteTables": ("RouteTableId", "Routes", "Routes.State"),
    "VpcEndpoints": ("VpcEndpointId", "ServiceName", "State", "VpcId", "Groups.GroupId"),
}


def _described(aws: Aws, what: str, filter: str, value: str) -> list[dict[str, Any]]:
    """What EC2 describes ("RouteTables") under one filter."""
    filters = [{"Name": filter, "Values": [value]}]
    return aws.read_all(f"ec2:Describe{what}", what, *_MEMBERS[what], Filters=filters)


def _is_of(described: Mapping[str, Any], subnet: str) -> bool:
    """Whether a network ACL or a route table is associated with a subnet."""
    return any(one.get("SubnetId") == subnet for one in described.get("Associations", ()))
