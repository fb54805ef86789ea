"""No text of AWS, of a host or of a script acts in Markdown: a real parser makes neither link, image nor HTML of it."""

import random
import re

import pytest
from markdown_it import MarkdownIt

from runbooks.text.markup import escape

PARSERS = [MarkdownIt("commonmark"), MarkdownIt("gfm-like", {"linkify": False})]
PIECES = [
    *(
        "`",
        "``",
        "```",
        "\\",
        "!",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "&",
        "*",
        "_",
        "~~",
        "|",
        "#",
        "“",
        "”",
        '"',
        "'",
        " ",
    ),
    *(
        "a",
        "x.png",
        "http://evil",
        "www.evil.example",
        "[i](http://evil)",
        "![i](http://evil/x.png)",
        "<b>",
        "@team",
    ),
]


def acts(text: str) -> str:
    """What a parser makes of a paragraph, beyond text and code."""
    made = ""
    for parser in PARSERS:
        html = re.sub(r"<code>.*?</code>", "", parser.render(f"A sentence: {text}"), flags=re.DOTALL)
        made += "".join(re.findall(r"<(?!/?p>)[^>]*>", html))
    return made


@pytest.mark.parametrize(
    "text",
    [
        "`\\![i](http://evil/x.png)```",
        "“[click here](http://evil)”``",
        "![i](http://evil/x.png)“``”",
        "`x`[i](http://evil)",
        "`aws x``[i](http://evil)`",
        "<script>`</script>`",
    ],
)
def test_a_text_makes_no_link_and_no_image(text: str) -> None:
    assert not acts(escape(text)), escape(text)


def test_no_text_of_such_pieces_acts() -> None:
    draw = random.Random(0)
    for _ in range(20_000):
        text = "".join(draw.choices(PIECES, k=draw.randint(1, 9)))
        assert not acts(escape(text)), (text, escape(text))


def test_a_command_stays_code() -> None:
    assert (
        escape("Run `aws deploy list-applications`, then wait.")
        == "Run `aws deploy list-applications`, then wait."
    )
