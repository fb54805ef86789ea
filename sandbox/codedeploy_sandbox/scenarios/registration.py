"""Problems of the registration; the host is right."""

from datetime import timedelta

from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import forget, session
from codedeploy_sandbox.state import REGION, Account


def instance_not_registered(account: Account) -> None:
    """The name web-01 is not registered and never was, though its host is ready."""
    healthy(account)
    forget(account, "web-01")


def instance_deregistered(account: Account) -> None:
    """The name web-01 was deregistered three hours ago."""
    healthy(account)
    account.state(REGION).deregister("web-01", account.clock.start - timedelta(hours=3))


def registered_in_other_region(account: Account) -> None:
    """The name web-01 was registered in eu-central-1, where its agent does not poll."""
    healthy(account)
    old, other = forget(account, "web-01"), account.state("eu-central-1")
    other.register("web-01", old.registered, session=old.iam_arn)
    other.instances["web-01"].tags = old.tags


def tags_missing(account: Account) -> None:
    """The instance web-01 lacks the tag Environment=production, by which the deployment group shop/web selects instances."""
    healthy(account)
    account.state(REGION).instances["web-01"].tags = {"Name": "web-01"}


def held_by_another_name(account: Account) -> None:
    """The host's ARN was registered under the name web-1, so it cannot be registered as web-01."""
    healthy(account)
    old = forget(account, "web-01")
    account.state(REGION).register("web-1", old.registered, session=session("web-01"))
    account.state(REGION).instances["web-1"].tags = old.tags
