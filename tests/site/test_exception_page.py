"""The exception page: its facts are the model's, and its form is that of every such page."""

import re
import subprocess
import textwrap
from pathlib import Path

import botocore.exceptions
import botocore.session
import pytest
import yaml

from tests.site import test_snippets
from tests.site.exception_page import NAME, OPERATION, PAGE, SNIPPETS, enum, page, rows, section
from tests.support import DOCS

MODEL = botocore.session.get_session().get_service_model("codedeploy")
DECLARED = {
    operation: {error.name for error in MODEL.operation_model(operation).error_shapes}
    for operation in MODEL.operation_names
}

SECTIONS = {
    "now": "Do this now",
    "raised-by": "What raises it and what does not",
    "causes": "Causes",
    "not-this": "Not this one?",
    "reproduce": "Reproduce it",
    "fix": "Fix it",
    "handle": "Handle it in code",
    "prevent": "Prevent it",
    "diagram": "How it happens",
    "runbook": "Runbook",
    "other-articles": "What other articles say",
    "sources": "Sources and what is not verified",
}

# What articles on this exception claim, and the page that their reader needs instead.
CLAIMS = {
    "Cause 1": "../guides/agent-not-installed.md",
    "Cause 2": "../guides/agent-too-old.md",
    "Cause 3": "../guides/registration-in-progress.md",
    "Step 1": "../guides/check-the-agent.md",
    "Step 2": "../guides/check-the-instance.md",
    "Step 3": "../guides/check-permissions.md",
    "Step 4": "../guides/check-the-network.md",
    "Practice 1": "../best-practices/automated-installation.md",
    "Practice 2": "../best-practices/regular-updates.md",
    "Practice 3": "../best-practices/lifecycle-hooks.md",
}

# Names on the pages that are not errors of CodeDeploy's model.
ELSEWHERE = {
    # codes of AWS that no service model needs to declare
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "SerializationException",
    "UnknownOperationException",
    # an SDK's base class, a constant of Go 1
    "CodeDeployException",
    "ErrCodeInvalidRegistrationStatusException",
    # Java's and .NET's own, in the examples
    "ArgumentException",
    "IllegalArgumentException",
}


def test_front_matter() -> None:
    meta = yaml.safe_load(page().split("---\n")[1])
    assert meta.keys() >= {"title", "description", "exception", "runbook"}
    assert meta["title"] == meta["exception"] == NAME
    assert meta["runbook"] == "registration-status"


def test_sections_are_the_closed_ordered_set() -> None:
    assert re.findall(r"^# (.*)$", page().split("\n## ")[0], re.MULTILINE) == [NAME]
    found = re.findall(r"^## (.*?)(?: { #(.*) })?$", page(), re.MULTILINE)
    assert [(anchor, title) for title, anchor in found] == list(SECTIONS.items())


def test_the_first_screen_answers_in_60_words() -> None:
    body = page().split("---\n", 2)[2]
    first = body.split("\n## ")[0]
    assert first.count("<!-- facts -->") == 1
    said = re.sub(r"<!-- facts -->|```\w*|\[[VDIXU]\]", "", first)
    assert len(said.split()) <= 60
    for word in (OPERATION, "`Registered`", "`Deregistered`", "agent", "registration", "IAM", "network"):
        assert word in said


def test_every_snippet_is_on_the_page_and_runs_in_a_test() -> None:
    # The page writes ```{.python}, since ruff would format an include in a ```python fence as code, and spoil it.
    files = {f"{NAME}/{file.name}" for file in SNIPPETS.iterdir() if file.is_file()}
    assert set(re.findall(r'^ *--8<-- "([\w/.]+)(?::3:)?"$', page(), re.MULTILINE)) == files
    tests = Path(test_snippets.__file__).read_text(encoding="utf-8")
    assert not [file for file in files if f'"{Path(file).name}"' not in tests]


def test_the_operations_are_the_model_s() -> None:
    table = {operation.strip("`"): declares for operation, declares in rows(section("raised-by"))}
    assert table.keys() == {operation for operation in MODEL.operation_names if "OnPremises" in operation}
    assert set(table.values()) == {"yes", "no"}
    raised_by = {operation for operation, declares in table.items() if declares == "yes"}
    assert raised_by == {operation for operation, errors in DECLARED.items() if NAME in errors}


def test_the_statuses_are_the_model_s() -> None:
    sentence = re.search(r"The filter takes (.*?)\.", section("raised-by"))
    assert sentence
    assert re.findall(r"`(\w+)`", sentence[1]) == enum("codedeploy")


def test_other_services_have_the_type_that_the_page_says() -> None:
    said = re.search(r"SWF \(`(\w+)`\) and CloudFormation \(`(\w+)`\)", section("causes"))
    assert said
    for service, value in zip(("swf", "cloudformation"), said.groups(), strict=True):
        assert value in enum(service)


def test_the_look_alikes_belong_to_the_operations_named() -> None:
    compared = 0
    for seen, when, _ in rows(section("not-this")):
        operations = [name for name in re.findall(r"`(\w+)`", when) if name in DECLARED]
        errors = [name for name in re.findall(r"`(\w+)`", seen) if name in MODEL.shape_names]
        for error in errors:
            assert operations, f"{error}: no operation named"
            assert any(error in DECLARED[operation] for operation in operations)
        for operation in operations:
            assert DECLARED[operation] & set(errors), f"{operation} declares none of {errors}"
        compared += len(errors)
    assert compared >= 9


def test_the_errors_of_boto3_and_the_cli_are_botocores() -> None:
    named: dict[str, set[str]] = {"boto3": set(), "CLI": set()}
    for sdks, names in re.findall(r"(boto3|CLI|boto3, CLI): (`.*?)(?:<br>| \|)", section("not-this")):
        for sdk in sdks.split(", "):
            named[sdk] |= set(re.findall(r"`([^`]+)`", names))
    errors = {name: error for name, error in vars(botocore.exceptions).items() if isinstance(error, type)}
    classes = {name for name in named["boto3"] if name.endswith("Error")}
    assert len(classes) >= 4
    assert classes <= errors.keys()
    sentences = [
        error.fmt for error in errors.values() if issubclass(error, botocore.exceptions.BotoCoreError)
    ]
    assert len(named["CLI"]) >= 5
    for said in named["CLI"]:
        assert any(sentence.startswith(said) for sentence in sentences), said


def test_every_other_sdk_reads_all_pages_and_passes_other_errors_on() -> None:
    tabs = dict(re.findall(r'^=== "(.*?)"\n(.*?)(?=^===|^\S)', section("handle"), re.MULTILINE | re.DOTALL))
    assert {"Java 2", "Java 1", "Go", "JavaScript", ".NET"} == tabs.keys() - {"boto3", "AWS CLI"}
    for sdk, text in tabs.items():
        if sdk not in ("boto3", "AWS CLI"):
            assert text.lower().count("nexttoken") >= 2, sdk
    assert "if err != nil {\n            return nil, err\n" in tabs["Go"]


def test_register_declares_ten_errors_as_the_page_says() -> None:
    assert "`RegisterOnPremisesInstance` declares ten exceptions" in section("other-articles")
    assert len(DECLARED["RegisterOnPremisesInstance"]) == 10


@pytest.mark.parametrize(("claim", "target"), CLAIMS.items())
def test_every_claim_has_its_verdict_and_its_page(claim: str, target: str) -> None:
    (row,) = [row for row in rows(section("other-articles")) if row[0].startswith(f"{claim}:")]
    _, verdict, truth, link = row
    assert verdict == "No"
    assert truth
    assert f"]({target})" in link
    assert (PAGE.parent / target).is_file()


def test_the_diagram_is_small_and_said_in_words() -> None:
    diagram, _, after = section("diagram").partition("```mermaid\n")[2].partition("```\n")
    nodes = set(re.findall(r"(\w+)\[", diagram))
    assert 0 < len(nodes) <= 8
    assert not re.search(r"<|&", diagram)
    assert after.strip().startswith("In words:")


COMMANDS = [
    pytest.param(textwrap.dedent(block), id=f"{path.stem}-{number}")
    for path in [*sorted((DOCS / "guides").glob("*.md")), PAGE]
    for number, (_, block) in enumerate(
        re.findall(r"^( *)```bash\n((?:.*\n)*?)\1```$", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
    if "--8<--" not in block
]


@pytest.mark.parametrize("commands", COMMANDS)
def test_commands_are_valid_shell_and_fit_the_page(commands: str) -> None:
    done = subprocess.run(["sh", "-n"], input=commands, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in commands.splitlines() if len(line) > 72] == []


def exceptions_named() -> dict[str, set[str]]:
    """Each exception named on any page, and the pages that name it; symptoms are also those of other services."""
    named: dict[str, set[str]] = {}
    for path in DOCS.rglob("*.md"):
        if path.parent.name == "symptoms":
            continue
        # *Exception in a shell pattern is not a name; **Exception** in bold type is.
        for name in re.findall(r"(?<![^*]\*)\b[A-Z]\w*Exception\b", path.read_text(encoding="utf-8")):
            named.setdefault(name, set()).add(str(path.relative_to(DOCS)))
    return named


def test_every_exception_named_exists() -> None:
    model = {shape.name for shape in MODEL.error_shapes}
    assert len(model) > 100
    unknown = {name: where for name, where in exceptions_named().items() if name not in model | ELSEWHERE}
    assert unknown == {}


def test_the_list_of_other_names_is_no_longer_than_needed() -> None:
    model = {shape.name for shape in MODEL.error_shapes}
    assert ELSEWHERE & model == set()
    assert exceptions_named().keys() >= ELSEWHERE


def test_the_index_lists_every_exception_page() -> None:
    index = (DOCS / "exceptions" / "index.md").read_text(encoding="utf-8")
    pages = {path.name for path in (DOCS / "exceptions").glob("*.md")} - {"index.md"}
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) <= pages
    assert "\n<!-- errors: exceptions -->\n" in index  # which becomes the table of them all
    assert re.findall(r"^\| ([^|]*) \|", index.partition("## How a page is built")[2], re.MULTILINE)


def test_the_index_names_the_sections_in_their_order() -> None:
    index = (DOCS / "exceptions" / "index.md").read_text(encoding="utf-8")
    _, _, text = index.partition("## How a page is built")
    listed = ", ".join(cells[0] for cells in rows(text)).split(", ")
    assert listed == list(SECTIONS.values())
