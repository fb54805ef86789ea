"""Deployments to the instances of a deployment group: whom it selects, how each host fares, and what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.hosts.agent import FAILURES, REVISION, SILENT, Failure, derived, hears
from codedeploy_sandbox.hosts.bundle import failure_of, files_of
from codedeploy_sandbox.hosts.marks import marked
from codedeploy_sandbox.iam.policy import Request, evaluate
from codedeploy_sandbox.plays import Play, minimum_of, play
from codedeploy_sandbox.state import ACCOUNT, Account, Deployment, Node, RegionState


def begin(account: Account, region: str, group: Mapping[str, Any], info: Mapping[str, Any]) -> Play:
    """Begin a deployment to the instances that the group (DeploymentGroupInfo) selects; `info` says what and when."""
    state = account.state(region)
    arns = selected(account, state, group)
    gone, files = _fetched(account, region, info["revision"])
    id_, named = info["deploymentId"], {}
    for name, arn in arns.items():
        failure = _failure(account, region, name, arn, info["revision"], gone)
        named[name] = failure.of(id_) if failure and not _avoided(failure, info) else None
    minimum = minimum_of(state, info["deploymentConfigName"]) or {}
    begun = state.deployments[id_] = play(info, arns, named, minimum, files)
    return begun


def _avoided(failure: Failure, info: Mapping[str, Any]) -> bool:
    """Whether an option of the deployment lets it go on at this failure."""
    if failure is FAILURES["file-exists"]:
        return info.get("fileExistsBehavior") in ("OVERWRITE", "RETAIN")
    # Assumption: ignored-stop
    return (
        bool(info.get("ignoreApplicationStopFailures"))
        and failure.event == "ApplicationStop"
        and failure.heard
        and failure is not FAILURES["disk-full"]
    )


def new_id(seed: str) -> str:
    """The id of a deployment: d- and nine letters or digits, the same for the same seed."""
    number = int.from_bytes(sha256(seed.encode()).digest()[:8])
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "d-" + "".join(letters[number // 36**place % 36] for place in range(9))


def of_group(state: RegionState, application: str, group: str, now: datetime) -> list[Deployment]:
    """The deployments of a group as they are now, with their ids, the newest first."""
    wanted = (application, group)
    then = {id_: one.at(now) for id_, one in state.deployments.items()}
    found = [Deployment({"deploymentId": id_, **one.info}, one.targets) for id_, one in then.items()]
    found = [
        one
        for one in found
        if (one.info.get("applicationName"), one.info.get("deploymentGroupName")) == wanted
    ]
    return sorted(found, key=lambda one: one.info["createTime"], reverse=True)


def selected(account: Account, state: RegionState, group: Mapping[str, Any]) -> dict[str, str]:
    """The instances that a deployment group selects, by id or name, with their ARNs."""
    # Assumption: order
    names = {
        one.name: f"arn:aws:codedeploy:{state.region}:{ACCOUNT}:instance/{one.name}"
        for one in state.instances.values()
        if not one.deregistered
        and _carries(one.tags, group, "onPremisesInstanceTagFilters", "onPremisesTagSet")
    }
    return dict(sorted((names | _of_ec2(account, state, group)).items()))


def _of_ec2(account: Account, state: RegionState, group: Mapping[str, Any]) -> dict[str, str]:
    groups = {
        one.get("name") if isinstance(one, Mapping) else one for one in group.get("autoScalingGroups") or ()
    }
    if not (groups or group.get("ec2TagFilters") or (group.get("ec2TagSet") or {}).get("ec2TagSetList")):
        return {}
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    answer = account.ask("ec2", "DescribeInstances", region=state.region, Filters=running)
    instances = [one for row in answer["Reservations"] for one in row["Instances"]]
    found = {}
    for one in instances:
        tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
        if tags.get("aws:autoscaling:groupName") in groups or _carries(
            tags, group, "ec2TagFilters", "ec2TagSet"
        ):
            id_ = one["InstanceId"]
            found[id_] = f"arn:aws:ec2:{state.region}:{ACCOUNT}:instance/{id_}"
    return found


def _carries(tags: Mapping[str, str], group: Mapping[str, Any], filters: str, sets: str) -> bool:
    """Any of the filters; or, of a tag set, one filter of each of its lists."""
    lists = (group.get(sets) or {}).get(f"{sets}List") or ()
    if lists:
        return all(_any(tags, one) for one in lists)
    return _any(tags, group.get(filters) or ())


def _any(tags: Mapping[str, str], filters: Iterable[Mapping[str, str]]) -> bool:
    return any(matches(tags, one) for one in filters)


def matches(tags: Mapping[str, str], tag_filter: Mapping[str, str]) -> bool:
    """Whether the tags pass a filter of CodeDeploy: by key, by value, or by both."""
    kind, key, value = (tag_filter.get(name) for name in ("Type", "Key", "Value"))
    if kind == "VALUE_ONLY":
        return value in tags.values()
    return key in tags if kind == "KEY_ONLY" else (key, value) in tags.items()


def machine_of(state: RegionState, target: str) -> Node | None:
    """The node behind a target: the one with its id, or with the name that the machine has."""
    return next((node for node in state.nodes.values() if target in (node.id, node.machine.name)), None)


def _failure(
    account: Account,
    region: str,
    target: str,
    arn: str,
    revision: Mapping[str, Any],
    gone: Failure | None,
) -> Failure | None:
    """How a deployment of the revision fails on a target; None where it succeeds."""
    state = account.state(region)
    node = machine_of(state, target)
    if not node:
        # Assumption: unmanaged-hosts
        return gone
    machine = node.machine
    secure = "enable_auth_policy: true" in machine.settings
    endpoint = f"https://codedeploy-commands{'-secure' * secure}.{region}.amazonaws.com"
    instance = state.instances.get(target)
    polls = hears(machine, endpoint) if instance else bool(machine.agent and machine.running)
    if not polls:
        return SILENT
    if instance:
        identity = account.iam.behind(instance.iam_arn)
        if not identity or instance.iam_arn not in (machine.identity or "") or "Inactive" in identity.keys:
            return SILENT
        if secure and not _may(account, instance.iam_arn, "codedeploy-commands-secure:PollHostCommand", "*"):
            return SILENT
    own = FAILURES[derived(machine)] if derived(machine) else None
    at = revision.get("s3Location")
    if own is None and instance and at and gone is not FAILURES["bucket-gone"]:
        where = f"arn:aws:s3:::{at['bucket']}/{at['key']}"
        if not _may(account, instance.iam_arn, "s3:GetObject", where):
            own = FAILURES["bundle-denied"]
    return own or gone


def _may(account: Account, arn: str, action: str, resource: str) -> bool:
    identity = account.iam.behind(arn)
    if not identity:
        return False
    boundary = account.iam.boundary(identity)
    asked = Request(action, resource, {})
    policies, above = account.iam.policies(identity), account.iam.organisation()
    return evaluate(asked, policies, boundary=boundary, organisation=above).decision == "allowed"


def _fetched(
    account: Account, region: str, revision: Mapping[str, Any]
) -> tuple[Failure | None, Mapping[str, str]]:
    """What is wrong with a revision on every host, and its files. What is not a zip archive in S3 is taken for sound."""
    at = revision.get("s3Location")
    if not at:
        # Assumption: other-revisions
        return None, REVISION
    named = {"VersionId": at["version"]} if at.get("version") else {}
    try:
        found = account.ask("s3", "GetObject", region=region, Bucket=at["bucket"], Key=at["key"], **named)
    except ApiError as error:
        return FAILURES["bucket-gone" if error.code == "NoSuchBucket" else "bundle-gone"], {}
    if at["bundleType"] != "zip":
        # Assumption: other-revisions
        return None, REVISION
    content = found["Body"].read()
    failure = failure_of(content)
    return failure, {} if failure else files_of(content)


def settle(account: Account, region: str, now: datetime) -> None:
    """Let what follows from the deployments that have ended happen: marks on their hosts, and rollbacks."""
    state = account.state(region)
    for id_, one in list(state.deployments.items()):
        if isinstance(one, Play) and not one.settled and now >= one.ended:
            one.settled = True
            mark(state, id_, one)
            if one.status(one.ended) != "Succeeded":
                _roll_back(account, region, id_, one)


def mark(state: RegionState, id_: str, one: Play) -> None:
    """Leave on the hosts what a deployment that has ended leaves there."""
    for name, course in one.courses.items():
        node, instance = machine_of(state, name), state.instances.get(name)
        if node and course.ended <= one.ended:
            arn = instance.iam_arn if instance else one.arns[name]
            machine = marked(node.machine, arn, id_, course.failure, course.begun, files=one.files)
            state.nodes[node.id] = replace(node, machine=machine)


def _roll_back(account: Account, region: str, id_: str, failed: Play) -> None:
    """Deploy the last revision that succeeded, where the deployment or its group asks for it."""
    info = failed.info
    asked = info.get("autoRollbackConfiguration") or {}
    event = "DEPLOYMENT_STOP_ON_REQUEST" if failed.stopped else "DEPLOYMENT_FAILURE"
    if not asked.get("enabled") or event not in asked.get("events", ()):
        return
    # Assumption: rollback
    if info["creator"] == "codeDeployRollback" or not (revision := info.get("previousRevision")):
        return
    new = new_id(f"rollback of {id_}")
    message = f"Deployment {id_} is being rolled back by the deployment {new}."
    failed.info["rollbackInfo"] = {"rollbackDeploymentId": new, "rollbackMessage": message}
    kept = (
        *("applicationName", "deploymentGroupName", "deploymentConfigName", "computePlatform"),
        *("deploymentStyle", "fileExistsBehavior", "ignoreApplicationStopFailures", "previousRevision"),
    )
    application, group = info["applicationName"], info["deploymentGroupName"]
    named = {"applicationName": application, "deploymentGroupName": group}
    described = account.ask("codedeploy", "GetDeploymentGroup", region=region, **named)
    begin(
        account,
        region,
        described["deploymentGroupInfo"],
        {
            **{name: info[name] for name in kept if name in info},
            "deploymentId": new,
            "revision": revision,
            "createTime": failed.ended,
            "creator": "codeDeployRollback",
            "rollbackInfo": {"rollbackTriggeringDeploymentId": id_, "rollbackMessage": message},
        },
    )
