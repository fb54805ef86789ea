"""The deployment d-SHOPWEB01 failed on an EC2 instance of shop/web, which has all that a group can have.

Its instances are in an Auto Scaling group and behind a target group. It went to one at a time, so the others were skipped.
"""

from dataclasses import replace
from datetime import timedelta

from codedeploy_sandbox.aftermath import mark
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENTS, FAILURES, Failure
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.plays import SERVER, play
from codedeploy_sandbox.scenarios.equipped import UNHEALTHY, equipped, instances
from codedeploy_sandbox.scenarios.records import DEPLOYMENT, constant
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

_CONFIG = "CodeDeployDefault.OneAtATime"
_SCRIPT = "script-failed"


def deployment_traffic_not_allowed(account: Account) -> None:
    """AllowTraffic of d-SHOPWEB01 failed on an EC2 instance: the application there answers the health check with 500."""
    equipped(account, health={0: UNHEALTHY})
    account.at_start.append(lambda ask: _failed(account, ask, FAILURES["traffic-not-allowed"]))


def deployment_script_failed_in_ec2(account: Account) -> None:
    """The start script of d-SHOPWEB01 failed on an EC2 instance, which the deployment had taken out of the load balancer."""
    equipped(account, registered=slice(1, None))
    account.at_start.append(lambda ask: _failed(account, ask, FAILURES[_SCRIPT], fails=_SCRIPT))


def _failed(account: Account, ask: Ask, failure: Failure, fails: str = "") -> None:
    """Let d-SHOPWEB01 have failed so on the first of the EC2 instances, and every later deployment fail as `fails` says."""
    state, ids = account.state(REGION), instances(ask)
    arns = {id_: f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id_}" for id_ in ids}
    arns |= {name: state.instances[name].arn for name in ("web-01", "web-02")}
    info = constant(account.clock.start - timedelta(minutes=75))
    info |= {"deploymentId": DEPLOYMENT, "deploymentConfigName": _CONFIG}
    failures = dict.fromkeys(arns) | {ids[0]: failure.of(DEPLOYMENT)}
    events = dict.fromkeys(ids, (*BLOCK, *EVENTS, *ALLOW))
    one = play(info, arns, failures, SERVER[_CONFIG], events=events)
    one.settled = True
    state.deployments[DEPLOYMENT] = one
    mark(state, DEPLOYMENT, one, one.ended)
    node = state.nodes[ids[0]]
    state.nodes[ids[0]] = replace(node, machine=replace(node.machine, fails=fails))
