"""Everything that is shown came from AWS, a host or a person: none of it may act or give away a key."""

import os
import re
import unicodedata

_SECRETS = (
    (
        re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{2})[A-Z0-9]{8,}([A-Z0-9]{2})\b"),
        r"\1…\2",
    ),  # access key ids: enough is left to tell two apart
    (
        re.compile(
            r"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+=]*[/+])(?=[A-Za-z0-9/+=]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
        ),
        "(masked)",
    ),  # secret keys
    (
        re.compile(
            r"(?i)\b(aws_secret_access_key|aws_session_token|secret|password|authorization)(\s*[:=]\s*)\S+"
        ),
        r"\1\2(masked)",
    ),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s@/]+@"), r"\1:(masked)@"),  # passwords in URLs
)


def plain(text: str) -> str:
    """``text`` on one line, with secrets masked and every control or direction-changing character made visible."""
    for pattern, masked in _SECRETS:
        text = pattern.sub(masked, text)
    return "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else _visible(c) for c in text
    )


def page_url(path: str) -> str:
    """The address of a page of the guide ("/checks/#agent-is-running"), below RUNBOOKS_SITE if that is set."""
    return os.environ.get("RUNBOOKS_SITE", "http://127.0.0.1:8000").rstrip("/") + path


def escape(text: str) -> str:
    """``text`` with everything that Markdown or HTML could act upon made literal."""
    text = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_~\[\]])", r"\\\1", text)
    return re.sub(r"(https?)://", r"\1&#58;//", text).replace("@", "&#64;")


def code(text: str) -> str:
    """``text`` as inline code of Markdown, with a fence that it cannot close."""
    text = plain(text)
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    gap = " " if "`" in text else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"


def _visible(character: str) -> str:
    return character.encode("unicode_escape").decode()
