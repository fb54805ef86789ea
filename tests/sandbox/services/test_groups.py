"""The operations on deployment groups and applications: what they change, and what they take away."""

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


def hooks(sandbox: Sandbox) -> list[str]:
    rows = asking(sandbox, "autoscaling").describe_lifecycle_hooks(AutoScalingGroupName="web")
    return [row["LifecycleHookName"] for row in rows["LifecycleHooks"]]


def group(api: Any, name: str = "web", application: str = "shop") -> dict[str, Any]:
    named = {"applicationName": application, "deploymentGroupName": name}
    info: dict[str, Any] = api.get_deployment_group(**named)["deploymentGroupInfo"]
    return info


WEB = {"applicationName": "shop", "currentDeploymentGroupName": "web"}


def test_an_update_changes_what_it_names_and_an_empty_value_removes() -> None:
    with serve("group-healthy") as sandbox:
        api = asking(sandbox)
        before = group(api)
        rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
        api.update_deployment_group(**WEB, autoRollbackConfiguration=rollback, triggerConfigurations=[])
        changed = {"autoRollbackConfiguration": rollback, "triggerConfigurations": []}
        assert group(api) == before | changed
        tags = {"ec2TagSetList": [[{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}]]}
        api.update_deployment_group(**WEB, ec2TagSet=tags)
        assert (group(api)["ec2TagFilters"], group(api)["ec2TagSet"]) == ([], tags)


def test_hooks_go_with_the_auto_scaling_group_and_come_back_with_it() -> None:
    with serve("group-healthy") as sandbox:
        api = asking(sandbox)
        (hook,) = hooks(sandbox)
        assert api.update_deployment_group(**WEB, autoScalingGroups=[])["hooksNotCleanedUp"] == []
        assert (hooks(sandbox), group(api)["autoScalingGroups"]) == ([], [])
        api.update_deployment_group(**WEB, autoScalingGroups=["web"], terminationHookEnabled=True)
        (scaled,) = group(api)["autoScalingGroups"]
        assert scaled["hook"] == hook
        assert sorted(hooks(sandbox)) == sorted([hook, scaled["terminationHook"]])
        api.update_deployment_group(**WEB, terminationHookEnabled=False)
        assert hooks(sandbox) == [hook]


@pytest.mark.parametrize("scenario", ["group-role-missing", "group-role-not-trusting"])
def test_a_change_of_a_group_whose_role_cannot_be_used_is_refused(scenario: str) -> None:
    with serve(scenario) as sandbox:
        api = asking(sandbox)
        with pytest.raises(api.exceptions.InvalidRoleException):
            api.update_deployment_group(**WEB, outdatedInstancesStrategy="IGNORE")


def test_a_role_that_may_not_put_the_hook_is_refused() -> None:
    with serve("group-role-denied") as sandbox:
        api = asking(sandbox)
        with pytest.raises(api.exceptions.InvalidRoleException, match="PutLifecycleHook"):
            api.update_deployment_group(**WEB, autoScalingGroups=["web"])
        assert len(hooks(sandbox)) == 1  # nothing was changed


def test_what_is_deleted_is_gone_and_a_hook_that_the_role_may_not_delete_is_named() -> None:
    named = {"applicationName": "shop", "deploymentGroupName": "web"}
    with serve("group-healthy") as sandbox:
        api = asking(sandbox)
        assert api.delete_deployment_group(**named)["hooksNotCleanedUp"] == []
        assert hooks(sandbox) == []
        with pytest.raises(api.exceptions.DeploymentGroupDoesNotExistException):
            group(api)
        assert api.delete_deployment_group(**named)["hooksNotCleanedUp"] == []
    with serve("group-healthy") as sandbox:
        api, (hook,) = asking(sandbox), hooks(sandbox)
        asking(sandbox, "iam").delete_role_policy(RoleName="CodeDeployService", PolicyName="Only1")
        assert api.delete_deployment_group(**named)["hooksNotCleanedUp"] == [{"name": "web", "hook": hook}]
        assert hooks(sandbox) == [hook]


def test_a_new_name_keeps_deployments_revisions_and_tags() -> None:
    with serve("group-healthy") as sandbox:
        api, arn = asking(sandbox), "arn:aws:codedeploy:eu-west-1:111122223333"
        api.tag_resource(ResourceArn=f"{arn}:deploymentgroup:shop/web", Tags=[{"Key": "a", "Value": "b"}])
        api.update_deployment_group(**WEB, newDeploymentGroupName="www")
        api.update_application(applicationName="shop", newApplicationName="store")
        info = group(api, "www", "store")
        assert info["lastSuccessfulDeployment"]["deploymentId"] == "d-SHOPWEB01"
        assert info["autoScalingGroups"][0]["hook"] == hooks(sandbox)[0]
        tags = api.list_tags_for_resource(ResourceArn=f"{arn}:deploymentgroup:store/www")["Tags"]
        assert tags == [{"Key": "a", "Value": "b"}]
        assert len(api.list_application_revisions(applicationName="store")["revisions"]) == 1
        assert api.list_applications()["applications"] == ["store"]


def test_an_application_goes_with_all_that_belongs_to_it() -> None:
    with serve("healthy") as sandbox:
        api = asking(sandbox)
        api.delete_application(applicationName="shop")
        assert api.list_applications()["applications"] == []
        assert api.list_deployments()["deployments"] == []
        with pytest.raises(api.exceptions.DeploymentDoesNotExistException):
            api.get_deployment(deploymentId="d-SHOPWEB01")
        api.create_application(applicationName="shop")
        assert api.list_deployment_groups(applicationName="shop")["deploymentGroups"] == []


def test_tags_are_added_replaced_and_removed() -> None:
    with serve("healthy") as sandbox:
        api = asking(sandbox)
        made = api.create_application(applicationName="mail", tags=[{"Key": "team", "Value": "post"}])
        assert (
            api.get_application(applicationName="mail")["application"]["applicationId"]
            == made["applicationId"]
        )
        arn = "arn:aws:codedeploy:eu-west-1:111122223333:application:mail"
        api.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "mail"}, {"Key": "cost"}])
        tags = api.list_tags_for_resource(ResourceArn=arn)["Tags"]
        assert tags == [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "mail"}]
        api.untag_resource(ResourceArn=arn, TagKeys=["cost", "gone"])
        assert [tag["Key"] for tag in api.list_tags_for_resource(ResourceArn=arn)["Tags"]] == ["team"]
        many = [{"Key": f"k{number}"} for number in range(50)]
        with pytest.raises(api.exceptions.InvalidTagsToAddException, match="at most 50"):
            api.tag_resource(ResourceArn=arn, Tags=many)
        api.tag_resource(ResourceArn=arn, Tags=many[:49])


def test_a_connection_to_github_is_listed_and_deleted() -> None:
    with serve("healthy") as sandbox:
        api = asking(sandbox)
        sandbox.account.state("eu-west-1").tokens.append("octocat")
        assert api.list_git_hub_account_token_names()["tokenNameList"] == ["octocat"]
        assert api.delete_git_hub_account_token(tokenName="octocat")["tokenName"] == "octocat"
        assert api.list_git_hub_account_token_names()["tokenNameList"] == []
