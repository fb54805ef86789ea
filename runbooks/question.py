"""What is asked of a diagnosis; what cannot be meant is refused in one sentence before any call is spent on it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from runbooks.errors import UserError
from runbooks.host import HostReport, read_report_file

USER_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:user/[!-~]+", re.A)
SESSION_ARN = re.compile(r"arn:aws[\w-]*:sts::\d{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+", re.A)
# The rule of the AWS CLI for a name (awscli customizations/codedeploy/utils.py).
_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,100}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", re.DOTALL)  # S3's rule, and a key


@dataclass(frozen=True)
class Question:
    """What is asked; a check takes from it what it needs and SKIPs when that was not given."""

    instance: str = ""
    status: str | None = None  # a registrationStatus filter to try; None is no filter
    hours: float = 24  # how far back to look in CloudTrail
    arn: str = ""  # the IAM user's or role session's ARN to register the instance with
    deployment_group: str = ""  # "APPLICATION/GROUP", whose tags the instance should carry
    bucket: str = ""  # the revision bucket that the host reads from, with or without a key: "BUCKET/KEY"
    host_report: HostReport | None = None  # what the probe saw, brought by hand

    @classmethod
    def of(cls, **asked: Any) -> "Question":
        """The question of these members. A path as ``host_report`` is read; "" is none, like in a notebook.

        Raises `UserError` for a member that there is not, for one that cannot be, and for a host report that
        cannot be used.
        """
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(asked) - set(known)):
            raise UserError(f"Nothing can be asked by {unknown[0]!r}: use {', '.join(known)}.")
        _check_types(asked)
        _check_instance(asked.get("instance", ""))
        check_arn(asked.get("arn", ""))
        group = asked.get("deployment_group", "")
        if group and not re.fullmatch(r"[^/]+/.+", group):
            raise UserError(f"{group!r} names no deployment group: write APPLICATION/GROUP.")
        asked["bucket"] = _bucket(asked.get("bucket", ""))
        brought = asked.get("host_report")
        if isinstance(brought, (str, Path)):
            instance = asked.get("instance") or None
            asked["host_report"] = read_report_file(brought, instance=instance) if brought else None
        return cls(**asked)


def check_arn(arn: str) -> None:
    """Raise `UserError` for what cannot be registered; "" is none."""
    if arn and not USER_ARN.fullmatch(arn) and not SESSION_ARN.fullmatch(arn):
        raise UserError(
            f"{arn!r} cannot be registered: give the ARN of an IAM user (arn:aws:iam::ACCOUNT:user/NAME)"
            " or of one session of a role (arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION)."
        )


def _check_types(asked: Mapping[str, Any]) -> None:
    for name in ("instance", "arn", "deployment_group", "bucket"):
        if not isinstance(asked.get(name, ""), str):
            raise UserError(f"{name} must be text, not {asked[name]!r}.")
    if not isinstance(asked.get("status"), (str, type(None))):
        raise UserError(f"status must be text, or None for no filter, not {asked['status']!r}.")
    if not isinstance(asked.get("host_report"), (HostReport, str, Path, type(None))):
        raise UserError("host_report must be the path of a file that holds what `runbooks probe` printed.")
    hours = asked.get("hours", 1)
    if isinstance(hours, bool) or not isinstance(hours, (int, float)) or not _within_90_days(hours):
        raise UserError(
            f"hours must be a number above 0 and up to 2160, the 90 days of CloudTrail, not {hours!r}."
        )


def _within_90_days(hours: float) -> bool:
    return math.isfinite(hours) and 0 < hours <= 2160


def _check_instance(name: str) -> None:
    if name.startswith("i-"):
        raise UserError(
            f"{name!r} is an EC2 instance ID: EC2 instances are not registered, and on-premises names never begin with 'i-'."
        )
    if name and not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be an on-premises instance name: 1 to 100 letters, digits and + = , . @ _ - only."
        )


def _bucket(text: str) -> str:
    """A bucket, with a key where one was given; an address like s3://BUCKET/KEY is taken too."""
    bucket = text.removeprefix("s3://")
    if bucket and not _BUCKET.fullmatch(bucket):
        raise UserError(f"{text!r} is no bucket: write BUCKET or BUCKET/KEY.")
    return bucket.removesuffix("/")
