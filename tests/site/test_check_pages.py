"""The pages of the checks: a table of all of them, and a page for each module with an example of each failure."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from runbooks.checks import MODULES, RENAMED, all_checks
from runbooks.commands import SANDBOX_ENDPOINT
from runbooks.diagnosis import diagnose
from runbooks.findings import Check
from runbooks.policy import PROBE, calls
from site_hooks import checks as hook
from tests.site.conftest import REPOSITORY
from tests.support import ROOT
from tests.support.built_site import Built
from tests.support.diagnosed import question_of
from tests.support.html import tags
from tests.support.observe import example, settled
from tests.support.world import PATIENT, world


def html_of(site: Built, page: str) -> str:
    return (site.path / page / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(site: Built) -> dict[str, str]:
    """The rows of the table, by the first id in each."""
    found = re.findall(r"<tr>.*?</tr>", html_of(site, "checks"), re.DOTALL)
    return {ids[-1]: row for row in found if (ids := re.findall(r'id="([^"]+)"', row))}


def section(site: Built, check: Check) -> str:
    """What stands below the heading of a check on its module's page."""
    page = html_of(site, f"checks/{check.category}")
    _, found, rest = page.partition(f'<h2 id="{check.id}">')
    assert found, check.id
    return re.sub(r"<[^>]+>", "", unescape(rest.partition("<h2")[0]))


def test_the_table_has_a_row_for_each_check_which_leads_to_its_section(
    site: Built, rows: dict[str, str]
) -> None:
    assert list(rows) == [check.id for check in all_checks()]
    for check in all_checks():
        assert f'href="{check.category}/#{check.id}"' in rows[check.id]


def test_an_old_id_leads_to_the_row_of_the_new_one(rows: dict[str, str]) -> None:
    for old, new in RENAMED.items():
        assert f'id="{old}"' in rows[new]


def test_a_section_says_what_its_check_confirms_and_calls(site: Built) -> None:
    for check in all_checks():
        text = section(site, check)
        assert check.title.replace("`", "") in text
        for api in calls(check.id):
            assert hook._aws(api) in text or api in PROBE


def test_a_section_shows_an_example_with_its_fix(site: Built) -> None:
    shown = [check for check in all_checks() if hook.EXAMPLES[check.id]]
    assert len(shown) > 20
    for check in shown:
        scenario, found = next(iter(hook.EXAMPLES[check.id].items()))
        text = " ".join(section(site, check).split())
        assert f"{found['verdict']} {found['says']}" in text
        # as one has it on AWS: without the sandbox's endpoint, and code without its backticks
        fix = found["fix"].replace(f" {SANDBOX_ENDPOINT}", "").replace("`", "")
        assert " ".join(fix.split()) in text
        assert "AWS_ENDPOINT_URL" not in text
        assert hook._see(check, scenario) in text


@pytest.mark.parametrize(
    "check", [check for check in all_checks() if hook.EXAMPLES[check.id]], ids=lambda c: c.id
)
def test_the_command_below_an_example_shows_that_example(check: Check) -> None:
    scenario, shown = next(iter(hook.EXAMPLES[check.id].items()))
    command = hook._see(check, scenario)
    assert f"--sandbox {scenario}" in command
    with world(scenario, config=PATIENT) as (aws, _):
        report = diagnose(aws, **question_of(command))
    assert settled(example(report.findings).says) == settled(shown["says"])


def test_each_module_is_in_the_navigation_below_the_table(site: Built) -> None:
    links = [a.get("href") for tag, a in tags(site.path / "checks/index.html") if tag == "a"]
    for module in MODULES:
        assert f"{module.__name__.rpartition('.')[2]}/" in links


def test_an_example_cannot_act(monkeypatch: pytest.MonkeyPatch) -> None:
    check = all_checks()[0]
    hostile = "<script>x</script> ``` </code></pre> [a](javascript:x)"
    found = {"verdict": "FAIL", "says": hostile, "fix": hostile, "next": ""}
    monkeypatch.setitem(hook.EXAMPLES, check.id, {"scenario": found})
    shown = hook._section(check)
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert shown.count("</pre>") == shown.count("<pre>")


def test_a_call_that_requires_nothing_is_narrowed() -> None:
    """`aws cloudtrail lookup-events` alone is no usable command."""
    assert "AttributeKey" in hook._aws("cloudtrail:LookupEvents")
    asked = {api for check in all_checks() for api in calls(check.id)}
    assert set(hook._NARROWED) <= asked


def test_the_edit_link_of_a_modules_page_leads_to_the_module(published: Built) -> None:
    for module in MODULES:
        name = Path(*module.__name__.split(".")).with_suffix(".py")
        page = html_of(published, f"checks/{name.stem}")
        assert f'href="{REPOSITORY}/edit/main/docs/../{name}"' in page


def test_triage_names_one_runbook_for_each_check() -> None:
    """Its table goes by the beginnings of the ids: a new check must fit one row."""
    cells = json.loads((ROOT / "notebooks/triage.ipynb").read_text(encoding="utf-8"))["cells"]
    (table,) = (text for cell in cells if "| What fails |" in (text := "".join(cell["source"])))
    patterns = {
        re.compile(pattern.replace("…", ".+")): row
        for row in table.splitlines()
        if row.startswith("| `")
        for pattern in re.findall("`([^`]+)`", row)
    }
    for check in all_checks():
        rows = {row for pattern, row in patterns.items() if pattern.fullmatch(check.id)}
        assert len(rows) == 1, f"{check.id}: {len(rows)} rows of the table in notebooks/triage.ipynb fit it"
