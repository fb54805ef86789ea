"""Problems of AWS itself, and of this machine's clock."""

from datetime import timedelta

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.state import Account


def clock_drifts(account: Account) -> None:
    """This machine's clock is two minutes behind AWS's, which AWS still accepts."""
    healthy(account)
    account.ahead = timedelta(minutes=2)


def outage(account: Account) -> None:
    """AWS has an outage: every request is answered with HTTP 503."""
    healthy(account)
    account.outage = ApiError("ServiceUnavailable", "Service is unable to handle request [sandbox].", 503)
