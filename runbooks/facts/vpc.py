"""What EC2 says of the network around a host."""

from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws
from runbooks.facts.host_report import managed_node
from runbooks.findings import CouldNotCheck, NotApplicable


def ec2_host(aws: Aws, name: str) -> dict[str, Any]:
    """The EC2 instance that the host of this name is. Raises `NotApplicable` where it is none."""
    node = managed_node(aws, name)
    if node is None:
        raise CouldNotCheck(
            f"Systems Manager knows no host {name} in {aws.region}, so it is not known which VPC holds it."
        )
    if not node["InstanceId"].startswith("i-"):
        says = f"{name} is a managed node ({node['InstanceId']}), not an EC2 instance, so there is no VPC to check."
        raise NotApplicable(says, about=name)
    found = aws.read_all("ec2:DescribeInstances", "Reservations", InstanceIds=[node["InstanceId"]])
    hosts = [instance for reservation in found for instance in reservation["Instances"]]
    if not hosts or not hosts[0].get("SubnetId") or not hosts[0].get("SecurityGroups"):
        raise CouldNotCheck(
            f"EC2 names no subnet or no security group of {node['InstanceId']}: is it running?"
        )
    return dict(hosts[0])


def groups(aws: Aws, ids: list[str]) -> list[dict[str, Any]]:
    """The security groups of these ids, each of them."""
    if not ids:  # without ids EC2 would describe every group
        raise CouldNotCheck("EC2 names no security group of the endpoint.")
    found = aws.read_all("ec2:DescribeSecurityGroups", "SecurityGroups", GroupIds=sorted(ids))
    if missing := set(ids) - {group["GroupId"] for group in found}:
        raise CouldNotCheck(f"EC2 does not describe the security group {', '.join(sorted(missing))}.")
    return found


def network_acl(aws: Aws, host: Mapping[str, Any]) -> dict[str, Any]:
    """The one network ACL of the host's subnet."""
    acls = _described(aws, "NetworkAcls", "association.subnet-id", host["SubnetId"])
    if not acls:
        raise CouldNotCheck(f"EC2 describes no network ACL of {host['SubnetId']}.")
    return acls[0]


def route_table(aws: Aws, host: Mapping[str, Any]) -> dict[str, Any]:
    """The route table of the host's subnet: its own, else the main one of the VPC."""
    own = _described(aws, "RouteTables", "association.subnet-id", host["SubnetId"])
    if own:
        return own[0]
    main = [
        table
        for table in _described(aws, "RouteTables", "vpc-id", host["VpcId"])
        if any(association.get("Main") for association in table["Associations"])
    ]
    if not main:
        raise CouldNotCheck(f"EC2 describes no route table of {host['SubnetId']}, nor a main one of its VPC.")
    return main[0]


def agent_endpoints(aws: Aws, host: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The VPC endpoints for the agent in the host's VPC, whatever their state."""
    endpoints = _described(aws, "VpcEndpoints", "vpc-id", host["VpcId"])
    return [e for e in endpoints if e["ServiceName"].endswith(f".{aws.region}.codedeploy-commands-secure")]


def _described(aws: Aws, what: str, filter: str, value: str) -> list[dict[str, Any]]:
    """What EC2 describes ("RouteTables") under one filter."""
    return aws.read_all(f"ec2:Describe{what}", what, Filters=[{"Name": filter, "Values": [value]}])
