"""Register an on-premises instance: look first, show what would be sent, change it only when told to, undo on failure.

The one part of the package that changes anything. What it may send is fixed when it is prepared: four operations,
for one instance name, with one ARN and the tags that were asked for; the session's guard refuses the rest.
"""

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore import xform_name

from runbooks import catalog
from runbooks.aws import Aws, Refusal
from runbooks.aws.connect import allowing
from runbooks.aws.guard import Permission
from runbooks.checks import permissions
from runbooks.checks._facts import registration
from runbooks.checks._iam import Arn
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, WARN, Check, Finding, Question, _question, diagnose, run
from runbooks.errors import UserError
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
_USER = re.compile(r"arn:aws[\w-]*:iam::\d{12}:user/[!-~]+", re.A)
_SESSION = re.compile(r"arn:aws[\w-]*:sts::\d{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+", re.A)
_TAKEN = "InstanceNameAlreadyRegisteredException"
_DENIED = "AccessDeniedException"
_INSTANCE, _DENIALS = "/guides/check-the-instance/", "/guides/check-permissions/#deny-kinds"


@dataclass(frozen=True)
class Change:
    """One call that changes something: an operation of CodeDeploy with its parameters."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def api(self) -> str:
        """The operation as the session's guard and the reports name it."""
        return f"codedeploy:{self.operation}"

    def command(self, region: str) -> str:
        """The same call for the AWS CLI, ready to paste. Lists go as JSON: its shorthand cannot say every value."""
        words = ["aws", "deploy", xform_name(self.operation, "-")]
        for name, value in self.parameters.items():
            text = value if isinstance(value, str) else json.dumps(value)
            words += [f"--{xform_name(name, '-')}", text]
        return shlex.join([*words, "--region", region])


@dataclass(frozen=True)
class Registration:
    """An instance to register: what is asked for, and the session that may do that and nothing else.

    ``accept`` holds the ids of pre-flight checks whose FAIL or UNKNOWN the user takes upon themselves.
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
        return Change("AddTagsToOnPremisesInstances", _tagging(self.question, tags))

    def remove(self, tags: Mapping[str, str]) -> Change:
        """The call that takes these tags, with these values, from the instance."""
        return Change("RemoveTagsFromOnPremisesInstances", _tagging(self.question, tags))

    def __repr__(self) -> str:
        who = self.aws.known_identity
        may = "may register it" if self.applies else "only looks: apply is False"
        return (
            f"{self.question.instance} as {self.question.arn}\n"
            f"{self.aws.target} in {self.aws.region}, by {who.arn if who else 'an unknown caller'}; {may}"
        )

    def preflight(self) -> Report:
        """Look at all that could be in the way; changes nothing. What was accepted is a WARN."""
        looked = diagnose(
            self.aws, checks=PREFLIGHT, instance=self.question.instance, arn=self.question.arn
        ).results
        own = {Check.of(check): run(check, self.aws, self.question) for check in self._own_checks}
        return Report.of(
            self.aws,
            self.question,
            {
                check: [self._accepted(check, f) for f in found]
                for check, found in (*looked.items(), *own.items())
            },
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

    def carry_out(self) -> Report:
        """Register and tag the instance, if ``apply`` was given and the pre-flight is clear; never raises.

        When a change is refused or its outcome is not known, what this run began is taken back and the report
        says what is left. A registration that this run did not make is never taken back.
        """
        work = _Work(self)
        found: dict[Check, list[Finding]] = {}
        if self.applies:
            before = self.preflight()
            found |= before.results
            if before.exit_code:
                names = ", ".join(
                    check.id for check, verdict, _ in before.checks if verdict in (FAIL, UNKNOWN)
                )
                work.obstacle = f"the pre-flight is not clear ({names})"
        else:
            work.obstacle = "apply is False"
        for step in (work.registration_is_made, work.tags_are_added):
            check = Check.of(step)
            found[check] = self._run(step)
            if _trouble(found[check]):
                return Report.of(self.aws, self.question, found | work.taken_back())
        found[Check.of(self.registration_is_as_asked)] = self._run(self.registration_is_as_asked)
        return Report.of(self.aws, self.question, found)

    def confirm(self) -> Report:
        """Look whether the instance is registered as it was asked for."""
        step = self.registration_is_as_asked
        return Report.of(self.aws, self.question, {Check.of(step): run(step, self.aws, self.question)})

    def send(self, change: Change) -> Refusal | None:
        """Send a change. Gives the refusal when AWS refused it, so that it was not done; raises what leaves that open."""
        declared = (*catalog.operations()[change.operation], _DENIED)
        # These operations answer with nothing, so that AWS answered at all is all that can be asked of it.
        answer = self.aws.ask(change.api, "ResponseMetadata", expecting=declared, **change.parameters)
        return answer if isinstance(answer, Refusal) else None

    def now(self) -> tuple[str, dict[str, str]]:
        """The ARN that the instance is registered with, and its tags; "" and none when it is not registered."""
        info = registration(self.aws, self.question)
        if isinstance(info, Refusal) or info.get("deregisterTime"):
            return "", {}
        tags = {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", ())}
        return str(info.get("iamSessionArn") or info.get("iamUserArn") or "an ARN that is not told"), tags

    def arn_is_of_this_account(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The ARN is of the account that the caller asks.

        Another account mostly means another profile than was meant. Whether CodeDeploy registers an ARN of
        another account is not verified.
        """
        caller, asked = Arn.of(_caller(aws)), Arn.of(question.arn)
        if (caller.partition, caller.account) == (asked.partition, asked.account):
            yield Finding(OK, f"{question.arn} is of account {caller.account}, which is asked.", question.arn)
        else:
            says = f"{question.arn} is not of account {caller.account}, which is asked; whether that is meant is not known."
            yield Finding(UNKNOWN, says, question.arn, next=_INSTANCE)

    def tags_have_room(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The tags fit beside those that the instance has, and replace none of them.

        An instance has at most 10 tags, and one value for each key.
        """
        name, (arn, held) = question.instance, self.now()
        if not self.tags:
            yield Finding(
                SKIP, f"No tags were asked for, so no deployment group that selects by tag finds {name}."
            )
            return
        there = f"has {_count(held)}" if arn else "is not registered here, so it has no tags"
        total = {**held, **self.tags}
        replaced = [key for key, value in held.items() if total[key] != value]
        if len(total) > _MOST_TAGS:
            yield Finding(
                FAIL, f"{name} {there} and would have {len(total)}; the most is {_MOST_TAGS}.", name
            )
        for key in replaced:
            yield Finding(
                WARN, f"The tag {key} of {name} is {held[key]!r} and would be {total[key]!r}.", name
            )
        if len(total) <= _MOST_TAGS and not replaced:
            yield Finding(OK, f"{name} {there}; it would have {len(total)} of at most {_MOST_TAGS}.", name)

    def caller_may_undo(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The caller may also take the tags and the registration back.

        Who may register but not deregister would leave half a registration behind when tagging fails.
        Asked of IAM's policy simulator.
        """
        caller = Arn.of(_caller(aws))
        mine = f"arn:{caller.partition}:codedeploy:{aws.region}:{caller.account}:instance:{question.instance}"
        yield from permissions._caller_may(aws, _UNDOING, mine, page=_DENIALS)

    def registration_is_as_asked(self, aws: Aws, question: Question) -> Iterator[Finding]:
        """The instance is registered with the ARN and carries the tags."""
        name, (arn, held) = question.instance, self.now()
        if not arn and not self.applies:
            yield Finding(SKIP, f"{name} is not registered, and nothing was sent: apply is False.", name)
        elif arn != question.arn:
            says = (
                f"{name} is registered as {arn}, not as {question.arn}."
                if arn
                else f"{name} is not registered."
            )
            yield Finding(FAIL, says, name, next=_INSTANCE)
        elif missing := _missing(self.tags, held):
            fix = self.add(missing).command(aws.region)
            yield Finding(FAIL, f"{name} is registered as {arn}, but lacks {_told(missing)}.", name, fix)
        else:
            tags = f", tagged {_told(self.tags)}" if self.tags else ""
            yield Finding(OK, f"{name} is registered as {arn}{tags}.", name)

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
        return [f"{mark} {change.api} {parameters}", f"  {change.command(self.aws.region)}", ""]

    def _run(self, step: Callable[[Aws, Question], Iterator[Finding]]) -> list[Finding]:
        try:
            return run(step, self.aws, self.question)
        except KeyboardInterrupt:  # the stop button must not leave half a registration either
            return [Finding(UNKNOWN, "Interrupted: whether the call reached AWS is not known.")]


class _Work:
    """One carrying out: what it did so far, so that exactly this is taken back."""

    def __init__(self, order: Registration) -> None:
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
        elif not (missing := _missing(tags, self.order.now()[1])):
            yield Finding(OK, f"{name} has {_told(tags)} already; nothing was sent.", name)
        else:
            change, self.sent = self.order.add(missing), missing
            if refusal := self.order.send(change):
                self.sent = {}
                yield _refused(change, refusal, name)
            else:
                yield Finding(OK, f"{name} was given {_told(missing)}.", name)

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
        yield from self._undo(self.order.remove(self.sent), f"{_told(self.sent)} was taken from")

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
            says = f"Left behind: {name} is registered as {now}, {by}, with {_told(held) or 'no tags'}."
            says += "" if self.registered else " Run this again to finish it, or take it back."
            yield Finding(FAIL, says, name, self._undoing(left, registration=True), _INSTANCE)
        elif left:
            says = f"Left behind: {name} has {_told(left)}, though no answer says that this run gave them."
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
        parts += [f"tagged {_told(self.sent)}"] * bool(self.sent)
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
    question = _question(instance=instance, arn=arn)
    _check(question, tags, apply, accept)
    allowed = allowed_changes(question, tags) if apply else {}
    return Registration(
        allowing(allowed, target, profile=profile, region=region), question, dict(tags), accept
    )


def allowed_changes(question: Question, tags: Mapping[str, str]) -> dict[str, Permission]:
    """What the guard lets through for this registration: its own calls, with these parameters and no others."""

    def is_ours(params: Mapping[str, Any]) -> bool:
        ours = _tagging(question, tags)
        return params.get("instanceNames") == ours["instanceNames"] and all(
            tag in ours["tags"] for tag in params.get("tags", ())
        )

    def exactly(change: Change) -> Permission:
        return lambda params: dict(params) == change.parameters

    return {
        **{change.api: exactly(change) for change in (registering(question), deregistering(question))},
        "codedeploy:AddTagsToOnPremisesInstances": is_ours,
        "codedeploy:RemoveTagsFromOnPremisesInstances": is_ours,
    }


def registering(question: Question) -> Change:
    """The call that registers the question's instance with its ARN."""
    kind = "iamSessionArn" if _SESSION.fullmatch(question.arn) else "iamUserArn"
    return Change("RegisterOnPremisesInstance", {"instanceName": question.instance, kind: question.arn})


def deregistering(question: Question) -> Change:
    """The call that deregisters the question's instance."""
    return Change("DeregisterOnPremisesInstance", {"instanceName": question.instance})


def _tagging(question: Question, tags: Mapping[str, str]) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"tags": pairs, "instanceNames": [question.instance]}


def _check(question: Question, tags: Mapping[str, str], apply: bool, accept: Collection[str]) -> None:
    """Refuse what cannot be meant, before anything is sent."""
    if not isinstance(apply, bool):  # a parameter from outside may be the text "False", which is true
        raise UserError(f"apply must be True or False, not {apply!r}.")
    if not question.instance:
        raise UserError("No instance: give the name to register.")
    if not _USER.fullmatch(question.arn) and not _SESSION.fullmatch(question.arn):
        raise UserError(
            f"{question.arn!r} cannot be registered: give the ARN of an IAM user (arn:aws:iam::ACCOUNT:user/NAME)"
            " or of one session of a role (arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION)."
        )
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


def _caller(aws: Aws) -> str:
    return str(aws.read("sts:GetCallerIdentity", "Arn"))


def _refused(change: Change, refusal: Refusal, name: str) -> Finding:
    page = _DENIALS if refusal.code == _DENIED else _INSTANCE
    says = f"{change.api} was refused, so it changed nothing: {refusal.code}: {' '.join(refusal.message.split())}"
    return Finding(FAIL, says, name, next=page)


def _trouble(found: list[Finding]) -> bool:
    return any(finding.verdict in (FAIL, UNKNOWN) for finding in found)


def _missing(tags: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if held.get(key) != value}


def _told(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def _count(tags: Mapping[str, str]) -> str:
    return f"{len(tags)} tag{'' if len(tags) == 1 else 's'}"
