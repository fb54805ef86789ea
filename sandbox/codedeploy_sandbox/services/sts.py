"""STS for the callers that the scenario knows; every other caller is moto's."""

from typing import Any

from codedeploy_sandbox.state import ACCOUNT, Call


def GetCallerIdentity(call: Call) -> dict[str, Any] | None:
    """The owner of the access key. None, so that moto answers, for a key that the scenario does not know."""
    if call.caller.access_key not in call.account.callers:
        return None
    return {"UserId": call.caller.user_id, "Account": ACCOUNT, "Arn": call.caller.arn}
