"""The execution of a registration: it knows what it did so far, and takes back exactly that."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from runbooks.aws import Aws, Refusal
from runbooks.commands import script, shown
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, Check, CheckFunction, Finding, NotApplicable
from runbooks.question import Question
from runbooks.register.changes import Change, describe, missing
from runbooks.register.plan import Registration
from runbooks.report import Report
from runbooks.text.mask import plain

_TAKEN, _DENIED = "InstanceNameAlreadyRegisteredException", "AccessDeniedException"
_INSTANCE, _DENIALS = "/guides/check-the-instance/", "/guides/check-permissions/#deny-kinds"


def carry_out(registration: Registration) -> Report:
    """Register and tag the instance, if ``apply`` was given and the pre-flight is clear; never raises.

    When a change is refused or its outcome is not known, what this run began is taken back and the report
    says what is left. A registration that this run did not make is never taken back.
    """
    execution = Execution(registration)
    found: dict[Check, list[Finding]] = {}
    if registration.applies:
        before = registration.preflight()
        found |= before.results
        if before.exit_code:
            names = ", ".join(check.id for check, verdict, _ in before.checks if verdict in (FAIL, UNKNOWN))
            execution.obstacle = f"the pre-flight is not clear ({names})"
    else:
        execution.obstacle = "apply is False"
    for step in (execution.registration_is_made, execution.tags_are_added):
        check = Check.of(step)
        found[check] = execution.run(step)
        if any(finding.verdict in (FAIL, UNKNOWN) for finding in found[check]):
            return registration.report(found | execution.taken_back())
    last = registration.registration_is_as_asked
    return registration.report(found | {Check.of(last): execution.run(last)})


class Execution:
    """One execution: what it did so far, so that exactly this is taken back."""

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self.obstacle = ""  # why nothing may be sent
        self.before = ""  # the ARN that was registered when the work began
        self.registered = False  # AWS answered that this run's call registered it
        self.unanswered = False  # the call went out, and no answer told what became of it
        self.sent: Mapping[str, str] = {}  # tags that were sent and not refused

    def run(self, step: CheckFunction) -> list[Finding]:
        """Run one step; an interrupt is a finding, so that the stop button leaves no half registration."""
        try:
            return run(step, self.registration.aws, self.registration.question)
        except KeyboardInterrupt:
            says = "Interrupted: whether the call reached AWS is not known."
            return [Finding(UNKNOWN, says, code=f"{Check.of(step).id}/interrupted")]

    def registration_is_made(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is registered with the ARN."""
        change, name = self.registration.register, question.instance
        if self.obstacle:
            yield self._not_sent(change)
            return
        self.before, _ = self.registration.now()
        if self.before == question.arn:
            yield Finding(
                OK, f"{name} is registered as {question.arn} already; nothing was sent.", about=name
            )
            return
        self.unanswered = True
        refusal = self.registration.send(change)
        self.unanswered = False
        if not refusal:
            self.registered = True
            yield Finding(OK, f"{name} was registered as {question.arn}.", about=name)
        elif refusal.code == _TAKEN and self.registration.now()[0] == question.arn:
            # by another caller, or by a first try of this very call whose answer was lost
            yield Finding(
                OK, f"{name} is registered as {question.arn} already, says {refusal.code}.", about=name
            )
        else:
            yield _refused(change, refusal, name)

    def tags_are_added(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance carries the tags."""
        name, tags = question.instance, self.registration.tags
        if not tags:
            yield Finding(SKIP, "No tags were asked for.", about=name)
        elif self.obstacle:
            yield self._not_sent(self.registration.add(tags))
        elif not (lacking := missing(tags, self.registration.now()[1])):
            yield Finding(OK, f"{name} has {describe(tags)} already; nothing was sent.", about=name)
        else:
            change, self.sent = self.registration.add(lacking), lacking
            if refusal := self.registration.send(change):
                self.sent = {}
                yield _refused(change, refusal, name)
            else:
                yield Finding(OK, f"{name} was given {describe(lacking)}.", about=name)

    def taken_back(self) -> dict[Check, list[Finding]]:
        """Take back what was begun, each part whatever became of the other, and look at what is left."""
        steps = (self.tags_are_taken_back, self.registration_is_taken_back, self.nothing_is_left_behind)
        found = {Check.of(step): self.run(step) for step in steps}
        look = Check.of(self.nothing_is_left_behind)
        found[look] = [self._with_what_may_be_left(finding) for finding in found[look]]
        return found

    def tags_are_taken_back(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The tags of a registration that is given up are removed."""
        if not (self.registered and self.sent):
            raise NotApplicable("There is no tag of a registration of this run to take back.")
        yield from self._undo(self.registration.remove(self.sent), f"{describe(self.sent)} was taken from")

    def registration_is_taken_back(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """A registration that this run made is undone when a later step fails."""
        if not self.registered:
            raise NotApplicable(
                f"No answer says that this run registered {question.instance}: nothing to undo."
            )
        yield from self._undo(self.registration.deregister, "The registration was taken back from")

    def nothing_is_left_behind(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is as it was before this run."""
        name, (now, held) = question.instance, self.registration.now()
        left = {key: value for key, value in self.sent.items() if held.get(key) == value}
        if now and now != self.before:
            by = "by this run" if self.registered else "though no answer says that this run did it"
            says = f"Left behind: {name} is registered as {now}, {by}, with {describe(held) or 'no tags'}."
            says += "" if self.registered else " Run this again to finish it, or take it back."
            yield Finding(
                FAIL,
                says,
                code="left-registered",
                about=name,
                fix=self._undoing(left, registration=True),
                next=_INSTANCE,
            )
        elif left:
            says = f"Left behind: {name} has {describe(left)}, though no answer says that this run gave them."
            yield Finding(
                FAIL,
                says,
                code="left-tags",
                about=name,
                fix=self.registration.remove(left).command(aws.place),
            )
        else:
            state = f"registered as {now}, as before" if now else "not registered"
            yield Finding(OK, f"{name} is {state}; this run left nothing behind.", about=name)

    def _undo(self, change: Change, done: str) -> Iterator[Finding]:
        name = self.registration.question.instance
        refusal = self.registration.send(change)
        yield _refused(change, refusal, name) if refusal else Finding(OK, f"{done} {name}.", about=name)

    def _with_what_may_be_left(self, finding: Finding) -> Finding:
        """Where the state could not be checked, say what this run did, which is all that is known, and how to undo it."""
        if finding.verdict is not UNKNOWN or not (self.registered or self.unanswered or self.sent):
            return finding
        name, arn = self.registration.question.instance, self.registration.question.arn
        parts = [f"registered as {arn}"] * (self.registered or self.unanswered)
        parts += [f"tagged {describe(self.sent)}"] * bool(self.sent)
        says = plain(f"{finding.says} By this run {name} may be {' and '.join(parts)}.")
        fix = self._undoing(self.sent, registration=self.registered or self.unanswered)
        return replace(finding, says=says, about=name, fix=fix)

    def _undoing(self, tags: Mapping[str, str], *, registration: bool) -> str:
        """The commands that take tags and registration back; the second also where the first is refused."""
        place = self.registration.aws.place
        changes = [self.registration.remove(tags)] * bool(tags) + [
            self.registration.deregister
        ] * registration
        return shown(script("; ".join(change.command(place) for change in changes)))

    def _not_sent(self, change: Change) -> Finding:
        # Who is held back by the pre-flight is not handed the way around it.
        command = "" if self.registration.applies else change.command(self.registration.aws.place)
        says = f"{change.api} was not sent: {self.obstacle}."
        return Finding(SKIP, says, about=self.registration.question.instance, fix=command)


def _refused(change: Change, refusal: Refusal, name: str) -> Finding:
    page = _DENIALS if refusal.code == _DENIED else _INSTANCE
    says = f"{change.api} was refused, so it changed nothing: {refusal.code}: {' '.join(refusal.message.split())}"
    return Finding(FAIL, says, code="refused", about=name, next=page)
