"""What the cells of a runbook work with: one object, which holds the parameters and what was found with them.

A kernel outlives a cell that failed, and JupyterLab may go on with the cells after it. So an earlier run is dropped
before a new one can fail, and a cell shows nothing that was not found with the parameters above it: it refuses, in
one sentence.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from runbooks.aws import Aws, connect
from runbooks.checks.deployment import WHY
from runbooks.decoder import Explanation, explain
from runbooks.diagnosis import chosen_checks, diagnose
from runbooks.errors import UserError
from runbooks.policy import text as policy_text
from runbooks.question import PARAMETERS
from runbooks.register import Registration, carry_out, prepare
from runbooks.report import Report
from runbooks.text.mask import masked

_WHERE = ("target", "profile", "region", "probe")
_QUESTION = tuple(row.name for row in PARAMETERS)
_REGISTRATION = ("tags", "accept", "apply")
_STALE = "An earlier run found this. Run this cell again."
_UNCONNECTED = 'There is no connection: run the cell with the parameters, then the cell below "Connect".'


class Runbook:
    """One run of a runbook in a notebook: its parameters, its session, its findings.

    ``names`` are the variables of the notebook. The parameters are taken out of them, so that the next run cannot
    use them by mistake: it begins with the parameters' cell, or not at all. Only the run that was begun last shows
    anything.
    """

    _last: ClassVar["Runbook | None"] = None

    def __init__(self, names: dict[str, Any]) -> None:
        """Begin a run. Raises `UserError` where the parameters' cell was not run before."""
        earlier, Runbook._last = Runbook._last, self  # before anything can fail
        self._names = names
        self._aws: Aws | None = None
        self._found: tuple[Aws, Report] | None = None  # the session that remembers what the report is made of
        self._called_for: tuple[str, ...] | None = None  # the checks for the pasted error
        self._shown: list[Any] = []
        self._parameters = self._parameters_now()
        for name in self._parameters:
            del names[name]
        if earlier:
            earlier._mark_stale()
        if "target" not in self._parameters:
            raise UserError("There are no parameters: run the cell with the parameters first, then this one.")
        _give_explain()

    def connect(self) -> Aws:
        """Open the session that the parameters name, as `runbooks.connect` does; the one before it is dropped first."""
        self._aws = self._found = None
        self._mark_stale()
        self._refuse_what_is_old()
        self._aws = connect(**self._those(_WHERE))
        return self._aws

    def diagnose(self, checks: str | Iterable[str] = (), **instead: Any) -> None:
        """Run these checks (all when there is none) and show the report. Each call asks AWS again.

        ``instead`` are members of the question that differ from the parameters.
        """
        self._found = None
        self._mark_stale()
        self._refuse_what_is_old()
        if self._aws is None:
            raise UserError(_UNCONNECTED)
        aws = self._aws.remembering()
        self._found = aws, self._asked(aws, checks, instead)
        self._show(self._found[1])

    def ask(self, checks: str | Iterable[str], **instead: Any) -> None:
        """Run further checks and show their report; what `diagnose` learnt is not asked for again."""
        aws, _ = self._diagnosed()
        self._show(self._asked(aws, checks, instead))

    def show(self, checks: str | Iterable[str]) -> None:
        """Show what `diagnose` found with these checks; asks nothing."""
        _, report = self._diagnosed()
        ids = [check.id for check in chosen_checks(checks)]
        found = {check: findings for check, findings in report.results.items() if check.id in ids}
        if unasked := set(ids) - {check.id for check in found}:
            raise UserError(f"{min(unasked)} is not among the checks that were run.")
        self._show(replace(report, results=found, only=tuple(ids), note=""))

    def show_called_for(self) -> None:
        """Show what `diagnose` found with the checks that the causes of a deployment's failure called for."""
        _, report = self._diagnosed()
        found = {check: row for check, row in report.results.items() if check.id not in WHY}
        if found:
            self._show(replace(report, results=found))  # what asks again asks about the deployment
        else:
            self._show_text("What CodeDeploy says calls for no further check: continue.")

    def fixes(self) -> None:
        """Show what to do about what `diagnose` found, each thing once: commands, then what is not a command."""
        _, report = self._diagnosed()
        problems = sorted(report.contents.problems, key=lambda entry: not entry.is_command)
        fixes = {
            entry.fix: entry.says[0].partition(". ")[0].rstrip(".")
            for entry in reversed(problems)
            if entry.fix
        }
        shown = [
            f"{number}. {fix}\n   for: {says}"
            for number, (fix, says) in enumerate(reversed(fixes.items()), 1)
        ]
        self._show_text("\n\n".join(shown) or "Nothing was found that needs a fix.")

    def show_for_error(self) -> None:
        """Show what `diagnose` found with the checks that the pasted error calls for."""
        self._diagnosed()
        if self._called_for is None:
            raise UserError(
                "No error was explained in this run: run the cell that begins with %%explain first."
            )
        if self._called_for:
            self.show(self._called_for)
        else:
            self._show_text("This error calls for no check: continue.")

    def ticket(self) -> None:
        """Show what was found as a block to paste into a ticket."""
        _, report = self._diagnosed()
        self._show_text(report.render("markdown"))

    def policy(self) -> None:
        """Show the policy that allows what the checks call."""
        _, report = self._diagnosed()
        self._show_text(policy_text(check.id for check in report.results))

    def _diagnosed(self) -> tuple[Aws, Report]:
        self._refuse_what_is_old()
        if self._found is None:
            raise UserError(
                "Nothing was found with these parameters yet: run the cells above this one in their order."
            )
        return self._found

    def _refuse_what_is_old(self) -> None:
        if Runbook._last is not self:
            raise UserError(
                "A newer run was begun and did not get this far: run the cell with the parameters, then those below it."
            )
        for name, value in self._parameters_now().items():
            if name not in self._parameters or value != self._parameters[name]:
                raise UserError(
                    f"{name} was set again after this run began: run the cells below the parameters again."
                )

    def _parameters_now(self) -> dict[str, Any]:
        """The parameters that the notebook's variables hold at this moment."""
        known = (*_WHERE, *_QUESTION, *_REGISTRATION)
        return {name: self._names[name] for name in known if name in self._names}

    def _those(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: self._parameters[name] for name in names if name in self._parameters}

    def _asked(self, aws: Aws, checks: str | Iterable[str], instead: dict[str, Any]) -> Report:
        return diagnose(aws, checks=checks, **(self._those(_QUESTION) | instead))

    def _show(self, report: Report) -> None:
        """Show a report, with its JSON beside it for `runbooks run`."""
        self._display(report, metadata={"report": json.loads(report.render("json"))})

    def _show_text(self, text: str) -> None:
        self._display({"text/plain": text}, raw=True)

    def _display(self, what: Any, **how: Any) -> None:
        from IPython.display import display

        self._shown.append(display(what, display_id=True, **how))  # type: ignore[no-untyped-call]

    def _mark_stale(self) -> None:
        """Replace what is still on the screen: it is no longer a result of the cells above it."""
        shown, self._shown = self._shown, []
        for output in filter(None, shown):  # outside of a kernel there is none
            output.update({"text/plain": _STALE}, raw=True)


class RegisterRunbook(Runbook):
    """A run of the runbook that registers an instance: the only one that may change something."""

    _registration: Registration | None = None

    def prepare(self) -> Registration:
        """Prepare the registration that the parameters name (`runbooks.register.prepare`); drops the one before it."""
        self._registration = self._found = None
        self._mark_stale()
        self._refuse_what_is_old()
        self._registration = prepare(
            **self._those(("target", "profile", "region", "instance", "arn", *_REGISTRATION))
        )
        return self._registration

    def preflight(self) -> None:
        """Show what could stop the registration."""
        self._show(self._prepared().preflight())

    def plan(self) -> None:
        """Show what would be sent, and what would take it back."""
        plan = self._prepared().plan()
        shown = masked(plan)
        note = (
            ""
            if shown == plan
            else "\n\nA value looks like a secret. It is masked, so the commands do not carry it."
        )
        self._show_text(shown + note)

    def carry_out(self) -> None:
        """Register and tag, if ``apply`` is True and nothing stands in the way; show what was done."""
        self._found = None
        registration = self._prepared()
        self._found = registration.aws, carry_out(registration)
        self._show(self._found[1])

    def confirm(self) -> None:
        """Show whether the instance is registered as it was asked for."""
        self._show(self._prepared().confirm())

    def _prepared(self) -> Registration:
        self._refuse_what_is_old()
        if self._registration is None:
            raise UserError(_UNCONNECTED)
        return self._registration


def _give_explain() -> None:
    """Let a cell begin with ``%%explain``: what follows is raw text, whatever quotes and backslashes are in it."""
    from IPython.core.getipython import get_ipython
    from IPython.core.magic import no_var_expand

    def explain_cell(line: str, cell: str) -> Explanation:
        run = Runbook._last
        if run:
            run._called_for = None
        explained = explain(f"{line}\n{cell}")
        if run:
            run._called_for = explained.checks
        return explained

    if shell := get_ipython():
        shell.register_magic_function(no_var_expand(explain_cell), "cell", "explain")  # type: ignore[arg-type]
