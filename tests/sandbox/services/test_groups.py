"""CreateDeploymentGroup: what moto does not check, and what it does not keep."""

from typing import Any

import pytest
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.state import ACCOUNT

from tests.support.sandbox import client

NEW = {
    "applicationName": "shop",
    "deploymentGroupName": "new",
    "serviceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/CodeDeployService",
}


def asking(sandbox: Sandbox, service: str = "codedeploy") -> Any:
    return client(sandbox, service, aws_access_key_id="any")


def test_a_group_is_answered_as_it_was_made_and_has_its_hook() -> None:
    with serve("group-healthy") as sandbox:
        api = asking(sandbox)
        api.create_deployment_config(
            deploymentConfigName="ours", minimumHealthyHosts={"type": "HOST_COUNT", "value": 1}
        )
        given = {
            "deploymentConfigName": "ours",
            "alarmConfiguration": {"enabled": True, "alarms": [{"name": "web-errors"}]},
            "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Terminate"]},
            "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
            "terminationHookEnabled": True,
        }
        made = api.create_deployment_group(**NEW, **given, autoScalingGroups=["web"])
        info = api.get_deployment_group(applicationName="shop", deploymentGroupName="new")[
            "deploymentGroupInfo"
        ]
        assert {name: info[name] for name in given} == given
        assert info["deploymentGroupId"] == made["deploymentGroupId"]
        (scaled,) = info["autoScalingGroups"]
        hooks = asking(sandbox, "autoscaling").describe_lifecycle_hooks(AutoScalingGroupName="web")[
            "LifecycleHooks"
        ]
        assert scaled["name"] == "web"
        assert scaled["hook"] in [hook["LifecycleHookName"] for hook in hooks]
        with pytest.raises(api.exceptions.DeploymentGroupAlreadyExistsException):
            api.create_deployment_group(**NEW)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"deploymentConfigName": "nope"}, "DeploymentConfigDoesNotExist"),
        ({"autoScalingGroups": ["nope"]}, "InvalidAutoScalingGroup"),
        ({"applicationName": "nope"}, "ApplicationDoesNotExist"),
        ({"ec2TagFilters": [{"Type": "KEY"}]}, "InvalidEC2Tag"),
    ],
)
def test_a_group_that_cannot_be_made(more: dict[str, Any], error: str) -> None:
    with serve("healthy") as sandbox:
        api = asking(sandbox)
        with pytest.raises(getattr(api.exceptions, f"{error}Exception")):
            api.create_deployment_group(**(NEW | more))
