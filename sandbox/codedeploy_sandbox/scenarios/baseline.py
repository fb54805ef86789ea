"""What the account of every scenario holds beside its instances: identities, an application and a bucket.

The identities are the sandbox's own data from the start (`Account.iam`). moto gets all of this, service by service, when a
request first needs it, so that no scenario waits for it.
"""

from typing import Any

from codedeploy_sandbox.hosts.agent import GROUP as FOLDER
from codedeploy_sandbox.hosts.bundle import zipped
from codedeploy_sandbox.iam.identities import Document, push
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.state import ACCOUNT, ADMINISTRATOR, REGION, Account

BUCKET, REVISION = "shop-revisions", "web/1.4.2.zip"
APPLICATION, GROUP = "shop", "web"
HOST_ROLE, SERVICE_ROLE, CALLER_ROLE = "CodeDeployOnPremises", "CodeDeployService", "OnCall"
_IAM = f"arn:aws:iam::{ACCOUNT}"


def allow(*actions: str, on: str | list[str] = "*") -> Document:
    """A policy of one statement that allows these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {"Version": "2012-10-17", "Statement": [statement]}


FULL_ACCESS = allow("*")  # the service control policy that every organisation begins with

# What the caller of every scenario may do: all reads of a diagnosis, its probe, and what `aws deploy register` and
# `aws deploy deregister` need, which make and delete the instance's user.
CALLER_POLICIES: dict[str, Document] = {
    "Diagnose": allow(
        "autoscaling:Describe*",
        "cloudtrail:LookupEvents",
        "codedeploy:BatchGet*",
        "codedeploy:Get*",
        "codedeploy:List*",
        "ec2:Describe*",
        "elasticloadbalancing:Describe*",
        "iam:GetInstanceProfile",
        "iam:GetRole",
        "iam:GetUser",
        "iam:List*",
        "iam:Simulate*",
        "kms:DescribeKey",
        "s3:GetBucketLocation",
        "s3:GetBucketPolicy",
        "s3:GetEncryptionConfiguration",
        "s3:GetObject",
        "s3:ListBucket",
        "sns:GetTopicAttributes",
        "ssm:Describe*",
        "ssm:GetCommandInvocation",
        "ssm:GetInventory",
        "ssm:List*",
    ),
    "Probe": allow("ssm:GetDocument", "ssm:SendCommand"),
    "Watch": allow("cloudwatch:*", "logs:*"),
    "Register": allow("codedeploy:*OnPremisesInstance*"),
    "Deploy": allow(
        "codedeploy:ContinueDeployment",
        "codedeploy:CreateDeployment",
        "codedeploy:RegisterApplicationRevision",
        "codedeploy:StopDeployment",
    ),
    "Revise": allow("s3:DeleteObject", "s3:PutObject", on=f"arn:aws:s3:::{BUCKET}/*"),
    "Users": allow(
        "iam:CreateAccessKey",
        "iam:CreateUser",
        "iam:DeleteAccessKey",
        "iam:DeleteUser",
        "iam:DeleteUserPolicy",
        "iam:PutUserPolicy",
        on=f"{_IAM}:user/AWS/CodeDeploy/*",
    ),
}


# What an agent needs of the bucket of the revisions.
READS_REVISIONS = {
    "ReadRevisions": allow(
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        on=[f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    )
}


# The managed policy AWSCodeDeployRole, in broad strokes.
DEPLOYS = (
    *("autoscaling:*", "cloudwatch:DescribeAlarms", "ec2:Describe*", "ec2:TerminateInstances"),
    *("elasticloadbalancing:*", "sns:Publish", "tag:GetResources"),
)


def only(account: Account, *documents: Document, name: str = CALLER_ROLE) -> None:
    """Give a role exactly these policies; by default the caller's role. For use while a scenario is set up."""
    role = account.iam.find("role", name)
    if not role:
        raise ValueError(f"There is no role {name}.")
    role.inline, role.attached = {f"Only{number}": one for number, one in enumerate(documents, 1)}, []


def furnish(account: Account) -> None:
    """Put all this into the account, and hold its callers to their policies."""
    account.enforces = True
    _application(account)
    iam = account.iam
    iam.add(f"{_IAM}:role/{CALLER_ROLE}", inline=dict(CALLER_POLICIES), trust=trusts({"AWS": f"{_IAM}:root"}))
    iam.add(f"{_IAM}:role/{ADMINISTRATOR}", inline={"All": allow("*")}, trust=trusts({"AWS": f"{_IAM}:root"}))
    iam.add(f"{_IAM}:role/{HOST_ROLE}", inline=dict(READS_REVISIONS), trust=trusts({"AWS": f"{_IAM}:root"}))
    iam.add(
        f"{_IAM}:role/{SERVICE_ROLE}",
        inline={"Deploy": allow(*DEPLOYS)},
        trust=trusts({"Service": "codedeploy.amazonaws.com"}),
    )
    iam.add(f"{_IAM}:user/AWS/CodeDeploy/batch-01", inline=dict(READS_REVISIONS), keys=["Active"])
    account.seeds += [
        ("iam", lambda ask: push(account.iam, ask)),
        ("s3", _bucket),
    ]


def trusts(principal: dict[str, str]) -> Document:
    """A trust policy by which a principal may assume a role."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _application(account: Account) -> None:
    """The application and its deployment group."""
    state, at = account.state(REGION), account.clock.start
    state.create(APPLICATION, "Server", "5a9d0c1e-7b1f-4d53-8a3c-0d3a5d0f5e10", at)
    production = {"Key": "Environment", "Value": "production", "Type": "KEY_AND_VALUE"}
    state.groups[f"{APPLICATION}/{GROUP}"] = {
        "applicationName": APPLICATION,
        "deploymentGroupId": FOLDER,  # as the agents on the hosts call its folder
        "deploymentGroupName": GROUP,
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "ec2TagFilters": [production],
        "onPremisesInstanceTagFilters": [production],
        "autoScalingGroups": [],
        "serviceRoleArn": f"{_IAM}:role/{SERVICE_ROLE}",
        "triggerConfigurations": [],
        "computePlatform": "Server",
        "ecsServices": [],
    }


def _bucket(ask: Ask) -> None:
    ask("s3", "CreateBucket", Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    encrypts(ask, SSEAlgorithm="AES256")  # as S3 does for every new bucket
    ask("s3", "PutObject", Bucket=BUCKET, Key=REVISION, Body=zipped())


def encrypts(ask: Ask, **default: str) -> None:
    """Set the default encryption of the bucket (botocore's ServerSideEncryptionByDefault)."""
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    ask("s3", "PutBucketEncryption", Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
