"""Which checks a diagnosis runs."""

from collections.abc import Iterator
from functools import wraps
from types import ModuleType

import pytest
from typer.testing import CliRunner

from runbooks import checks, policy
from runbooks.checks import MODULES, RENAMED, all_checks
from runbooks.cli import app
from runbooks.diagnosis import chosen_checks
from runbooks.errors import UserError
from runbooks.findings import OK, Check, Finding, NotApplicable, needs
from runbooks.question import Question


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_id_still_leads_to_its_check(old: str, new: str) -> None:
    assert [check.id for check in chosen_checks(old)] == [new]
    assert old not in {check.id for check in all_checks()}


def test_an_unknown_id_is_one_sentence_with_a_near_one() -> None:
    with pytest.raises(
        UserError, match=r"There is no check 'agent-is-runing'\. Did you mean agent-is-running"
    ):
        chosen_checks("agent-is-runing")
    with pytest.raises(UserError, match=r"There is no check 'x'\. `runbooks checks` lists them"):
        chosen_checks("x")


def test_the_checks_come_in_the_order_of_a_diagnosis() -> None:
    order = [module.__name__.rpartition(".")[2] for module in MODULES]
    met = list(dict.fromkeys(check.category for check in all_checks()))
    assert met == order
    assert order.index("caller") < order.index("registration") < order.index("host") < order.index("vpc")


def test_a_check_behind_a_decorator_stays_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("runbooks.checks.made_up")

    @needs("instance")
    def all_is_well(aws: object, question: Question) -> Iterator[Finding]:
        """All is well."""
        yield Finding(OK, "It is.")

    @wraps(all_is_well)
    def twice_wrapped(aws: object, question: Question) -> Iterator[Finding]:
        yield from all_is_well(aws, question)

    for function in (all_is_well, twice_wrapped, all_is_well.__wrapped__):  # type: ignore[attr-defined]
        function.__module__ = module.__name__
    vars(module)["all_is_well"] = twice_wrapped
    monkeypatch.setattr(checks, "MODULES", (module,))
    all_checks.cache_clear()
    try:
        (check,) = all_checks()
    finally:
        all_checks.cache_clear()
    assert (check.id, check.needs) == ("all-is-well", ("instance",))
    with pytest.raises(NotApplicable, match="No instance was given"):
        list(check.function(None, Question()))


def test_a_check_that_was_never_observed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "observed", dict)
    done = CliRunner().invoke(app, ["checks"])
    assert isinstance(done.exception, UserError)
    assert "was never observed in the sandbox: run `make observed`" in str(done.exception)


def test_a_check_that_needs_what_was_not_given_says_so() -> None:
    waiting = [check for check in all_checks() if check.needs]
    assert len(waiting) > 10
    for check in waiting:
        with pytest.raises(NotApplicable, match=r"was given \(--"):
            list(check.function(None, Question()))


def test_each_module_says_where_its_answers_lead() -> None:
    for module in MODULES:
        assert module.TITLE.endswith("?")
        assert module.GUIDE.startswith("/")
        assert module.RUNBOOK
    assert all(isinstance(check, Check) for check in all_checks())
