"""Everything that is shown is untrusted: it goes on one line, with its secrets masked, and commands no log.

Each pattern reads a text once: what begins a match is bounded, or stands at the beginning of a word, so that no text,
however it was made, costs more than its length.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

MASK = "(masked)"

# What a secret is called, in a setting, a header, JSON or a query. The host probe masks by the same names.
# MISSING_GITHUB_TOKEN is an error code, and what follows it is its message.
_NAMED = (
    r"(?!(?<=MISSING_GITHUB_)token)(?:secret_?access_?key|secret_?key(?:_base)?|session_?token|security-token|token|secret"
    r"|passw(?:or)?d|passphrase|(?:api|account|private|master|signing|encryption)[_-]?key)"
)
# What a runner of CI obeys in a log: "::error::" of GitHub where a line begins with it, as a wrapped line may with any
# word of a text; "##[error]" of GitHub and Azure, "##vso[" and "##teamcity[" anywhere. "Aws::Errors" is none.
_OPTION = r"(?:password|passwd|passphrase|token|secret|(?:api|auth|access|secret)-?(?:key|token))"
_WORDS = (
    r"(?:an?|and|are|as|does|for|has|in|is|needs?|not|of|or|that|the|to|was|which|with)"  # after it in prose
)
_COMMAND = re.compile(r"(?<!\S):(?=:[A-Za-z][\w-]*(?:::|\s|$))|#(?=#\w{0,30}\[)")
_TOKEN = 16  # characters of a user's name in a URL that are rather a token
_UNUSED = ("Cc", "Cf", "Cs", "Zl", "Zp")  # categories of characters that act instead of being seen


def _named(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2] or ''}{MASK}"


def _in_address(found: re.Match[str]) -> str:
    """A password in a URL: from the colon behind the user to the last "@", as a password may hold "@" and "/".

    So is a long user without one: the hosts of repositories take a token in its place.
    """
    scheme, _, rest = found[0].partition("://")
    inside, at, host = rest.rpartition("@")
    user, colon, _ = inside.partition(":")
    if at and not colon and len(user) >= _TOKEN:
        return f"{scheme}://{MASK}@{host}"
    return f"{scheme}://{user}:{MASK}@{host}" if at and colon else found[0]


def _long_run(found: re.Match[str]) -> str:
    """A long run of base64, as a session token is: a path or a name has no such part of mixed case and digits."""
    return MASK if any(map(_looks_random, re.findall(r"[A-Za-z0-9]{28,}", found[0]))) else found[0]


def _looks_random(run: str) -> bool:
    return run != run.lower() and run != run.upper() and sum(map(str.isdigit, run)) > 1


_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # what botocore quotes of a header that it will not send: often the session token, with a line end
    (re.compile(r"(Invalid header value )b?(['\"])(?:\\.|(?!\2)[^\\])*\2?", re.DOTALL), rf"\1{MASK}"),
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        MASK,
    ),
    # a header of authorization, or cookies, to its end: a scheme, a signature and a token have spaces between them
    (
        re.compile(
            r"(?i)\b((?:(?:proxy-)?authorization|(?:set-)?cookie)[\"']?\s*[:=]\s*[\"']?)[^\"'\s][^\"'\r\n]*"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(Bearer|Basic)\s+(?=[\w.~+/-]*[\d=])[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+"), rf"\1{MASK}"),
    (
        re.compile(
            rf"(?i)((?:\b|_|(?<=[a-z]))(?:{_NAMED})\\?[\"']?\s*(?:=>|[:=])\s*(?:[|>]-?\s+)?(?:\[std(?:err|out)\]\s*)?)(\\?[\"'])?(?(2)[^\"']+|[^\s,;&\"'}}]+)"
        ),
        _named,
    ),
    # an assignment of a shell (a path is none), an option of a command, an element of XML
    (
        re.compile(
            r"(?i)((?:\b|_|(?<=[a-z]))(?<!by)(?:(?:pass|pwd)=|pass:(?!\d+\b)))(\\?[\"'])?(?![/$\s])(?(2)[^\"']+|[^\s,;&\"'}]+)"
        ),
        _named,
    ),
    (re.compile(rf"(?i)(?<!\S)(--?(?:[\w-]{{0,30}}-)?{_OPTION} )(?!-|{_WORDS}\b)([\"'])?[^\s\"']+"), _named),
    (re.compile(r"(?i)(<\w{0,30}(?:password|passwd|secret|token|api_?key)>)()[^<]+"), _named),
    (
        re.compile(
            r"(\b(?:curl|wget)\b[^\n]{0,200}?\s(?:-u|-U|--user|--proxy-user)[ =]?[\"']?[\w.@-]{1,60}:)()[^\s\"']+"
        ),
        _named,
    ),
    (re.compile(r"(\bmysql(?:dump|admin)?\b[^\n]{0,200}?\s-p)()[^\s]+"), _named),
    # in prose, "password hunter22": a word of letters and digits, as "password for web-01" has none there
    (
        re.compile(
            r"(?i)\b((?:passw(?:or)?d|passphrase|pwd) (?:is |was )?)([\"'])?(?=[^\s\"']*\d)(?=[^\s\"']*[a-z])[^\s\"']{6,}"
        ),
        _named,
    ),
    # tokens that show their issuer: GitHub, GitLab, Slack, Stripe; JSON Web Tokens; session tokens of STS
    (
        re.compile(r"(?<![\w-])(?:gh[pousr]_\w{4}|github_pat_\w{4}|glpat-[\w-]{4}|xox[a-z]-|xapp-)[\w-]+"),
        MASK,
    ),
    (re.compile(r"\b(?:sk|rk)_(?:live|test)_\w{4,}"), MASK),
    (re.compile(r"(hooks\.slack\.com/\w{1,20}/)()[\w/]+"), _named),
    (re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), MASK),
    (re.compile(r"(?<![\w/+=-])(?:IQoJ|FwoG|FQoG|AQoD)[\w/+=%-]+"), MASK),
    # access key ids: enough is left to tell two apart
    (re.compile(r"(?<![A-Z0-9])((?:AKIA|ASIA)[A-Z0-9]{2})[A-Z0-9]{8,}([A-Z0-9]{2})(?![A-Z0-9])"), r"\1…\2"),
    # secret keys: 40 characters of base64. A commit is in lower case; the path of an ARN follows its account.
    (
        re.compile(
            r"(?<![\w/+=-])(?<!\d{12}:)(?=[\w/+]*[A-Z])(?=[\w/+]*[a-z])(?=[\w/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=])"
        ),
        MASK,
    ),
    (re.compile(r"(?<![\w/+=-])[\w/+=-]{41,}"), _long_run),
    (re.compile(r"(?<!\w)\w{1,30}://[^\s\"'<>]+"), _in_address),
)


def masked(text: str) -> str:
    """``text`` with its secrets masked, else as it is."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def plain(text: str) -> str:
    """``text`` on one line, with secrets masked and every control or direction-changing character made visible.

    What a runner of CI would take for a command to it gets a space: ": :error::", "# #[group]".
    """
    text = masked(text)
    text = text if text.isprintable() else "".join(map(_visible, text))
    return _COMMAND.sub(r"\g<0> ", text)


def all_plain(value: Any) -> Any:
    """``value``, made of dicts, lists and texts, with every text in it made `plain`."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: all_plain(item) for key, item in value.items()}
    return [all_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _visible(character: str) -> str:
    seen = unicodedata.category(character) not in _UNUSED
    return character if seen else character.encode("unicode_escape").decode()
