"""A link is called by the title of its page, not by a part of its address."""

import pytest

from site_hooks.titles import title


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/symptoms/asg-hook/", "CodeDeploy's hook on the Auto Scaling group was abandoned"),
        ("/symptoms/elb-traffic/", "The load balancer step of the deployment failed"),
        ("/guides/check-the-agent/#log-lines", "Check the agent: Log lines"),
        ("/guides/check-the-agent/#no-such-heading", "Check the agent"),
        ("/deployment-errors/", "Deployment error codes"),
        ("/checks/no-such-page/", "no such page"),
    ],
)
def test_a_page_is_called_by_its_title(address: str, name: str) -> None:
    assert title(address) == name
