"""What a report shows, whatever its form: a summary, problems, and what is well or was not asked."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from runbooks.commands import SANDBOX_ENDPOINT, shell, shown
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Call, Check, Command, Finding, NotAsked, Verdict
from runbooks.question import Question
from runbooks.source import Source
from runbooks.text.links import page_url
from runbooks.text.mask import plain
from runbooks.text.times import time

Judged = tuple[Check, Verdict, list[Finding]]  # a check, its verdict, its findings
Row = tuple[Judged, Finding]  # a finding, with the check that made it
PROBLEMS = (FAIL, UNKNOWN, WARN)
WORDS = {
    FAIL: "failed",
    UNKNOWN: "not checked",
    WARN: "with a warning",
    OK: "passed",
    SKIP: "not applicable",
}
NOT_ASKED = "not asked"  # a SKIP for want of a parameter
# What stands before `Contents.sandbox_start`.
SANDBOX_NOTE = (
    "The commands of the AWS CLI here ask a sandbox. Start it, set what it prints, and then"
    " AWS_ACCESS_KEY_ID=administrator, since the caller that it prints may change little:"
)
_FEW = 3  # checks that are named where they say one thing below another
ALSO = "also found"  # what is well, or was skipped, of a check that is counted under another word


@dataclass(frozen=True)
class Entry:
    """Alike findings: those of one check with the same code and fix, or of several that were not made for one reason."""

    verdict: Verdict
    what: str  # the word under which its checks are counted: "failed", "not asked"
    checks: tuple[str, ...]  # ids
    expected: str  # the good state, where it is of one check
    says: tuple[str, ...]
    fix: str
    next: str  # the page to open: its path on the site
    times: tuple[tuple[datetime, ...], ...]  # when what each sentence says happened
    calls: tuple[Call, ...]
    below: tuple[tuple[str, str], ...] = ()  # what else says the same: in which words, and by which checks
    follows: bool = False  # failures that stand elsewhere in the report explain all of it

    @classmethod
    def of(cls, rows: Sequence[Row], parts: Sequence[Row] = (), *, follows: bool = False) -> "Entry":
        """The entry of findings that are alike, each with its check; ``parts`` are those that are said below them."""
        (judged, first), says = rows[0], {finding.says: finding for _, finding in rows}
        checks = {check.id: check for (check, _, _), _ in rows}
        below: dict[str, list[str]] = defaultdict(list)
        for (check, _, _), finding in parts:
            if finding.says not in says:
                below[finding.below or finding.says].append(check.id)
        return cls(
            verdict=first.verdict,
            what=counted_as(judged) if first.verdict is judged[1] else ALSO,
            checks=tuple(checks),
            expected=judged[0].title if len(checks) == 1 else "",
            says=tuple(says),
            fix=first.fix,
            next=first.next if first.next.startswith("/") else f"/checks/#{first.next}" * bool(first.next),
            times=tuple(finding.times for finding in says.values()),
            calls=max((finding.proof for _, finding in rows), key=len)
            + tuple(call for _, finding in parts for call in finding.proof),
            below=tuple((words, _by(list(dict.fromkeys(ids)))) for words, ids in below.items()),
            follows=follows,
        )

    @property
    def is_command(self) -> bool:
        """Whether the fix is a command, ready to paste; else it is a sentence."""
        return isinstance(self.fix, Command)

    @property
    def url(self) -> str:
        """The address of the page to open; "" for none."""
        return page_url(self.next) if self.next else ""


class Further(NamedTuple):
    """What can be checked beside what a report is about, and the command that does it."""

    about: str
    command: str


@dataclass(frozen=True)
class Contents:
    """A report as its forms show it. All of its texts are `plain`."""

    verdict: Verdict
    coverage: str
    exit_code: int
    fingerprint: str
    again: str  # the command that asks the same again
    source: Source
    question: Question
    checks: Sequence[Judged]  # the worst first, those that do not apply last
    chosen: bool  # the checks were asked for by their ids
    command: str  # that asked
    deployed: str  # what was deployed where, by whom, and its status; "" where no deployment was read
    unpredicted: Sequence[str] = ()  # what a prediction leaves open
    further: Further | None = None

    @property
    def subject(self) -> str:
        """What was asked about."""
        return plain(self.question.subject)

    @property
    def context(self) -> Mapping[str, str]:
        """What a link to the guide carries of the question, so that the page's commands hold it."""
        asked = self.question
        return {
            "region": self.source.place.region,
            "deployment": asked.deployment,
            "instance": asked.instance,
            "group": asked.deployment_group,
        }

    @property
    def summary(self) -> str:
        """The verdict and how much was checked, in one line."""
        return f"{self.verdict.name}: {self.coverage}"

    @property
    def place(self) -> str:
        """What was asked, where and when, in one line."""
        at = time(self.source.at)
        where = (self.source.target, self.source.place.region, f"account {self.source.account}")
        return " - ".join((self.subject, *where, at))

    @property
    def asked_by(self) -> str:
        """Who asked, in one line."""
        profile = self.source.place.profile
        return f"asked by {self.source.identity}" + (f", profile {profile}" if profile else "")

    @property
    def sandbox_start(self) -> str:
        """The command that starts what the commands for AWS ask, where they ask a sandbox that ended with the report; else ""."""
        scenario = self.source.place.sandbox
        shows = [entry.fix for entry in self.problems] + list(self.unpredicted)
        asked = scenario and any(SANDBOX_ENDPOINT in text for text in shows)
        return shown(shell("runbooks", "sandbox", scenario=scenario)) if asked else ""

    @property
    def entries(self) -> list[Entry]:
        """All that was found, alike findings as one: FAIL, UNKNOWN and WARN, then what is well and what was skipped."""
        return gathered(self.checks, self.deployed)

    @property
    def problems(self) -> list[Entry]:
        """What needs attention, the worst first."""
        return [entry for entry in self.entries if entry.verdict in PROBLEMS]

    @property
    def others(self) -> Mapping[str, list[Entry]]:
        """What passed, does not apply, was not asked and was also found, under these words."""
        rest: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.verdict not in PROBLEMS:
                rest[entry.what].append(entry)
        return rest


def gathered(checks: Iterable[Judged], deployed: str = "") -> list[Entry]:
    """The findings of the checks as entries; ``deployed`` is what the head of the report says of the deployment."""
    whole = deployed.partition(": ")[2]
    rows = [
        (judged, replace(f, says=f.says.replace(whole, whole.partition(" ")[0])) if whole else f)
        for judged in checks
        for f in judged[2]
    ]
    alike: dict[Hashable, list[Row]] = defaultdict(list)
    parts: dict[Hashable, list[Row]] = defaultdict(list)
    places = _Places.of(rows)
    following: dict[Hashable, list[bool]] = defaultdict(list)
    for place, row in enumerate(rows):
        above = places.whole(place)
        if above is None:
            alike[_kind(row[1])].append(row)
            following[_kind(row[1])].append(places.follows(place))
        else:
            parts[_kind(rows[above][1])].append(row)
    found = [
        Entry.of(same, sorted(parts[kind], key=lambda row: -row[1].verdict), follows=all(following[kind]))
        for kind, same in alike.items()
    ]
    return list(_said_once(sorted(found, key=_order)))


def reasons(checks: Iterable[Judged]) -> int:
    """For how many reasons checks failed: a failure that another one explains is none of its own."""
    return sum(entry.verdict is FAIL and not entry.follows for entry in gathered(checks))


def _by(ids: Sequence[str]) -> str:
    """Which checks say one thing; many are counted."""
    return ", ".join(ids) if len(ids) <= _FEW else f"{len(ids)} checks"


@dataclass(frozen=True)
class _Places:
    """Which finding of a report is said below which, by their places."""

    part_of: Mapping[int, int]  # of another that says the same with more (`Finding.of`)
    explained: Mapping[int, int]  # by the failure of another check (`Finding.explained_by`)
    leading: frozenset[int]  # those that lead to something else, of which not all is checked

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Places":
        findings = [finding for _, finding in rows]
        explained = {
            place: cause for place in range(len(rows)) if (cause := _explaining(rows, place)) is not None
        }
        leading = frozenset(place for place, finding in enumerate(findings) if _leads_on(finding))
        return cls(_parts(findings), explained, leading)

    def whole(self, place: int) -> int | None:
        """The place of the finding below which one is said; None where it stands alone, or where two explain one another."""
        seen, top = {place}, self._above(place)
        while top is not None and top not in seen and (above := self._above(top)) is not None:
            seen.add(top)
            top = above
        return None if top in seen else top

    def follows(self, place: int) -> bool:
        """Whether a failure that does not stand below this finding explains it."""
        cause = self.explained.get(place)
        return cause is not None and place not in (cause, self.whole(cause), self.explained.get(cause))

    def _above(self, place: int) -> int | None:
        if place in self.part_of:
            return self.part_of[place]
        return None if place in self.leading else self.explained.get(place)


def _leads_on(finding: Finding) -> bool:
    """Whether a finding leads to hosts or a group, so that it says more than what was found there."""
    return any(name != "deployment" for lead in finding.leads for name, _ in lead.asked)


def _parts(findings: Sequence[Finding]) -> dict[int, int]:
    """The places of the findings that are a part of another, each with the place of that one, the first of several.

    What is as bad, or worse, and is of all that this one is of, says the same with more; of two that are of the same,
    the first does.
    """
    ranks = [(f.verdict, len(f.of), -place) for place, f in enumerate(findings)]
    partial = [place for place, f in enumerate(findings) if f.of and f.verdict in PROBLEMS]
    more = {
        place: [
            other
            for other in partial
            if ranks[other] > ranks[place]
            and findings[other].verdict >= findings[place].verdict
            and findings[place].of <= findings[other].of
            and _kind(findings[place]) != _kind(findings[other])  # else they are one entry
        ]
        for place in partial
    }
    whole = {place: next((one for one in others if not more[one]), None) for place, others in more.items()}
    return {place: one for place, one in whole.items() if one is not None}


def _explaining(rows: Sequence[Row], place: int) -> int | None:
    """The place of the failure that explains a problem: of the first check that `explained_by` names; None for none."""
    (check, _, _), finding = rows[place]
    if finding.verdict not in PROBLEMS:
        return None
    for id_ in finding.explained_by:
        for other, ((judged, _, _), cause) in enumerate(rows):
            if judged.id == id_ != check.id and cause.verdict is FAIL and _is_about(finding, cause):
                return other
    return None


def _is_about(finding: Finding, cause: Finding) -> bool:
    """Whether a cause is one of what a finding is about: of the same host, group and deployment, or of what it leads to."""
    of_cause = dict(cause.asked)
    about = [dict(finding.asked)] if not finding.leads else [dict(lead.asked) for lead in finding.leads]
    return any(all(of_cause.get(name, value) == value for name, value in one.items()) for one in about)


def _order(entry: Entry) -> tuple[bool, int, bool]:
    """The worst first; of what was not checked, first that about which one can do something."""
    return *rank(entry.verdict), entry.verdict is UNKNOWN and not entry.fix


def _said_once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries; one that has the fix of an entry before it does not repeat it.

    One on another page says whose it is, where that fix is a command, which is not to be run twice.
    """
    pages: dict[str, set[str]] = defaultdict(set)
    first: dict[str, Entry] = {}
    for entry in entries:
        before, same = pages[entry.fix], first.setdefault(entry.fix, entry)
        if entry.next in before:
            yield replace(entry, fix="")
        elif before and entry.is_command:
            yield replace(entry, fix=f"The same command as that of {same.checks[0]}.")
        else:
            yield entry
        before.add(entry.next)


def counted_as(judged: Judged) -> str:
    """The word under which a check is counted."""
    _, verdict, found = judged
    not_asked = verdict is SKIP and all(finding.code.endswith(f"/{NotAsked.code}") for finding in found)
    return NOT_ASKED if not_asked else WORDS[verdict]


def rank(verdict: Verdict) -> tuple[bool, int]:
    """The order in which a file shows verdicts: the worst first, what does not apply last."""
    return verdict is SKIP, -verdict


def causes_first(rows: Sequence[Judged]) -> list[Judged]:
    """The rows with each check that failed behind those whose failure explains its own, else in their order.

    A check with a finding that nothing explains keeps its place.
    """
    causes = {check.id: _causes(found) for check, verdict, found in rows if verdict is FAIL}

    def depth(id_: str, before: frozenset[str]) -> int:
        behind = (causes[id_] & causes.keys()) - before
        return 1 + max(depth(cause, before | {cause}) for cause in behind) if behind else 0

    order = {id_: depth(id_, frozenset({id_})) for id_ in causes}
    return sorted(rows, key=lambda row: (rank(row[1]), order.get(row[0].id, 0)))


def _causes(found: Iterable[Finding]) -> set[str]:
    """The ids of the checks that may explain all that failed of a check."""
    failed = [set(finding.explained_by) for finding in found if finding.verdict is FAIL]
    return set.union(*failed) if failed and all(failed) else set()


def made_plain(source: Source) -> Source:
    """``source`` as every reader may see it: the names in it come from AWS, from settings and from the environment."""
    place = replace(source.place, region=plain(source.place.region), profile=plain(source.place.profile))
    return replace(
        source,
        place=place,
        target=plain(source.target),
        account=plain(source.account),
        identity=plain(source.identity),
    )


def proof(calls: Iterable[Call], region: str) -> list[str]:
    """The calls behind an entry, one text for each operation: how it was answered, where that is not just "ok".

    A request id stands beside what was refused: AWS's support asks for it. The JSON has them all.
    """
    answers: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for call in calls:
        answers[call.api, call.region][call.answer] = call.request_id
    return [
        api + (f" in {where}" if where != region else "") + _answers(ids)
        for (api, where), ids in answers.items()
    ]


def _answers(ids: Mapping[str, str]) -> str:
    """How an operation was answered; the request id of a refusal, unless the operation was answered after all."""
    refused = "ok" not in ids
    said = [f"{answer}, request {id_}" if refused and id_ else answer for answer, id_ in ids.items()]
    return f" ({'; '.join(said)})" if said != ["ok"] else ""


def _kind(finding: Finding) -> Hashable:
    what = finding.says if finding.verdict in (UNKNOWN, SKIP) else finding.code
    return finding.verdict, what, finding.fix, finding.next
