"""The network around a host in EC2."""

from typing import Any

from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.state import REGION

ANYWHERE = "0.0.0.0/0"
Ids = dict[str, str]  # of the network around the host, by kind
_IMAGE = "ami-760aaa0f"  # of images.json


def network(ask: Ask, name: str, *, region: str = REGION, **host: Any) -> Ids:
    """A VPC with a subnet, in it a host without a public address, and the way out by a NAT gateway.

    `host` is more that RunInstances is asked. Systems Manager is reached by endpoints in the same subnet.
    """

    def ec2(operation: str, **parameters: Any) -> dict[str, Any]:
        return ask("ec2", operation, region=region, **parameters)

    vpc = ec2("CreateVpc", CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.20.0.0/24")["Subnet"]["SubnetId"]
    public = ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    address = ec2("AllocateAddress", Domain="vpc")["AllocationId"]
    nat = ec2("CreateNatGateway", SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    routes = ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2("AssociateRouteTable", RouteTableId=routes, SubnetId=subnet)
    ec2("CreateRoute", RouteTableId=routes, DestinationCidrBlock=ANYWHERE, NatGatewayId=nat)
    group = ec2("CreateSecurityGroup", VpcId=vpc, GroupName="web", Description="web")["GroupId"]
    launched = ec2(
        "RunInstances",
        ImageId=_IMAGE,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        PrivateIpAddress="10.20.0.11",
        SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
        **host,
    )
    for service in ("ssm", "ssmmessages"):
        ec2(
            "CreateVpcEndpoint",
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{region}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=[subnet],
            PrivateDnsEnabled=True,
        )
    host_id = launched["Instances"][0]["InstanceId"]
    return {"vpc": vpc, "subnet": subnet, "routes": routes, "group": group, "host": host_id}
