"""CodeDeploy's operations on deployments, targets, configurations and revisions: their errors, filters and pages."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.records import put, target
from codedeploy_sandbox.services import (
    applications,
    configurations,
    creation,
    deployments,
    groups,
    revisions,
    tagging,
)
from codedeploy_sandbox.state import REGION, Account, Deployment
from werkzeug.test import Client

from tests.support.sandbox import AUTHORIZATION, client

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
KNOWN, GONE = "d-SHOPWEB01", "d-GONE00000"
REVISION: dict[str, Any] = {
    "revisionType": "S3",
    "s3Location": {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"},
}
WHERE = {"applicationName": "shop", "deploymentGroupName": "web"}
CREATE = {**WHERE, "revision": REVISION}
HALF = {"type": "FLEET_PERCENT", "value": 50}
MANY = [f"d-{number:09}" for number in range(26)]

ROLE = "arn:aws:iam::111122223333:role/CodeDeployService"
NEW_GROUP = {"applicationName": "shop", "deploymentGroupName": "new", "serviceRoleArn": ROLE}
OLD_GROUP = {"applicationName": "shop", "currentDeploymentGroupName": "web"}
TAGGED = [{"Key": "a", "Type": "KEY_ONLY"}]
# By error: what neither a new group nor one that is changed may be given.
OF_A_GROUP: dict[str, dict[str, Any]] = {
    "DeploymentConfigDoesNotExistException": {"deploymentConfigName": "nope"},
    "InvalidAutoScalingGroupException": {"autoScalingGroups": ["nope"]},
    "InvalidEC2TagException": {"ec2TagFilters": [{"Type": "KEY"}]},
    "InvalidTagException": {"onPremisesInstanceTagFilters": [{"Type": "KEY"}]},
    "InvalidEC2TagCombinationException": {
        "ec2TagFilters": TAGGED, "ec2TagSet": {"ec2TagSetList": [TAGGED]},
    },
    "InvalidOnPremisesTagCombinationException": {
        "onPremisesInstanceTagFilters": TAGGED, "onPremisesTagSet": {"onPremisesTagSetList": [TAGGED]},
    },
    "TagSetListLimitExceededException": {"ec2TagSet": {"ec2TagSetList": [TAGGED] * 4}},
    "InvalidAlarmConfigException": {"alarmConfiguration": {"enabled": True, "alarms": []}},
    "AlarmsLimitExceededException": {"alarmConfiguration": {"alarms": [{"name": f"a{n}"} for n in range(11)]}},
    "InvalidAutoRollbackConfigException": {"autoRollbackConfiguration": {"enabled": True}},
    "InvalidTriggerConfigException": {"triggerConfigurations": [{"triggerName": "x"}]},
    "TriggerTargetsLimitExceededException": {"triggerConfigurations": [{"triggerName": "x"}] * 11},
    "InvalidLoadBalancerInfoException": {"loadBalancerInfo": {"targetGroupInfoList": [{}]}},
    "InvalidInputException": {"outdatedInstancesStrategy": "update"},
    "InvalidAutoScalingGroupProcessToSuspendException": {
        "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Launch"]},
    },
}  # fmt: skip
SHOP = "arn:aws:codedeploy:eu-west-1:111122223333:application:shop"
OF_AN_ARN: dict[str, dict[str, Any]] = {
    "InvalidArnException": {"ResourceArn": "shop"},
    "ArnNotSupportedException": {"ResourceArn": SHOP.replace("application:shop", "instance:web-01")},
    "ApplicationDoesNotExistException": {"ResourceArn": f"{SHOP}s"},
    "DeploymentGroupDoesNotExistException": {
        "ResourceArn": SHOP.replace("application:shop", "deploymentgroup:shop/nope")
    },
}

# By operation and error: the parameters of a call that raises it in the healthy scenario.
ERRORS: dict[str, dict[str, dict[str, Any]]] = {
    "GetDeployment": {
        "DeploymentIdRequiredException": {"deploymentId": ""},
        "InvalidDeploymentIdException": {"deploymentId": "d-1"},
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
    },
    "BatchGetDeployments": {
        "DeploymentIdRequiredException": {"deploymentIds": []},
        "InvalidDeploymentIdException": {"deploymentIds": [KNOWN, "d-shopweb01"]},
        "BatchLimitExceededException": {"deploymentIds": MANY},
    },
    "ListDeployments": {
        "ApplicationNameRequiredException": {"deploymentGroupName": "web"},
        "DeploymentGroupNameRequiredException": {"applicationName": "shop"},
        "ApplicationDoesNotExistException": {**WHERE, "applicationName": "nope"},
        "DeploymentGroupDoesNotExistException": {**WHERE, "deploymentGroupName": "nope"},
        "InvalidApplicationNameException": {**WHERE, "applicationName": "a/b"},
        "InvalidDeploymentGroupNameException": {**WHERE, "deploymentGroupName": "a/b"},
        "InvalidDeploymentStatusException": {"includeOnlyStatuses": ["Succeeded", "succeeded"]},
        "InvalidTimeRangeException": {"createTimeRange": {"start": NOON, "end": NOON - timedelta(hours=1)}},
        "InvalidNextTokenException": {"nextToken": "bogus"},
    },
    "ListDeploymentTargets": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "InvalidNextTokenException": {"deploymentId": KNOWN, "nextToken": "bogus"},
        "InvalidTargetFilterNameException": {"deploymentId": KNOWN, "targetFilters": {"Status": ["Failed"]}},
        "InvalidInstanceStatusException": {"deploymentId": KNOWN, "targetFilters": {"TargetStatus": ["failed"]}},
        "InvalidInstanceTypeException": {"deploymentId": KNOWN, "targetFilters": {"ServerInstanceLabel": ["Red"]}},
        "InvalidDeploymentInstanceTypeException": {
            "deploymentId": KNOWN, "targetFilters": {"ServerInstanceLabel": ["Blue"]},
        },
    },
    "BatchGetDeploymentTargets": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE, "targetIds": ["web-01"]},
        "DeploymentTargetIdRequiredException": {"deploymentId": KNOWN, "targetIds": []},
        "DeploymentTargetDoesNotExistException": {"deploymentId": KNOWN, "targetIds": ["web-01", "web-09"]},
        "DeploymentTargetListSizeExceededException": {"deploymentId": KNOWN, "targetIds": MANY},
    },
    "GetDeploymentTarget": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE, "targetId": "web-01"},
        "DeploymentTargetIdRequiredException": {"deploymentId": KNOWN, "targetId": ""},
        "DeploymentTargetDoesNotExistException": {"deploymentId": KNOWN, "targetId": "web-09"},
    },
    "ListDeploymentInstances": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "InvalidInstanceStatusException": {"deploymentId": KNOWN, "instanceStatusFilter": ["failed"]},
        "InvalidInstanceTypeException": {"deploymentId": KNOWN, "instanceTypeFilter": ["Red"]},
        "InvalidDeploymentInstanceTypeException": {"deploymentId": KNOWN, "instanceTypeFilter": ["Blue"]},
        "InvalidNextTokenException": {"deploymentId": KNOWN, "nextToken": "bogus"},
    },
    "BatchGetDeploymentInstances": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE, "instanceIds": ["web-01"]},
        "InstanceIdRequiredException": {"deploymentId": KNOWN, "instanceIds": []},
        "BatchLimitExceededException": {"deploymentId": KNOWN, "instanceIds": MANY},
    },
    "GetDeploymentInstance": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE, "instanceId": "web-01"},
        "InstanceIdRequiredException": {"deploymentId": KNOWN, "instanceId": ""},
        "InstanceDoesNotExistException": {"deploymentId": KNOWN, "instanceId": "web-09"},
    },
    "GetDeploymentConfig": {
        "DeploymentConfigDoesNotExistException": {"deploymentConfigName": "Mine"},
        "InvalidDeploymentConfigNameException": {"deploymentConfigName": "a/b"},
    },
    "CreateDeploymentConfig": {
        "InvalidDeploymentConfigNameException": {"deploymentConfigName": "CodeDeployDefault.Mine"},
        "DeploymentConfigAlreadyExistsException": {"deploymentConfigName": "ours", "minimumHealthyHosts": HALF},
        "InvalidMinimumHealthyHostValueException": {
            "deploymentConfigName": "x", "minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 101},
        },
        "InvalidComputePlatformException": {"deploymentConfigName": "x", "computePlatform": "EC2"},
        "InvalidTrafficRoutingConfigurationException": {
            "deploymentConfigName": "x", "computePlatform": "ECS",
            "trafficRoutingConfig": {"type": "TimeBasedCanary", "timeBasedLinear": {}},
        },
        "InvalidZonalDeploymentConfigurationException": {
            "deploymentConfigName": "x", "minimumHealthyHosts": HALF,
            "zonalConfig": {"minimumHealthyHostsPerZone": {"type": "HOST_COUNT", "value": -1}},
        },
    },
    "DeleteDeploymentConfig": {
        "InvalidDeploymentConfigNameException": {"deploymentConfigName": "x" * 101},
        "InvalidOperationException": {"deploymentConfigName": "CodeDeployDefault.OneAtATime"},
        "DeploymentConfigInUseException": {"deploymentConfigName": "ours"},
    },
    "ListDeploymentConfigs": {"InvalidNextTokenException": {"nextToken": "bogus"}},
    "GetApplicationRevision": {
        "ApplicationDoesNotExistException": {"applicationName": "nope", "revision": REVISION},
        "InvalidRevisionException": {"applicationName": "shop", "revision": {"revisionType": "S3"}},
        "RevisionDoesNotExistException": {
            "applicationName": "shop",
            "revision": {**REVISION, "s3Location": {**REVISION["s3Location"], "key": "x"}},
        },
    },
    "ListApplicationRevisions": {
        "ApplicationDoesNotExistException": {"applicationName": "nope"},
        "BucketNameFilterRequiredException": {"applicationName": "shop", "s3KeyPrefix": "web/"},
        "InvalidSortByException": {"applicationName": "shop", "sortBy": "name"},
        "InvalidSortOrderException": {"applicationName": "shop", "sortOrder": "up"},
        "InvalidDeployedStateFilterException": {"applicationName": "shop", "deployed": "yes"},
        "InvalidBucketNameFilterException": {"applicationName": "shop", "s3Bucket": "Shop!"},
        "InvalidKeyPrefixFilterException": {
            "applicationName": "shop", "s3Bucket": "shop-revisions", "s3KeyPrefix": "x" * 1025,
        },
        "InvalidNextTokenException": {"applicationName": "shop", "nextToken": "bogus"},
    },
    "BatchGetApplicationRevisions": {
        "RevisionRequiredException": {"applicationName": "shop", "revisions": []},
        "BatchLimitExceededException": {"applicationName": "shop", "revisions": [REVISION] * 26},
    },
    "RegisterApplicationRevision": {
        "ApplicationDoesNotExistException": {"applicationName": "nope", "revision": REVISION},
        "InvalidRevisionException": {"applicationName": "shop", "revision": {"revisionType": "String"}},
    },
    "CreateDeployment": {
        "ApplicationDoesNotExistException": {**CREATE, "applicationName": "nope"},
        "InvalidApplicationNameException": {**CREATE, "applicationName": "a/b"},
        "DeploymentGroupNameRequiredException": {"applicationName": "shop", "revision": REVISION},
        "DeploymentGroupDoesNotExistException": {**CREATE, "deploymentGroupName": "nope"},
        "RevisionRequiredException": WHERE,
        "InvalidRevisionException": {**CREATE, "revision": {"revisionType": "S3", "s3Location": {"bucket": "b"}}},
        "DeploymentConfigDoesNotExistException": {**CREATE, "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"},
        "DescriptionTooLongException": {**CREATE, "description": "x" * 1001},
        "InvalidAutoRollbackConfigException": {**CREATE, "autoRollbackConfiguration": {"enabled": True}},
        "InvalidFileExistsBehaviorException": {**CREATE, "fileExistsBehavior": "overwrite"},
        "InvalidTargetInstancesException": {**CREATE, "targetInstances": {"autoScalingGroups": ["a"]}},
        "InvalidInputException": {**CREATE, "deploymentMode": "RESTART"},
        "InvalidUpdateOutdatedInstancesOnlyValueException": {
            **WHERE, "deploymentMode": "RESTART", "updateOutdatedInstancesOnly": True,
        },
        "InvalidAutoScalingGroupProcessToSuspendException": {
            **CREATE, "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Launch"]},
        },
    },
    "StopDeployment": {
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "DeploymentAlreadyCompletedException": {"deploymentId": KNOWN},
        "InvalidDeploymentIdException": {"deploymentId": "x"},
    },
    "ContinueDeployment": {
        "DeploymentIdRequiredException": {},
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "DeploymentAlreadyCompletedException": {"deploymentId": KNOWN},
        "InvalidDeploymentWaitTypeException": {"deploymentId": KNOWN, "deploymentWaitType": "WAIT"},
    },
    "SkipWaitTimeForInstanceTermination": {
        "DeploymentIdRequiredException": {},
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "InvalidDeploymentIdException": {"deploymentId": "x"},
        "DeploymentAlreadyCompletedException": {"deploymentId": KNOWN},
    },
    "CreateApplication": {
        "ApplicationAlreadyExistsException": {"applicationName": "shop"},
        "InvalidApplicationNameException": {"applicationName": "a/b"},
        "InvalidComputePlatformException": {"applicationName": "x", "computePlatform": "EC2"},
        "InvalidTagsToAddException": {"applicationName": "x", "tags": [{"Value": "y"}]},
    },
    "GetApplication": {"ApplicationDoesNotExistException": {"applicationName": "nope"}},
    "BatchGetApplications": {
        "ApplicationNameRequiredException": {"applicationNames": []},
        "ApplicationDoesNotExistException": {"applicationNames": ["shop", "nope"]},
        "BatchLimitExceededException": {"applicationNames": MANY * 4},
    },
    "ListApplications": {"InvalidNextTokenException": {"nextToken": "bogus"}},
    "UpdateApplication": {
        "ApplicationNameRequiredException": {},
        "ApplicationDoesNotExistException": {"applicationName": "nope"},
        "ApplicationAlreadyExistsException": {"applicationName": "shop", "newApplicationName": "taken"},
        "InvalidApplicationNameException": {"applicationName": "shop", "newApplicationName": "a/b"},
    },
    "DeleteApplication": {"InvalidApplicationNameException": {"applicationName": "a/b"}},
    "CreateDeploymentGroup": {
        "DeploymentGroupAlreadyExistsException": NEW_GROUP | {"deploymentGroupName": "web"},
        "InvalidTagsToAddException": NEW_GROUP | {"tags": [{"Key": ""}]},
        **{error: NEW_GROUP | members for error, members in OF_A_GROUP.items()},
        "InvalidRoleException": NEW_GROUP | {"serviceRoleArn": "CodeDeployService"},
        "RoleRequiredException": NEW_GROUP | {"serviceRoleArn": ""},
    },
    "UpdateDeploymentGroup": {
        "ApplicationDoesNotExistException": OLD_GROUP | {"applicationName": "nope"},
        "DeploymentGroupDoesNotExistException": OLD_GROUP | {"currentDeploymentGroupName": "nope"},
        "DeploymentGroupAlreadyExistsException": OLD_GROUP | {"newDeploymentGroupName": "taken"},
        "InvalidRoleException": OLD_GROUP | {"serviceRoleArn": "arn:aws:iam::111122223333:role/Gone"},
        **{error: OLD_GROUP | members for error, members in OF_A_GROUP.items()},
    },
    "DeleteDeploymentGroup": {"InvalidDeploymentGroupNameException": {**WHERE, "deploymentGroupName": "a/b"}},
    "GetDeploymentGroup": {
        "ApplicationDoesNotExistException": {**WHERE, "applicationName": "nope"},
        "DeploymentGroupDoesNotExistException": {**WHERE, "deploymentGroupName": "nope"},
    },
    "BatchGetDeploymentGroups": {
        "ApplicationDoesNotExistException": {"applicationName": "nope", "deploymentGroupNames": ["web"]},
        "DeploymentGroupNameRequiredException": {"applicationName": "shop", "deploymentGroupNames": []},
        "BatchLimitExceededException": {"applicationName": "shop", "deploymentGroupNames": MANY * 4},
    },
    "ListDeploymentGroups": {
        "ApplicationDoesNotExistException": {"applicationName": "nope"},
        "InvalidNextTokenException": {"applicationName": "shop", "nextToken": "bogus"},
    },
    "TagResource": {**OF_AN_ARN, "TagRequiredException": {"ResourceArn": SHOP, "Tags": []}},
    "UntagResource": {**OF_AN_ARN, "TagRequiredException": {"ResourceArn": SHOP, "TagKeys": []}},
    "ListTagsForResource": {error: OF_AN_ARN[error] for error in ("InvalidArnException", "ArnNotSupportedException")},
    "ListGitHubAccountTokenNames": {"InvalidNextTokenException": {"nextToken": "bogus"}},
    "DeleteGitHubAccountToken": {
        "GitHubAccountTokenNameRequiredException": {},
        "GitHubAccountTokenDoesNotExistException": {"tokenName": "mine"},
    },
    "PutLifecycleEventHookExecutionStatus": {
        "DeploymentIdRequiredException": {},
        "DeploymentDoesNotExistException": {"deploymentId": GONE},
        "InvalidLifecycleEventHookExecutionStatusException": {"status": "Done"},
        "UnsupportedActionForDeploymentTypeException": {"deploymentId": KNOWN, "status": "Succeeded"},
    },
}  # fmt: skip
for _name in ("TagResource", "UntagResource"):  # their lists have different names
    _more = {"Tags": [{"Key": "a"}]} if _name == "TagResource" else {"TagKeys": ["a"]}
    ERRORS[_name] = {error: _more | given for error, given in ERRORS[_name].items()}
OURS = {
    name
    for module in (applications, configurations, creation, deployments, groups, revisions, tagging)
    for name, function in vars(module).items()
    if name[0].isupper() and callable(function) and function.__module__ == module.__name__
}


@pytest.fixture(scope="module")
def healthy() -> Iterator[Sandbox]:
    """For calls that fail or only read. The group shop/web uses a configuration of the account's own."""

    def own(account: Account) -> None:
        find("healthy")(account)
        state = account.state(REGION)
        state.configurations["ours"] = {"minimumHealthyHosts": HALF}
        state.groups["shop/web"]["deploymentConfigName"] = "ours"
        state.groups["shop/taken"] = dict(state.groups["shop/web"])
        state.applications["taken"] = dict(state.applications["shop"])

    with serve(own) as sandbox:
        yield sandbox


def test_every_operation_has_its_errors() -> None:
    assert set(ERRORS) == OURS


@pytest.mark.parametrize(
    ("operation", "error"), [(name, row) for name, rows in ERRORS.items() for row in rows]
)
def test_an_error_that_the_model_declares(healthy: Sandbox, operation: str, error: str) -> None:
    api = client(healthy, "codedeploy", aws_access_key_id="any")  # the scenario's own may not do all of this
    name = next(python for python, method in api.meta.method_to_api_mapping.items() if method == operation)
    with pytest.raises(getattr(api.exceptions, error)) as raised:
        getattr(api, name)(**ERRORS[operation][error])
    declared = api.meta.service_model.operation_model(operation).error_shapes
    assert error in {shape.name for shape in declared}
    assert "[sandbox]" in raised.value.response["Error"]["Message"]


def test_no_request_gets_an_error_that_its_operation_does_not_declare() -> None:
    """Random requests, good and bad mixed: the answer is 200, a declared code, or that the sandbox does not do this."""
    rng = random.Random(1)
    values: list[Any] = [
        *("", "web", "shop", "web-01", KNOWN, GONE, "d-1", "x" * 1100, "Failed", "READY_WAIT", "\ud800", "registerTime"),
        *([], [""], [KNOWN], [GONE], ["web-01"], ["Failed"], MANY, [REVISION], [{}]),
        *({}, REVISION, {"revisionType": "GitHub"}, {"TargetStatus": ["Failed"]}, {"start": 1, "end": 0}, True, None),
    ]  # fmt: skip
    answers = set()
    with serve("healthy", clock=NOON) as sandbox:
        wsgi = Client(sandbox.app)
        for operation in sorted(OURS):
            model = models.operation("codedeploy", operation)
            assert model is not None
            assert model.input_shape is not None
            allowed = {shape.name for shape in model.error_shapes}
            for _ in range(60):
                body = {name: rng.choice(values) for name in model.input_shape.members if rng.random() < 0.6}
                answer = wsgi.post(
                    "/",
                    headers={
                        "Host": "127.0.0.1",
                        "Authorization": AUTHORIZATION.format("codedeploy"),
                        "X-Amz-Target": f"CodeDeploy_20141006.{operation}",
                    },
                    data=json.dumps(body),
                )
                code = None if answer.status_code == 200 else json.loads(answer.text)["__type"]
                generic = {None, "SerializationException", "ValidationException", "SandboxNotImplemented"}
                assert code in generic | allowed, (operation, body, answer.text)
                answers.add((operation, code))
    assert len(answers) > 45


def three(account: Account) -> None:
    """Deployments of two groups, at three times, with three ends."""
    find("healthy")(account)
    known, start = account.state(REGION).deployments, account.clock.start
    for number, (group, status) in enumerate(
        (("web", "Failed"), ("web", "Succeeded"), ("batch", "Stopped")), 2
    ):
        info = known[KNOWN].info | {"deploymentGroupName": group, "status": status}
        info["createTime"] = start - timedelta(hours=10 * number)
        known[f"d-SHOPWEB0{number}"] = Deployment(info)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, ["1", "2", "3", "4"]),
        (WHERE, ["1", "2", "3"]),
        ({"includeOnlyStatuses": ["Failed", "Stopped"]}, ["2", "4"]),
        ({**WHERE, "includeOnlyStatuses": ["Succeeded"]}, ["1", "3"]),
        ({"createTimeRange": {"end": NOON - timedelta(hours=5)}}, ["2", "3", "4"]),
        ({"createTimeRange": {"start": NOON - timedelta(hours=25)}}, ["1", "2"]),
        ({"createTimeRange": {"start": NOON - timedelta(hours=30), "end": NOON - timedelta(hours=20)}}, ["2", "3"]),
        ({"externalId": "x"}, []),
    ],
)  # fmt: skip
def test_deployments_by_group_status_and_time_the_newest_first(
    filters: dict[str, Any], ids: list[str]
) -> None:
    with serve(three, clock=NOON) as sandbox:
        found = client(sandbox, "codedeploy").list_deployments(**filters)["deployments"]
    assert [id_.removeprefix("d-SHOPWEB0") for id_ in found] == ids


@pytest.mark.parametrize(("count", "pages"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_deployments_and_targets_come_in_pages(count: int, pages: list[int]) -> None:
    def many(account: Account) -> None:
        find("healthy")(account)
        put(
            account,
            "Failed",
            {f"web-{number:04}": target(f"web-{number:04}", "Failed", {}) for number in range(count)},
            None,
        )
        known = account.state(REGION).deployments
        for number in range(count - 1):
            known[f"d-{number:09}"] = known[KNOWN]

    with serve(many, clock=NOON) as sandbox:
        api = client(sandbox, "codedeploy")
        listed = [page["deployments"] for page in api.get_paginator("list_deployments").paginate()]
        assert [len(page) for page in listed] == pages
        assert len({id_ for page in listed for id_ in page}) == count
        for name, key in (("targets", "targetIds"), ("instances", "instancesList")):
            found, asked = [], {"deploymentId": KNOWN}
            while True:
                answer = getattr(api, f"list_deployment_{name}")(**asked)
                found.append(answer[key])
                if not (token := answer.get("nextToken")):
                    break
                asked["nextToken"] = token
            assert [len(page) for page in found] == pages
            assert len({id_ for page in found for id_ in page}) == count
        if token := api.list_deployment_targets(deploymentId=KNOWN).get("nextToken"):
            with pytest.raises(api.exceptions.InvalidNextTokenException):
                api.list_deployment_targets(
                    deploymentId=KNOWN, nextToken=token, targetFilters={"TargetStatus": ["Failed"]}
                )


def test_the_older_operations_say_the_same_of_an_instance() -> None:
    with serve("deployment-script-failed", clock=NOON) as sandbox:
        api = client(sandbox, "codedeploy")
        assert api.list_deployment_instances(deploymentId=KNOWN, instanceStatusFilter=["Failed"])[
            "instancesList"
        ] == ["web-01", "web-02"]
        new = api.get_deployment_target(deploymentId=KNOWN, targetId="web-01")["deploymentTarget"][
            "instanceTarget"
        ]
        old = api.get_deployment_instance(deploymentId=KNOWN, instanceId="web-01")["instanceSummary"]
        assert old["lifecycleEvents"] == new["lifecycleEvents"]
        assert (old["instanceId"], old["status"]) == ("web-01", "Failed")
        named = {"deploymentId": KNOWN, "instanceIds": ["web-09", "web-01"]}
        assert api.batch_get_deployment_instances(**named)["instancesSummary"] == [old]


def test_a_deployment_to_lambda_has_no_instances() -> None:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        account.state(REGION).deployments[KNOWN].info["computePlatform"] = "Lambda"

    with serve(scenario) as sandbox:
        api = client(sandbox, "codedeploy")
        with pytest.raises(api.exceptions.InvalidComputePlatformException):
            api.list_deployment_instances(deploymentId=KNOWN)


def test_a_configuration_is_made_used_and_deleted() -> None:
    with serve("healthy", clock=NOON) as sandbox:
        api = client(sandbox, "codedeploy", aws_access_key_id="any")
        minimum = {"type": "HOST_COUNT", "value": 0}
        zones = {"monitorDurationInSeconds": 60, "minimumHealthyHostsPerZone": HALF}
        named = {"deploymentConfigName": "ours"}
        id_ = api.create_deployment_config(**named, minimumHealthyHosts=minimum, zonalConfig=zones)
        info = api.get_deployment_config(**named)["deploymentConfigInfo"]
        wanted = {**named, "deploymentConfigId": id_["deploymentConfigId"], "zonalConfig": zones}
        assert {name: info[name] for name in wanted} == wanted
        assert info["minimumHealthyHosts"] == minimum
        assert info["createTime"] > NOON
        assert info["computePlatform"] == "Server"
        steps = {"linearPercentage": 20, "linearInterval": 3}
        routing = {"type": "TimeBasedLinear", "timeBasedLinear": steps}
        lambdas = {"computePlatform": "Lambda", "trafficRoutingConfig": routing}
        api.create_deployment_config(deploymentConfigName="slowly", **lambdas)
        found = api.get_deployment_config(deploymentConfigName="slowly")["deploymentConfigInfo"]
        assert {name: found[name] for name in lambdas} == lambdas
        assert {"ours", "slowly"} <= set(api.list_deployment_configs()["deploymentConfigsList"])

        made = api.create_deployment(**CREATE, **named)["deploymentId"]
        both = api.list_deployment_targets(deploymentId=made)["targetIds"]
        targets = api.batch_get_deployment_targets(deploymentId=made, targetIds=both)["deploymentTargets"]
        # of the two in the one zone that has them, half stay in service
        assert [one["instanceTarget"]["status"] for one in targets] == ["InProgress", "Pending"]
        with pytest.raises(api.exceptions.DeploymentConfigInUseException, match=made):
            api.delete_deployment_config(**named)
        while api.get_deployment(deploymentId=made)["deploymentInfo"]["status"] != "Succeeded":
            pass
        api.delete_deployment_config(**named)
        api.delete_deployment_config(**named)  # it is gone
        with pytest.raises(api.exceptions.DeploymentConfigDoesNotExistException):
            api.get_deployment_config(**named)


@pytest.mark.parametrize(
    ("given", "member"),
    [
        ({}, "MinimumHealthyHostValue"),
        ({"minimumHealthyHosts": {"type": "HOST_COUNT", "value": -1}}, "MinimumHealthyHostValue"),
        ({"minimumHealthyHosts": {"type": "HOST_COUNT"}}, "MinimumHealthyHostValue"),
        ({"minimumHealthyHosts": HALF, "trafficRoutingConfig": {"type": "AllAtOnce"}}, "TrafficRoutingConfiguration"),
        ({"minimumHealthyHosts": HALF, "zonalConfig": {"monitorDurationInSeconds": -1}}, "ZonalDeploymentConfiguration"),
        ({"computePlatform": "ECS"}, "TrafficRoutingConfiguration"),
        ({"computePlatform": "ECS", "minimumHealthyHosts": HALF}, "MinimumHealthyHostValue"),
        ({"computePlatform": "ECS", "zonalConfig": {"monitorDurationInSeconds": 1}}, "ZonalDeploymentConfiguration"),
        (
            {
                "computePlatform": "Lambda",
                "trafficRoutingConfig": {
                    "type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 100, "canaryInterval": 1},
                },
            },
            "TrafficRoutingConfiguration",
        ),
    ],
)  # fmt: skip
def test_a_configuration_that_says_nothing_that_can_be_done(
    healthy: Sandbox, given: dict[str, Any], member: str
) -> None:
    api = client(healthy, "codedeploy", aws_access_key_id="any")
    with pytest.raises(getattr(api.exceptions, f"Invalid{member}Exception")):
        api.create_deployment_config(deploymentConfigName="x", **given)


def test_the_configurations_of_aws(healthy: Sandbox) -> None:
    api = client(healthy, "codedeploy")
    names = [name for name in api.list_deployment_configs()["deploymentConfigsList"] if name != "ours"]
    infos = {
        name: api.get_deployment_config(deploymentConfigName=name)["deploymentConfigInfo"] for name in names
    }
    least = {
        name.partition(".")[2]: info["minimumHealthyHosts"]
        for name, info in infos.items()
        if "minimumHealthyHosts" in info
    }
    assert least == {
        "AllAtOnce": {"type": "FLEET_PERCENT", "value": 0},
        "HalfAtATime": {"type": "FLEET_PERCENT", "value": 50},
        "OneAtATime": {"type": "MOST_CONCURRENCY", "value": 1},
    }
    assert len({info["deploymentConfigId"] for info in infos.values()}) == len(names) == 17
    canary = infos["CodeDeployDefault.ECSCanary10Percent15Minutes"]
    assert canary["computePlatform"] == "ECS"
    assert canary["trafficRoutingConfig"] == {
        "type": "TimeBasedCanary",
        "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 15},
    }


def test_revisions_are_kept_in_their_order_and_say_where_they_are_deployed() -> None:
    with serve("healthy", clock=NOON) as sandbox:
        api = client(sandbox, "codedeploy")
        new = {**REVISION, "s3Location": {**REVISION["s3Location"], "key": "web/1.4.3.zip"}}
        api.register_application_revision(applicationName="shop", revision=new, description="next")
        where = {"applicationName": "shop", "s3Bucket": "shop-revisions", "s3KeyPrefix": "web/"}
        assert api.list_application_revisions(**where)["revisions"] == [REVISION, new]
        newest = api.list_application_revisions(**where, sortOrder="descending")["revisions"]
        assert newest == [new, REVISION]
        assert api.list_application_revisions(**where, deployed="include")["revisions"] == [REVISION]
        assert api.list_application_revisions(**where, deployed="exclude")["revisions"] == [new]
        infos = api.batch_get_application_revisions(applicationName="shop", revisions=[REVISION, new])[
            "revisions"
        ]
        assert [row["genericRevisionInfo"].get("deploymentGroups") for row in infos] == [["web"], []]
        got = api.get_application_revision(applicationName="shop", revision=new)["revisionInfo"]
        assert (got["description"], "firstUsedTime" in got) == ("next", False)


def test_a_group_that_is_not_there_is_refused_before_its_platform() -> None:
    def empty(account: Account) -> None:
        """Nothing at all."""

    with serve(empty) as sandbox:
        api = client(sandbox, "codedeploy")
        api.create_application(applicationName="mail", computePlatform="Lambda")
        asked = {"applicationName": "mail", "deploymentGroupName": "web"}
        with pytest.raises(api.exceptions.DeploymentGroupDoesNotExistException):
            api.create_deployment(**asked)
        role = "arn:aws:iam::111122223333:role/CodeDeploy"
        api.create_deployment_group(**asked, serviceRoleArn=role)
        with pytest.raises(ClientError) as raised:
            api.create_deployment(**asked)
    assert raised.value.response["Error"]["Code"] == "SandboxNotImplemented"
