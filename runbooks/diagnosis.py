"""`diagnose`: joins the session, the checks, the engine and the report."""

import difflib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from runbooks import engine, policy
from runbooks.aws.session import Aws
from runbooks.checks import RENAMED, all_checks
from runbooks.errors import UserError
from runbooks.findings import Check
from runbooks.progress import ProgressCallback, cell
from runbooks.question import PARAMETERS, Question
from runbooks.report import Report

PARAMETER_NAMES = [row.name for row in PARAMETERS]
# The checks that answer why a deployment failed; first the targets, since the code of the whole often only counts them.
WHY = ("deployment-targets-succeeded", "deployment-succeeded")
LONGEST = 3600  # seconds that a diagnosis may take


def diagnose(
    aws: Aws,
    *,
    checks: str | Iterable[str] = (),
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[ProgressCallback]] = cell,
    **asked: Any,
) -> Report:
    """Run checks, side by side, against what ``aws`` is connected to and give one report.

    ``checks`` is an id or ids (all when empty); ``asked`` are the members of `Question`:
    ``diagnose(aws, instance="web-01")``; its ``host_report`` may also be the path of a file. After ``timeout``
    seconds (at most an hour) the report is given as it stands, and what was not done by then is UNKNOWN; so it is
    when it is interrupted. ``progress`` shows meanwhile how far it is (`runbooks.progress`). Raises `UserError` for
    an unknown id, for such a ``timeout``, and as `Question.of` does.
    """
    question, chosen = Question.of(**asked), chosen_checks(checks)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= LONGEST:
        raise UserError(f"timeout must be a number of seconds above 0 and up to {LONGEST}, not {timeout!r}.")
    with progress() as show:
        results = engine.run_all(chosen, aws.remembering(), question, timeout, show)
    return Report(aws.source(), question, results, only=tuple(c.id for c in chosen) if checks else ())


def why(
    aws: Aws,
    deployment: str,
    *,
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[ProgressCallback]] = cell,
) -> Report:
    """Why a deployment failed, by what CodeDeploy says of it and of its targets: three reads for up to 25 targets.

    Its targets are grouped by cause. Raises `UserError` for what is no deployment's id, and as `diagnose` does.
    """
    return diagnose(aws, checks=WHY, timeout=timeout, progress=progress, deployment=deployment)


def refuse_unused(question: Question, checks: Iterable[Check]) -> None:
    """Raise `UserError` for a parameter that no check reads; the instance is what a report is about, read or not."""
    taken = {
        name for check in checks for name in policy.observed().get(check.id, {}).get("takes", PARAMETER_NAMES)
    }
    for name in question.given():
        if name not in taken | {"instance"}:
            takers = [id_ for id_, row in policy.observed().items() if name in row["takes"]]
            option = f"--{name.replace('_', '-')}"
            raise UserError(f"None of these checks takes {option}; {', '.join(takers) or 'no check'} does.")


def chosen_checks(ids: str | Iterable[str]) -> list[Check]:
    """The checks of these ids, in their order; all when there is none. A renamed id still leads to its check.

    Raises `UserError` for an id that no check has.
    """
    known = {check.id: check for check in all_checks()}
    wanted = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
    for name in wanted:
        if RENAMED.get(name, name) not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "`runbooks checks` lists them."
            raise UserError(f"There is no check {name!r}. {hint}")
    return [known[RENAMED.get(name, name)] for name in wanted] or list(known.values())
