"""What S3 says of a bucket's default encryption, and KMS of a key. How an object is encrypted, only a read of it would show."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.aws.arn import Arn

_DEFAULT, _KEY = "s3:GetBucketEncryption", "kms:DescribeKey"
_NONE = "ServerSideEncryptionConfigurationNotFoundError"  # of buckets that had no default, before S3 gave one to each


def default_encryption(aws: Aws, bucket: str) -> tuple[str, str] | Refusal:
    """How a bucket encrypts what is uploaded without a wish of its own: the algorithm, "" for none, and its key, "" for S3's.

    A `Refusal` where the bucket is not there.
    """
    answer = aws.read(
        _DEFAULT, "ServerSideEncryptionConfiguration", expecting=(_NONE, "NoSuchBucket"), Bucket=bucket
    )
    if isinstance(answer, Refusal):
        return ("", "") if answer.code == _NONE else answer
    rules = [rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in answer.get("Rules") or ()]
    named = [rule for rule in rules if rule.get("SSEAlgorithm")]
    if len(named) > 1:
        raise NotAnAnswer(_DEFAULT, f"with {len(named)} defaults")
    first = named[0] if named else {}
    return str(first.get("SSEAlgorithm", "")), str(first.get("KMSMasterKeyID", ""))


def key(aws: Aws, id_: str, region: str) -> dict[str, Any] | None:
    """KMS's record of a key, by its id, ARN or alias; ``region`` counts for the other two. None where there is none."""
    where = Arn.of(id_).region or region
    answer: dict[str, Any] | Refusal = aws.read(
        _KEY,
        "KeyMetadata",
        "Arn",
        "KeyId",
        "KeyState",
        expecting=("NotFoundException",),
        region=where,
        KeyId=id_,
    )
    return None if isinstance(answer, Refusal) else answer
