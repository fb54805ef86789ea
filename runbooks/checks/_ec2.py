"""What applies to EC2 instances and what to on-premises names, and what several checks ask of an EC2 instance."""

from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws
from runbooks.facts.ec2 import RUNS, instance_profile, present
from runbooks.findings import CouldNotCheck, NotApplicable
from runbooks.question import Question, is_ec2


def only_on_premises(question: Question) -> None:
    """Raise `NotApplicable` where an EC2 instance was asked about: it has no registration."""
    if is_ec2(question.instance):
        says = (
            f"{question.instance} is an EC2 instance, and EC2 instances are not registered: CodeDeploy finds them by"
            " their tags or their Auto Scaling group."
        )
        raise NotApplicable(says, about=question.instance, next=RUNS)


def only_ec2(question: Question) -> str:
    """The id of the EC2 instance. Raises `NotApplicable` for an on-premises name."""
    if not is_ec2(question.instance):
        says = f"{question.instance} is an on-premises name, not an EC2 instance ID."
        raise NotApplicable(says, about=question.instance)
    return question.instance


def profile_arn(host: Mapping[str, Any]) -> str:
    """The ARN of an instance's profile; "" where it has none. Raises `CouldNotCheck` for a profile without one."""
    profile = host.get("IamInstanceProfile")
    if profile and not profile.get("Arn"):
        raise CouldNotCheck(f"EC2 gives no ARN of the instance profile of {host['InstanceId']}.")
    return str(profile["Arn"]) if profile else ""


def role_of(aws: Aws, id_: str) -> str:
    """The ARN of the role of an EC2 instance, whose policies count for its host. Raises `NotApplicable` without one."""
    arn = profile_arn(present(aws, id_))
    profile = instance_profile(aws, arn) if arn else None
    if not profile or not profile["Roles"]:
        raise NotApplicable(
            f"{id_} has no role by an instance profile, so it has no permissions.",
            about=id_,
            next="ec2-instance-has-a-role",
        )
    return str(profile["Roles"][0]["Arn"])
