"""The deployment d-SHOPWEB01 of shop/web ended otherwise than it should, or has not ended."""

from datetime import timedelta

from codedeploy_sandbox.plays import TOO_FEW
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import CLI, machine, sent
from codedeploy_sandbox.scenarios.records import DEPLOYMENT, after_a_success, failed, fails, put, target
from codedeploy_sandbox.state import ACCOUNT, REGION, Account, Deployment

_ONE_STAYS = "shop-one-stays"


def deployment_script_failed(account: Account) -> None:
    """The start script of d-SHOPWEB01 ended with exit code 127 on web-01 and web-02; batch-01 has to stay healthy."""
    healthy(account)
    account.state(REGION).configurations[_ONE_STAYS] = {
        "deploymentConfigId": "00000000-0000-0000-0000-0000000000a1",
        "deploymentConfigName": _ONE_STAYS,
        "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1},
        "createTime": account.clock.start - timedelta(days=30),
        "computePlatform": "Server",
    }
    said = {
        "errorCode": "ScriptFailed",
        "scriptName": "scripts/start.sh",
        "message": "Script at specified location: scripts/start.sh run as user root failed with exit code 127",
        "logTail": "LifecycleEvent - ApplicationStart\nScript - scripts/start.sh\n[stderr]scripts/start.sh: line 3: gunicorn: command not found\n",
    }
    at = account.clock.start - timedelta(minutes=20)
    targets = {
        name: failed(name, "ApplicationStart", said, at + timedelta(seconds=late))
        for name, late in (("web-01", 0), ("web-02", 3))
    }
    targets["batch-01"] = target("batch-01", "Skipped", {})
    put(account, "Failed", targets, TOO_FEW, deploymentConfigName=_ONE_STAYS)
    fails(account, "script-failed")


def deployment_agent_silent(account: Account) -> None:
    """The agent on web-01 does not run, so that no agent took the first event of d-SHOPWEB01 in time."""
    healthy(account)
    machine(account, running=False, quiet=timedelta(hours=3))
    said = {
        "errorCode": "UnknownError",
        "scriptName": "",
        "message": "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your host and make sure the agent is running and can connect to the CodeDeploy server.",
        "logTail": "",
    }
    at = account.clock.start - timedelta(minutes=70)
    silent = failed("web-01", "ApplicationStop", said, at)
    del silent["instanceTarget"]["lifecycleEvents"][0]["startTime"]
    put(account, "Failed", {"web-01": silent}, TOO_FEW)


def deployment_stop_script_failed(account: Account) -> None:
    """The ApplicationStop script of the revision before d-SHOPWEB01 timed out on web-01; it was rolled back."""
    healthy(account)
    said = {
        "errorCode": "ScriptTimedOut",
        "scriptName": "scripts/stop.sh",
        "message": "Script at specified location: scripts/stop.sh failed to complete in 30 seconds",
        "logTail": "",
    }
    stop = failed("web-01", "ApplicationStop", said, account.clock.start - timedelta(minutes=20))
    rollback = {"rollbackDeploymentId": "d-SHOPWEB02", "rollbackMessage": "The deployment was rolled back."}
    put(account, "Failed", {"web-01": stop}, TOO_FEW, rollbackInfo=rollback)
    after_a_success(account)
    fails(account, "stop-script-timed-out")


def deployment_found_no_instances(account: Account) -> None:
    """The group shop/web selected no instance when d-SHOPWEB01 began: none has the tag by which it selects."""
    healthy(account)
    for instance in account.state(REGION).instances.values():
        instance.tags.pop("Environment", None)
    error = {"code": "NO_INSTANCES", "message": "No instances found for your deployment group."}
    put(account, "Failed", {}, error)


def deployment_stopped(account: Account) -> None:
    """The user dana stopped d-SHOPWEB01 while web-01 was at work on it."""
    healthy(account)
    error = {"code": "MANUAL_STOP", "message": "The deployment was stopped by the user."}
    put(account, "Stopped", {"web-01": target("web-01", "Skipped", {})}, error)
    dana = account.knows(f"arn:aws:iam::{ACCOUNT}:user/dana", "AKIASANDBOXDANA00000")
    sent(account, dana, 15, "StopDeployment", {"deploymentId": DEPLOYMENT}, CLI, "192.0.2.55")


def deployment_queued(account: Account) -> None:
    """The deployment d-SHOPWEB01 waits for d-SHOPWEB00 of its group to end."""
    healthy(account)
    put(account, "Queued", {}, None)
    deployments = account.state(REGION).deployments
    deployments["d-SHOPWEB00"] = Deployment(deployments[DEPLOYMENT].info | {"status": "InProgress"}, {})


def deployment_configuration_gone(account: Account) -> None:
    """The configuration by which d-SHOPWEB01 failed on web-01 was deleted since."""
    deployment_script_failed(account)
    account.state(REGION).deployments[DEPLOYMENT].info["deploymentConfigName"] = "shop-all-but-one"


def deployment_running(account: Account) -> None:
    """The deployment d-SHOPWEB01 waits for the agent of web-01, which does not run, to take its first event."""
    healthy(account)
    machine(account, running=False, quiet=timedelta(hours=3))
    waits = {"ApplicationStop": {"status": "Pending"}}
    put(account, "InProgress", {"web-01": target("web-01", "Pending", waits)}, None)
