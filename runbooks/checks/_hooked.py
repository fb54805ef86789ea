"""Whether the Auto Scaling groups of a deployment group have CodeDeploy's lifecycle hooks, and run all their processes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._group import kinds_of, scaled_by, scaled_to
from runbooks.commands import aws_cli, then
from runbooks.facts.auto_scaling import auto_scaling_groups, lifecycle_hooks
from runbooks.facts.deployments import active_deployments
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Command, Finding

# How the name of a hook begins that CodeDeploy made: seen of launch hooks, inferred of termination hooks.
OURS = "CodeDeploy-managed-automatic-"
_PAGE, _SCALING = "/symptoms/asg-hook/", "/deployment-errors/AUTO_SCALING_CONFIGURATION/"
_CODES = {"launch": "no-hook", "termination": "no-termination-hook"}
# What is lost without a hook (botocore's model of terminationHookEnabled; AWS's user guide).
_LOST = {
    "launch": "a new instance gets no deployment from {name}",
    "termination": "an instance that it terminates gets no termination deployment, which {name} asks for"
    " (terminationHookEnabled)",
}


def hooked(aws: Aws, name: str, group: Mapping[str, Any]) -> Iterator[Finding]:
    """For each Auto Scaling group of the deployment group ``name``: whether it is there, with each hook of CodeDeploy."""
    wanted = scaled_by(group, name)
    there = auto_scaling_groups(aws, list(wanted))
    for scaled, hooks in wanted.items():
        if scaled not in there:
            says = f"{name} has the Auto Scaling group {scaled}, and there is none in {aws.region}."
            out = scaled_to(aws, name, [one for one in wanted if one in there])
            yield Finding(FAIL, says, code="no-group", about=scaled, fix=out, next=_SCALING)
            continue
        for kind in kinds_of(group):
            yield _hook(aws, name, scaled, kind, hooks[kind], again=_again(aws, name, scaled, list(wanted)))


def suspended(aws: Aws, name: str, group: Mapping[str, Any]) -> Iterator[Finding]:
    """For each Auto Scaling group of the deployment group ``name``: which of its processes are suspended."""
    copies = group.get("blueGreenDeploymentConfiguration") or {}
    is_copied = (copies.get("greenFleetProvisioningOption") or {}).get("action") == "COPY_AUTO_SCALING_GROUP"
    for scaled, one in auto_scaling_groups(aws, list(scaled_by(group, name))).items():
        processes = sorted(str(row.get("ProcessName")) for row in one.get("SuspendedProcesses") or ())
        if not processes:
            yield Finding(OK, f"No process of the Auto Scaling group {scaled} is suspended.", about=scaled)
            continue
        running = active_deployments(aws, group["applicationName"], group["deploymentGroupName"])
        stops = is_copied and "Launch" in processes and not running
        so = ", so that a blue/green deployment gets no replacement instances (inferred)" if stops else ""
        says = (
            f"In the Auto Scaling group {scaled} these processes are suspended: {', '.join(processes)}{so}."
        )
        if running:  # one can suspend some for as long as it runs
            says += f" {', '.join(running)} may have suspended them and still runs."
        named = {"auto_scaling_group_name": scaled, "scaling_processes": json.dumps(processes)}
        resume = aws_cli(aws.place, "autoscaling", "resume-processes", **named)
        verdict, fix = FAIL if stops else WARN, "" if running else resume
        yield Finding(verdict, says, code="suspended", about=scaled, fix=fix, next=_SCALING)


def _hook(aws: Aws, name: str, scaled: str, kind: str, hook: str, *, again: Command) -> Finding:
    """Whether an Auto Scaling group has this hook of the deployment group; "": CodeDeploy names none."""
    there = [one.name for one in lifecycle_hooks(aws, scaled) if one.kind == kind]
    if hook in there:
        return Finding(
            OK, f"The Auto Scaling group {scaled} has the {kind} hook of {name}, {hook}.", about=scaled
        )
    if not hook and any(one.startswith(OURS) for one in there):
        says = f"Could not check: CodeDeploy names no {kind} hook that it put on the Auto Scaling group {scaled}."
        return Finding(UNKNOWN, says, code="could-not-check", about=scaled)
    which = f"the {kind} hook {hook}" if hook else f"a {kind} hook of CodeDeploy"
    says = f"The Auto Scaling group {scaled} lacks {which}: {_LOST[kind].format(name=name)}. The fix takes it out of {name} and puts it back."
    return Finding(FAIL, says, code=_CODES[kind], about=scaled, fix=again, next=_PAGE, later=True)


def _again(aws: Aws, name: str, scaled: str, all_: list[str]) -> Command:
    """The commands by which CodeDeploy makes the hooks of an Auto Scaling group again (AWS's user guide)."""
    return then(scaled_to(aws, name, [one for one in all_ if one != scaled]), scaled_to(aws, name, all_))
