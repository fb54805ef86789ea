"""What Auto Scaling and Elastic Load Balancing say of an instance is the text of others: short, on one line, without effect."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox
from codedeploy_sandbox.state import REGION

from runbooks.aws.session import Aws
from runbooks.checks import _launches, _targets
from runbooks.diagnosis import diagnose
from runbooks.report import Report
from runbooks.report.report import FORMATS
from tests.checks.test_traffic import MINUTE, ONE, TWO, UNWELL, WELL, abandoned, activity, ended, health
from tests.support.world import PATIENT, world

KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzzzz"  # as long as a secret access key
HOSTILE = {
    "markup": "<script>alert(1)</script> [click](javascript:alert(1)) **bold** {noformat} <!channel>",
    "lines": "one\n::error::two\r\n##vso[task.setvariable variable=x]y\n##[error]three",
    "a command of a pipeline": "::set-output name=x::y",
    "another": "##vso[task.complete result=Failed;]",
    "a reversed line": "safe \u202etxt.exe\u202c end \u2066x\u2069",
    "a bell": "a\x85b\u2028c\u2029d\x9b31m",
    "ten kilobytes": "x" * 10_000,
    "a secret": f"aws_secret_access_key={KEY} was used",
}
LAUNCHES, HEALTH = "auto-scaling-groups-keep-what-they-launch", "targets-of-the-group-are-healthy"
RUNNERS = re.compile(r"^\s*(?:::[a-z-]+|##(?:vso)?\[)", re.MULTILINE)


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[Aws, Sandbox]]:
    with world("group-healthy", config=PATIENT) as (aws, sandbox):
        yield aws, sandbox


def of_a_launch(there: tuple[Aws, Sandbox], rows: list[Callable[[Any], dict[str, Any]]]) -> Report:
    aws, sandbox = there
    state = sandbox.account.state(REGION)
    kept, state.activities = state.activities, {"web": [row(aws.now()) for row in rows]}
    report = diagnose(aws, deployment_group="shop/web", checks=[LAUNCHES])
    state.activities = kept
    return report


def failed(there: tuple[Aws, Sandbox], text: str) -> Report:
    return of_a_launch(there, [activity(MINUTE, "Failed", ONE, text)])


def lost(there: tuple[Aws, Sandbox], text: str) -> Report:
    rows = [ended(MINUTE, ONE, f"{UNWELL} {text}"), activity(5 * MINUTE, id_=ONE), *abandoned(3)]
    return of_a_launch(there, rows)


def unhealthy(there: tuple[Aws, Sandbox], text: str) -> Report:
    aws, sandbox = there
    said = {"State": "unhealthy", "Reason": "Target.FailedHealthChecks", "Description": text}
    sandbox.app.set_faults([health([(ONE, 80, said), (TWO, 80, WELL)])])
    report = diagnose(aws, deployment_group="shop/web", checks=[HEALTH])
    sandbox.app.set_faults([])
    return report


@pytest.mark.parametrize("told", [failed, lost, unhealthy], ids=lambda told: told.__name__)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_text_has_no_effect_in_any_form(
    what: str, told: Callable[[tuple[Aws, Sandbox], str], Report], there: tuple[Aws, Sandbox]
) -> None:
    report = told(there, HOSTILE[what])
    worst = report.findings[0]
    assert " says: " in worst.says  # the text is shown
    assert len(worst.says) < 1600
    for form in FORMATS:
        shown = report.render(form)
        assert not RUNNERS.search(shown), form
        assert KEY[:12] not in shown, form
        assert all(one.isprintable() or one == "\n" for one in shown), form
        assert "x" * 400 not in shown, form


@pytest.mark.parametrize("told", [failed, lost, unhealthy], ids=lambda told: told.__name__)
def test_markup_is_text_in_every_form(
    told: Callable[[tuple[Aws, Sandbox], str], Report], there: tuple[Aws, Sandbox]
) -> None:
    report = told(there, HOSTILE["markup"])
    assert "<!channel>" not in report.render("slack")
    assert report.render("jira").count("{noformat}") == 2
    for form in ("html", "github"):
        assert "<script" not in report.render(form)
    assert "`[click](javascript:alert(1`" in report.render("github")  # as code, which is no link


def test_a_secret_is_masked_before_the_text_is_cut(there: tuple[Aws, Sandbox]) -> None:
    """What is left of a token would not be known as one."""
    for told, most in ((failed, _launches._TEXT), (unhealthy, _targets._TEXT)):
        before = ("word " * most)[: most - 20]
        shown = told(there, f"{before.rstrip()} {KEY} end").findings[0].says
        assert KEY[:10] not in shown
        assert "word" in shown


def test_a_long_text_is_cut(there: tuple[Aws, Sandbox]) -> None:
    for told in (failed, unhealthy):
        assert re.search(r"x…", told(there, "x " * 5000).findings[0].says.replace("x …", "x…"))
