"""What S3 says of a revision. Its content is never read: a list shows that it is there."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer

_LIST, _WHERE = "s3:ListObjectsV2", "s3:GetBucketLocation"
_OLD_NAMES = {"": "us-east-1", "EU": "eu-west-1"}  # in botocore's model of S3


def object_size(aws: Aws, bucket: str, key: str) -> int | Refusal | None:
    """The size of an object in bytes; None where it is not there, a `Refusal` where the bucket is not."""
    # the first object that begins with the key is the key itself, if it is there
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": key, "MaxKeys": 1}
    answer: dict[str, Any] | Refusal = aws.once(
        (_LIST, bucket, key), _LIST, lambda: aws.ask(_LIST, "KeyCount", expecting=("NoSuchBucket",), **asked)
    )
    if isinstance(answer, Refusal):
        return answer
    objects = answer.get("Contents", [])
    if not all({"Key", "Size"} <= one.keys() for one in objects):
        raise NotAnAnswer(_LIST, "with an object that has no key or no size")
    if len(objects) != answer["KeyCount"] or not all(one["Key"].startswith(key) for one in objects):
        raise NotAnAnswer(_LIST, f"about other objects than {key!r}")
    return next((int(one["Size"]) for one in objects if one["Key"] == key), None)


def bucket_region(aws: Aws, bucket: str) -> str:
    """The Region in which a bucket is."""
    # "ResponseMetadata": us-east-1 has no name here, so the member with the Region may be empty
    answer = aws.once((_WHERE, bucket), _WHERE, lambda: aws.ask(_WHERE, "ResponseMetadata", Bucket=bucket))
    region = str(answer.get("LocationConstraint") or "")
    return _OLD_NAMES.get(region, region)
