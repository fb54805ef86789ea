"""What a request has to be allowed to do: the IAM actions of an operation and the resources that it acts on.

From the Service Authorization Reference and S3's list of permissions, for the operations that are used here. Any
other operation needs the action of its own name on all resources, `*`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from codedeploy_sandbox.iam.identities import Iam, Principal

# Operations that need no permission.
_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})

# Services whose signing name differs from the prefix of their actions.
_PREFIXES = {"monitoring": "cloudwatch"}

# Operations whose action has another name.
_ACTIONS = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:UploadPart": "s3:PutObject",
}

_CODEDEPLOY = "arn:aws:codedeploy:{region}:{account}"
_INSTANCE, _INSTANCES = (
    f"{_CODEDEPLOY}:instance:{{instanceName}}",
    f"{_CODEDEPLOY}:instance:{{instanceNames}}",
)
_APPLICATION = f"{_CODEDEPLOY}:application:{{applicationName}}"
_GROUP = f"{_CODEDEPLOY}:deploymentgroup:{{applicationName}}/{{deploymentGroupName}}"

# The resources of an action, with the operation's parameters in braces; a list stands for several resources.
_RESOURCES: dict[str, tuple[str, ...]] = {
    "codedeploy:AddTagsToOnPremisesInstances": (_INSTANCES,),
    "codedeploy:BatchGetApplications": (f"{_CODEDEPLOY}:application:{{applicationNames}}",),
    "codedeploy:BatchGetOnPremisesInstances": (_INSTANCES,),
    "codedeploy:CreateApplication": (_APPLICATION,),
    "codedeploy:CreateDeployment": (_GROUP,),
    "codedeploy:CreateDeploymentGroup": (_GROUP,),
    "codedeploy:DeleteApplication": (_APPLICATION,),
    "codedeploy:DeleteDeploymentGroup": (_GROUP,),
    "codedeploy:DeregisterOnPremisesInstance": (_INSTANCE,),
    "codedeploy:GetApplication": (_APPLICATION,),
    "codedeploy:GetDeploymentGroup": (_GROUP,),
    "codedeploy:GetOnPremisesInstance": (_INSTANCE,),
    "codedeploy:ListDeploymentGroups": (_APPLICATION,),
    "codedeploy:RegisterOnPremisesInstance": (_INSTANCE,),
    "codedeploy:RemoveTagsFromOnPremisesInstances": (_INSTANCES,),
    "codedeploy:UpdateApplication": (_APPLICATION,),
    "codedeploy:UpdateDeploymentGroup": (
        _GROUP.replace("deploymentGroupName", "currentDeploymentGroupName"),
    ),
    "iam:SimulatePrincipalPolicy": ("{PolicySourceArn}",),
    "ssm:GetDocument": ("arn:aws:ssm:{region}:{account}:document/{Name}",),
    "ssm:SendCommand": ("arn:aws:ssm:{region}:{owner}:document/{DocumentName}", "{InstanceIds}"),
    "sts:AssumeRole": ("{RoleArn}",),
}
_FIELD = re.compile(r"\{(\w+)\}")


class Asked(Protocol):
    """The parts of a request on which permissions depend."""

    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def caller(self) -> Principal: ...
    @property
    def protocol(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def source_ip(self) -> str: ...
    @property
    def user_agent(self) -> str: ...


def needed(call: Asked, parameters: Mapping[str, Any], iam: Iam) -> list[tuple[str, str]]:
    """The actions that a request needs, each with one resource; none for what needs no permission."""
    operation = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
    if operation in _FREE or not call.operation.isidentifier():  # REST of a service that has no model here
        return []
    action = _ACTIONS.get(operation, operation)
    return [(action, arn) for arn in _resources(call, action, parameters, iam)]


def resource_type(action: str) -> str:
    """The kind of ARN that an action is about, as the Service Authorization Reference writes it; `*` if not known."""
    # Assumption: eval-resource-name
    patterns = _RESOURCES.get(action, ())
    if len(patterns) != 1 or not patterns[0].startswith("arn:"):
        return "*"
    named = _FIELD.sub(
        lambda field: "${" + field[1][0].upper() + field[1][1:].removesuffix("s") + "}", patterns[0]
    )
    return named.replace("arn:aws:", "arn:${Partition}:")


def _resources(call: Asked, action: str, parameters: Mapping[str, Any], iam: Iam) -> list[str]:
    # Assumption: any-resource
    if patterns := _RESOURCES.get(action):
        # the documents of AWS are of no account
        owner = "" if str(parameters.get("DocumentName")).startswith("AWS-") else call.caller.account
        known = {"region": call.region, "account": call.caller.account, "owner": owner, **parameters}
        return [_arn(call, text) for pattern in patterns for text in _filled(pattern, known)]
    if call.service == "iam":
        return [_of_iam(call, parameters, iam)]
    if call.service == "s3" and "Bucket" in parameters:
        return [
            "arn:aws:s3:::" + "/".join(parameters[part] for part in ("Bucket", "Key") if part in parameters)
        ]
    return [f"arn:aws:ssm:{call.region}:{call.caller.account}:*"] if call.service == "ssm" else ["*"]


def _filled(pattern: str, known: Mapping[str, Any]) -> list[str]:
    """The pattern with its fields filled in, once for each value of a list; `*` stands for what was not given."""
    for name in _FIELD.findall(pattern):
        if isinstance(known.get(name), list):
            return [text for one in known[name] for text in _filled(pattern, {**known, name: one})]
    return [_FIELD.sub(lambda field: str(known.get(field[1], "*")), pattern)]


def _arn(call: Asked, text: str) -> str:
    """The ARN of a node that Systems Manager knows by its id; an ARN as it is."""
    if text.startswith("mi-"):
        return f"arn:aws:ssm:{call.region}:{call.caller.account}:managed-instance/{text}"
    return (
        f"arn:aws:ec2:{call.region}:{call.caller.account}:instance/{text}" if text.startswith("i-") else text
    )


def _of_iam(call: Asked, parameters: Mapping[str, Any], iam: Iam) -> str:
    """IAM's resource: what the operation's parameters name, with the path that it has or is to have."""
    for kind in ("group", "user", "role"):
        if name := parameters.get(f"{kind.title()}Name"):
            one = iam.find(kind, name)
            return (
                one.arn
                if one
                else f"arn:aws:iam::{call.caller.account}:{kind}{parameters.get('Path', '/')}{name}"
            )
    if call.operation == "GetUser" and call.caller.kind == "user":
        return call.caller.arn  # without a name it is about the caller
    return str(parameters.get("PolicyArn", "*"))
