"""Write runbooks/checks/seen.json: what each check was seen to call and to find, over all scenarios of the sandbox.

The policy and the page of the checks are made from it; a test writes it anew and compares.
"""

import json
import sys
from pathlib import Path
from typing import Any

from codedeploy_sandbox import SCENARIOS

from runbooks.engine import FAIL, WARN, Finding, diagnose
from tests.support.world import EVERYTHING, PATIENT, asked, world

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "runbooks" / "checks" / "seen.json"


def collect() -> dict[str, dict[str, Any]]:
    """By check: its sorted API calls, and its worst finding in each scenario in which it speaks up."""
    seen: dict[str, dict[str, Any]] = {}
    # An instance with an IAM user, and all instances, ask for things that web-01 does not.
    for scenario, instance in [
        *((name, "web-01") for name in SCENARIOS),
        ("healthy", "batch-01"),
        ("healthy", ""),
    ]:
        with world(scenario, config=PATIENT) as (aws, _):
            report = diagnose(aws, **asked(EVERYTHING) | {"instance": instance})
        for check, found in report.results.items():
            row = seen.setdefault(check.id, {"calls": set(), "trouble": {}})
            row["calls"] |= {call.api for finding in found for call in finding.proof if is_api(call.api)}
            worst = max(found, key=lambda finding: finding.verdict)
            if worst.verdict in (WARN, FAIL) and instance == "web-01":
                row["trouble"][scenario] = _shown(worst)
    return {check: {"calls": sorted(row["calls"]), "trouble": row["trouble"]} for check, row in seen.items()}


def is_api(call: str) -> bool:
    """Whether a recorded call is one of AWS's API, rather than a look at the network."""
    return not call.startswith(("http:", "https:"))


def text(seen: dict[str, dict[str, Any]]) -> str:
    """The file's text."""
    return json.dumps(seen, indent=2, ensure_ascii=False) + "\n"


def _shown(finding: Finding) -> dict[str, str]:
    return {"verdict": finding.verdict.name, "says": finding.says, "fix": finding.fix, "next": finding.next}


if __name__ == "__main__":
    FILE.write_text(text(collect()), encoding="utf-8")
    sys.stdout.write(f"{FILE.name}: written\n")
