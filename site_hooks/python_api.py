"""MkDocs hook: a line `::: runbooks.connect` becomes the signature and the docstring of that object."""

import inspect
import re
from pkgutil import resolve_name
from typing import Any

from mkdocs.exceptions import PluginError

_LINE = re.compile(r"^::: (runbooks\.[\w.]+)$", re.MULTILINE)
_ADDRESS = re.compile(r"<function (\w+) at 0x\w+>")  # a default, which would change with each build
_MODULES = re.compile(r"\b(?:\w+\.)+(?=[A-Z])")  # `runbooks.report.Report` is Report to the reader


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with what each such line names. PluginError: there is no such object, or it has no docstring."""
    return _LINE.sub(lambda line: described(line[1]), markdown)


def described(name: str) -> str:
    """Heading, signature and docstring of one public object, as Markdown."""
    try:
        thing = resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"the page of the Python API names {name}: {error}") from None
    text = inspect.getdoc(thing)
    if not text:
        raise PluginError(f"{name} is on the page of the Python API and has no docstring.")
    short = name.removeprefix("runbooks.report.").removeprefix("runbooks.")
    return f"## `{short}` {{ #{short.lower()} }}\n\n{_signature(thing, short)}{text.replace('``', '`')}\n"


def _signature(thing: Any, short: str) -> str:
    if not inspect.isfunction(thing):
        return ""
    signature = inspect.signature(thing)
    lines: list[str] = []
    named = False
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not named:
            lines, named = [*lines, "    *,"], True
        if parameter.name != "self":
            lines.append(f"    {_plain(str(parameter))},")
    gives = _plain(inspect.formatannotation(signature.return_annotation))
    return "\n".join([f"```python\n{short}(", *lines, f") -> {gives}\n```\n\n"])


def _plain(code: str) -> str:
    return _ADDRESS.sub(r"\1", _MODULES.sub("", code))
