"""The deployment group shop/web cannot deploy as it should; the hosts are well.

In those that begin with a group that has everything it also selects an Auto Scaling group with two instances, which
stand behind a target group, and it watches an alarm and has a trigger.
"""

from hashlib import sha256
from uuid import UUID

from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scaling import hook_of
from codedeploy_sandbox.scenarios.baseline import APPLICATION, GROUP, SERVICE_ROLE, allow, only
from codedeploy_sandbox.scenarios.equipped import (
    BALANCED,
    DRAINING,
    HOOKS,
    ROLE_ACTIONS,
    SCALED,
    TOPIC,
    UNHEALTHY,
    change,
    equipped,
    hook,
    instances,
    launches,
    role,
)
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.state import REGION, Account

# Assumption: scaling-activities
_NO_ROOM = "You have requested more vCPU capacity than your current vCPU limit allows. Launching EC2 instance failed."
_HOOK_ABANDONED = "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was abandoned: Lifecycle Action Completed with ABANDON Result"


def group_healthy(account: Account) -> None:
    """Nothing is wrong: shop/web also has an Auto Scaling group behind a load balancer, an alarm and a trigger."""
    equipped(account)


def group_selects_none(account: Account) -> None:
    """No instance has the tag by which the group shop/web selects."""
    healthy(account)
    for instance in account.state(REGION).instances.values():
        instance.tags = {key: value for key, value in instance.tags.items() if key != "Environment"}


def group_constraint_cannot_hold(account: Account) -> None:
    """The configuration of shop/web wants 100 % of its instances healthy, so that none is left to deploy to."""
    healthy(account)
    change(account, deploymentConfigName="shop-all-healthy")
    minimum = {"type": "FLEET_PERCENT", "value": 100}
    account.state(REGION).configurations["shop-all-healthy"] = {"minimumHealthyHosts": minimum}


def group_role_missing(account: Account) -> None:
    """The service role of shop/web was deleted."""
    healthy(account)
    account.iam.remove("role", SERVICE_ROLE)


def group_role_not_trusting(account: Account) -> None:
    """The service role of shop/web trusts EC2, and not CodeDeploy."""
    healthy(account)
    role = account.iam.find("role", SERVICE_ROLE)
    if role:
        role.trust["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}


def group_role_denied(account: Account) -> None:
    """The service role of shop/web may not put a lifecycle hook on its Auto Scaling group."""
    equipped(account)
    only(account, allow(*ROLE_ACTIONS, *(one for one in HOOKS if "Put" not in one)), name=SERVICE_ROLE)


def group_hook_missing(account: Account) -> None:
    """The hook of CodeDeploy on the Auto Scaling group of shop/web was deleted."""
    equipped(account, hooks=())


def group_hook_left_over(account: Account) -> None:
    """The Auto Scaling group of shop/web still has the hook of a deployment group that was deleted."""
    equipped(account, hooks=(GROUP, "web-old"))


def group_termination_hook_missing(account: Account) -> None:
    """The termination hook of an Auto Scaling group of shop/web was deleted, though the group has them switched on."""
    equipped(account)
    row = {"name": SCALED, "hook": hook(GROUP), "terminationHook": hook(GROUP, "terminationHook")}
    change(account, terminationHookEnabled=True, autoScalingGroups=[row])


def group_termination_hook_left_over(account: Account) -> None:
    """The Auto Scaling group of shop/web still has the termination hook of a deployment group that was deleted."""
    equipped(account, ends=("web-old",))


def group_process_suspended(account: Account) -> None:
    """The processes Launch and AddToLoadBalancer of the Auto Scaling group of shop/web are suspended."""
    equipped(account)
    names = ["Launch", "AddToLoadBalancer"]

    def suspend(ask: Ask) -> None:
        ask("autoscaling", "SuspendProcesses", AutoScalingGroupName=SCALED, ScalingProcesses=names)

    account.at_start.append(suspend)


def group_topic_missing(account: Account) -> None:
    """The SNS topic to which the trigger of shop/web publishes was deleted."""
    equipped(account)
    account.at_start.append(lambda ask: ask("sns", "DeleteTopic", TopicArn=TOPIC))


def group_targets_are_addresses(account: Account) -> None:
    """The target group of shop/web takes IP addresses, and CodeDeploy registers instances."""
    equipped(account, target_type="ip")


def group_load_balancer_missing(account: Account) -> None:
    """The Classic Load Balancer of shop/web was deleted."""
    healthy(account)
    only(account, role(), name=SERVICE_ROLE)
    change(account, loadBalancerInfo={"elbInfoList": [{"name": "web-classic"}]}, deploymentStyle=BALANCED)


def group_target_unhealthy(account: Account) -> None:
    """The application on one instance of shop/web answers the load balancer's health check with 500."""
    equipped(account, health={0: UNHEALTHY})


def group_targets_draining(account: Account) -> None:
    """An instance of shop/web is being taken out of its target group; its Auto Scaling group has launched none of late."""
    equipped(account, health={0: DRAINING}, launched=False)


def group_target_not_registered(account: Account) -> None:
    """One instance of shop/web is not registered with the target group."""
    equipped(account, registered=slice(1))


def group_classic_not_registered(account: Account) -> None:
    """One instance of shop/web is not registered with its Classic Load Balancer."""
    equipped(account)
    change(account, loadBalancerInfo={"elbInfoList": [{"name": "web-classic"}]})
    account.at_start.append(_classic)


def group_launch_loop(account: Account) -> None:
    """The deployment to each new instance of shop/web fails, so that its Auto Scaling group launches and terminates in a loop."""
    equipped(account)
    account.at_start.append(lambda ask: _looping(account))


def group_launch_failing(account: Account) -> None:
    """The Auto Scaling group of shop/web cannot launch an instance: the account is at its vCPU limit."""
    equipped(account, launched=False)
    account.at_start.append(lambda ask: launches(account, [(10, "", "Failed", _NO_ROOM)]))


def group_shares_auto_scaling(account: Account) -> None:
    """The group billing/api of another application uses the Auto Scaling group of shop/web too; its hook is not there."""
    equipped(account)
    state = account.state(REGION)
    state.create("billing", "Server", "0b1c2d3e-0000-4000-8000-000000000001", account.clock.start)
    state.groups["billing/api"] = state.groups[f"{APPLICATION}/{GROUP}"] | {
        "applicationName": "billing",
        "deploymentGroupName": "api",
        "deploymentGroupId": "0b1c2d3e-0000-4000-8000-000000000002",
        "autoScalingGroups": [{"name": SCALED, "hook": hook_of("billing", "api", SCALED)}],
    }


def group_alarm_active(account: Account) -> None:
    """The alarm that shop/web watches is in ALARM."""
    equipped(account, alarm="ALARM")


def _looping(account: Account) -> None:
    rows = []
    for number in range(1, 5):
        token = UUID(bytes=sha256(f"token {number}".encode()).digest()[:16], version=4)
        rows.append(
            (12 * number, f"i-0a1b2c3d4e5f6000{number}", "Cancelled", _HOOK_ABANDONED.format(token=token))
        )
    launches(account, rows)


def _classic(ask: Ask) -> None:
    listens = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    named = {"LoadBalancerName": "web-classic"}
    ask("elb", "CreateLoadBalancer", **named, Listeners=[listens], AvailabilityZones=[f"{REGION}a"])
    first = [{"InstanceId": id_} for id_ in instances(ask)[:1]]
    ask("elb", "RegisterInstancesWithLoadBalancer", **named, Instances=first)
