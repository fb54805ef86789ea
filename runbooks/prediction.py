"""What would fail if one deployed to a group now: the checks of the group, and the linter on a bundle. Read-only."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from runbooks import engine
from runbooks.aws.session import Aws
from runbooks.checks import all_checks, predictions
from runbooks.checks._revision import findings, s3_revision
from runbooks.checks.preflight import Planned
from runbooks.errors import UserError
from runbooks.findings import UNKNOWN, Check, Finding, needs
from runbooks.progress import ProgressCallback, cell
from runbooks.report import Report

_REVISION = "revision-of-the-group-is-there"
# What no check of a group sees, whatever is asked.
_NEVER = (
    "whether the agents of the instances poll (runbooks diagnose INSTANCE --probe)",
    "whether the stop script of each instance's last revision works",
    "whether files are in the way on the instances",
    "what the hook scripts do",
)


def preflight(
    aws: Aws,
    group: str,
    *,
    bundle: str | Path = "",
    revision: str = "",
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[ProgressCallback]] = cell,
) -> Report:
    """What would fail if one deployed to "APPLICATION/GROUP" now, and in the report's note what was not predicted.

    ``bundle`` is a file or a folder that is to be deployed: the linter judges it. ``revision`` is where it is to be
    deployed from, as s3://BUCKET/KEY; by itself the one that the group was last given. Raises `UserError` for what is
    neither, and as `Question.of` does.
    """
    if bundle and not Path(bundle).exists():
        raise UserError(f"There is no file or folder {str(bundle)!r}.")
    question = replace(Planned.of(deployment_group=group), bundle=str(bundle))
    question.require("deployment_group")
    chosen = [check for check in all_checks() if check.category == "group"]
    chosen += predictions()
    if revision:
        location = s3_revision(revision)
        chosen = [_of(check, location) if check.id == _REVISION else check for check in chosen]
    with progress() as show:
        found = engine.run_all([(check, question) for check in chosen], aws.remembering(), timeout, show)
    results = dict(zip(chosen, found, strict=True))
    only = tuple(check.id for check in chosen)
    given = {name: str(value) for name, value in (("bundle", bundle), ("revision", revision)) if value}
    note = _not_predicted(results, bundle)
    return Report(aws.source(), question, results, only, "preflight", note, given)


def _of(check: Check, location: dict[str, Any]) -> Check:
    """The check of the revision, about another one."""

    @needs("deployment_group")
    def revision_of_the_group_is_there(aws: Any, question: Any) -> Iterator[Finding]:
        yield from findings(aws, location)

    return replace(check, function=revision_of_the_group_is_there)


def _not_predicted(results: dict[Check, list[Finding]], bundle: str | Path) -> str:
    unknown = [check.id for check, found in results.items() if UNKNOWN in {f.verdict for f in found}]
    unseen = [] if bundle else ["whether the bundle is sound and for this group (--bundle)"]
    return f"Not predicted: {'; '.join([*unknown, *unseen, *_NEVER])}."
