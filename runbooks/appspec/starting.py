"""Whether Linux can start a script: its path as a shell reads it, its x bit, its first line.

Agent 1.8.1 by running its hook executor and by its source (linux_util.rb); 2.x by its source (script.rs).
"""

import posixpath
import re
from collections.abc import Iterator
from shlex import quote

from runbooks.appspec import install, messages, showing
from runbooks.appspec.bundle import Entry
from runbooks.appspec.fault import Fault, Outcome, fault
from runbooks.appspec.reading import Mapping, Node, is_null

ELF = b"\x7fELF"
ARGUMENTS = "An AppSpec passes no arguments: write them in the script, or in a second script that calls it."
_BOM, _UTF_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_WINDOWS = (".ps1", ".bat", ".cmd")
_SHELLS = (b"sh", b"bash", b"dash", b"ksh")
_ENV_SPLITS = re.compile(rb"-\w*S|--split-string")
# What ends a command for a shell, or is taken out of a word, so that what is left is not there; and what it refuses.
_ENDS, _REFUSED = re.compile(r"[&;|>\\\n]|\$[\w({]"), re.compile(r"[()'\"`<]")


def in_a_shell(
    script: Mapping, node: Node, event: str, path: str, about: str, *, there: bool
) -> Iterator[Fault]:
    """A path that agent 1.8.1 does not start as it is written, since it is one text for Ruby and the shell.

    ``there``: the file exists, so that the message is known.
    """
    location = install.text(node).strip()
    sign = _ENDS.search(location) or _REFUSED.search(location) or re.search(r"\s", location)
    if not sign:
        return
    word = re.split(r"\s", location)[0]
    one, two = Outcome(event, ""), Outcome(event, "")
    if there and is_null(script.get("sudo")):
        if _ENDS.search(location) or (sign[0].isspace() and user_of(script)):
            one = failed(script, event, "exit code 127")
        elif sign[0].isspace():
            one = Outcome(event, messages.NOT_STARTED.format(location, word.lstrip("/")))
        two = one
    arguments = sign[0].isspace() and posixpath.splitext(word)[1]
    yield fault(
        "location-is-a-plain-path",
        node.mark,
        f"The location {location[:200]!r} holds {sign[0]!r}: agent 1.8.1 does not start {path[:200]!r}, but a part of it.",
        about=about,
        fix=ARGUMENTS if arguments else "Rename the script: letters, digits and . _ - are safe.",
        one=one,
        two=two if user_of(script) else None,
    )


def on_linux(
    script: Mapping,
    node: Node,
    event: str,
    path: str,
    content: bytes,
    entry: Entry | None,
    about: str,
    *,
    linked: bool,
) -> Iterator[Fault]:
    """The x bit and the content of a script that is there. ``linked``: a link is at its path."""
    if entry and entry.mode is not None and not entry.mode & 0o111:
        yield fault(
            "script-is-executable",
            node.mark,
            f"{path} has no x bit (mode {entry.mode:o}). "
            + (
                "It is a link, and agent 1.8.1 does not set the bit behind one."
                if linked
                else "The agent sets it, and logs a warning."
            ),
            about=about,
            fix=f"Give it the x bit and pack the bundle again: `chmod +x {quote(path)}`, in git"
            f" `git update-index --chmod=+x {quote(path)}`.",
            one=not_allowed(script, event) if linked else None,
        )
    if not content or content.startswith(ELF):
        return
    if path.lower().endswith(_WINDOWS) and not content.startswith(b"#!"):
        yield _without_first_line(
            script, node, event, about, "script-is-for-its-system",
            f"{path} is a script for Windows, and os is linux",
            "Write a shell script, or `#!/usr/bin/env pwsh` as the first line of this one.",
        )  # fmt: skip
        return
    first = content.partition(b"\n")[0]
    if b"\r\n" in content or first.endswith(b"\r"):
        yield _line_ends(script, node, event, path, first, about)
    elif first.startswith(b"#!"):
        yield from _interpreter(script, node, event, path, first, about)
    if not first.startswith(b"#!"):
        why, fix = _first_line_of(content)
        rule = "script-has-an-interpreter"
        yield _without_first_line(script, node, event, about, rule, f"{path} {why}", fix)


def _line_ends(script: Mapping, node: Node, event: str, path: str, first: bytes, about: str) -> Fault:
    begins, carriage = first.startswith(b"#!"), first.endswith(b"\r")
    one, two = _not_there(script, event, first) if begins and carriage else (None, None)
    seen = first[2:].strip().decode(errors="replace")[:60]
    effect = (
        f": its first line asks for {seen + chr(13)!r}, which is not on the host."
        if begins and carriage
        else "; the shell takes the CR as part of each command."
    )
    return fault(
        "script-has-unix-line-ends",
        node.mark,
        f"{path} ends its lines with CRLF{effect}",
        about=about,
        fix=f"Take the CRs out and pack the bundle again: `sed -i 's/\\r$//' {quote(path)}`. In git keep them out by"
        " `*.sh text eol=lf` in .gitattributes.",
        one=one,
        two=two,
    )


def _interpreter(
    script: Mapping, node: Node, event: str, path: str, first: bytes, about: str
) -> Iterator[Fault]:
    """The line `#!`: an absolute path, and one argument at most, which Linux does not take apart."""
    rule, shown = "script-has-an-interpreter", first.decode(errors="replace")[:80]
    interpreter, *arguments = first[2:].split(None, 1) or [b""]
    words = arguments[0].split() if arguments else []
    if not interpreter.startswith(b"/"):
        one, two = _not_there(script, event, first)
        yield fault(
            rule, node.mark, f"The first line of {path} is {shown!r}: the interpreter must be an absolute path.",
            about=about, fix="Write #!/bin/bash or #!/usr/bin/env NAME.", one=one, two=two,
        )  # fmt: skip
    elif interpreter.endswith(b"/env") and len(words) > 1 and not _ENV_SPLITS.match(words[0]):
        code = failed(script, event, f"exit code {125 if words[0].startswith(b'-') else 127}")
        yield fault(
            rule, node.mark,
            f"The first line of {path} is {shown!r}: Linux gives env all that follows as one name, and there is no such program.",
            about=about, fix="Write #!/usr/bin/env -S NAME OPTION, or name the interpreter itself.", one=code, two=code,
        )  # fmt: skip
    elif interpreter.rpartition(b"/")[2] in _SHELLS and len(words) > 1 and words[0].startswith(b"-"):
        yield fault(
            rule, node.mark,
            f"The first line of {path} is {shown!r}: Linux gives the shell all that follows as one option, which it refuses.",
            about=about, fix="Write the options as one, as in #!/bin/bash -eu, or use `set`.",
            one=Outcome(event, ""), two=Outcome(event, ""),
        )  # fmt: skip


def _first_line_of(content: bytes) -> tuple[str, str]:
    """Why a content does not begin with ``#!``, and what to do."""
    if content.startswith(_UTF_16):
        return "is saved as UTF-16", "Save it as UTF-8 without BOM."
    if content.startswith(_BOM + b"#!"):
        return "begins with a byte-order mark, which hides its first line", "Save it as UTF-8 without BOM."
    if re.match(rb"\s+#!", content):
        return "does not begin with #!, but with a space or a newline", "Remove what stands before #!."
    return "does not begin with #!", "Write #!/bin/bash as its first line."


def _without_first_line(
    script: Mapping, node: Node, event: str, about: str, rule: str, says: str, fix: str
) -> Fault:
    other = "agent 2.x cannot start it" if not user_of(script) else "so does the shell of the user"
    return fault(
        rule,
        node.mark,
        f"{says}: agent 1.8.1 runs it by /bin/sh; {other}.",
        about=about,
        fix=fix,
        two=None if user_of(script) else failed(script, event, "error Exec format error (os error 8)"),
    )


def _not_there(script: Mapping, event: str, first: bytes) -> tuple[Outcome, Outcome]:
    """How a script fails whose first line names what is not there, with each agent."""
    interpreter, *arguments = first[2:].split(None, 1) or [b""]
    user = user_of(script)
    if arguments and not interpreter.endswith(b"/env"):
        return Outcome(event, ""), Outcome(event, "")  # the interpreter is there, and refuses its argument
    if arguments or user:  # env, or the shell of the user, says so; bash before 5.2 with 126
        said = failed(script, event, "exit code 127")
        return said, said
    location = install.text(script.get("location")).strip()
    return (
        Outcome(event, messages.NOT_STARTED.format(location, location.lstrip("/"))),
        failed(script, event, "error No such file or directory (os error 2)"),
    )


def not_allowed(script: Mapping, event: str) -> Outcome:
    """How a script without its x bit fails."""
    if not is_null(script.get("sudo")):
        return Outcome(event, "")
    if user_of(script):
        return failed(script, event, "exit code 126")
    raw = install.text(script.get("location")).strip().lstrip("/")
    return failed(script, event, f"error Errno::EACCES with message Permission denied - ARCHIVE/{raw}")


def failed(script: Mapping, event: str, how: str) -> Outcome:
    """The message of a script that did not end well."""
    location, user = install.text(script.get("location")).strip(), user_of(script)
    who = f"{location} run as user {user}" if user and how.startswith("exit") else location
    return Outcome(event, f"Script at specified location: {who} failed with {how}")


def user_of(script: Mapping) -> str:
    """The user of a script; "" for that of the agent."""
    return showing.to_s(script.get("runas")).strip()
