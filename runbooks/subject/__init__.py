"""What a diagnosis is about, told apart by its form: a deployment, an instance, or a deployment group."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from runbooks.errors import UserError
from runbooks.question import DEPLOYMENT, EC2, INSTANCE_ARN, NAME, as_id, deployment_fault, unquoted
from runbooks.subject.events import named_in
from runbooks.subject.others import what_else
from runbooks.subject.regions import account_named, region_asked, region_doubt

__all__ = [
    "account_named",
    "asked_about",
    "deployment_in",
    "is_subject",
    "region_asked",
    "region_doubt",
    "subject",
]

# What stands in a link or in a line: by the parameter of the question that it is.
_IDS = {
    "deployment": re.compile(rf"(?<![\w-]){DEPLOYMENT.pattern}(?![\w-])"),
    "instance": re.compile(rf"(?<![\w-])(?:{EC2.pattern}|mi-[0-9a-f]{{17}})(?![\w-])"),
}
_GROUP = r"[^/\s?#:]+/[^/\s?#]+"
_NAMED = {  # an ARN of CodeDeploy whose resource is the name, and one whose resource is the name with a suffix
    "instance": re.compile(rf"arn:[\w-]+:codedeploy:[\w-]*:\d*:instance:([^\s/:]+)|({INSTANCE_ARN.pattern})"),
    "deployment_group": re.compile(rf"arn:[\w-]+:codedeploy:[\w-]*:\d*:deploymentgroup:({_GROUP})"),
}
_CONSOLE_GROUP = re.compile(r"/applications/([^/\s?#]+)/deployment-groups/([^/\s?#]+)")
_CONSOLE_INSTANCE = re.compile(r"/codedeploy/on-premises-instances/(?!register\b)([^/\s?#]+)")  # inferred
# The context that a link of the guide carries, and the parameter that it is.
_CONTEXT = {"deployment": "deployment", "instance": "instance", "group": "deployment_group"}
_AN_ID = re.compile(rf"{EC2.pattern}|mi-[0-9a-f]{{17}}")
_AROUND = "*<>()[]{}|;:!? "  # what a chat or a sentence sets around a name, and no name has

_QUOTED = 200  # characters of a text that a message quotes

FORMS = (
    "a deployment (d-ABCDEF123), an instance (its on-premises name, i-… or mi-…), or a deployment group"
    " (APPLICATION/GROUP)"
)


def subject(text: str) -> dict[str, str]:
    """What ``text`` names, as parameters of the question: ``subject("d-ABCDEF123") == {"deployment": "d-ABCDEF123"}``.

    It is an id or a name, a link of the console or of the guide, an ARN, an event, a message of a trigger or another
    document in JSON, or a line that holds one id. The ARN of an on-premises instance stays an ARN: CodeDeploy is asked for
    its name. Raises `UserError` for what names several things, and for what cannot be any of them.
    """
    if context := _context(unquoted(text)) or named_in(text):
        return context
    text = unquoted(text)
    ids = as_id(text)
    found = [(name, id_) for name, form in _IDS.items() for id_ in dict.fromkeys(form.findall(ids))]
    found = found or _named(text)
    if len(found) > 1:
        raise UserError(f"That names {_listed([id_ for _, id_ in found])}. Ask about one of them.")
    return dict(found) or _whole(text)


def deployment_in(text: str) -> str:
    """The one deployment that ``text`` names. Raises `UserError` for none, and for several."""
    if id_ := named_in(text).get("deployment"):
        return id_
    text = as_id(text)
    ids: list[str] = list(dict.fromkeys(_IDS["deployment"].findall(text)))
    if len(ids) > 1:
        raise UserError(f"That names several deployments: {_listed(ids)}. Ask about one of them.")
    if not ids:
        other = (
            "" if text[:2] in ("d-", "D-") else " For a group or an instance there is `runbooks diagnose`."
        )
        raise UserError(f"{_short(text)} holds no deployment's id: {deployment_fault(text)}.{other}")
    return ids[0]


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
    """The instances and groups that ARNs and links name."""
    found = [
        (name, next(filter(None, match.groups())))
        for name, form in _NAMED.items()
        for match in form.finditer(text)
    ]
    found += [("instance", unquote(one)) for one in _CONSOLE_INSTANCE.findall(text)]
    found += [("deployment_group", "/".join(map(unquote, pair))) for pair in _CONSOLE_GROUP.findall(text)]
    return list(dict.fromkeys(found))


def _whole(text: str) -> dict[str, str]:
    """A name that is all of the text."""
    text = text.strip(_AROUND)
    name = as_id(text)
    if NAME.fullmatch(name):
        _refuse_nearly_an_id(name)
        return {"instance": name}
    if re.fullmatch(rf"{NAME.pattern}/{NAME.pattern}", text):
        return {"deployment_group": text}
    raise UserError(what_else(text) or f"{_short(text)} names nothing that can be diagnosed: give {FORMS}.")


def _refuse_nearly_an_id(name: str) -> None:
    """Raise `UserError` for a name that begins as an id does and is none; --instance asks about it all the same."""
    instead = f" An on-premises instance of that name: --instance {name}."
    if name.startswith(("d-", "D-")):
        raise UserError(f"{name!r} is not a deployment id: {deployment_fault(name)}.{instead}")
    if name != name.lower() and _AN_ID.fullmatch(name.lower()):
        raise UserError(
            f"{name!r} is an instance id but for its capital letters: did you mean {name.lower()}?{instead}"
        )
    if name.startswith("i-"):  # no on-premises name does
        raise UserError(
            f"{name!r} is not an EC2 instance id: that is i- and 8 or 17 digits or small letters from a to f."
        )
    if name.startswith("mi-") and not _AN_ID.fullmatch(name):
        raise UserError(
            f"{name!r} is not a managed node's id: that is mi- and 17 digits or small letters from a to f.{instead}"
        )


def _listed(ids: list[str]) -> str:
    """At most five of these, in words."""
    shown, more = ids[:5], len(ids) - 5
    return (
        ", ".join(shown) + f" and {more} more"
        if more > 0
        else " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    )


def _short(text: str) -> str:
    """A text that was given, as a message quotes it."""
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
