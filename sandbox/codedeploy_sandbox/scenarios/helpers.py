"""What the scenarios share. Callers, addresses and user agents are made up."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.iam.identities import Principal
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.state import ACCOUNT, REGION, Account, Call, Instance

CLI = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/prompt#off"
BOTO = "Boto3/1.40.45 md/Botocore#1.40.45 ua/2.1 os/linux#6.1.147 md/arch#x86_64 lang/python#3.12.11"
NODE = "mi-0a1b2c3d4e5f60001"  # web-01's
EC2 = "i-ecd34b280e4aee7a8"  # the instance of the scenarios ec2-..., as moto names it
ROLE = "WebServer"  # of EC2 instances; also the name of their instance profile


def session(name: str) -> str:
    """The ARN of a host's session."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/{name}"


def user(name: str) -> str:
    """The ARN of a host's IAM user, as `aws deploy register` makes them."""
    return f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/{name}"


def node(account: Account, **changes: Any) -> None:
    """Change what Systems Manager knows of web-01's machine."""
    nodes = account.state(REGION).nodes
    nodes[NODE] = replace(nodes[NODE], **changes)


def machine(account: Account, **changes: Any) -> None:
    """Change web-01's machine."""
    node(account, machine=replace(account.state(REGION).nodes[NODE].machine, **changes))


def forget(account: Account, name: str) -> Instance:
    """Remove a name, as if it had never been registered, and return its instance."""
    world = account.state(REGION)
    instance = world.instances.pop(name)
    world.holders.pop(instance.iam_arn)
    return instance


def sent(
    account: Account,
    caller: Principal,
    minutes_ago: int,
    operation: str,
    parameters: dict[str, Any] | None,
    user_agent: str,
    source_ip: str,
    error: ApiError | None = None,
) -> None:
    """Add a call to CodeDeploy from before the sandbox started to the journal."""
    identity = f"{caller.arn} {operation} {minutes_ago}"
    account.journal.append(
        Call(
            account=account,
            at=account.clock.start - timedelta(minutes=minutes_ago),
            service="codedeploy",
            operation=operation,
            region=REGION,
            caller=caller,
            user_agent=user_agent,
            source_ip=source_ip,
            request_id=str(UUID(bytes=sha256(identity.encode()).digest()[:16], version=4)),
            parameters=parameters,
            error=error,
        )
    )


def machine_in_ec2(id_: str, name: str, region: str, **changes: Any) -> Machine:
    """The host of an EC2 instance: Amazon Linux, tokens for its metadata service, and no yml."""
    arn = f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{id_}"
    facts: dict[str, Any] = {"system": "amazon", "metadata": region, "token": "a-token==", "instance": arn}
    return Machine(name, **(facts | changes))


def profile(ask: Ask) -> None:
    """Make the instance profile with the role."""
    ask("iam", "CreateInstanceProfile", InstanceProfileName=ROLE)
    ask("iam", "AddRoleToInstanceProfile", InstanceProfileName=ROLE, RoleName=ROLE)
