"""The hooks of a server AppSpec, judged as both agents parse them."""

from collections.abc import Iterator

from runbooks.appspec import messages, ruby, rust, showing
from runbooks.appspec.fault import Fault, Outcome, fault
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null, name
from runbooks.appspec.values import closest, missing_or_false, seen

EVENTS = (
    "BeforeBlockTraffic", "AfterBlockTraffic", "ApplicationStop", "BeforeInstall", "AfterInstall", "ApplicationStart",
    "BeforeAllowTraffic", "AfterAllowTraffic", "ValidateService",
)  # fmt: skip
RESERVED = ("Start", "BlockTraffic", "DownloadBundle", "Install", "AllowTraffic", "End")
EVENT_SECONDS = 3600  # of all scripts of one event [D]
DEFAULT_TIMEOUT = 3600


def hooks(root: Mapping) -> Iterator[Fault]:
    """The scripts of each event."""
    node = root.get("hooks")
    if node is None:
        return
    if not isinstance(node, Mapping):
        two = rust.wrong(node, "a map", "hooks")
        one = "" if missing_or_false(node) else showing.undefined("each_pair", node)
        if one or two:
            yield fault(
                "section-is-well-formed",
                node.mark,
                f"hooks is {seen(node)}; it must be a mapping of events to lists of scripts.",
                about="hooks",
                fix="Write each event as a key of its own, without a dash: `BeforeInstall:`.",
                one=one,
                two=two,
            )
        return
    for key, scripts in node.last():
        yield from _event(key, scripts)


def _event(key: Node, scripts: Node) -> Iterator[Fault]:
    event = showing.to_s(key)
    about = f"hooks.{event}"
    yield from _name_of_event(key, scripts, event)
    if missing_or_false(scripts) and not rust.wrong(scripts, "a sequence", about):
        return
    if isinstance(scripts, Sequence):
        for number, script in enumerate(scripts.items):
            yield from _script(script, event, f"{about}[{number}]")
        yield from _timeouts(scripts, event)
        return
    if missing_or_false(scripts):
        one = ""
    elif isinstance(scripts, Mapping):
        first = Sequence(scripts.mark, "", list(scripts.last()[0])) if scripts.pairs else None
        one = showing.undefined("has_key?", first) if first else ""
    else:
        one = showing.undefined("each", scripts)
    yield fault(
        "scripts-are-a-list",
        scripts.mark,
        f"The scripts of {event} are {seen(scripts)}; they must be a list.",
        about=about,
        fix="Begin each script with a dash: `- location: scripts/…`.",
        one=one,
        two="" if rust.is_null(scripts) else rust.wrong(scripts, "a sequence", about),
    )


def _name_of_event(key: Node, scripts: Node, event: str) -> Iterator[Fault]:
    empty = missing_or_false(scripts) or (isinstance(scripts, Sequence) and not scripts.items)
    if name(key) in EVENTS or empty:
        return
    if event in RESERVED:
        yield fault(
            "event-can-have-scripts",
            key.mark,
            f"CodeDeploy keeps the event {event} for itself: its scripts are never run.",
            about=f"hooks.{event}",
            fix=f"Move the scripts to {'BeforeInstall or AfterInstall' if event in ('Install', 'DownloadBundle') else 'another event'}.",
        )
        return
    near = closest(event, EVENTS)
    yield fault(
        "event-is-known",
        key.mark,
        f"There is no event {event} in a server deployment: its scripts are never run.",
        about=f"hooks.{event}",
        fix=f"Write {near}." if near else f"Use one of {', '.join(EVENTS)}.",
    )


def _script(script: Node, event: str, about: str) -> Iterator[Fault]:
    typed = rust.wrong(script, "struct RawScript", about)
    if not isinstance(script, Mapping):
        yield fault(
            "script-is-a-mapping",
            script.mark,
            f"{about} is {seen(script)}; a script is a mapping with a location.",
            about=about,
            fix="Write `- location: scripts/…`.",
            one=showing.undefined("has_key?", script),
            two=typed or messages.LOCATION,
        )
        return
    location = script.get("location")
    if is_null(location) or not showing.to_s(location).strip():
        yield fault(
            "script-has-location",
            (location or script).mark,
            f"{about} has no location.",
            about=f"{about}.location",
            fix="Add `location:`, the path of the script in the bundle.",
            one=messages.LOCATION,
            two=messages.LOCATION,
        )
    elif location is not None and not isinstance(location, Scalar):
        yield fault(
            "script-has-location",
            location.mark,
            f"The location of {about} is {seen(location)}; it must be one path.",
            about=f"{about}.location",
            fix="Give each script an entry of its own.",
            one=Outcome(event, messages.NO_SCRIPT.format(showing.to_s(location))),
            two=rust.wrong(location, "a string", f"{about}.location"),
        )
    yield from _timeout(script.get("timeout"), f"{about}.timeout")
    yield from _sudo(script.get("sudo"), f"{about}.sudo")
    runas = script.get("runas")
    if runas is not None and not is_null(runas) and (two := rust.wrong(runas, "a string", f"{about}.runas")):
        yield fault(
            "account-is-on-the-host", runas.mark, f"The runas of {about} is {seen(runas)}; it must be one user.",
            about=f"{about}.runas", fix="Name one user.", two=two,
        )  # fmt: skip


def _timeout(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or is_null(node):
        return
    value = node.value if isinstance(node, Scalar) else None
    seconds = DEFAULT_TIMEOUT if value is False else ruby.to_i(value) if isinstance(node, Scalar) else None
    if seconds is None:
        infinite = isinstance(value, float)
        one = ruby.shown(value) if infinite else showing.undefined("to_i", node)
    else:
        one = "" if seconds > 0 else messages.TIMEOUT
    two = rust.wrong(node, "u32", about) or (messages.TIMEOUT if rust.whole(node) == 0 else "")
    if not one and not two:
        return
    says = f"The timeout is {seen(node)}; it must be a whole number of seconds, at least 1."
    if not one:
        says = f"The timeout is {seen(node)}, which agent 1.8.1 takes for {seconds} seconds and agent 2.x refuses."
    yield fault(
        "timeout-is-positive",
        node.mark,
        says,
        about=about,
        fix="Write a plain number, without quotes or a unit: `timeout: 300`.",
        one=one,
        two=two,
    )


def _sudo(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or rust.is_null(node):
        return
    if two := rust.wrong(node, "a boolean", about):
        yield fault(
            "sudo-is-true-or-false",
            node.mark,
            f"sudo is {seen(node)}, which agent 1.8.1 takes for {'false' if missing_or_false(node) else 'true'} and agent 2.x refuses.",
            about=about,
            fix="Write `sudo: true`, or leave it out.",
            two=two,
        )


def seconds_of(script: Node) -> int | None:
    """The timeout of a script as agent 1.8.1 takes it; None where none is given."""
    node = script.get("timeout") if isinstance(script, Mapping) else None
    return ruby.to_i(node.value) if isinstance(node, Scalar) and not missing_or_false(node) else None


def _timeouts(scripts: Sequence, event: str) -> Iterator[Fault]:
    given = [seconds_of(script) for script in scripts.items]
    if not any(given):
        return
    counted = [max(DEFAULT_TIMEOUT if seconds is None else seconds, 0) for seconds in given]
    total = 0
    for script, seconds in zip(scripts.items, counted, strict=True):
        total += seconds
        if total - seconds <= EVENT_SECONDS < total and isinstance(script, Mapping):
            yield fault(
                "timeouts-fit-the-event",
                (script.get("timeout") or script).mark,
                f"The timeouts of {event} come to {sum(counted)} seconds; CodeDeploy documents {EVENT_SECONDS} for all scripts of an event.",
                about=f"hooks.{event}",
                fix="Lower the timeouts, or spread the scripts over two events.",
            )
