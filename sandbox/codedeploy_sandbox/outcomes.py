"""How a deployment fares on each of its targets, by the state of the host, its identity and the revision."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.hosts.agent import FAILURES, GROUP, REVISION, SILENT, Failure, derived, hears, within
from codedeploy_sandbox.hosts.bundle import failure_of, files_of
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.hosts.second import reported
from codedeploy_sandbox.service_role import is_allowed
from codedeploy_sandbox.state import Account, Instance, Node, RegionState


def machine_of(state: RegionState, target: str) -> Node | None:
    """The node behind a target: the one with its id, or with the name that the machine has."""
    return next((node for node in state.nodes.values() if target in (node.id, node.machine.name)), None)


@dataclass(frozen=True)
class Outcomes:
    """How a deployment fares on its targets."""

    account: Account
    region: str
    info: Mapping[str, Any]
    gone: Failure | None  # what is wrong with the revision on every host
    reuses: str = ""  # the deployment whose copy of the revision a restart may take

    def at(self, name: str, events: tuple[str, ...]) -> Failure | None:
        """How these events fail on a target; None where they succeed."""
        failure = within(self._found(name), events) or within(self._unhealthy(name), events)
        if not failure or self._avoids(failure):
            return None
        node = machine_of(self.account.state(self.region), name)
        return reported(failure, node.machine if node else Machine(name), self.info)

    def _unhealthy(self, name: str) -> Failure | None:
        """How a target that its load balancer does not find healthy fails."""
        health = self.account.state(self.region).health.get(name)
        # Assumption: traffic-failure
        is_bad = health and health["State"] not in ("healthy", "initial", "draining")  # the last two pass
        return FAILURES["traffic-not-allowed"] if is_bad else None

    def _found(self, target: str) -> Failure | None:
        state = self.account.state(self.region)
        node = machine_of(state, target)
        if not node:
            # Assumption: unmanaged-hosts
            return self.gone
        machine, instance = node.machine, state.instances.get(target)
        if not self._polls(machine, instance):
            return SILENT
        own = FAILURES[derived(machine)] if derived(machine) else None
        if own is None and _holds(machine, self.reuses):
            return None
        at = self.info["revision"].get("s3Location")
        if own is None and instance and at and self.gone is not FAILURES["bucket-gone"]:
            where = f"arn:aws:s3:::{at['bucket']}/{at['key']}"
            if not is_allowed(self.account, instance.iam_arn, "s3:GetObject", where):
                own = FAILURES["bundle-denied"]
        return own or self.gone

    def _polls(self, machine: Machine, instance: Instance | None) -> bool:
        secure = "enable_auth_policy: true" in machine.settings
        endpoint = f"https://codedeploy-commands{'-secure' * secure}.{self.region}.amazonaws.com"
        if not instance:
            return bool(machine.agent and machine.running)
        identity = self.account.iam.behind(instance.iam_arn)
        return (
            hears(machine, endpoint)
            and identity is not None
            and instance.iam_arn in (machine.identity or "")
            and "Inactive" not in identity.keys
            and (
                not secure
                or is_allowed(
                    self.account, instance.iam_arn, "codedeploy-commands-secure:PollHostCommand", "*"
                )
            )
        )

    def _avoids(self, failure: Failure) -> bool:
        """Whether an option of the deployment lets it go on at this failure."""
        if failure is FAILURES["file-exists"]:
            return self.info.get("fileExistsBehavior") in ("OVERWRITE", "RETAIN")
        # Assumption: ignored-stop
        return (
            bool(self.info.get("ignoreApplicationStopFailures"))
            and failure.event in ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")
            and failure.heard
            and not failure.opens
        )


def _holds(machine: Machine, deployment: str) -> bool:
    """Whether a restart finds the revision of that deployment on the machine, and so downloads none."""
    # Assumption: restart
    archive = f"{DEPLOYMENTS}/{GROUP}/{deployment}/deployment-archive/appspec.yml"
    version = tuple(int(part) for part in (machine.agent or "0").split(".")[:2])
    return bool(deployment) and version >= (2, 1) and archive in dict(machine.others)


def fetched(
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
