"""What a diagnosis is about, told apart by its form: a deployment, an instance, or a deployment group."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from runbooks.errors import UserError
from runbooks.question import DEPLOYMENT, EC2, NAME, as_id, deployment_fault, unquoted
from runbooks.text.links import CONTEXT

# What stands in a link or in a line: by the parameter of the question that it is.
_IDS = {
    "deployment": re.compile(rf"(?<![\w-]){DEPLOYMENT.pattern}(?![\w-])"),
    "instance": re.compile(rf"(?<![\w-])(?:{EC2.pattern}|mi-[0-9a-f]{{17}})(?![\w-])"),
}
_GROUP = r"[^/\s?#:]+/[^/\s?#]+"
_NAMED = {  # an ARN of CodeDeploy, and a page of its console
    "instance": re.compile(r"arn:[\w-]+:codedeploy:[\w-]*:\d*:instance[:/]([^\s/:]+)"),
    "deployment_group": re.compile(rf"arn:[\w-]+:codedeploy:[\w-]*:\d*:deploymentgroup:({_GROUP})"),
}
_REGION = CONTEXT["region"]
_REGIONS = (  # of a link's query, an event in JSON, a command's option; of an ARN; of a console's host; of a trigger
    re.compile(rf"(?i:region)\\?[\"']?(?: ?[=:] ?| is | )\\?[\"']?({_REGION})(?![\w-])"),
    re.compile(rf"arn:[\w-]+:(?:codedeploy|ec2|ssm):({_REGION}):"),
    re.compile(rf"AWS CodeDeploy {DEPLOYMENT.pattern} in ({_REGION})(?![\w-])"),
    re.compile(rf"\b({_REGION})\.console\.(?:aws\.amazon|amazonaws)"),
)
_ACCOUNTS = (  # of an ARN of what can be asked about, and of an event in JSON
    re.compile(r"arn:[\w-]+:(?:codedeploy|ec2|ssm):[\w-]*:(\d{12}):"),
    re.compile(r"\"account(?:Id)?\\?\"\s*:\s*\\?\"(\d{12})\\?\""),
)
_CONSOLE_GROUP = re.compile(r"/applications/([^/\s?#]+)/deployment-groups/([^/\s?#]+)")
# The context that a link of the guide carries, and the parameter that it is.
_CONTEXT = {"deployment": "deployment", "instance": "instance", "group": "deployment_group"}
_NEARLY_A_DEPLOYMENT = re.compile(r"[dD]-[A-Za-z0-9]{8,10}")
_AN_ID = re.compile(rf"{EC2.pattern}|mi-[0-9a-f]{{17}}")

_QUOTED = 200  # characters of a text that a message quotes

FORMS = (
    "a deployment (d-ABCDEF123), an instance (its on-premises name, i-… or mi-…), or a deployment group"
    " (APPLICATION/GROUP)"
)


def subject(text: str) -> dict[str, str]:
    """What ``text`` names, as parameters of the question: ``subject("d-ABCDEF123") == {"deployment": "d-ABCDEF123"}``.

    It is an id or a name, a link of the console or of the guide, an ARN, or a line that holds one id. Raises `UserError`
    for what names several things, and for what cannot be any of them.
    """
    text = unquoted(text)
    if context := _context(text):
        return context
    ids = as_id(text)
    found = [(name, id_) for name, form in _IDS.items() for id_ in dict.fromkeys(form.findall(ids))]
    found = found or _named(text)
    if len(found) > 1:
        raise UserError(f"That names {' and '.join(id_ for _, id_ in found)}. Ask about one of them.")
    return dict(found) or _whole(text)


def deployment_in(text: str) -> str:
    """The one deployment that ``text`` names. Raises `UserError` for none, and for several."""
    text = as_id(text)
    ids: list[str] = list(dict.fromkeys(_IDS["deployment"].findall(text)))
    if len(ids) > 1:
        raise UserError(f"That names several deployments: {', '.join(ids)}. Ask about one of them.")
    if not ids:
        other = (
            "" if text[:2] in ("d-", "D-") else " For a group or an instance there is `runbooks diagnose`."
        )
        raise UserError(f"{_short(text)} holds no deployment's id: {deployment_fault(text)}.{other}")
    return ids[0]


def region_asked(text: str | None, given: str | None) -> str | None:
    """The Region to ask in: the one ``given`` by the option, else that of the link, ARN or line ``text``, if it has one.

    Raises `UserError` where the two differ, and for a text of several Regions.
    """
    found: set[str] = next(
        (regions for form in _REGIONS if (regions := set(form.findall(text or "")))), set()
    )
    if not found or given in found:
        return given
    named = " and ".join(sorted(found))
    if given:
        raise UserError(
            f"That is of {named} and --region says {given}: leave the option out, or give the same Region."
        )
    if len(found) > 1:
        raise UserError(f"That names the Regions {named}: say with --region which one to ask in.")
    return found.pop()


def account_named(text: str | None) -> str:
    """The account of the ARN or of the event ``text``; "" where it has none, or several."""
    found = {account for form in _ACCOUNTS for account in form.findall(text or "")}
    return found.pop() if len(found) == 1 else ""


def asked_about(text: str | None, given: dict[str, str]) -> dict[str, str]:
    """The parameters ``given`` by options, with those of the subject. Raises `UserError` where they differ."""
    named = subject(text) if text is not None else {}
    for name, value in named.items():
        if given.get(name, value) != value:
            option = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{value} and {option} {given[name]} differ: give one of them, or the same in both."
            )
    return given | named


def is_subject(parameter: str, value: str) -> bool:
    """Whether a deployment or a group can be asked about by this text alone."""
    forms = {"deployment": DEPLOYMENT, "deployment_group": re.compile(_GROUP)}
    return parameter in forms and forms[parameter].fullmatch(value) is not None


def _context(text: str) -> dict[str, str]:
    """What the query of a link of the guide says that it is about."""
    if not text.startswith(("http://", "https://", "/")):
        return {}
    said = dict(parse_qsl(urlsplit(text).query))
    return {parameter: said[name] for name, parameter in _CONTEXT.items() if said.get(name)}


def _named(text: str) -> list[tuple[str, str]]:
    found = [(name, one) for name, form in _NAMED.items() for one in dict.fromkeys(form.findall(text))]
    console = [tuple(map(unquote, pair)) for pair in dict.fromkeys(_CONSOLE_GROUP.findall(text))]
    return found + [("deployment_group", f"{application}/{group}") for application, group in console]


def _whole(text: str) -> dict[str, str]:
    """A name that is all of the text."""
    name = as_id(text)
    if _NEARLY_A_DEPLOYMENT.fullmatch(name):
        raise UserError(
            f"{name!r} is not a deployment id: {deployment_fault(name)}. An on-premises instance of that name:"
            f" --instance {name}."
        )
    if name != name.lower() and _AN_ID.fullmatch(name.lower()):
        raise UserError(
            f"{name!r} is an instance id but for its capital letters: did you mean {name.lower()}? An on-premises"
            f" instance of that name: --instance {name}."
        )
    if name.startswith("i-"):
        raise UserError(
            f"{name!r} is not an EC2 instance id: that is i- and 8 or 17 digits or small letters from a to f."
        )
    if NAME.fullmatch(name):
        return {"instance": name}
    if re.fullmatch(_GROUP, text):
        return {"deployment_group": text}
    raise UserError(f"{_short(text)} names nothing that can be diagnosed: give {FORMS}.")


def _short(text: str) -> str:
    """A text that was given, as a message quotes it."""
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
