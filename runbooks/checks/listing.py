"""Does the list of instances say what its readers believe?"""

from collections.abc import Iterator

from runbooks.aws import Aws, Refusal
from runbooks.checks._commands import aws_cli
from runbooks.checks._facts import registered_names
from runbooks.engine import FAIL, OK, SKIP, WARN, Finding
from runbooks.question import Question

_LIST = "codedeploy:ListOnPremisesInstances"
_PAGE = "/exceptions/InvalidRegistrationStatusException/"


def status_filter_is_accepted(aws: Aws, question: Question) -> Iterator[Finding]:
    """ListOnPremisesInstances accepts the registration status that it is asked for.

    No status is the call without a filter. The two values that exist are `Registered` and
    `Deregistered`. No SDK that was tried checks the word. AWS documents that a malformed one is refused;
    whether it minds upper and lower case, or an empty one, is not verified.
    """
    filters = {} if question.status is None else {"registrationStatus": question.status}
    names = aws.read(_LIST, "instanceNames", expecting=("InvalidRegistrationStatusException",), **filters)
    asked = (
        "without a registrationStatus"
        if question.status is None
        else f"with registrationStatus {question.status!r}"
    )
    if isinstance(names, Refusal):
        yield Finding(
            FAIL,
            f"ListOnPremisesInstances {asked} was refused: {names.code} (HTTP {names.status}): {names.message}",
            about=question.status or "''",
            fix=corrected(aws, question.status),
            next=_PAGE,
        )
    else:
        yield Finding(OK, f"ListOnPremisesInstances {asked} was answered.")


def registered_and_deregistered_are_told_apart(aws: Aws, question: Question) -> Iterator[Finding]:
    """Every listed name is either registered or deregistered, and it is known which.

    A list without a filter holds both, so it must not be read as "what is registered". The service has
    no member that says which a name is; asking once for each status does.
    """
    if question.instance:
        yield Finding(SKIP, f"The question is about {question.instance} only, not about all names.")
        return
    everything = aws.read_all(_LIST, "instanceNames")
    registered = registered_names(aws)
    deregistered = aws.read_all(_LIST, "instanceNames", registrationStatus="Deregistered")
    yield Finding(OK, f"{_count(registered)} registered: {_some(registered)}.")
    yield Finding(OK, f"{_count(deregistered)} deregistered: {_some(deregistered)}.")
    odd = set(everything) ^ (set(registered) | set(deregistered))
    if odd:
        yield Finding(
            WARN, f"The list without a filter and the two filtered ones differ by {_some(sorted(odd))}."
        )
    else:
        yield Finding(
            OK, f"The list without a filter holds all {len(everything)}, the deregistered names included."
        )


def corrected(aws: Aws, status: str | None) -> str:
    """The command that asks for what ``status`` meant: the right spelling of it, or no filter at all."""
    spelt = {"registered": "Registered", "deregistered": "Deregistered"}.get((status or "").strip().lower())
    filtered = {"registration_status": spelt} if spelt else {}
    return aws_cli(aws, "deploy", "list-on-premises-instances", **filtered)


def _count(names: list[str]) -> str:
    return f"{len(names)} name{' is' if len(names) == 1 else 's are'}"


def _some(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
