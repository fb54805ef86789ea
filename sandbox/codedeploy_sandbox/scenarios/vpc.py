"""The host of web-01 is an EC2 instance, and the VPC does not let it reach CodeDeploy.

The metadata service is off, so the agent uses its yml. Systems Manager is reached by endpoints in the same subnet.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scenarios.baseline import HOST_ROLE, allow
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import NODE
from codedeploy_sandbox.scenarios.networks import ANYWHERE, Ids, network
from codedeploy_sandbox.state import REGION, Account, Node


def security_group_blocks(account: Account) -> None:
    """The security group of web-01's host lets out HTTP only, so Systems Manager lost it as well."""
    healthy(account)

    def close(ask: Ask, ids: Ids) -> None:
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
        http = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": ANYWHERE}]}
        ask("ec2", "RevokeSecurityGroupEgress", GroupId=ids["group"], IpPermissions=[everything])
        ask("ec2", "AuthorizeSecurityGroupEgress", GroupId=ids["group"], IpPermissions=[http])

    _in_ec2(account, close, ping="ConnectionLost", heard=timedelta(hours=5))


def nacl_blocks_return(account: Account) -> None:
    """The network ACL of web-01's subnet lets HTTPS out, but not the answers in, so Systems Manager lost it as well."""
    healthy(account)

    def close(ask: Ask, ids: Ids) -> None:
        acl = ask("ec2", "CreateNetworkAcl", VpcId=ids["vpc"])["NetworkAcl"]["NetworkAclId"]
        for egress in (True, False):
            ask(
                "ec2",
                "CreateNetworkAclEntry",
                NetworkAclId=acl,
                RuleNumber=100,
                Protocol="6",
                RuleAction="allow",
                Egress=egress,
                CidrBlock=ANYWHERE,
                PortRange={"From": 443, "To": 443},
            )
        of_subnet = [{"Name": "association.subnet-id", "Values": [ids["subnet"]]}]
        (old,) = ask("ec2", "DescribeNetworkAcls", Filters=of_subnet)["NetworkAcls"]
        (association,) = (one for one in old["Associations"] if one["SubnetId"] == ids["subnet"])
        name = association["NetworkAclAssociationId"]
        ask("ec2", "ReplaceNetworkAclAssociation", AssociationId=name, NetworkAclId=acl)

    _in_ec2(account, close, ping="ConnectionLost", heard=timedelta(hours=5))


def no_route(account: Account) -> None:
    """No route leads from web-01's subnet to the internet, and no endpoint of CodeDeploy is in its VPC."""
    healthy(account)

    def close(ask: Ask, ids: Ids) -> None:
        ask("ec2", "DeleteRoute", RouteTableId=ids["routes"], DestinationCidrBlock=ANYWHERE)

    _in_ec2(account, close, blocked="*")


def endpoint_closed(account: Account) -> None:
    """The VPC endpoint for the agent of web-01 does not let HTTPS in: its security group has no rule for it."""
    healthy(account)
    role = account.iam.find("role", HOST_ROLE)
    if role:
        role.inline["Commands"] = allow("codedeploy-commands-secure:*")

    def close(ask: Ask, ids: Ids) -> None:
        name = {"GroupName": "endpoints", "Description": "endpoints"}
        group = ask("ec2", "CreateSecurityGroup", VpcId=ids["vpc"], **name)["GroupId"]
        ask(
            "ec2",
            "CreateVpcEndpoint",
            VpcId=ids["vpc"],
            ServiceName=f"com.amazonaws.{REGION}.codedeploy-commands-secure",
            VpcEndpointType="Interface",
            SubnetIds=[ids["subnet"]],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
        )

    _in_ec2(account, close, blocked="*codedeploy-commands*", settings=":enable_auth_policy: true\n")


def vpc_endpoint_of_s3_denies(account: Account) -> None:
    """The VPC's gateway endpoint for S3, through which web-01 reads it, allows another bucket only."""
    healthy(account)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::shop-logs/*",
    }

    def close(ask: Ask, ids: Ids) -> None:
        ask(
            "ec2",
            "CreateVpcEndpoint",
            VpcId=ids["vpc"],
            ServiceName=f"com.amazonaws.{REGION}.s3",
            VpcEndpointType="Gateway",
            RouteTableIds=[ids["routes"]],
            PolicyDocument=json.dumps({"Statement": [statement]}),
        )

    _in_ec2(account, close)


def _in_ec2(account: Account, close: Callable[[Ask, Ids], None], **changes: Any) -> None:
    """Put web-01's host into EC2, in a network that lets everything out; `close` then changes that network.

    This is done when the sandbox starts, since moto chooses the id of the instance.
    """
    nodes = account.state(REGION).nodes
    old = nodes.pop(NODE)
    of_node = {name: changes.pop(name) for name in ("ping", "heard") if name in changes}

    def put(ask: Ask) -> None:
        ids = network(ask, "web-01", MetadataOptions={"HttpEndpoint": "disabled"})
        close(ask, ids)
        nodes[ids["host"]] = Node(ids["host"], replace(old.machine, **changes), **of_node)

    account.at_start.append(put)
