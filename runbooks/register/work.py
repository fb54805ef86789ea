"""One carrying out of a registration: it knows what it did so far, and takes back exactly that."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from runbooks.aws import Aws, Refusal
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, Check, Finding
from runbooks.question import Question
from runbooks.register.changes import Change, missing, told

if TYPE_CHECKING:
    from runbooks.register.order import Registration

_TAKEN, _DENIED = "InstanceNameAlreadyRegisteredException", "AccessDeniedException"
_INSTANCE, _DENIALS = "/guides/check-the-instance/", "/guides/check-permissions/#deny-kinds"


class Work:
    """One carrying out: what it did so far, so that exactly this is taken back."""

    def __init__(self, order: "Registration") -> None:
        self.order = order
        self.obstacle = ""  # why nothing may be sent
        self.before = ""  # the ARN that was registered when the work began
        self.registered = False  # AWS answered that this run's call registered it
        self.unanswered = False  # the call went out, and no answer told what became of it
        self.sent: Mapping[str, str] = {}  # tags that were sent and not refused

    def registration_is_made(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is registered with the ARN."""
        change, name = self.order.register, question.instance
        if self.obstacle:
            yield self._not_sent(change)
            return
        self.before, _ = self.order.now()
        if self.before == question.arn:
            yield Finding(OK, f"{name} is registered as {question.arn} already; nothing was sent.", name)
            return
        self.unanswered = True
        refusal = self.order.send(change)
        self.unanswered = False
        if not refusal:
            self.registered = True
            yield Finding(OK, f"{name} was registered as {question.arn}.", name)
        elif refusal.code == _TAKEN and self.order.now()[0] == question.arn:
            # by another caller, or by a first try of this very call whose answer was lost
            yield Finding(OK, f"{name} is registered as {question.arn} already, says {refusal.code}.", name)
        else:
            yield _refused(change, refusal, name)

    def tags_are_added(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance carries the tags."""
        name, tags = question.instance, self.order.tags
        if not tags:
            yield Finding(SKIP, "No tags were asked for.", name)
        elif self.obstacle:
            yield self._not_sent(self.order.add(tags))
        elif not (lacking := missing(tags, self.order.now()[1])):
            yield Finding(OK, f"{name} has {told(tags)} already; nothing was sent.", name)
        else:
            change, self.sent = self.order.add(lacking), lacking
            if refusal := self.order.send(change):
                self.sent = {}
                yield _refused(change, refusal, name)
            else:
                yield Finding(OK, f"{name} was given {told(lacking)}.", name)

    def taken_back(self) -> dict[Check, list[Finding]]:
        """Take back what was begun, each part whatever became of the other, and look at what is left."""
        steps = (self.tags_are_taken_back, self.registration_is_taken_back, self.nothing_is_left_behind)
        found = {Check.of(step): self.order._run(step) for step in steps}
        look = Check.of(self.nothing_is_left_behind)
        found[look] = [self._with_what_may_be_left(finding) for finding in found[look]]
        return found

    def tags_are_taken_back(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The tags of a registration that is given up are removed."""
        if not (self.registered and self.sent):
            yield Finding(SKIP, "There is no tag of a registration of this run to take back.")
            return
        yield from self._undo(self.order.remove(self.sent), f"{told(self.sent)} was taken from")

    def registration_is_taken_back(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """A registration that this run made is undone when a later step fails."""
        if not self.registered:
            yield Finding(
                SKIP, f"No answer says that this run registered {question.instance}: nothing to undo."
            )
            return
        yield from self._undo(self.order.deregister, "The registration was taken back from")

    def nothing_is_left_behind(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is as it was before this run."""
        name, (now, held) = question.instance, self.order.now()
        left = {key: value for key, value in self.sent.items() if held.get(key) == value}
        if now and now != self.before:
            by = "by this run" if self.registered else "though no answer says that this run did it"
            says = f"Left behind: {name} is registered as {now}, {by}, with {told(held) or 'no tags'}."
            says += "" if self.registered else " Run this again to finish it, or take it back."
            yield Finding(FAIL, says, name, self._undoing(left, registration=True), _INSTANCE)
        elif left:
            says = f"Left behind: {name} has {told(left)}, though no answer says that this run gave them."
            yield Finding(FAIL, says, name, self.order.remove(left).command(aws.region))
        else:
            state = f"registered as {now}, as before" if now else "not registered"
            yield Finding(OK, f"{name} is {state}; this run left nothing behind.", name)

    def _undo(self, change: Change, done: str) -> Iterator[Finding]:
        name = self.order.question.instance
        refusal = self.order.send(change)
        yield _refused(change, refusal, name) if refusal else Finding(OK, f"{done} {name}.", name)

    def _with_what_may_be_left(self, finding: Finding) -> Finding:
        """When nobody could look, what this run did is all that is known: say that, and how to undo it."""
        if finding.verdict is not UNKNOWN or not (self.registered or self.unanswered or self.sent):
            return finding
        name, arn = self.order.question.instance, self.order.question.arn
        parts = [f"registered as {arn}"] * (self.registered or self.unanswered)
        parts += [f"tagged {told(self.sent)}"] * bool(self.sent)
        says = f"{finding.says} By this run {name} may be {' and '.join(parts)}."
        fix = self._undoing(self.sent, registration=self.registered or self.unanswered)
        return replace(finding, says=says, about=name, fix=fix)

    def _undoing(self, tags: Mapping[str, str], *, registration: bool) -> str:
        """The commands that take tags and registration back; the second also where the first is refused."""
        region = self.order.aws.region
        changes = [self.order.remove(tags)] * bool(tags) + [self.order.deregister] * registration
        return "; ".join(change.command(region) for change in changes)

    def _not_sent(self, change: Change) -> Finding:
        # Who is held back by the pre-flight is not handed the way around it.
        command = "" if self.order.applies else change.command(self.order.aws.region)
        says = f"{change.api} was not sent: {self.obstacle}."
        return Finding(SKIP, says, self.order.question.instance, command)


def _refused(change: Change, refusal: Refusal, name: str) -> Finding:
    page = _DENIALS if refusal.code == _DENIED else _INSTANCE
    says = f"{change.api} was refused, so it changed nothing: {refusal.code}: {' '.join(refusal.message.split())}"
    return Finding(FAIL, says, name, next=page)
