"""What EC2 says of instances, and IAM of their profiles."""

from collections.abc import Iterable, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.aws.arn import Arn
from runbooks.findings import CouldNotCheck, NotApplicable

DESCRIBE = "ec2:DescribeInstances"
NOT_FOUND = "InvalidInstanceID.NotFound"
RUNS = "ec2-instance-is-running"  # the check that says so
GONE = ("shutting-down", "terminated")
_PROFILE = "iam:GetInstanceProfile"
# The tag that EC2 Auto Scaling gives its instances; no one else can give a tag that begins with aws:.
_OF_GROUP = "aws:autoscaling:groupName"


def instance(
    aws: Aws, id_: str, *, region: str = "", expecting: tuple[str, ...] = ()
) -> dict[str, Any] | Refusal:
    """What EC2 holds of an instance, in this Region or in another.

    A `Refusal` with InvalidInstanceID.NotFound when this account has none there, or with another of the codes
    ``expecting``. Raises `NotAnAnswer` for another instance.
    """
    instances = ("InstanceId", "State.Name", "SecurityGroups.GroupId", "Tags.Key")
    members = [f"Instances.{member}" for member in instances]
    found: list[dict[str, Any]] | Refusal = aws.read(
        DESCRIBE,
        "Reservations",
        *members,
        expecting=(NOT_FOUND, *expecting),
        region=region,
        InstanceIds=[id_],
    )
    if isinstance(found, Refusal):
        return found
    hosts = [one for reservation in found for one in reservation.get("Instances", ())]
    if others := {host["InstanceId"] for host in hosts} - {id_}:
        raise NotAnAnswer(DESCRIBE, f"about {', '.join(sorted(others))} instead of {id_}")
    if not hosts or "State" not in hosts[0]:
        raise CouldNotCheck(f"{DESCRIBE} gives no state of {id_}.")
    return dict(hosts[0])


def present(aws: Aws, id_: str) -> dict[str, Any]:
    """What EC2 holds of an instance. Raises `NotApplicable` for one that is not there, or is terminated."""
    host = instance(aws, id_)
    if isinstance(host, Refusal):
        raise NotApplicable(f"EC2 knows no instance {id_} in {aws.region}.", about=id_, next=RUNS)
    if (state := host["State"]["Name"]) in GONE:
        raise NotApplicable(f"The EC2 instance {id_} is {state}.", about=id_, next=RUNS)
    return host


def tags_of(host: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an instance."""
    return {tag["Key"]: tag.get("Value", "") for tag in host.get("Tags", ())}


def running_instances(aws: Aws, keys: Iterable[str] = ()) -> dict[str, dict[str, str]]:
    """The tags of each running EC2 instance by its id; with ``keys`` only of those that have a tag with such a key."""
    filters: list[dict[str, Any]] = [{"Name": "instance-state-name", "Values": ["running"]}]
    if wanted := sorted(set(keys)):
        filters.append({"Name": "tag-key", "Values": wanted})
    members = ("Instances.InstanceId", "Instances.Tags.Key")
    found = aws.read_all(DESCRIBE, "Reservations", *members, Filters=filters)
    return {
        str(one["InstanceId"]): tags_of(one)
        for reservation in found
        for one in reservation.get("Instances", ())
    }


def systems(aws: Aws, ids: Iterable[str]) -> dict[str, str]:
    """The system of EC2 instances, "linux" or "windows", by their id.

    By botocore's model Platform is "windows" for Windows instances and otherwise empty.
    """
    found = aws.read_all(DESCRIBE, "Reservations", "Instances.InstanceId", InstanceIds=sorted(set(ids)))
    return {
        str(one["InstanceId"]): "windows" if str(one.get("Platform", "")).lower() == "windows" else "linux"
        for reservation in found
        for one in reservation.get("Instances", ())
    }


def auto_scaling_group(host: Mapping[str, Any]) -> str:
    """The Auto Scaling group that an instance is in; "" where it is in none."""
    return tags_of(host).get(_OF_GROUP, "")


def instance_profile(aws: Aws, arn: str) -> dict[str, Any] | None:
    """IAM's record of an instance profile, with its one role in ``Roles``; None when there is no such profile.

    Raises `NotAnAnswer` for a record of another.
    """
    name = Arn.of(arn).name
    profile: dict[str, Any] | Refusal = aws.read(
        _PROFILE, "InstanceProfile", "Arn", expecting=("NoSuchEntity",), InstanceProfileName=name
    )
    if isinstance(profile, Refusal):
        return None
    if profile["Arn"] != arn:
        raise NotAnAnswer(_PROFILE, f"about {profile['Arn']!r} instead of {arn!r}")
    if "Roles" not in profile:
        raise NotAnAnswer(_PROFILE, "without the member InstanceProfile.Roles")
    return profile
