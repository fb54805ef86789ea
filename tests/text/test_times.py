"""Every time that is shown is in UTC, also where this machine and boto3 have another zone."""

import ast
import re
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import runbooks
from runbooks import diagnose, why
from runbooks.checks import all_checks
from runbooks.text.times import time
from tests.support.world import PATIENT, asked, everything, world

PACKAGE = Path(runbooks.__file__).parent
CHECKS = [check.id for check in all_checks() if check.category in ("callers", "deployment", "registration")]


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


def test_a_time_is_written_in_utc_whatever_its_zone() -> None:
    tokyo = datetime(2026, 1, 15, 19, 45, tzinfo=timezone(timedelta(hours=9)))
    assert time(tokyo) == time(tokyo.astimezone(UTC)) == "2026-01-15 10:45 UTC"
    assert time(tokyo, "%H:%M:%S") == "10:45:00"


def shown() -> list[str]:
    """What a report of checks that show times says, and where its forms show one."""
    found = []
    for scenario in ("deployment-script-failed", "deployment-running", "deployment-stopped"):
        with world(scenario, config=PATIENT) as (aws, _):
            report = why(aws, "d-SHOPWEB01")
        found += [report.contents.place, *(finding.says for finding in report.findings)]
        found += [line for line in report.render("html").splitlines() if ":00" in line]
    for scenario in ("registration-competes", "instance-deregistered", "bad-filter", "registration-refused"):
        with world(scenario, config=PATIENT) as (aws, _):
            found += [f.says for f in diagnose(aws, checks=CHECKS, **asked(everything(scenario))).findings]
    return found


def test_a_report_made_in_tokyo_is_in_utc(in_tokyo: None) -> None:
    """In the sandbox it is noon, so a later hour of that day is one of Tokyo."""
    hours = [int(hour) for said in shown() for hour in re.findall(r"(?<!2026-01-14)[ T](\d\d):\d\d", said)]
    assert len(hours) > 10
    assert max(hours) <= 12


def test_no_other_place_formats_a_time() -> None:
    bad = []
    for path in PACKAGE.rglob("*.py"):
        if path == PACKAGE / "text" / "times.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            spec = node.format_spec if isinstance(node, ast.FormattedValue) else None
            formats = spec is not None and "%" in ast.unparse(spec)
            calls = isinstance(node, ast.Attribute) and node.attr in ("strftime", "ctime")
            if formats or calls:
                bad.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")  # type: ignore[attr-defined]
    assert not bad
