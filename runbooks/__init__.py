"""Diagnose AWS CodeDeploy from Python: ``from runbooks import connect, diagnose``.

The names are loaded on first use, so that importing a part of the package (the sandbox, the
catalogue) does not pay for boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runbooks.aws import connect
    from runbooks.decoder import explain
    from runbooks.diagnosis import diagnose, why
    from runbooks.prediction import preflight
    from runbooks.runbook.cells import RegisterRunbook, Runbook

__all__ = ["RegisterRunbook", "Runbook", "connect", "diagnose", "explain", "preflight", "why"]

_HOME = {
    "connect": "runbooks.aws",
    "diagnose": "runbooks.diagnosis",
    "explain": "runbooks.decoder",
    "preflight": "runbooks.prediction",
    "why": "runbooks.diagnosis",
    "RegisterRunbook": "runbooks.runbook.cells",
    "Runbook": "runbooks.runbook.cells",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'runbooks' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
