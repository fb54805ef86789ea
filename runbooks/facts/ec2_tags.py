"""What EC2 says of the tags of instances."""

from collections.abc import Iterable
from typing import Any

from runbooks.aws import Aws


def running_instances(aws: Aws, keys: Iterable[str] = ()) -> dict[str, dict[str, str]]:
    """The tags of each running EC2 instance by its id; with ``keys`` only of those that have a tag with such a key."""
    filters: list[dict[str, Any]] = [{"Name": "instance-state-name", "Values": ["running"]}]
    if wanted := sorted(set(keys)):
        filters.append({"Name": "tag-key", "Values": wanted})
    members = ("Instances.InstanceId", "Instances.Tags.Key")
    found = aws.read_all("ec2:DescribeInstances", "Reservations", *members, Filters=filters)
    return {
        str(one["InstanceId"]): {tag["Key"]: tag.get("Value", "") for tag in one.get("Tags", ())}
        for reservation in found
        for one in reservation.get("Instances", ())
    }
