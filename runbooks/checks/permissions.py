"""May they?"""

from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.engine import OK, Finding, Question


def caller_is_known(aws: Aws, question: Question) -> Iterator[Finding]:
    """AWS knows who is asking.

    sts:GetCallerIdentity needs no permission, so a refusal means the credentials themselves, the clock,
    or something between here and AWS.
    """
    identity = aws.read("sts:GetCallerIdentity", "Arn")
    yield Finding(OK, f"AWS answers {identity} in {aws.region}.", about=identity)
