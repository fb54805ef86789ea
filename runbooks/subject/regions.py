"""In which Region and account a text is about: what it says itself, its ARNs, the console that it was copied from."""

import re
from dataclasses import dataclass

from runbooks.errors import UserError
from runbooks.question import DEPLOYMENT
from runbooks.text.links import CONTEXT

_REGION = CONTEXT["region"]
_ESCAPED = r"\\{0,8}[\"']?"  # a quote of a document, at whatever depth it lies in another
_FORMS = (  # the surest first, with the reason to ask there
    (
        "as its region says",
        re.compile(rf"(?i:region){_ESCAPED}(?: ?[=:] ?| is | ){_ESCAPED}({_REGION})(?![\w-])"),
    ),
    ("the Region of its ARN", re.compile(rf"arn:[\w-]+:(?:codedeploy|ec2|ssm):({_REGION}):")),
    (
        "as its first sentence says",
        re.compile(rf"AWS CodeDeploy {DEPLOYMENT.pattern} in ({_REGION})(?![\w-])"),
    ),
    (
        "the Region of the console that it leads to",
        re.compile(rf"\b({_REGION})\.console\.(?:aws\.amazon|amazonaws)"),
    ),
    # a topic or an alarm need not be where the deployment is
    ("the Region of an ARN of another service in it", re.compile(rf"arn:[\w-]+:[\w-]+:({_REGION}):")),
)
_ACCOUNTS = (  # of an ARN of what can be asked about, and of an event in JSON
    re.compile(r"arn:[\w-]+:(?:codedeploy|ec2|ssm):[\w-]*:(\d{12}):"),
    re.compile(rf"\"account(?:Id)?{_ESCAPED}\s*:\s*{_ESCAPED}(\d{{12}}){_ESCAPED}"),
)


@dataclass(frozen=True)
class _Regions:
    """The Regions that the surest form names, why they are meant, and the others that the text names."""

    meant: frozenset[str] = frozenset()
    why: str = ""
    weak: bool = False
    others: frozenset[str] = frozenset()


def _read(text: str | None) -> _Regions:
    found = [(why, frozenset(form.findall(text or ""))) for why, form in _FORMS]
    for why, regions in found:
        if regions:
            others = frozenset().union(*(more for _, more in found)) - regions
            return _Regions(regions, why, why == _FORMS[-1][0], others)
    return _Regions()


def region_asked(text: str | None, given: str | None) -> str | None:
    """The Region to ask in: the one ``given`` by the option, else that of the link, ARN or line ``text``, if it has one.

    Raises `UserError` where the two differ, and for a text of several Regions. An ARN of another service, such as a
    topic's, never refuses the option.
    """
    found = _read(text)
    if not found.meant or given in found.meant or (given and found.weak):
        return given
    named = " and ".join(sorted(found.meant))
    if given:
        raise UserError(
            f"That is of {named} and --region says {given}: leave the option out, or give the same Region."
        )
    if len(found.meant) > 1:
        raise UserError(f"That names the Regions {named}: say with --region which one to ask in.")
    return next(iter(found.meant))


def region_doubt(text: str | None, given: str | None, usual: str = "") -> str:
    """One sentence that says which Region is asked in, and why, where another could be meant; else "".

    ``given`` is that of the option; ``usual`` the one that is asked in without either, by the profile or AWS_REGION.
    """
    found, asked = _read(text), region_asked(text, given)
    others = (found.meant | found.others) - {asked}
    sure = found.meant and not found.weak and not others
    if not asked or not found.meant or (sure and (given or usual in ("", asked))) or (given and not others):
        return ""
    why = "as --region says" if given else found.why
    also = [f"the text also names {' and '.join(sorted(others))}"] if others else []
    also += [f"your own configuration says {usual}"] if usual not in ("", asked) and not given else []
    return f"Asked in {asked}, {why}{'; ' if also else ''}{', and '.join(also)}."


def account_named(text: str | None) -> str:
    """The account of the ARN or of the event ``text``; "" where it has none, or several."""
    found = {account for form in _ACCOUNTS for account in form.findall(text or "")}
    return found.pop() if len(found) == 1 else ""
