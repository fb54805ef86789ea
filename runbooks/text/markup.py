"""Text as a literal part of Markdown, whatever it holds."""

import re

from runbooks.text.mask import plain


def escape(text: str) -> str:
    """``text`` with everything that Markdown or HTML could act upon made literal, bare addresses included."""
    text = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_~\[\]])", r"\\\1", text)
    text = re.sub(r"(?i)\b(https?|ftp)://", r"\1&#58;//", text)
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", text).replace("@", "&#64;")


def code(text: str) -> str:
    """``text`` as inline code of Markdown, with a fence that it cannot close."""
    text = plain(text)
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    gap = " " if "`" in text else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"
