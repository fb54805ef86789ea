"""Whether the SNS topics are there to which the triggers of a deployment group publish."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runbooks.aws import Aws
from runbooks.aws.arn import Arn
from runbooks.checks._members import listed
from runbooks.commands import aws_cli
from runbooks.facts.topics import topic
from runbooks.findings import FAIL, OK, WARN, Finding

_PAGE = "/exceptions/InvalidTriggerConfigException/"


def topics_of(group: Mapping[str, Any]) -> dict[str, list[str]]:
    """The ARNs of the topics of a deployment group, each with the names of the triggers that publish to it."""
    found: dict[str, list[str]] = {}
    for one in group.get("triggerConfigurations") or ():
        found.setdefault(str(one.get("triggerTargetArn") or ""), []).append(str(one.get("triggerName") or ""))
    return found


def topics(aws: Aws, name: str, group: Mapping[str, Any]) -> Iterator[Finding]:
    """For each topic of the deployment group ``name``: whether SNS has it, and whether it is of this Region."""
    for arn, triggers in topics_of(group).items():
        yield _topic(aws, f"the trigger{'s' * (len(triggers) > 1)} {listed(triggers)} of {name}", arn)


def _topic(aws: Aws, triggers: str, arn: str) -> Finding:
    there, region = topic(aws, arn), Arn.of(arn).region
    if there is None:
        says = f"SNS has no topic {arn}, to which {triggers} should publish: no notification arrives."
        place = replace(aws.place, region=region)
        again = aws_cli(place, "sns", "create-topic", name=arn.rpartition(":")[2])
        return Finding(FAIL, says, code="no-topic", about=arn, fix=again, next=_PAGE, later=True)
    if region != aws.region:
        says = (
            f"The topic {arn}, to which {triggers} should publish, is in {region}: whether CodeDeploy publishes to another"
            " Region is not verified."
        )
        fix = f"Create a topic in {aws.region}, and give its ARN to the trigger."
        return Finding(WARN, says, code="other-region", about=arn, fix=fix, next=_PAGE)
    count = there.get("SubscriptionsConfirmed")
    many = f", with {count} confirmed subscription{'s' * (count != '1')}" if count else ""
    return Finding(OK, f"The topic {arn}, to which {triggers} should publish, is there{many}.", about=arn)
