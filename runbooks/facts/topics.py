"""What SNS says of topics."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.aws.arn import Arn

_TOPIC = "sns:GetTopicAttributes"


def topic(aws: Aws, arn: str) -> dict[str, str] | None:
    """The attributes of a topic, asked for in the topic's own Region; None when there is none.

    Raises `NotAnAnswer` for another topic.
    """
    found: dict[str, Any] | Refusal = aws.read(
        _TOPIC, "Attributes", "TopicArn", expecting=("NotFound",), region=Arn.of(arn).region, TopicArn=arn
    )
    if isinstance(found, Refusal):
        return None
    if found["TopicArn"] != arn:
        raise NotAnAnswer(_TOPIC, f"about {found['TopicArn']} instead of {arn}")
    return found
