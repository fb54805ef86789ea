"""Everything that is shown is untrusted: it goes on one line, with its secrets masked."""

import re
import unicodedata
from typing import Any

# What a secret is called, in a setting, a header, JSON or a query. The host probe masks by the same names.
_NAMED = (
    r"secret_?access_?key|secret_?key|session_?token|security-token|token|secret|passw(?:or)?d|passphrase"
)
_SECRETS = (
    # a header of authorization, to its end: a scheme, a signature and a token have blanks between them
    (re.compile(r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)[^\"'\r\n]+"), r"\1(masked)"),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+[\w.~+/=-]{8,}"), r"\1 (masked)"),
    (re.compile(r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"), r"\1(masked)"),
    (
        re.compile(
            rf"(?i)((?:\b|_|(?<=[a-z]))(?:{_NAMED})\\?[\"']?\s*(?:=>|[:=])\s*)(\\?[\"'])?(?(2)[^\"']+|[^\s,;&\"'}}]+)"
        ),
        lambda found: f"{found[1]}{found[2] or ''}(masked)",
    ),
    # access key ids: enough is left to tell two apart
    (re.compile(r"(?<![A-Z0-9])((?:AKIA|ASIA)[A-Z0-9]{2})[A-Z0-9]{8,}([A-Z0-9]{2})(?![A-Z0-9])"), r"\1…\2"),
    # secret keys: 40 characters of base64. A commit is in lower case; the path of an ARN follows its account.
    (
        re.compile(
            r"(?<![\w/+=-])(?<!\d{12}:)(?=[\w/+]*[A-Z])(?=[\w/+]*[a-z])(?=[\w/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=])"
        ),
        "(masked)",
    ),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s@]+@"), r"\1:(masked)@"),  # passwords in URLs
)


def plain(text: str) -> str:
    """``text`` on one line, with secrets masked and every control or direction-changing character made visible."""
    for pattern, masked in _SECRETS:
        text = pattern.sub(masked, text)
    return "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else _visible(c) for c in text
    )


def all_plain(value: Any) -> Any:
    """``value``, made of dicts, lists and texts, with every text in it made `plain`."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: all_plain(item) for key, item in value.items()}
    return [all_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _visible(character: str) -> str:
    return character.encode("unicode_escape").decode()
