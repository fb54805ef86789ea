"""All templates, deployed in a sandbox once for each module that asks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from codedeploy_sandbox import Sandbox, serve

from runbooks.aws import sandboxed
from tests.support.sandbox import client
from tests.templates.stacks import STACKS, TEMPLATES, read

RENEWER = "arn:aws:iam::111122223333:role/SessionRenewer"
S3 = {"RevisionBucket": "shop-revisions", "RevisionPrefix": "web/"}
GUIDE = {"Site": "https://guide.example/codedeploy"}
# What each template is deployed with, beside its defaults.
CHOSEN = {
    "closed-vpc.yml": dict.fromkeys(("WithApi", "WithSts", "WithEc2Messages", "WithLogs"), "true")
    | {"HostsCidr": "10.0.0.0/16"},
    "notify-api-errors.yml": GUIDE,
    "notify-deployments.yml": GUIDE | {"Mail": "on-call@guide.example", "OpsItems": "yes"},
    "notify-events.yml": GUIDE,
    "roles.yml": S3 | {"Application": "shop", "InstancePrefix": "web-", "SessionRenewerArn": RENEWER},
}
ORDER = sorted(STACKS, key=lambda name: name == "hybrid-nodes.yml")  # it takes a policy of roles.yml
# Resources that moto's CloudFormation does not make. The pages of the templates name them as not proved.
UNPROVED = {"AWS::SNS::TopicPolicy", "AWS::SSM::Association"}
WITHOUT_ID = {"AWS::Lambda::Permission"}  # moto makes it and gives it none


def administrator(sandbox: Sandbox, service: str) -> Any:
    """A client that may do everything. moto's CloudFormation loads slowly."""
    return client(sandbox, service, aws_access_key_id="AKIAADMINISTRATOR000", read_timeout=110)


class Deployed(NamedTuple):
    """The sandbox, and by template the physical ids of what CloudFormation made, by logical id."""

    sandbox: Sandbox
    made: dict[str, dict[str, str]]

    def client(self, service: str) -> Any:
        return administrator(self.sandbox, service)


@pytest.fixture(scope="module")  # the sandboxes of other modules would take its moto
def deployed() -> Iterator[Deployed]:
    with serve("healthy", clock=sandboxed.DAY) as sandbox:
        cloudformation = administrator(sandbox, "cloudformation")
        deployed = Deployed(sandbox, {})
        for name in ORDER:
            values = dict(CHOSEN.get(name, {}))
            if name == "closed-vpc.yml":
                values |= network(sandbox)
            if name == "hybrid-nodes.yml":
                values["HostPolicyArn"] = deployed.made["roles.yml"]["HostPolicy"]
            deployed.made[name] = deploy(cloudformation, name, values)
        yield deployed


def deploy(cloudformation: Any, name: str, parameters: dict[str, str]) -> dict[str, str]:
    """Create the stack of a template; gives what it made."""
    stack = name.removesuffix(".yml")
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=(TEMPLATES / name).read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in resources
        if "PhysicalResourceId" in one
    }


def network(sandbox: Sandbox) -> dict[str, str]:
    """A VPC with two subnets and a route table."""
    ec2 = administrator(sandbox, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{part}.0/24")["Subnet"]["SubnetId"] for part in (1, 2)
    ]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    return {"VpcId": vpc, "SubnetIds": ",".join(subnets), "RouteTableIds": table}


def wanted(name: str) -> set[str]:
    """The logical ids that a template makes with the values of `CHOSEN`: all that moto can make."""
    return {
        id_
        for id_, resource in read(name)["Resources"].items()
        if resource["Type"] not in UNPROVED | WITHOUT_ID
    }
