"""What preflight says of each scenario of a group and of a deployment, and how a deployment that is made then ends.

The tests hold both to it, and the page of preflight to the table that is made of it. Run as a module it prints that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_LOG = "agent-log-is-clean"
_ENDED = "hook-scripts-of-the-last-deployment-ended-well"
_STARTS = "hook-scripts-of-the-newest-revision-can-start"
_APPSPEC = "appspec-of-the-newest-revision-is-valid"
_IN_PROGRESS = "group-has-no-deployment-in-progress"
_TRUSTS, _BALANCER = "service-role-trusts-codedeploy", "load-balancer-of-the-group-fits"
_HEALTH, _LAUNCHES = "targets-of-the-group-are-healthy", "auto-scaling-groups-keep-what-they-launch"
_HOOKS, _OTHER_HOOKS = "auto-scaling-groups-have-their-hooks", "auto-scaling-groups-have-no-other-hook"


@dataclass(frozen=True)
class Row:
    """What is said: FAIL, WARN and UNKNOWN by check; how the deployment ends; and, where these differ, why."""

    said: Mapping[str, str]
    ends: str  # "succeeds", "fails", "is stopped", "is refused"
    why: str = ""

    @property
    def is_predicted(self) -> bool:
        """Whether it was said that the deployment would fail."""
        return "FAIL" in self.said.values()

    @property
    def is_right(self) -> bool:
        """Whether it ended so."""
        return self.is_predicted is (self.ends != "succeeds")


def _fails(*checks: str, warn: str = "") -> Row:
    return Row(dict.fromkeys(checks, "FAIL") | ({warn: "WARN"} if warn else {}), "fails")


TABLE: dict[str, Row] = {
    "group-healthy": Row({}, "succeeds"),
    "group-selects-none": _fails("group-selects-instances"),
    "group-constraint-cannot-hold": _fails("group-can-keep-enough-instances-healthy"),
    "group-role-missing": _fails(_TRUSTS),
    "group-role-not-trusting": _fails(_TRUSTS),
    "group-role-denied": Row({"service-role-may-do-what-the-group-needs": "WARN"}, "succeeds"),
    "group-hook-missing": Row({_HOOKS: "WARN"}, "succeeds"),
    "group-hook-left-over": Row({_OTHER_HOOKS: "WARN"}, "succeeds"),
    "group-termination-hook-missing": Row({_HOOKS: "WARN"}, "succeeds"),
    "group-termination-hook-left-over": Row({_OTHER_HOOKS: "WARN"}, "succeeds"),
    "group-process-suspended": Row({"auto-scaling-groups-have-no-suspended-process": "WARN"}, "succeeds"),
    "group-topic-missing": Row({"topics-of-the-group-are-there": "WARN"}, "succeeds"),
    "group-targets-are-addresses": _fails(_BALANCER),
    "group-load-balancer-missing": _fails(_BALANCER),
    "group-alarm-active": Row({"alarms-of-the-group-are-quiet": "FAIL"}, "is stopped"),
    "group-target-unhealthy": _fails(_HEALTH),
    "group-targets-draining": Row({_HEALTH: "WARN"}, "succeeds"),
    "group-target-not-registered": Row({_HEALTH: "WARN"}, "succeeds"),
    "group-classic-not-registered": Row({_HEALTH: "WARN"}, "succeeds"),
    "group-launch-loop": Row({_LAUNCHES: "WARN"}, "succeeds"),
    "group-launch-failing": Row({_LAUNCHES: "WARN"}, "succeeds"),
    "group-shares-auto-scaling": Row({_OTHER_HOOKS: "WARN"}, "succeeds"),
    "deployment-traffic-not-allowed": _fails(_HEALTH),
    "deployment-script-failed-in-ec2": _fails(_ENDED, _LOG, warn=_HEALTH),
    "deployment-script-failed": _fails(_ENDED, _LOG),
    "deployment-agent-silent": _fails("agent-is-running", warn="instances-of-the-group-answer"),
    "deployment-stop-script-failed": _fails(_ENDED, _LOG),
    "deployment-found-no-instances": _fails("group-selects-instances"),
    "deployment-stopped": Row({}, "succeeds"),
    "deployment-queued": Row({_IN_PROGRESS: "FAIL"}, "is refused"),
    "deployment-configuration-gone": _fails(_ENDED, _LOG),
    "deployment-running": Row({_IN_PROGRESS: "FAIL", "agent-is-running": "FAIL"}, "is refused"),
    "deployment-script-missing": _fails(_STARTS, _ENDED, _LOG),
    "deployment-script-not-executable": _fails(_ENDED, _LOG),
    "deployment-script-timed-out": _fails(_ENDED, _LOG),
    "deployment-output-left-open": _fails(_ENDED, _LOG),
    "deployment-script-crlf": _fails(_STARTS, _ENDED, _LOG),
    "deployment-interpreter-missing": _fails(_STARTS, _ENDED, _LOG),
    "deployment-script-killed": _fails(_ENDED, _LOG),
    "deployment-old-script-missing": _fails("hook-scripts-of-the-last-good-revision-can-start", _ENDED, _LOG),
    "deployment-root-noexec": _fails("host-has-room", _ENDED, _LOG),
    "deployment-root-read-only": _fails("host-has-room", _LOG),
    "deployment-appspec-missing": _fails(_APPSPEC, _LOG),
    "deployment-appspec-invalid": _fails(_APPSPEC, _LOG),
    "deployment-file-exists": _fails(_LOG, warn="host-has-sound-state"),
    "deployment-source-missing": _fails(_LOG),
    "deployment-destination-read-only": _fails(_LOG),
    "deployment-bundle-broken": _fails(_LOG),
    "deployment-revision-gone": _fails("revision-of-the-group-is-there", _LOG),
    "deployment-bucket-in-other-region": _fails(_LOG, warn="revision-of-the-group-is-there"),
    "deployment-key-denied": _fails(_LOG),
    "deployment-agent-restarted": _fails(_ENDED, _LOG),
    "deployment-cleanup-failing": _fails(_LOG),
    "agent-not-installed": _fails("agent-is-installed"),
    "agent-stopped": _fails("agent-is-running"),
    "agent-log-errors": _fails("agents-of-the-group-poll", _LOG),
    "identity-mismatch": _fails("agent-identity-is-the-registered-one"),
    "key-inactive": _fails("registered-identity-exists"),
    "host-no-https": _fails("host-reaches-codedeploy"),
    "host-clock-wrong": _fails("host-clock-is-right"),
    "host-disk-full": _fails("host-has-room", _LOG),
    "last-revision-gone": _fails("host-has-sound-state", _LOG),
    "bucket-denied": _fails("host-may-read-the-bucket", _LOG),
    "host-offline": Row({"instances-of-the-group-answer": "WARN"}, "succeeds"),
    "healthy": Row({}, "succeeds"),
}


_SPEC = "version: 0.0\nos: {}\nfiles:\n  - source: /index.html\n    destination: /srv/app\nhooks:\n  ApplicationStart:\n    - location: scripts/start.sh\n      timeout: 5\n"
_FILES = {
    "appspec.yml": _SPEC.format("linux"),
    "index.html": "shop\n",
    "scripts/start.sh": "#!/bin/sh\ntrue\n",
}
_ECS = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n"
_SOUND, _FITS = "bundle-is-sound", "bundle-fits-the-group"


def _without(name: str) -> dict[str, str]:
    return {path: text for path, text in _FILES.items() if path != name}


# By what is wrong with a bundle: its files, and what is said of it and comes of it where nothing else is wrong.
BUNDLES: dict[str, tuple[dict[str, str], Row]] = {
    "nothing": (_FILES, Row({}, "succeeds")),
    "a script is missing": (_without("scripts/start.sh"), _fails(_SOUND)),
    "a script has Windows line ends": (
        _FILES | {"scripts/start.sh": "#!/bin/sh\r\ntrue\r\n"},
        _fails(_SOUND),
    ),
    "a source is missing": (_without("index.html"), _fails(_SOUND)),
    "the AppSpec file is missing": (_without("appspec.yml"), _fails(_SOUND)),
    "the AppSpec file is indented with a tab": (
        _FILES | {"appspec.yml": _SPEC.format("linux").replace("  - source", "\t- source")},
        _fails(_SOUND),
    ),
    "the version is quoted": (
        _FILES | {"appspec.yml": _SPEC.format("linux").replace("0.0", '"0.0"')},
        _fails(_SOUND),
    ),
    "the AppSpec file is for Windows": (
        _FILES | {"appspec.yml": _SPEC.format("windows")},
        _fails(_FITS, warn=_SOUND),
    ),
    "the AppSpec file is for Amazon ECS": (_FILES | {"appspec.yml": _ECS}, _fails(_FITS)),
}


def _all() -> list[Row]:
    return [*TABLE.values(), *(row for _, row in BUNDLES.values())]


def count(*, predicted: bool, ended: bool) -> int:
    """How many scenarios there are in which a failure was predicted, or not, and came, or not."""
    return sum(row.is_predicted is predicted and (row.ends != "succeeds") is ended for row in _all())


def table() -> str:
    """The tables of the page, as Markdown."""
    lines = [
        "| | the deployment fails, is stopped or is refused | it succeeds |",
        "|---|---|---|",
        *(
            f"| {said} | {count(predicted=predicted, ended=True)} | {count(predicted=predicted, ended=False)} |"
            for said, predicted in (("a failure is predicted", True), ("none is predicted", False))
        ),
        "",
        "| Scenario | What preflight says, beside OK | The deployment |",
        "|---|---|---|",
    ]
    lines += [_line(f"`{scenario}`", row) for scenario, row in TABLE.items()]
    head = [
        "",
        "| Wrong with the bundle, given with `--bundle` | What preflight says, beside OK | The deployment |",
    ]
    lines += [*head, "|---|---|---|", *(_line(wrong, row) for wrong, (_, row) in BUNDLES.items())]
    return "\n".join(lines)


def _line(what: str, row: Row) -> str:
    said = ", ".join(f"{verdict} `{check}`" for check, verdict in row.said.items())
    return f"| {what} | {said or '-'} | {row.ends if not row.why else f'{row.ends}: {row.why}'} |"


if __name__ == "__main__":
    print(table())
