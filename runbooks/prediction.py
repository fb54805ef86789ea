"""What would fail if you deployed to a group now. Read-only, as a diagnosis is.

First the checks of the group and of the bundle; then those of a sample of the group's hosts, to which the check of its
instances leads.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from runbooks import engine
from runbooks.aws.session import Aws
from runbooks.checks import all_checks, predictions
from runbooks.checks._revision import findings, revision_at
from runbooks.checks.preflight import BY_AWS, MOST_LEADS, Planned
from runbooks.commands import aws_cli, piped, shell, shown
from runbooks.diagnosis import add_to, leads_of
from runbooks.errors import UserError
from runbooks.findings import FAIL, UNKNOWN, WARN, Check, CouldNotCheck, Finding, Lead, needs
from runbooks.progress import ProgressCallback, cell
from runbooks.question import Question
from runbooks.report import Report

_REVISION = "revision-of-the-group-is-there"
_NEVER = ("what the hook scripts do",)  # whatever is asked


def preflight(
    aws: Aws,
    group: str,
    *,
    bundle: str | Path = "",
    revision: str = "",
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[ProgressCallback]] = cell,
) -> Report:
    """What would fail if you deployed to "APPLICATION/GROUP" now, and what was not predicted.

    What is wrong and stops no deployment to the current instances (`Finding.later`) is a WARN here, where a diagnosis FAILs.
    ``bundle`` is a file or a folder that is to be deployed: the linter judges it. ``revision`` is where it is to be
    deployed from, as `revision_at` takes it; by itself the one that the group was last given. A sample of the hosts is checked
    too, with the probe where the session may send it. Raises `UserError` for what is neither, and as `Question.of` does.
    """
    if bundle and not Path(bundle).exists():
        raise UserError(f"There is no file or folder {str(bundle)!r}.")
    question = replace(Planned.of(deployment_group=group), bundle=str(bundle), revision=revision)
    question.require("deployment_group")
    chosen = [check for check in all_checks() if check.category in ("group", "traffic")]
    chosen += [check for check in predictions() if "instance" not in check.needs]
    if revision:
        location = revision_at(revision)
        chosen = [_of(check, location) if check.id == _REVISION else check for check in chosen]
    began, session = time.monotonic(), aws.remembering()
    with progress() as show:
        found = engine.run_all([(check, question) for check in chosen], session, timeout, show, began=began)
        results = dict(zip(chosen, found, strict=True))
        hosts = leads_of(results)[:MOST_LEADS]
        more = _on_hosts(aws, question, hosts)
        found = engine.run_all(more, session.remembering(), timeout, show, began=began)
        add_to(results, more, found)
    given = {name: str(value) for name, value in (("bundle", bundle), ("revision", revision)) if value}
    results = {check: [_predicted(one) for one in found] for check, found in results.items()}
    only = tuple(check.id for check in results)
    return Report(
        aws.source(),
        question,
        results,
        only,
        "preflight",
        _sample(aws, hosts),
        tuple(_unpredicted(aws, results, hosts, question)),
        given,
    )


def _predicted(finding: Finding) -> Finding:
    """The finding as a prediction: a FAIL only where it stops the deployment."""
    return replace(finding, verdict=WARN) if finding.later and finding.verdict is FAIL else finding


def _on_hosts(aws: Aws, question: Planned, hosts: Sequence[Lead]) -> list[tuple[Check, Question]]:
    """The checks of the sample of hosts, each with its question; without the probe those that need it say so."""
    known = {check.id: check for check in (*all_checks(), *predictions())}
    asked: list[tuple[Check, Question]] = [
        (known[id_], about)
        for host in hosts
        for about in [question.on(host)]
        for id_ in host.checks
        if set(known[id_].needs) - {"bundle"} <= set(about.given()) and (id_ in BY_AWS or aws.probe_by)
    ]
    if hosts and not _probed(aws, hosts):
        names = ", ".join(host.about for host in hosts)
        why = (
            f"no host was probed. With --probe Systems Manager runs the read-only probe on {names}"
            if aws.probe_by is None
            else f"no host can be probed: Systems Manager is connected with none of {names}"
        )
        asked += [(_unprobed(known[id_], f"{why}."), question) for id_ in question.by_probe]
    return asked


def _probed(aws: Aws, hosts: Sequence[Lead]) -> list[str]:
    """The hosts of the sample that the probe is run on."""
    return [host.about for host in hosts if aws.probe_by and set(host.checks) - set(BY_AWS)]


def _unprobed(check: Check, why: str) -> Check:
    """A check of a host, where there is no probe of one."""

    def function(aws: Any, question: Any) -> Iterator[Finding]:
        raise CouldNotCheck(why)

    return replace(check, function=function)


def _of(check: Check, location: dict[str, Any]) -> Check:
    """The check of the revision, about another one."""

    @needs("deployment_group")
    def revision_of_the_group_is_there(aws: Any, question: Any) -> Iterator[Finding]:
        yield from findings(aws, location)

    return replace(check, function=revision_of_the_group_is_there)


def _total(hosts: Sequence[Lead]) -> int:
    """How many instances the sample is of."""
    return max((host.alike for host in hosts), default=0)


def _sample(aws: Aws, hosts: Sequence[Lead]) -> str:
    """On which hosts the prediction rests."""
    probed = _probed(aws, hosts)
    return f"Probed: {', '.join(probed)} ({len(probed)} of {_total(hosts)} instances)." if probed else ""


def _unpredicted(
    aws: Aws, results: dict[Check, list[Finding]], hosts: Sequence[Lead], question: Planned
) -> Iterator[str]:
    """What the prediction leaves open."""
    probed = len(_probed(aws, hosts))
    if unknown := [check.id for check, found in results.items() if UNKNOWN in {f.verdict for f in found}]:
        yield f"what could not be checked: {', '.join(unknown)}"
    if not question.bundle:
        yield f"whether the bundle is sound and for this group: {_unread(aws, hosts)}"
    if 0 < probed < _total(hosts):
        left = _total(hosts) - probed
        yield f"what the probe would find on the {left} other instance{'s' * (left != 1)}"
    yield from _NEVER


def _unread(aws: Aws, hosts: Sequence[Lead]) -> str:
    """How to have the bundle judged. A stored one is not read: the policy of this project's reader has no s3:GetObject."""
    stored = next((dict(host.asked).get("bucket", "") for host in hosts), "")
    if not stored:
        return "give it with --bundle"
    download = piped(aws_cli(aws.place, "s3", "cp", f"s3://{stored}", "-"), shell("runbooks", "appspec", "-"))
    return (
        f"give it with --bundle, or judge the stored one as someone who has s3:GetObject: {shown(download)}"
    )
