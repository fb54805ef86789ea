"""An EC2 instance beside the healthy fleet, with one problem that its scenario's name says.

It is web-11: a role of its own by an instance profile, the tags of shop/web, tokens for its metadata service, and no yml.
Its id is `EC2` in every scenario, since moto makes the same ids from the same calls.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from codedeploy_sandbox.hosts.host import MASTER
from codedeploy_sandbox.hosts.machine import session_yml, unread_yml
from codedeploy_sandbox.iam.identities import Document
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scenarios.baseline import READS_REVISIONS, only, trusts
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import EC2, ROLE, machine_in_ec2, profile, session
from codedeploy_sandbox.scenarios.networks import network
from codedeploy_sandbox.state import ACCOUNT, REGION, Account, Node

_OTHER_REGION = "eu-central-1"
BY_EC2 = trusts({"Service": "ec2.amazonaws.com"})
_BOOT = "ERROR [codedeploy-agent(1420)]: booting child: error during start or run: "
_AGAIN = "INFO  [codedeploy-agent(1412)]: master 1412: not enough child processes running - missing at least 1 - respawning"
_FALLS_BACK = "WARN  [codedeploy-agent(1420)]: IMDSv2 http request failed, falling back to IMDSv1."


def ec2_healthy(account: Account) -> None:
    """Nothing is wrong: the EC2 instance i-ecd34b280e4aee7a8 runs, shop/web selects it, and its agent polls."""
    _launched(account)


def ec2_stopped(account: Account) -> None:
    """The EC2 instance was stopped, and Systems Manager lost the connection with it."""

    def stop(ask: Ask) -> None:
        ask("ec2", "StopInstances", InstanceIds=[EC2])

    _launched(account, stop, ping="ConnectionLost", heard=timedelta(hours=2))


def ec2_terminated(account: Account) -> None:
    """The EC2 instance was terminated, and EC2 still lists it; Systems Manager no longer does."""

    def terminate(ask: Ask) -> None:
        ask("ec2", "TerminateInstances", InstanceIds=[EC2])

    _launched(account, terminate, managed=False)


def ec2_other_region(account: Account) -> None:
    """The EC2 instance runs in eu-central-1, not in the Region of the deployment group."""
    _launched(account, region=_OTHER_REGION)


def ec2_without_profile(account: Account) -> None:
    """The EC2 instance has no instance profile, so its agent has no credentials."""
    # Assumption: agent-in-ec2
    text = "please check if this instance was started with an IAM instance profile"
    poller = "InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller"
    missing = f"ERROR [codedeploy-agent(1415)]: {poller}: Missing credentials - {text}"
    _launched(account, has_profile=False, log=(missing,) * 3)


def ec2_profile_without_role(account: Account) -> None:
    """The instance profile of the EC2 instance has no role; its agent still polls with credentials from before."""
    # Assumption: credentials-last
    _launched(account, role=False)


def ec2_role_not_assumable(account: Account) -> None:
    """The role of the EC2 instance trusts ECS tasks and not EC2; its agent still polls with credentials from before."""
    _launched(account, trust=trusts({"Service": "ecs-tasks.amazonaws.com"}))


def ec2_metadata_off(account: Account) -> None:
    """The metadata service of the EC2 instance is switched off, so its agent's worker ends at each start."""
    refused = f"{_BOOT}RuntimeError - HTTP error from metadata service: Forbidden, code 403"
    off = {"HttpEndpoint": "disabled"}
    _launched(account, options=off, metadata="403", **_loops((_FALLS_BACK, refused)))


def ec2_imdsv2_old_agent(account: Account) -> None:
    """The EC2 instance requires tokens for its metadata, and its agent is 1.1.2, which brings none."""
    refused = f"{_BOOT}RuntimeError - HTTP error from metadata service: Unauthorized, code 401"
    _launched(account, agent="1.1.2", **_loops((refused,)))


def ec2_tags_missing(account: Account) -> None:
    """The EC2 instance lacks the tag Environment=production, by which shop/web selects instances."""
    _launched(account, tags={"Environment": "staging"})


def ec2_stray_yml(account: Account) -> None:
    """The image of the EC2 instance holds web-01's yml and credentials, so its agent works as web-01."""
    _launched(account, identity=session_yml(session("web-01"), REGION))


def ec2_root_keys(account: Account) -> None:
    """The EC2 instance has keys in root's credentials file, which its agent may take in place of its role."""
    _launched(account, others=(("root/.aws/credentials", "[default]\n"),))


def ec2_role_cannot_read_bucket(account: Account) -> None:
    """The role of the EC2 instance may not read the bucket of the revisions."""
    _launched(account)
    only(account, name=ROLE)


def ec2_not_managed(account: Account) -> None:
    """Systems Manager does not know the EC2 instance, so its host cannot be checked remotely."""
    _launched(account, managed=False)


def _loops(starts: tuple[str, ...]) -> dict[str, Any]:
    """A machine whose agent logs this at each of its starts, and never polls."""
    # Assumption: agent-in-ec2
    log = (unread_yml(1420), *starts, _AGAIN) * 3
    processes = ((1412, MASTER), (1420, "codedeploy-agent: booting child"))
    return {"log": log, "processes": processes, "ages": ((1412, 4000), (1420, 1))}


def _launched(
    account: Account,
    change: Callable[[Ask], None] = lambda _: None,
    *,
    region: str = REGION,
    has_profile: bool = True,
    role: bool = True,
    trust: Document = BY_EC2,
    tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
    managed: bool = True,
    ping: str = "Online",
    heard: timedelta = timedelta(minutes=2),
    **machine: Any,
) -> None:
    """The healthy fleet, and the EC2 instance; `change` then changes it."""
    healthy(account)
    account.iam.add(f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", inline=dict(READS_REVISIONS), trust=trust)
    host = machine_in_ec2(EC2, "ip-10-20-0-11", region, **machine)

    def profiles(ask: Ask) -> None:
        if role:
            profile(ask)
        else:
            ask("iam", "CreateInstanceProfile", InstanceProfileName=ROLE)

    def launch(ask: Ask) -> None:
        ask("ec2", "DescribeRegions", region=_OTHER_REGION)  # with it moto makes that Region's own network
        asked = {"HttpEndpoint": "enabled", "HttpTokens": "required"} | (options or {})
        made = network(ask, "web-11", region=region, MetadataOptions=asked)["host"]
        if made != EC2:
            raise RuntimeError(f"moto made the EC2 instance {made}, and the scenarios expect {EC2}")
        own = {"Environment": "production"} if tags is None else tags
        pairs = [{"Key": key, "Value": value} for key, value in own.items()]
        ask("ec2", "CreateTags", region=region, Resources=[EC2], Tags=pairs)
        if has_profile:
            ask("iam", "GetInstanceProfile", InstanceProfileName=ROLE)  # makes it, if nothing has yet
            given = {"IamInstanceProfile": {"Name": ROLE}, "InstanceId": EC2}
            ask("ec2", "AssociateIamInstanceProfile", region=region, **given)
        change(ask)

    if managed:
        account.state(region).nodes[EC2] = Node(EC2, host, ping=ping, heard=heard)
    account.seeds += [("iam", profiles), ("ec2", launch)]
