"""The report in its four forms: exit codes, coverage, and hostile text that does no harm."""

import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator
from typer.main import get_command

from runbooks.cli import app
from runbooks.diagnosis import diagnose
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Call, Check, Finding, Verdict
from runbooks.question import Question
from runbooks.report import FORMATS, Report
from runbooks.report.as_markdown import replay
from runbooks.report.schema import schema
from runbooks.source import Place, Source
from tests.support.world import world

SCHEMA = Draft202012Validator(schema())
HOSTILE = "<script>alert(1)</script>\x1b[31m\nweb`| [x](javascript:alert(1)) \u202e **b** <img src=x onerror=alert(1)>"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"


def report(*verdicts: Verdict, says: str = "web-01 was seen", fix: str = "") -> Report:
    proof = (Call("codedeploy:ListOnPremisesInstances", "eu-west-1", "ok", "r-1"),)
    results = {
        Check(f"check-{n}", "All is well.", "", "category", (), lambda aws, question: iter(())): [
            Finding(
                verdict,
                says,
                code=f"check-{n}/seen",
                about="web-01",
                fix=fix,
                next="/guides/check-the-agent/",
                proof=proof,
            )
        ]
        for n, verdict in enumerate(verdicts)
    }
    at = datetime(2026, 1, 15, 12, tzinfo=UTC)
    place = Place("eu-west-1", sandbox="healthy")
    source = Source(place, "sandbox:healthy", "111122223333", "arn:x", at)
    return Report(source, Question(instance="web-01"), results)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [((OK, SKIP, WARN), 0), ((OK, FAIL), 1), ((OK, UNKNOWN), 2), ((FAIL, UNKNOWN), 3), ((SKIP,), 2), ((), 2)],
)
def test_exit_codes_are_bits(verdicts: tuple[Verdict, ...], code: int) -> None:
    assert report(*verdicts).exit_code == code


def test_coverage_never_leaves_the_unseen_out() -> None:
    assert report(OK, OK, FAIL, WARN, UNKNOWN, UNKNOWN, SKIP).coverage.startswith(
        "4 looked at, 2 could not be, 1 does not apply"
    )


def test_the_worst_comes_first_and_what_does_not_apply_last() -> None:
    assert [verdict for _, verdict, _ in report(OK, UNKNOWN, FAIL, SKIP).checks] == [FAIL, UNKNOWN, OK, SKIP]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_one_reason_is_told_once_and_hides_nothing(form: str) -> None:
    shown = report(FAIL, UNKNOWN, UNKNOWN, OK, says="Could not check: sts was denied.").render(form)
    assert (
        shown.count("Could not check: sts was denied.") == 3
    )  # the FAIL's, the OK's, and one for both UNKNOWNs
    assert "check-1, check-2" in shown
    assert "2 checks could not look, for one reason." in shown
    assert json.loads(report(UNKNOWN, UNKNOWN).render("json"))["checks"][1][
        "findings"
    ]  # each by itself there


def test_the_fingerprint_follows_the_verdicts_only() -> None:
    assert report(OK, FAIL).fingerprint == report(OK, FAIL, says="other words").fingerprint
    assert report(OK, FAIL).fingerprint != report(OK, OK).fingerprint


@pytest.mark.parametrize("verdicts", [(FAIL, OK), (UNKNOWN,), ()])
def test_json_keeps_to_the_published_schema(verdicts: tuple[Verdict, ...]) -> None:
    document = json.loads(report(*verdicts).render("json"))
    SCHEMA.validate(document)
    assert not SCHEMA.is_valid(document | {"verdict": "GOOD"})
    assert not SCHEMA.is_valid(document | {"more": 1})


def test_json_has_the_fields_of_the_contract() -> None:
    document = json.loads(report(FAIL).render("json"))
    (finding,) = document["checks"][0]["findings"]
    assert set(finding) == {"verdict", "says", "code", "about", "fix", "next", "proof"}
    assert finding["verdict"] == "FAIL"


@pytest.mark.parametrize("form", FORMATS)
def test_secrets_are_masked(form: str) -> None:
    shown = report(FAIL, says=f"key {KEY} secret {SECRET}", fix="curl http://joe:hunter22@proxy").render(form)
    for secret in (KEY, SECRET, "hunter22"):
        assert secret not in shown


@pytest.mark.parametrize("form", FORMATS)
def test_no_control_character_gets_through(form: str) -> None:
    shown = report(FAIL, says=HOSTILE, fix=HOSTILE).render(form)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", shown)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_holds_no_script_and_no_foreign_address() -> None:
    reader = Elements()
    reader.feed(report(FAIL, OK, says=HOSTILE, fix=HOSTILE).render("html"))
    assert {"table", "code"} <= {tag for tag, _ in reader.tags}
    assert not {"script", "img", "iframe", "object", "link"} & {tag for tag, _ in reader.tags}
    for _, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert (attributes.get(name) or "http://127.0.0.1:8000/").startswith("http://127.0.0.1:8000/")


def test_markdown_stays_text() -> None:
    from markdown import markdown  # the site's own

    reader = Elements()
    reader.feed(markdown(report(FAIL, says=HOSTILE, fix=HOSTILE).render("markdown")))
    assert {tag for tag, _ in reader.tags} <= {"p", "strong", "br", "code", "ul", "li", "a"}
    assert {a["href"] for tag, a in reader.tags if tag == "a"} <= {
        "http://127.0.0.1:8000/guides/check-the-agent/"
    }


@pytest.mark.parametrize(
    "address", ["www.evil.example/login", "HTTP://evil.example", "ftp://evil.example", "a@b.example"]
)
def test_a_bare_address_becomes_no_link(address: str) -> None:
    assert not re.search(
        r"(?i)www\.|https?://|ftp://|@", report(FAIL, says=address).render("markdown").split("next:")[0]
    )


def test_text_has_no_colour_unless_asked() -> None:
    from runbooks.report import as_text

    assert "\x1b" not in as_text.render(report(FAIL))
    assert "\x1b[" in as_text.render(report(FAIL), colour=True)
    assert "\x1b[31m" not in as_text.render(report(FAIL, says="\x1b[31mred"), colour=True).replace(
        "\x1b[1;31mFAIL", ""
    )


def test_the_ticket_says_how_to_ask_again() -> None:
    question = Question(instance="web-01", deployment_group="shop/web", bucket="b; rm -rf ~", hours=3)
    first = report(FAIL)
    source = replace(first.source, place=Place("eu-west-1"), target="aws", probed=True)
    asked = replace(first, question=question, source=source)
    words = shlex.split(replay(asked))
    context = get_command(app).commands["diagnose"].make_context("diagnose", words[2:])  # type: ignore[attr-defined]
    given = {"instance": "web-01", "bucket": "b; rm -rf ~", "hours": 3, "region": "eu-west-1", "probe": True}
    assert given.items() <= context.params.items()


def test_a_ticket_names_the_checks_that_were_asked_for() -> None:
    with world("healthy") as (aws, _):
        every = diagnose(aws, instance="web-01", checks=())
        one = diagnose(aws, instance="web-01", checks="instance-is-registered")
    assert replay(every) == "runbooks diagnose --instance web-01 --sandbox healthy"
    assert set(shlex.split(replay(one))) == {*shlex.split(replay(every)), "--check", "instance-is-registered"}
