"""How agent 2.x reports what fails on a host: in words of its own, by its source (executor.rs, script.rs, core.rs, s3.rs).

It was read and not run.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from codedeploy_sandbox.hosts.agent import Failure
from codedeploy_sandbox.hosts.machine import Machine

_INSTALL = "Install failed for group 5f1e: "
_S3 = "S3 GetObject failed for {revision}: "
# The words of agent 1.x, and those of 2.x in their place.
_WORDS = (
    (r"failed with error Errno::ENOENT .*", "failed with error No such file or directory (os error 2)"),
    (r"failed with error Errno::EACCES .*", "failed with error Permission denied (os error 13)"),
    (r"failed with exit code $", "failed with exit code 1"),
    (r" as executable$", " as executable: Operation not permitted (os error 1)"),
    (r"^\(<unknown>\): ", "The deployment failed because of a YAML parsing error: "),
    (r"^No such file or directory @ .*", f"{_INSTALL}IO error: No such file or directory (os error 2)"),
    (r"^Read-only file system @ .*", f"{_INSTALL}IO error: Read-only file system (os error 30)"),
    (r"^The deployment failed because a specified file already", rf"{_INSTALL}\g<0>"),
    (r"^Zip end of central .*", "failed to read zip archive: invalid Zip archive: Could not find EOCD"),
    (r"^Access Denied$", rf"{_S3}AccessDenied: \g<0>"),
    (r"^User: .* kms:Decrypt ", rf"{_S3}AccessDenied: \g<0>"),
    (r"^The specified key ", rf"{_S3}NoSuchKey: \g<0>"),
    (r"^The specified bucket ", rf"{_S3}NoSuchBucket: \g<0>"),
    (r"^The bucket you are attempting ", rf"{_S3}PermanentRedirect: \g<0>"),
)
# It goes on where 1.x fails: an old revision that cannot be deleted, and one without its archive, which has no hook.
_GOES_ON = ("Error deleting directories: ", "The CodeDeploy agent did not find an AppSpec file")


def is_second(machine: Machine) -> bool:
    """Whether the machine's agent is of the line 2.x."""
    return (machine.agent or "").startswith("2.")


def reported(failure: Failure | None, machine: Machine, info: Mapping[str, Any]) -> Failure | None:
    """The failure as the agent of a machine reports it, with the names of a deployment (DeploymentInfo); None for none."""
    if failure is None:
        return None
    named = failure.of(info["deploymentId"])
    if not is_second(machine):
        return named
    message = named.message
    if message.startswith(_GOES_ON) and named.event in ("ApplicationStop", "DownloadBundle"):
        return None
    for first, second in _WORDS:
        message = re.sub(first, second, message)
    at = info.get("revision", {}).get("s3Location") or {}
    message = message.replace("{revision}", f"s3://{at.get('bucket', '')}/{at.get('key', '')}")
    return replace(named, message=message, archive=tuple(named.left().items()), second=True)
