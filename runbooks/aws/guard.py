"""The read-only guard: an operation that is not known to read is refused before it is sent."""

import re
from collections.abc import Callable, Mapping
from typing import Any

# Whether these parameters of an operation are what the user allowed.
Permission = Callable[[Mapping[str, Any]], bool]

# The services that a diagnosis asks. Reads of other services were not reviewed for the secrets in their answers.
SERVICES = frozenset(
    {
        *("autoscaling", "cloudtrail", "cloudwatch", "codedeploy", "ec2", "elb", "elbv2", "iam", "kms"),
        *("s3", "sns", "ssm", "sts"),
    }
)

# AWS has no flag in botocore's model for "this operation reads", so the verb decides.
_READS = re.compile(r"^(BatchGet|Describe|Get|List|Lookup|Simulate)[A-Z]")

# Of these services no more: other reads of S3 give what is in an object, or how a bucket is guarded; those of KMS make
# material for an import, or show who may use a key; those of SNS show the addresses of subscribers.
_ONLY = {
    "kms": frozenset({"DescribeKey"}),
    "s3": frozenset({"GetBucketEncryption", "GetBucketLocation", "ListObjectsV2"}),
    "sns": frozenset({"GetTopicAttributes"}),
}

# Their verb reads, but their answer is a credential or a secret, or they write a report.
_NEVER = re.compile(
    r"^(GetSessionToken|GetFederationToken|GetDelegatedAccessToken|GetWebIdentityToken|GetParameter.*"
    r"|GetPasswordData|GetConsoleOutput|GetConsoleScreenshot"
    r"|GetConnectionStatus|GetAccessToken|GetDeployablePatchSnapshotForInstance|GetExecutionPreview)$"
)


class NotARead(Exception):
    """An operation that may change something was about to be sent; it was not."""

    def __init__(self, api: str) -> None:
        super().__init__(f"{api} was not sent: this session only reads")
        self.api = api


def is_read(api: str) -> bool:
    """Whether an operation ("codedeploy:ListOnPremisesInstances") only reads, and its answer is not a secret."""
    service, _, operation = api.partition(":")
    if service in _ONLY:
        return operation in _ONLY[service]
    return service in SERVICES and bool(_READS.match(operation)) and not _NEVER.match(operation)


def refuse_writes(api: str, params: Mapping[str, Any], allowed: Mapping[str, Permission]) -> None:
    """Raise `NotARead` unless ``api`` ("ssm:SendCommand") reads, or was allowed with such parameters."""
    permission = allowed.get(api)
    if not is_read(api) and not (permission and permission(params)):
        raise NotARead(api)
