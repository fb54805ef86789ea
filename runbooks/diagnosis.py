"""`diagnose`: joins the session, the checks, the engine and the report.

A deployment or a group that is named alone is diagnosed in two steps: what CodeDeploy says of it, then the checks that
the findings lead to (`findings.Lead`), on a sample of the hosts that failed.
"""

import difflib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from runbooks import engine, policy
from runbooks.aws.session import Aws
from runbooks.checks import RENAMED, all_checks
from runbooks.checks._deployed import what_was_deployed
from runbooks.checks._named import has_its_arn
from runbooks.checks.deployment import WHY
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, UNKNOWN, Check, Command, Finding, Lead, Verdict
from runbooks.progress import ProgressCallback, cell
from runbooks.question import PARAMETERS, Question, is_instance_arn
from runbooks.report import Report

PARAMETER_NAMES = [row.name for row in PARAMETERS]
MOST_LEADS = 3  # hosts that the second step of a diagnosis checks
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
    ``diagnose(aws, instance="web-01")``; its ``host_report`` may also be the path of a file, its ``instance`` an ARN. After ``timeout``
    seconds (at most an hour) the report is given as it stands, and what was not done by then is UNKNOWN; so it is
    when it is interrupted. ``progress`` shows meanwhile how far it is (`runbooks.progress`). Raises `UserError` for
    an unknown id, for such a ``timeout``, and as `Question.of` does.
    """
    began, session = time.monotonic(), aws.remembering()
    question = _of_an_instance(session, Question.of(**asked), asked)
    chosen = chosen_checks(checks) if checks else checks_about(question)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= LONGEST:
        raise UserError(f"timeout must be a number of seconds above 0 and up to {LONGEST}, not {timeout!r}.")
    with progress() as show:
        found = engine.run_all([(check, question) for check in chosen], session, timeout, show, began=began)
        results, note = dict(zip(chosen, found, strict=True)), ""
        if _is_alone(question) and not checks:
            leads = leads_of(results)
            asked_of = _questions(question, leads[:MOST_LEADS])
            more = [(check, about) for _, check, about in asked_of]
            found = engine.run_all(more, session.remembering(), timeout, show, began=began)
            add_to(results, more, found)
            results = {check: [_as_it_is_now(f, results) for f in found] for check, found in results.items()}
            note = _sample(leads, _unchecked([lead for lead, *_ in asked_of], found))
    only = tuple(check.id for check in chosen) if checks else ()
    command = "why" if only == WHY and _is_alone(question) else "diagnose"
    return Report(
        aws.source(), question, results, only, command, note, deployed=_deployed(results, session, question)
    )


def why(
    aws: Aws,
    deployment: str,
    *,
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[ProgressCallback]] = cell,
) -> Report:
    """Why a deployment failed, by what CodeDeploy says of it and of its targets: three reads for up to 25 targets.

    Its targets are grouped by cause. Raises `UserError` for what is not a deployment id, and as `diagnose` does.
    """
    if deployment == "":  # which diagnose takes for a parameter that was left out
        raise UserError("No deployment was given: why needs an id, such as d-ABCDEF123.")
    return diagnose(aws, checks=WHY, timeout=timeout, progress=progress, deployment=deployment)


def _of_an_instance(aws: Aws, question: Question, asked: Mapping[str, Any]) -> Question:
    """The question with the instance's name in the place of its ARN. Raises `UserError` where no instance has the ARN."""
    if not is_instance_arn(question.instance):
        return question
    *_, found = engine.run(has_its_arn, aws, question)
    if found.verdict is UNKNOWN:
        raise UserError(f"{found.says} Give the instance's name in the place of its ARN.", 2)
    if found.verdict is not OK:
        raise UserError(found.says)
    return Question.of(**{**asked, "instance": found.about})


def _deployed(results: Mapping[Check, list[Finding]], session: Aws, question: Question) -> str:
    """What was deployed where, by whom, and its status: by what a check has read, so that nothing is asked for it."""
    late = any(finding.code.endswith("/late") for found in results.values() for finding in found)
    if late or not question.deployment:  # what is late may never come
        return ""
    (found,) = engine.run(what_was_deployed, session, question)
    return found.says if found.verdict is OK else ""


def checks_about(question: Question) -> list[Check]:
    """The checks of what a question is about: of a deployment or a group that is named alone, only theirs; else all."""
    if not _is_alone(question):
        return list(all_checks())
    given = set(question.given())
    return [check for check in all_checks() if set(check.needs) & given and set(check.needs) <= given]


def _is_alone(question: Question) -> bool:
    return bool(given := set(question.given())) and given <= {"deployment", "deployment_group"}


def leads_of(results: Mapping[Check, list[Finding]]) -> list[Lead]:
    """What the findings lead to, each thing once; nothing once the time has passed or a reader interrupted."""
    findings = [finding for found in results.values() for finding in found]
    if any(finding.code.endswith("/late") for finding in findings):
        return []
    leads = [lead for finding in findings for lead in finding.leads]
    return list({lead.about: lead for lead in reversed(leads)}.values())[::-1]


def _questions(question: Question, leads: Iterable[Lead]) -> list[tuple[Lead, Check, Question]]:
    """Each check that a lead calls for, with its lead and its question, where that gives the check all that it needs."""
    asked = []
    for lead in leads:
        about = Question.of(**question.given() | dict(lead.asked))
        given = set(about.given())
        asked += [(lead, check, about) for check in chosen_checks(lead.checks) if set(check.needs) <= given]
    return asked


def add_to(
    results: dict[Check, list[Finding]],
    asked: Iterable[tuple[Check, Question]],
    found: Iterable[list[Finding]],
) -> None:
    """Add what the second step found; a fact that two hosts share is said once, as one of what they have in common."""
    for (check, _), findings in zip(asked, found, strict=True):
        known = {(finding.code, finding.says): finding for finding in results.get(check, ())}
        for one in findings:
            same = known.get((one.code, one.says), one)
            known[one.code, one.says] = replace(
                same, asked=tuple(part for part in same.asked if part in one.asked)
            )
        results[check] = list(known.values())


def _as_it_is_now(finding: Finding, results: Mapping[Check, Sequence[Finding]]) -> Finding:
    """A failure of the past with what the checks of its group found now, where they find nothing wrong: so it may have ended."""
    asked = {id_ for lead in finding.leads if "/" in lead.about for id_ in lead.checks}
    found = [one for check, those in results.items() if check.id in asked for one in those]
    if finding.verdict is not FAIL or isinstance(finding.fix, Command) or {f.verdict for f in found} != {OK}:
        return finding
    says = " ".join(dict.fromkeys(one.says for one in found))
    past = f"If this was corrected since, deploy again. What the checks find now: {says}"
    return replace(finding, fix=f"{finding.fix} {past}".strip())


def _unchecked(leads: Sequence[Lead], found: Sequence[Sequence[Finding]]) -> dict[str, tuple[int, int]]:
    """By what was led to: how many of its checks could not be made, and how many there are; ``leads`` has one for each."""
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    for lead, findings in zip(leads, found, strict=True):
        verdicts[lead.about].append(max(finding.verdict for finding in findings))
    return {about: (those.count(UNKNOWN), len(those)) for about, those in verdicts.items()}


def _sample(leads: Sequence[Lead], unchecked: Mapping[str, tuple[int, int]]) -> str:
    """On which things the second step was made, on which it could not be, and how many were left out."""
    done: list[str] = []
    missed: list[str] = []
    for lead in leads[:MOST_LEADS]:
        unknown, all_ = unchecked.get(lead.about, (0, 0))
        notes = [f"1 of {lead.alike} that failed alike"] * (lead.alike > 1)
        notes += [f"{unknown} of {all_} checks could not be made"] * (0 < unknown < all_)
        (missed if 0 < unknown == all_ else done).append(
            lead.about + (f" ({', '.join(notes)})" if notes else "")
        )
    left = len(leads) - len(done) - len(missed)
    rest = f"; {left} more that failed otherwise {'was' if left == 1 else 'were'} not" if left else ""
    said = {"Checked in more detail": done, "Could not be checked in more detail": missed}
    sentences = [f"{what}: {', '.join(names)}" for what, names in said.items() if names]
    return ". ".join(sentences) + f"{rest}." * bool(sentences)


def refuse_unused(question: Question, checks: Iterable[Check]) -> None:
    """Raise `UserError` for a parameter that no check reads; the instance is what a report is about, read or not."""
    taken = {
        name for check in checks for name in policy.observed().get(check.id, {}).get("takes", PARAMETER_NAMES)
    }
    for name in question.given():
        if name not in taken | {"instance"}:
            takers = [check.id for check in all_checks() if name in policy.observed()[check.id]["takes"]]
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
