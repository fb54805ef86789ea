"""Scenarios by checks: in each scenario exactly the intended checks speak up, and all others do not."""

import pytest

from runbooks.checks import all_checks
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict, diagnose
from runbooks.sandbox import SCENARIOS
from tests.world import EVERYTHING, asked, world

# What is neither OK nor SKIP. A scenario or a check without its row here fails the build.
EXPECTED: dict[str, dict[str, Verdict]] = {
    "healthy": {},
    "bad-filter": {"callers-send-valid-status-filters": FAIL},
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_exactly_the_intended_checks_speak_up(scenario: str) -> None:
    with world(scenario) as (aws, _):
        report = diagnose(aws, **asked(EVERYTHING))
    loud = {check.id: (verdict, found[0].says) for check, verdict, found in report.checks if verdict not in (OK, SKIP)}
    assert {check: verdict for check, (verdict, _) in loud.items()} == EXPECTED.get(scenario), loud


def test_every_scenario_has_its_row() -> None:
    assert set(EXPECTED) == set(SCENARIOS)


def test_every_check_fails_somewhere() -> None:
    failing = {check for row in EXPECTED.values() for check, verdict in row.items() if verdict in (FAIL, WARN, UNKNOWN)}
    alone = {check.id for check in all_checks()} - failing
    assert alone == set(), "no scenario shows what these checks are for"
