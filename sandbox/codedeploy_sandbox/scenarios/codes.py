"""The error codes that end a deployment to instances as a whole: d-SHOPWEB01 ended with this one, at no instance.

They are the model's ErrorCode without those of other platforms, and without those that other scenarios have:
HEALTH_CONSTRAINTS, NO_INSTANCES and MANUAL_STOP.
"""

from collections.abc import Callable

from codedeploy_sandbox.plays import TOO_MANY_WANTED
from codedeploy_sandbox.scenarios.baseline import SERVICE_ROLE
from codedeploy_sandbox.scenarios.equipped import equipped
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.records import put
from codedeploy_sandbox.state import Account

# What only deployments to Amazon ECS, to AWS Lambda and by AWS CloudFormation end with.
OTHER_PLATFORMS = frozenset(
    (
        *(
            "CLOUDFORMATION_STACK_FAILURE",
            "ECS_UPDATE_ERROR",
            "HOOK_EXECUTION_FAILURE",
            "INVALID_ECS_SERVICE",
        ),
        *("INVALID_LAMBDA_CONFIGURATION", "INVALID_LAMBDA_FUNCTION"),
    )
)
_OWN = " [sandbox]"
_GONE = "so that d-SHOPWEB01 could not begin"

# By code: what is wrong, and the message.
# Assumption: deployment-messages
_CODES: dict[str, tuple[str, str]] = {
    "AGENT_ISSUE": (
        "CodeDeploy puts the failure of d-SHOPWEB01 down to the agent",
        f"The deployment failed because of a problem with the CodeDeploy agent{_OWN}.",
    ),
    "ALARM_ACTIVE": (
        "An alarm that the group shop/web watches was active, and d-SHOPWEB01 was stopped",
        f"One or more alarms have been activated according to the Amazon CloudWatch metrics you selected{_OWN}.",
    ),
    "APPLICATION_MISSING": (
        f"The application shop was deleted, {_GONE}",
        f"The application was deleted before the deployment began{_OWN}.",
    ),
    "AUTOSCALING_VALIDATION_ERROR": (
        "CodeDeploy did not accept the Auto Scaling group of d-SHOPWEB01",
        f"The Auto Scaling group could not be validated{_OWN}.",
    ),
    "AUTO_SCALING_CONFIGURATION": (
        "The Auto Scaling group of d-SHOPWEB01 is not set up as the deployment needs it",
        f"The configuration of the Auto Scaling group is in the way of the deployment{_OWN}.",
    ),
    "AUTO_SCALING_IAM_ROLE_PERMISSIONS": (
        "The service role of d-SHOPWEB01 may not use Auto Scaling",
        f"The service role associated with your deployment group does not have the permission required to perform operations in Amazon EC2 Auto Scaling{_OWN}.",
    ),
    "CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND": (
        "Something that d-SHOPWEB01 names is not there",
        f"A resource of the deployment cannot be found{_OWN}.",
    ),
    "CUSTOMER_APPLICATION_UNHEALTHY": (
        "The application was unhealthy after d-SHOPWEB01",
        f"The deployed application is unhealthy{_OWN}.",
    ),
    "DEPLOYMENT_GROUP_MISSING": (
        f"The deployment group shop/web was deleted, {_GONE}",
        f"The deployment group was deleted before the deployment began{_OWN}.",
    ),
    "ELASTIC_LOAD_BALANCING_INVALID": (
        "The load balancer of shop/web cannot be used as it is set up",
        f"ELB could not be updated due to the following error: the target group is not there{_OWN}.",
    ),
    "ELB_INVALID_INSTANCE": (
        "The load balancer of shop/web does not accept an instance of d-SHOPWEB01",
        f"The load balancer does not accept an instance{_OWN}.",
    ),
    "HEALTH_CONSTRAINTS_INVALID": (
        "The configuration of d-SHOPWEB01 wants more healthy instances than the group has",
        TOO_MANY_WANTED["message"],
    ),
    "IAM_ROLE_MISSING": (
        f"The service role of shop/web was deleted, {_GONE}",
        f"No service role exists with the service role name CodeDeployService{_OWN}.",
    ),
    "IAM_ROLE_PERMISSIONS": (
        "CodeDeploy may not assume the service role of shop/web",
        f"CodeDeploy does not have the permissions required to assume the service role{_OWN}.",
    ),
    "INTERNAL_ERROR": (
        "CodeDeploy itself failed during d-SHOPWEB01",
        f"There was an internal error of CodeDeploy{_OWN}.",
    ),
    "INVALID_REVISION": (
        "CodeDeploy did not accept the revision of d-SHOPWEB01",
        f"The revision cannot be used{_OWN}.",
    ),
    "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION": (
        "The group shop/web has no blue/green configuration, which d-SHOPWEB01 needs",
        f"The deployment group has no blue/green configuration{_OWN}.",
    ),
    "MISSING_ELB_INFORMATION": (
        "The group shop/web names no load balancer, which d-SHOPWEB01 needs",
        f"The deployment group names no load balancer{_OWN}.",
    ),
    "MISSING_GITHUB_TOKEN": (
        "CodeDeploy has no valid token for the GitHub repository of d-SHOPWEB01",
        f"The GitHub token is missing or invalid{_OWN}.",
    ),
    "NO_EC2_SUBSCRIPTION": (
        "The account is not subscribed to Amazon EC2",
        f"The account is not subscribed to Amazon EC2{_OWN}.",
    ),
    "OVER_MAX_INSTANCES": (
        "More instances were selected for d-SHOPWEB01 than the account may deploy to",
        f"The deployment failed because more instances are targeted for deployment than are allowed for your account{_OWN}.",
    ),
    "RESOURCE_LIMIT_EXCEEDED": (
        "A limit of the account was reached during d-SHOPWEB01",
        f"A limit of the account was reached{_OWN}.",
    ),
    "REVISION_MISSING": (
        f"The revision was deleted, {_GONE}",
        f"The revision could not be found{_OWN}.",
    ),
    "THROTTLED": (
        "The account called AWS too often during d-SHOPWEB01",
        f"The operation was throttled because more requests were made than are permitted for AWS CodeDeploy by a role{_OWN}.",
    ),
    "TIMEOUT": (
        "The deployment d-SHOPWEB01 took longer than it may",
        f"The deployment timed out{_OWN}.",
    ),
}


def _ended_with(code: str) -> Callable[[Account], None]:
    sentence, message = _CODES[code]

    def scenario(account: Account) -> None:
        if code == "ALARM_ACTIVE":
            equipped(account, alarm="ALARM")
        else:
            healthy(account)
        if code == "IAM_ROLE_MISSING":
            account.iam.remove("role", SERVICE_ROLE)
        status = "Stopped" if code == "ALARM_ACTIVE" else "Failed"
        put(account, status, {}, {"code": code, "message": message})

    scenario.__doc__ = f"{sentence}."
    return scenario


# The scenarios by name.
OF_CODES = {f"deployment-{code.lower().replace('_', '-')}": _ended_with(code) for code in _CODES}
