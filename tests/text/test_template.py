"""Templates escape every value, unless it was marked as safe."""

import pytest
from jinja2 import UndefinedError

from runbooks.text.template import Safe, environment


def test_a_value_is_escaped_by_what_the_form_names() -> None:
    shouting = environment("runbooks.report", str.upper)
    template = shouting.from_string("a {{ b }} {{ c }} {{ 1 }}{% for x in d %} {{ x }}{% endfor %}")
    assert template.render(b="b", c=Safe("c"), d=["d", Safe("e")]) == "a B c 1 D e"


def test_html_is_escaped_by_itself() -> None:
    assert environment("runbooks.report").from_string("<b>{{ a }}</b>").render(a="<i>") == "<b>&lt;i&gt;</b>"


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment("runbooks.report").from_string("{{ nothing }}").render()
