"""A registration that is asked for: its pre-flight checks, its plan, its confirmation."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from runbooks import catalog
from runbooks.aws import Aws, Refusal
from runbooks.aws.arn import Arn
from runbooks.aws.connect import allowing
from runbooks.checks._iam import caller_may_do
from runbooks.diagnosis import diagnose
from runbooks.engine import run
from runbooks.errors import UserError
from runbooks.facts.iam import caller_arn
from runbooks.facts.registration import arn_of, registration
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Check, Finding, NotApplicable
from runbooks.question import Question, is_ec2, name_of_instance
from runbooks.register.changes import (
    Change,
    allowed_changes,
    count,
    deregistering,
    describe,
    missing,
    registering,
    tagging,
)
from runbooks.report import Report

# The checks of the package that must have nothing against it, and those of this module.
PREFLIGHT = (
    "arn-is-free",
    "instance-is-not-registered-elsewhere",
    "no-registration-competes",
    "caller-may-register",
    "caller-may-list",
)
OWN_PREFLIGHT = ("arn-is-of-this-account", "tags-have-room", "caller-may-undo")
# What the AWS CLI itself refuses (awscli customizations/codedeploy/utils.py).
_MOST_TAGS, _KEY, _VALUE = 10, 128, 256
_UNDOING = ("codedeploy:RemoveTagsFromOnPremisesInstances", "codedeploy:DeregisterOnPremisesInstance")
_DENIED = "AccessDeniedException"
_INSTANCE, _DENIALS = "/guides/check-the-instance/", "/guides/check-permissions/#deny-kinds"


@dataclass(frozen=True)
class Registration:
    """An instance to register: what is asked for, and the session that may do that and nothing else.

    ``accept`` holds the ids of pre-flight checks whose FAIL or UNKNOWN the user accepts.
    """

    aws: Aws
    question: Question  # its instance and its arn
    tags: Mapping[str, str]
    accept: Collection[str] = ()

    @property
    def applies(self) -> bool:
        """Whether the session may change anything at all."""
        return self.aws.allows(self.register.api)

    @property
    def register(self) -> Change:
        """The call that registers."""
        return registering(self.question)

    @property
    def deregister(self) -> Change:
        """The call that takes the registration back."""
        return deregistering(self.question)

    def add(self, tags: Mapping[str, str]) -> Change:
        """The call that gives the instance these tags."""
        return Change("AddTagsToOnPremisesInstances", tagging(self.question, tags))

    def remove(self, tags: Mapping[str, str]) -> Change:
        """The call that takes these tags, with these values, from the instance."""
        return Change("RemoveTagsFromOnPremisesInstances", tagging(self.question, tags))

    def __repr__(self) -> str:
        who = self.aws.known_identity
        may = "may register it" if self.applies else "only reads: apply is False"
        return (
            f"{self.question.instance} as {self.question.arn}\n"
            f"{self.aws.target} in {self.aws.region}, by {who.arn if who else 'an unknown caller'}; {may}"
        )

    def preflight(self) -> Report:
        """Check all that could stop it; changes nothing. What was accepted is a WARN."""
        ours = diagnose(
            self.aws, checks=PREFLIGHT, instance=self.question.instance, arn=self.question.arn
        ).results
        own = {Check.of(check): run(check, self.aws, self.question) for check in self._own_checks}
        return self.report(
            {
                check: [self._accepted(check, finding) for finding in found]
                for check, found in (*ours.items(), *own.items())
            }
        )

    def plan(self) -> str:
        """What would be sent, in order, and what would take it back; asks nothing of AWS."""
        first, second = self.register, self.add(self.tags)
        back = [self.remove(self.tags), self.deregister] if self.tags else [self.deregister]
        sent = (
            "is sent by the changing cell, once the pre-flight is clear"
            if self.applies
            else "is not sent: apply is False"
        )
        lines = [f"This {sent}.", "", *self._shown("1", first)]
        lines += self._shown("2", second) if self.tags else []
        lines += [
            "What is there already is not sent again. If a step fails, this run takes back what it began:",
            "",
        ]
        lines += [line for change in back for line in self._shown("-", change)]
        return "\n".join(lines).rstrip()

    def confirm(self) -> Report:
        """Check whether the instance is registered as it was asked for."""
        return self.report(
            {
                Check.of(self.registration_is_as_asked): run(
                    self.registration_is_as_asked, self.aws, self.question
                )
            }
        )

    def report(self, found: Mapping[Check, list[Finding]]) -> Report:
        """A report of these findings about this registration."""
        return Report(self.aws.source(), self.question, found)

    def send(self, change: Change) -> Refusal | None:
        """Send a change. Gives the refusal when AWS refused it, so that it was not done; raises what leaves that open."""
        declared = (*catalog.operations()[change.operation], _DENIED)
        # These operations answer with nothing, so that AWS answered at all is all that can be asked of it.
        answer = self.aws.ask(change.api, "ResponseMetadata", expecting=declared, **change.parameters)
        return answer if isinstance(answer, Refusal) else None

    def now(self) -> tuple[str, dict[str, str]]:
        """The ARN that the instance is registered with, and its tags; "" and none when it is not registered."""
        info = registration(self.aws, self.question.instance)
        if isinstance(info, Refusal) or info.get("deregisterTime"):
            return "", {}
        tags = {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", ())}
        return arn_of(info), tags

    def arn_is_of_this_account(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The ARN is of the account that the caller asks.

        Another account mostly means another profile than was meant. Whether CodeDeploy registers an ARN of
        another account is not verified.
        """
        caller, asked = Arn.of(caller_arn(aws)), Arn.of(question.arn)
        if (caller.partition, caller.account) == (asked.partition, asked.account):
            yield Finding(
                OK, f"{question.arn} is of account {caller.account}, which is asked.", about=question.arn
            )
        else:
            says = f"{question.arn} is not of account {caller.account}, which is asked; whether that is meant is not known."
            yield Finding(UNKNOWN, says, code="other-account", about=question.arn, next=_INSTANCE)

    def tags_have_room(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The tags fit beside those that the instance has, and replace none of them.

        An instance has at most 10 tags, and one value for each key.
        """
        name, (arn, held) = question.instance, self.now()
        if not self.tags:
            raise NotApplicable(
                f"No tags were asked for, so no deployment group that selects by tag finds {name}."
            )
        there = f"has {count(held)}" if arn else "is not registered here, so it has no tags"
        total = {**held, **self.tags}
        replaced = [key for key, value in held.items() if total[key] != value]
        if len(total) > _MOST_TAGS:
            yield Finding(
                FAIL,
                f"{name} {there} and would have {len(total)}; the most is {_MOST_TAGS}.",
                code="too-many-tags",
                about=name,
            )
        for key in replaced:
            yield Finding(
                WARN,
                f"The tag {key} of {name} is {held[key]!r} and would be {total[key]!r}.",
                code="replaces-a-tag",
                about=name,
            )
        if len(total) <= _MOST_TAGS and not replaced:
            yield Finding(
                OK, f"{name} {there}; it would have {len(total)} of at most {_MOST_TAGS}.", about=name
            )

    def caller_may_undo(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The caller may also take the tags and the registration back.

        A caller that may register but not deregister leaves half a registration behind when tagging fails.
        IAM's policy simulator is asked.
        """
        caller = Arn.of(caller_arn(aws))
        mine = f"arn:{caller.partition}:codedeploy:{aws.region}:{caller.account}:instance:{question.instance}"
        yield from caller_may_do(aws, _UNDOING, mine, page=_DENIALS)

    def registration_is_as_asked(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is registered with the ARN and carries the tags."""
        name, (arn, held) = question.instance, self.now()
        if not arn and not self.applies:
            yield Finding(
                SKIP, f"{name} is not registered, and nothing was sent: apply is False.", about=name
            )
        elif arn != question.arn:
            says = (
                f"{name} is registered as {arn}, not as {question.arn}."
                if arn
                else f"{name} is not registered."
            )
            yield Finding(FAIL, says, code="not-as-asked", about=name, next=_INSTANCE)
        elif lacking := missing(self.tags, held):
            fix = self.add(lacking).command(self.aws.place)
            yield Finding(
                FAIL,
                f"{name} is registered as {arn}, but lacks {describe(lacking)}.",
                code="lacks-tags",
                about=name,
                fix=fix,
            )
        else:
            tags = f", tagged {describe(self.tags)}" if self.tags else ""
            yield Finding(OK, f"{name} is registered as {arn}{tags}.", about=name)

    @property
    def _own_checks(self) -> tuple[Callable[[Aws, Question], Iterator[Finding]], ...]:
        return (self.arn_is_of_this_account, self.tags_have_room, self.caller_may_undo)

    def _accepted(self, check: Check, finding: Finding) -> Finding:
        if check.id in self.accept and finding.verdict in (FAIL, UNKNOWN):
            return replace(
                finding, verdict=WARN, says=f"Accepted, though {finding.verdict.name}: {finding.says}"
            )
        return finding

    def _shown(self, mark: str, change: Change) -> list[str]:
        parameters = json.dumps(dict(change.parameters))
        return [f"{mark} {change.api} {parameters}", f"  {change.command(self.aws.place)}", ""]


def prepare(
    target: str,
    instance: str,
    arn: str,
    tags: Mapping[str, str],
    *,
    apply: bool = False,
    accept: Collection[str] = (),
    profile: str = "",
    region: str = "",
) -> Registration:
    """Prepare the registration of ``instance`` with ``arn``, an IAM user's or a role session's, and ``tags``.

    ``target``, ``profile`` and ``region`` are those of `connect`. Without ``apply`` the session only reads; with it,
    it may also send the four calls of this registration and of its undoing. Raises `UserError` with one sentence
    for a name, an ARN, a tag or an id in ``accept`` that cannot be, and as `connect` does.
    """
    question = Question.of(instance=instance, arn=arn)
    _check(question, tags, apply, accept)
    allowed = allowed_changes(question, tags) if apply else {}
    return Registration(
        allowing(allowed, target, profile=profile, region=region), question, dict(tags), accept
    )


def _check(question: Question, tags: Mapping[str, str], apply: bool, accept: Collection[str]) -> None:
    """Refuse what cannot be meant, before anything is sent."""
    if not isinstance(apply, bool):  # a parameter from outside may be the text "False", which is true
        raise UserError(f"apply must be True or False, not {apply!r}.")
    if not question.instance:
        raise UserError("No instance: give the name to register.")
    name_of_instance(question.instance)
    if is_ec2(question.instance):
        raise UserError(f"{question.instance!r} is an EC2 instance ID: EC2 instances are not registered.")
    if not question.arn:
        raise UserError("No ARN: give that of the IAM user, or of the session of a role, to register.")
    if not isinstance(tags, Mapping):
        raise UserError("tags must be a mapping such as {'Environment': 'production'}.")
    for key, value in tags.items():
        if (
            not isinstance(key, str)
            or not isinstance(value, str)
            or not 1 <= len(key) <= _KEY
            or len(value) > _VALUE
        ):
            raise UserError(
                f"The tag {key!r} cannot be: a key is a text of 1 to {_KEY} characters, a value of at most {_VALUE}."
            )
    known = PREFLIGHT + OWN_PREFLIGHT
    if unknown := [name for name in accept if name not in known]:
        raise UserError(f"There is no pre-flight check {unknown[0]!r} to accept: use {', '.join(known)}.")
