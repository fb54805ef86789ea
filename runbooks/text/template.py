"""Templates of what is shown: they escape every value unless it is marked as safe."""

from collections.abc import Callable
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined


class Safe(str):
    """Text that a template takes as it is: markup that was made here, of values that were escaped."""

    __slots__ = ()


def environment(package: str, escape: Callable[[str], str] | None = None) -> Environment:
    """The templates in ``templates/`` of a package; every value passes ``escape``, or becomes text of HTML."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=escape is None,  # noqa: S701 - else `finalize` escapes
        finalize=partial(_unless_safe, escape) if escape else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _unless_safe(escape: Callable[[str], str], value: object) -> str:
    return value if isinstance(value, Safe) else escape(str(value))
