"""What can be asked of a diagnosis: one table of parameters, the fields of `Question`.

The options of the command line, the parameters of the notebooks, the command that asks again, a report's fingerprint
and its JSON schema derive from this table. A value that cannot be meant is refused in one sentence, before any call.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from runbooks.errors import UserError
from runbooks.findings import NotAsked
from runbooks.host import HostReport, read_report_file
from runbooks.text.spelling import named

USER_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:user/[!-~]+", re.A)
SESSION_ARN = re.compile(r"arn:aws[\w-]*:sts::\d{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+", re.A)
# The rule of the AWS CLI for a name (awscli customizations/codedeploy/utils.py).
NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,100}")
# An EC2 instance's id: botocore's model of SSM has these lengths, the digits are those that EC2 gives out.
EC2 = re.compile(r"i-(?:[0-9a-f]{17}|[0-9a-f]{8})")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", re.DOTALL)  # S3's rule, and a key
# The ARN of an on-premises instance: its name, an underscore and a suffix of CodeDeploy's, as in AWS's own examples.
INSTANCE_ARN = re.compile(
    r"arn:[\w-]+:codedeploy:[a-z0-9-]+:[0-9]{12}:instance/[A-Za-z0-9+=,.@_-]{0,139}[A-Za-z0-9+=@_-]", re.A
)
DEPLOYMENT = re.compile(r"d-[A-Z0-9]{9}")  # as every id that AWS documents or users published
MOST_HOURS = 2160  # the 90 days that CloudTrail's event history keeps

# What a chat, a mail or a word processor puts in the place of a hyphen, around an id, and into it unseen.
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_UNSEEN = dict.fromkeys(
    [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_QUOTES = "\"'`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a"


def unquoted(text: str) -> str:
    """``text`` as it was meant: without the space and the quotes around it, and without characters that are not seen."""
    text = text.translate(_UNSEEN).strip()
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text


def as_id(text: str) -> str:
    """``text`` `unquoted`, with a hyphen for each dash: no id and no name of an instance has another."""
    return unquoted(text).translate(_DASHES)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UserError(f"{name} must be text, not {value!r}.")
    return value


def is_ec2(instance: str) -> bool:
    """Whether this is the id of an EC2 instance, which is not registered, rather than an on-premises name."""
    return bool(EC2.fullmatch(instance))


def is_instance_arn(instance: str) -> bool:
    """Whether this is the ARN of an on-premises instance, from which its name cannot be cut: CodeDeploy is asked for it."""
    return bool(INSTANCE_ARN.fullmatch(instance))


def name_of_instance(instance: str) -> str:
    """The name that ``instance`` is, for what asks no one. Raises `UserError` for an ARN, and for what cannot be a name."""
    name = _instance("instance", instance)
    if is_instance_arn(name):
        raise UserError(
            f"{name} is the ARN of an instance: give its name, which `runbooks diagnose` finds and shows first."
        )
    return name


def _instance(name: str, value: Any) -> str:
    instance = as_id(_text(name, value))
    if is_instance_arn(instance):  # CodeDeploy is asked for its name before a check sees it
        return instance
    if instance.startswith("i-") and not is_ec2(instance):
        raise UserError(
            f"{instance!r} is neither an EC2 instance ID, which is i- and 8 or 17 of 0-9 and a-f, nor an on-premises"
            " name, which never begins with 'i-'."
        )
    if instance and not NAME.fullmatch(instance):
        raise UserError(
            f"{instance!r} cannot be an on-premises instance name: 1 to 100 letters, digits and + = , . @ _ - only."
        )
    return instance


def is_instance(text: str) -> bool:
    """Whether a text can be the question's instance: what AWS calls a target need not be one."""
    try:
        return bool(_instance("instance", text)) and not is_instance_arn(text)
    except UserError:
        return False


def _status(name: str, value: Any) -> str | None:
    if not isinstance(value, (str, type(None))):
        raise UserError(f"{name} must be text, or None for no filter, not {value!r}.")
    return value


def _hours(name: str, value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 < value <= MOST_HOURS:
        raise UserError(
            f"{named(name)} must be a number above 0 and up to {MOST_HOURS}, the 90 days of CloudTrail, not {value!r}."
        )
    return float(value)


def _arn(name: str, value: Any) -> str:
    arn = _text(name, value)
    if arn and not USER_ARN.fullmatch(arn) and not SESSION_ARN.fullmatch(arn):
        raise UserError(
            f"{arn!r} cannot be registered: give the ARN of an IAM user (arn:aws:iam::ACCOUNT:user/NAME)"
            " or of one session of a role (arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION)."
        )
    return arn


def _deployment_group(name: str, value: Any) -> str:
    group = unquoted(_text(name, value))
    if group and not re.fullmatch(r"[^/]+/.+", group):
        raise UserError(f"{group!r} names no deployment group: write APPLICATION/GROUP.")
    return group


def _bucket(name: str, value: Any) -> str:
    """A bucket, with a key where one was given; an address like s3://BUCKET/KEY is taken too."""
    bucket = _text(name, value).removeprefix("s3://")
    if bucket and not BUCKET.fullmatch(bucket):
        raise UserError(f"{value!r} is not a bucket: write BUCKET or BUCKET/KEY.")
    return bucket.removesuffix("/")


def deployment_fault(text: str) -> str:
    """What keeps ``text`` from being a deployment's id, as the end of a sentence."""
    rule = "that is d- and nine capital letters or digits, such as d-ABCDEF123"
    if not text.lower().startswith("d-"):
        return rule
    rest = text[2:]
    if stray := re.sub(r"[A-Za-z0-9]", "", rest):
        return f"{rule}, and this one holds {stray[0]!r}"
    if len(rest) == 9 and text != f"d-{rest.upper()}":
        # a small l is rather a 1
        meant = [one for one in (rest.replace("l", "1"), rest.upper()) if DEPLOYMENT.fullmatch(f"d-{one}")]
        like = " or ".join(f"d-{one}" for one in dict.fromkeys(meant))
        return f"{rule}, and this one has a letter in the wrong case" + (f" ({like}?)" if like else "")
    return f"{rule}, and this one has {len(rest)} after d-"


def _deployment(name: str, value: Any) -> str:
    deployment = as_id(_text(name, value))
    if deployment and not DEPLOYMENT.fullmatch(deployment):
        raise UserError(f"{value!r} is not a deployment id: {deployment_fault(deployment)}.")
    return deployment


def _host_report(name: str, value: Any) -> HostReport | str | Path | None:
    if not isinstance(value, (HostReport, str, Path, type(None))):
        raise UserError(f"{name} must be the path of a file that holds what `runbooks probe` printed.")
    return value or None


Reader = Callable[[str, Any], Any]


def _parameter(default: Any, read: Reader, help: str, *, kind: type = str, schema: Mapping[str, Any]) -> Any:
    """One row: its value when it is not given, its reader, its help on the command line, its JSON schema."""
    return field(default=default, metadata={"read": read, "help": help, "kind": kind, "schema": schema})


@dataclass(frozen=True)
class Question:
    """What is asked. A check takes from it what it needs and does not apply where that was not given."""

    instance: str = _parameter(
        "",
        _instance,
        "The on-premises instance's name or ARN, or an EC2 instance's ID; left out: what concerns all on-premises instances.",
        schema={"type": "string", "description": "Empty: all instances"},
    )
    status: str | None = _parameter(
        None,
        _status,
        "A registrationStatus filter to try on ListOnPremisesInstances; left out: no filter.",
        schema={"type": ["string", "null"], "description": "A registrationStatus that was tried"},
    )
    hours: float = _parameter(
        24.0,
        _hours,
        f"How far back to search CloudTrail; at most {MOST_HOURS}.",
        kind=float,
        schema={"type": "number", "description": "How far back CloudTrail was searched"},
    )
    arn: str = _parameter(
        "",
        _arn,
        "The IAM user's or role session's ARN to register the instance with.",
        schema={"type": "string", "description": "The ARN to register the instance with"},
    )
    deployment_group: str = _parameter(
        "",
        _deployment_group,
        "APPLICATION/GROUP whose tags the instance should carry.",
        schema={"type": "string", "description": "APPLICATION/GROUP"},
    )
    bucket: str = _parameter(
        "",
        _bucket,
        "The bucket that holds the revisions, or BUCKET/KEY.",
        schema={"type": "string", "description": "BUCKET or BUCKET/KEY"},
    )
    deployment: str = _parameter(
        "",
        _deployment,
        "A deployment's id: d- and nine letters or digits.",
        schema={"type": "string", "description": "The id of a deployment"},
    )
    host_report: HostReport | None = _parameter(
        None,
        _host_report,
        "The file with what `runbooks probe` printed on the host.",
        kind=Path,
        schema={
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When the host report that was brought by hand was made",
        },
    )

    @classmethod
    def of(cls, **asked: Any) -> Self:
        """The question of these members. A path as ``host_report`` is read; "" is none, as in a notebook.

        Raises `UserError` for a member that there is not, for one that cannot be, and for a host report that
        cannot be used.
        """
        known = {row.name: row for row in PARAMETERS}
        if unknown := sorted(set(asked) - set(known)):
            raise UserError(f"There is no parameter {unknown[0]!r}: use {', '.join(known)}.")
        read = {name: known[name].metadata["read"](name, value) for name, value in asked.items()}
        if isinstance(path := read.get("host_report"), (str, Path)):
            name = "" if is_instance_arn(read.get("instance", "")) else read.get("instance")
            read["host_report"] = read_report_file(path, instance=name or None)
        return cls(**read)

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        named = ", ".join(filter(None, (self.instance, self.deployment)))
        return named or self.deployment_group or "all on-premises instances"

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """The host, the group and the deployment that it is about, each with its parameter; what was not given is left out."""
        named = ("instance", "deployment_group", "deployment")
        values = vars(self)  # which no check is seen to read, unlike the members
        return tuple((name, values[name]) for name in named if values[name])

    def given(self) -> dict[str, Any]:
        """The parameters that are not as they are by themselves, in the order of the table."""
        values = {row.name: getattr(self, row.name) for row in PARAMETERS}
        return {row.name: values[row.name] for row in PARAMETERS if values[row.name] != row.default}

    def options(self) -> dict[str, list[str]]:
        """The options of the command line that ask this again. A host report brought by hand has to be made again."""
        return {name: [_option(value)] for name, value in self.given().items()}

    def as_json(self) -> dict[str, Any]:
        """Every parameter, as a report's JSON shows it; of a host report only when it was made."""
        host = self.host_report
        made = {"host_report": host.collected_at.isoformat(timespec="seconds") if host else None}
        return {row.name: getattr(self, row.name) for row in PARAMETERS} | made

    def require(self, *names: str) -> None:
        """Raise `NotAsked` where a parameter that a check needs was not given. "host": an instance or its report."""
        for name in names:
            if name == "host" and not (self.instance or self.host_report):
                raise NotAsked("No instance (--instance) and no host report (--host-report) was given.")
            if name != "host" and not getattr(self, name):
                raise NotAsked(f"No {name.replace('_', ' ')} was given (--{name.replace('_', '-')}).")


PARAMETERS = fields(Question)


def schema(rows: Iterable[Any] = PARAMETERS) -> dict[str, Any]:
    """The JSON schema of a report's member ``question``."""
    properties = {row.name: dict(row.metadata["schema"]) for row in rows}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _option(value: Any) -> str:
    if isinstance(value, HostReport):
        return "FILE"
    return f"{value:g}" if isinstance(value, float) else str(value)
