"""The HTML of the hooks: templates in templates/, which escape what they are given."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """The HTML of ``template``, a file of templates/, for these values."""
    return _TEMPLATES.get_template(template).render(values)
