"""What each check calls, takes and finds in all scenarios of the sandbox.

The policy and the pages of the checks are made from it. Run as a module it writes the two files, and the template of
the policies; tests compare.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from runbooks import policy
from runbooks.checks import all_checks, predictions
from runbooks.checks.preflight import Planned
from runbooks.engine import run
from runbooks.findings import FAIL, WARN, Finding
from runbooks.question import PARAMETERS, Question
from tests.support import ROOT
from tests.support.world import DISTINCT, EVERYTHING, PATIENT, subject, world

OBSERVED = ROOT / "runbooks" / "checks" / "observed.json"
EXAMPLES = ROOT / "site_hooks" / "examples.json"
POLICIES = ROOT / "templates" / "diagnosis-policies.yml"

# The AppSpec file of a bundle.
_APPSPEC = "version: 0.0\nos: linux\nfiles:\n  - source: index.html\n    destination: /srv/app\n"

# An instance with an IAM user, all instances, a group that is not there, a bucket that only the deployment or the group
# names, and a code that names alarms need calls that those of the scenarios do not.
RUNS: list[tuple[str, dict[str, str]]] = [
    *((name, {"instance": subject(name)}) for name in DISTINCT),
    ("healthy", {"instance": "batch-01"}),
    ("healthy", {"instance": ""}),
    ("healthy", {"bucket": ""}),
    ("healthy", {"bucket": "", "deployment": ""}),
    ("healthy", {"deployment_group": "shap/web"}),
    ("healthy", {"deployment_group": "shop/wob"}),
    ("deployment-alarm-active", {}),
]
_NAMES = {row.name for row in PARAMETERS}


class Noting(Planned):
    """A question that notes which of its parameters are read."""

    def __getattribute__(self, name: str) -> Any:
        if name in _NAMES:
            object.__getattribute__(self, "__dict__").setdefault("noted", set()).add(name)
        return object.__getattribute__(self, name)


def collect() -> tuple[dict[str, dict[str, list[str]]], dict[str, dict[str, dict[str, str]]]]:
    """By check: its sorted API calls and parameters; and its worst finding in each scenario in which it speaks up."""
    every = (*all_checks(), *predictions())
    calls: dict[str, set[str]] = {check.id: set() for check in every}
    takes: dict[str, set[str]] = {check.id: set() for check in every}
    examples: dict[str, dict[str, dict[str, str]]] = {check.id: {} for check in all_checks()}
    folder = tempfile.TemporaryDirectory()
    place = Path(folder.name)
    (place / "appspec.yml").write_text(_APPSPEC, encoding="utf-8")
    for scenario, changes in RUNS:
        with world(scenario, config=PATIENT) as (aws, _):
            session = aws.remembering()
            for check in every:
                asked = {f.name: getattr(EVERYTHING, f.name) for f in fields(Question)} | changes
                question = Noting(**asked, bundle=str(place))
                found = run(check.function, session, question)
                calls[check.id] |= {call.api for one in found for call in one.proof if is_api(call.api)}
                takes[check.id] |= vars(question).get("noted", set())
                worst = example(found)
                is_own = changes == {"instance": subject(scenario)}
                if check.id in examples and worst.verdict in (WARN, FAIL) and is_own:
                    examples[check.id][scenario] = _shown(worst)
    observed = {id_: {"calls": sorted(calls[id_]), "takes": sorted(takes[id_])} for id_ in calls}
    return observed, examples


def example(findings: Iterable[Finding]) -> Finding:
    """The finding that a page shows: the worst, and of those one with a fix."""
    return max(findings, key=lambda finding: (finding.verdict, bool(finding.fix)))


def settled(text: str) -> str:
    """A text without the ids that moto makes up: those of Auto Scaling groups depend on what the process asked before."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)


def is_api(call: str) -> bool:
    """Whether a recorded call is one of AWS's API, rather than an unsigned request."""
    return not call.startswith(("http:", "https:"))


def text(rows: dict[str, Any]) -> str:
    """The text of a file of these rows."""
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def write(path: Path, rows: dict[str, Any]) -> None:
    """Write one of the two files."""
    path.write_text(text(rows), encoding="utf-8")


def _shown(finding: Finding) -> dict[str, str]:
    return {"verdict": finding.verdict.name, "says": finding.says, "fix": finding.fix, "next": finding.next}


if __name__ == "__main__":
    observed, examples = collect()
    write(OBSERVED, observed)
    write(EXAMPLES, examples)
    POLICIES.write_text(policy.template(), encoding="utf-8")
