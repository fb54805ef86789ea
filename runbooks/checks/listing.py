"""The list of on-premises instances, and its filter."""

from collections.abc import Iterator

from runbooks.aws import Aws, Refusal
from runbooks.facts.registration import first_page, listed_names
from runbooks.findings import FAIL, OK, WARN, Finding, NotApplicable
from runbooks.question import Question

TITLE = "What does the list of instances say?"
GUIDE = "/exceptions/InvalidRegistrationStatusException/"
RUNBOOK = "registration-status"


def status_filter_is_accepted(aws: Aws, question: Question) -> Iterator[Finding]:
    """ListOnPremisesInstances accepts the registration status that it is asked for.

    Without a status the call has no filter. There are two values, `Registered` and `Deregistered`. No SDK that was tried
    checks the value. AWS documents that it refuses a malformed one; it is not verified whether it distinguishes upper
    and lower case, or refuses an empty one.
    """
    status = question.status
    names = first_page(aws, status)
    asked = "without a registrationStatus" if status is None else f"with registrationStatus {status!r}"
    if isinstance(names, Refusal):
        yield Finding(
            FAIL,
            f"ListOnPremisesInstances {asked} was refused: {names.code} (HTTP {names.status}): {names.message}",
            code="refused",
            about=status or "''",
            fix=correction(status),
            next=GUIDE,
        )
    else:
        yield Finding(OK, f"ListOnPremisesInstances {asked} was answered.", about=status or "")


def listed_names_are_registered_or_deregistered(aws: Aws, question: Question) -> Iterator[Finding]:
    """Every listed name is either registered or deregistered.

    A list without a filter holds both, so do not read it as the list of registered names. The answer has no member that
    says which a name is, so this check asks once for each status.
    """
    if question.instance:
        raise NotApplicable(f"The question is about {question.instance} only, not about all names.")
    everything = listed_names(aws, None)
    registered, deregistered = listed_names(aws, "Registered"), listed_names(aws, "Deregistered")
    yield Finding(OK, f"{_count(registered)} registered: {_some(registered)}.", code="registered")
    yield Finding(OK, f"{_count(deregistered)} deregistered: {_some(deregistered)}.", code="deregistered")
    odd = set(everything) ^ (set(registered) | set(deregistered))
    if odd:
        says = f"The list without a filter and the two filtered ones differ by {_some(sorted(odd))}."
        yield Finding(WARN, says, code="lists-differ")
    else:
        says = f"The list without a filter has all {len(everything)}, including the deregistered names."
        yield Finding(OK, says, code="lists-agree")


def correction(status: str | None) -> str:
    """What to change in the caller that sends ``status``."""
    spelt = {"registered": "Registered", "deregistered": "Deregistered"}.get((status or "").strip().lower())
    wanted = f"{spelt!r}" if spelt else "'Registered', 'Deregistered' or no registrationStatus at all"
    return f"Change the caller: send {wanted}."


def _count(names: list[str]) -> str:
    return f"{len(names)} name{' is' if len(names) == 1 else 's are'}"


def _some(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
