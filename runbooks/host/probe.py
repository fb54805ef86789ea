"""The probe as a script, and how Systems Manager is asked to run it."""

import shlex
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

PROBE_DOCUMENT = "AWS-RunShellScript"


def probe_script(instance: str | None = None) -> str:
    """The probe as text, ready to run with ``sh``; with the instance's name in it, which the report repeats."""
    script = (files(__package__) / "probe.sh").read_text(encoding="utf-8")
    if instance is None:
        return script
    shebang, rest = script.split("\n", 1)
    return f"{shebang}\nPROBE_INSTANCE={shlex.quote(instance)}\n{rest}"


def is_our_probe(params: Mapping[str, Any]) -> bool:
    """Whether the parameters of ssm:SendCommand run the probe on a node, and do nothing else."""
    return set(params) == {"DocumentName", "InstanceIds", "Parameters"} and (
        params["DocumentName"] == PROBE_DOCUMENT and params["Parameters"] == {"commands": [probe_script()]}
    )
