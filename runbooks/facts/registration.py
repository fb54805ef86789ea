"""What CodeDeploy says of on-premises instances."""

import re
from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.answers import NotAnAnswer
from runbooks.findings import CouldNotCheck

LISTING = "codedeploy:ListOnPremisesInstances"
GET = "codedeploy:GetOnPremisesInstance"

# Names in one BatchGetOnPremisesInstances: AWS's model says 25 in one place and 100 in another.
CHUNK = 25


def registration(
    aws: Aws, name: str, *, region: str = "", expecting: tuple[str, ...] = ()
) -> dict[str, Any] | Refusal:
    """What CodeDeploy holds under a name (GetOnPremisesInstance's instanceInfo), in this Region or in another.

    A `Refusal` with InstanceNotRegisteredException when it holds nothing, or with another of the codes ``expecting``.
    Whether AWS answers for a deregistered name with its data or with that refusal is not verified, so both are
    possible. Raises `NotAnAnswer` when the answer is about another name.
    """
    info: dict[str, Any] | Refusal = aws.read(
        GET,
        "instanceInfo",
        "tags.Key",
        expecting=("InstanceNotRegisteredException", *expecting),
        region=region,
        instanceName=name,
    )
    if isinstance(info, Refusal):
        return info
    if info.get("instanceName") != name:
        raise NotAnAnswer(GET, f"about {info.get('instanceName')!r} instead of {name!r}")
    return info


def arn_of(info: Mapping[str, Any]) -> str:
    """The ARN in an instanceInfo of CodeDeploy. Raises `CouldNotCheck` if it has none, which AWS's always have."""
    arn = info.get("iamSessionArn") or info.get("iamUserArn")
    if not arn:
        raise CouldNotCheck(f"CodeDeploy gives no ARN of {info.get('instanceName') or 'the instance'}.")
    return str(arn)


def registered_arn(aws: Aws, name: str) -> str:
    """The ARN that an instance is registered with; "" when it is not registered or was deregistered."""
    info = registration(aws, name)
    return "" if isinstance(info, Refusal) or info.get("deregisterTime") else arn_of(info)


def listed_names(aws: Aws, status: str | None) -> list[str]:
    """Every name of the list: of one registration status, or of both if ``status`` is None."""
    filters: dict[str, Any] = {} if status is None else {"registrationStatus": status}
    names: list[str] = aws.read_all(LISTING, "instanceNames", **filters)
    return names


def spelt_otherwise(aws: Aws, name: str) -> list[str]:
    """The registered names that differ from ``name`` in upper and lower case, in what separates their parts, in leading
    zeros of a number, or by a domain, alone: ``web-1`` and ``WEB_01.example.com``.

    None where the list is denied.
    """
    names = aws.read_all_or_refusal(
        LISTING, "instanceNames", failures.DENIED, registrationStatus="Registered"
    )
    alike = [] if isinstance(names, Refusal) else [one for one in names if _are_alike(one, name)]
    return [one for one in alike if one != name]


def _are_alike(one: str, other: str) -> bool:
    heads = [each.partition(".")[0] for each in (one, other)]
    is_without_domain = heads[0] == one or heads[1] == other
    return _bare(one) == _bare(other) or (is_without_domain and _bare(heads[0]) == _bare(heads[1]))


def _bare(name: str) -> str:
    return re.sub(r"[-_.,]|(?<!\d)0+(?=\d)", "", name.lower())


def first_page(aws: Aws, status: str | None) -> list[str] | Refusal:
    """The first page of the list, or the refusal of its filter."""
    filters = {} if status is None else {"registrationStatus": status}
    names: list[str] | Refusal = aws.read(
        LISTING, "instanceNames", expecting=("InvalidRegistrationStatusException",), **filters
    )
    return names


def registered_arns(aws: Aws) -> dict[str, str]:
    """The ARN of every registered name. Raises as `registered` does."""
    return {name: arn_of(info) for name, info in registered(aws).items()}


def registered(aws: Aws) -> dict[str, dict[str, Any]]:
    """What CodeDeploy holds of every registered name, by name.

    Raises `CouldNotCheck` when the answer leaves a name out, which the API does not treat as an error.
    """
    names = listed_names(aws, "Registered")
    infos = [
        info
        for start in range(0, len(names), CHUNK)
        for info in aws.read(
            "codedeploy:BatchGetOnPremisesInstances",
            "instanceInfos",
            "tags.Key",
            instanceNames=names[start : start + CHUNK],
        )
    ]
    found = {str(info.get("instanceName", "")): info for info in infos}
    if missing := [name for name in names if name not in found]:
        raise CouldNotCheck(
            f"codedeploy:BatchGetOnPremisesInstances did not answer for {', '.join(missing[:5])}"
            f"{' and others' if len(missing) > 5 else ''}."
        )
    return found
