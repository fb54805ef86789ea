"""The probe as a script, as a document of Systems Manager, and how Systems Manager is asked to run it."""

import json
import os
import re
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from runbooks.errors import UserError

# The document that holds the probe and nothing else: who may run it can run nothing else.
PROBE_DOCUMENT = "CodeDeployFieldGuide-Probe"
# AWS's own document, which runs any command: used only if the setting names it.
SHELL_DOCUMENT = "AWS-RunShellScript"

SETTING = "RUNBOOKS_PROBE_DOCUMENT"
MOST_BYTES = 64 * 1024  # of a document's content (SSM user guide, document size)

_NAME = re.compile(
    r"[A-Za-z0-9_.:/-]{3,}"
)  # the pattern of DocumentName in botocore's model, an ARN included
_SECONDS = "120"  # for Run Command to end the probe, which ends long before by itself


def probe_script(instance: str | None = None) -> str:
    """The probe as text, ready to run with ``sh``; with the instance's name in it, which the report repeats."""
    script = (files(__package__) / "probe.sh").read_text(encoding="utf-8")
    if instance is None:
        return script
    shebang, rest = script.split("\n", 1)
    return f"{shebang}\nPROBE_INSTANCE={shlex.quote(instance)}\n{rest}"


def document_name() -> str:
    """The document to run the probe by: the environment's RUNBOOKS_PROBE_DOCUMENT, else `PROBE_DOCUMENT`.

    Raises `UserError` for a text that cannot be a document's name.
    """
    name = os.environ.get(SETTING) or PROBE_DOCUMENT
    if not _NAME.fullmatch(name):
        raise UserError(f"{SETTING} is {name!r}, which cannot be the name of an SSM document.")
    return name


def probe_document() -> str:
    """The document, as YAML to deploy with ``aws ssm create-document``: one step, no parameters.

    The probe itself holds no ``{{``, by which a document would name a parameter (a test holds it to that).
    """
    script = textwrap.indent(probe_script(), " " * 6)
    return f"""\
# The read-only host probe of the CodeDeploy Field Guide, as a document of Systems Manager.
# Written by `make templates` from runbooks/host/probe.sh; do not edit.
schemaVersion: '2.2'
description: The read-only host probe of the CodeDeploy Field Guide. It takes no parameters.
mainSteps:
- action: aws:runShellScript
  name: probe
  precondition:
    StringEquals: [platformType, Linux]
  inputs:
    timeoutSeconds: '{_SECONDS}'
    runCommand:
    - |
{script}"""


def holds_only_the_probe(content: str) -> bool:
    """Whether a document's content, as JSON, has this version's probe as its one step, and no parameters."""
    try:
        document = json.loads(content)
        (step,) = document["mainSteps"]
        inputs = dict(step["inputs"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    return (
        not document.get("parameters")
        and step.get("action") == "aws:runShellScript"
        and inputs.pop("runCommand", None) == [probe_script()]
        and set(inputs) <= {"timeoutSeconds"}
    )


@dataclass(frozen=True)
class ProbeBy:
    """The one thing that Systems Manager may be asked to run: the probe, by one document.

    Called with the parameters of ssm:SendCommand, it says whether they are that and nothing else.
    """

    document: str = PROBE_DOCUMENT

    @property
    def has_free_commands(self) -> bool:
        """The document runs what it is sent; else it holds what it runs."""
        return self.document == SHELL_DOCUMENT

    def parameters(self, node: str, version: str) -> dict[str, Any]:
        """What ssm:SendCommand is sent to run the probe on a node, by a version of the document that was read."""
        asked: dict[str, Any] = {"DocumentName": self.document, "InstanceIds": [node]}
        if self.has_free_commands:
            return asked | {"Parameters": {"commands": [probe_script()]}}
        return asked | {"DocumentVersion": version}

    def __call__(self, params: Mapping[str, Any]) -> bool:
        nodes = params.get("InstanceIds", ())
        return len(nodes) == 1 and params == self.parameters(nodes[0], params.get("DocumentVersion", ""))
