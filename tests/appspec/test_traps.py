"""What an AppSpec file says that no agent does: each was once called good, or got advice that does not help."""

import pytest

from runbooks.appspec import messages
from runbooks.appspec.fault import ONE, TWO
from runbooks.appspec.linter import lint
from site_hooks.appspec_examples import ECS, FILES, HOOK, LAMBDA, OBJECT, TOP, WINDOWS

SOURCE = "files:\n  - source: {}\n    destination: {}\n"
TWO_SCRIPTS = TOP + HOOK + "    - location: b.sh\n"

# the AppSpec file, and what is found: verdict, rule, line, a part of what is said or advised
TRAPS: dict[str, tuple[str, str, str, int, str]] = {
    "$LATEST as the target": (LAMBDA.replace("Version: 2", 'Version: "$LATEST"'), "FAIL", "lambda-versions-differ", 9, "'$LATEST'"),
    "$LATEST as the current version": (LAMBDA.replace("Version: 1", "Version: $LATEST"), "FAIL", "lambda-versions-differ", 8, "'$LATEST'"),
    "a property twice": (LAMBDA.replace("Alias: live", "Alias: live\n        Alias: beta"), "WARN", "keys-are-unique", 8, "not verified"),
    "a property twice, in both cases": (LAMBDA.replace("Alias: live", "Alias: live\n        alias: beta"), "WARN", "keys-are-unique", 8, "not verified"),
    "a property of ECS twice": (ECS + "          ContainerPort: 80\n", "WARN", "keys-are-unique", 10, "not verified"),
    "a variable in a destination": (TOP + SOURCE.format("app", "/srv/${APP_NAME}"), "WARN", "paths-are-written-out", 5, "as it is written"),
    "a variable in a source": (TOP + SOURCE.format("build/$STAGE", "/srv"), "WARN", "paths-are-written-out", 4, "as it is written"),
    "a variable of Windows": (WINDOWS + SOURCE.format("app", "c:\\%APP%"), "WARN", "paths-are-written-out", 5, "as it is written"),
    "a variable in an object": (TOP + OBJECT.replace("/srv/app", "/srv/${APP}"), "WARN", "paths-are-written-out", 4, "as it is written"),
    "a line end behind a source": (TOP + "files:\n  - source: |\n      app\n    destination: /srv\n", "FAIL", "paths-are-plain", 4, "in one line"),
    "a line end behind a destination": (TOP + "files:\n  - source: app\n    destination: >\n      /srv\n", "WARN", "paths-are-plain", 5, "in one line"),
    "a tab for a backslash and t": (WINDOWS + SOURCE.format("app", '"C:\\temp\\app"'), "WARN", "paths-are-plain", 5, "single quotes"),
    "an escape that YAML does not know": (WINDOWS + SOURCE.format("app", '"C:\\webapps"'), "FAIL", "appspec-is-yaml", 5, "single quotes"),
    "a pattern in an object": (TOP + OBJECT.replace("/srv/app", "/srv/app/*.sh"), "WARN", "pattern-can-match", 4, "as `pattern`"),
    "arguments": (TOP + HOOK.replace("run.sh", "run.sh --now"), "FAIL", "location-is-a-plain-path", 5, "passes no arguments"),
    "a space in a location": (TOP + HOOK.replace("run.sh", "my run.sh"), "FAIL", "location-is-a-plain-path", 5, "Rename"),
    "the default counts beside a timeout": (TWO_SCRIPTS + "      timeout: 1\n", "WARN", "timeouts-fit-the-event", 7, "3601"),
    "a mode in base 60": (TOP + OBJECT + "    mode: 1:30\n", "FAIL", "mode-is-octal", 5, "5400"),
    "a mode in base 16": (TOP + OBJECT + "    mode: 0x1ff\n", "FAIL", "mode-is-octal", 5, "511"),
    "a template": (TOP + "files:\n  - source: {{ folder }}\n    destination: /srv\n", "FAIL", "file-paths-are-text", 4, "render"),
    "a block of a template": ("version: 0.0\n{% if x %}\nos: linux\n", "FAIL", "appspec-is-yaml", 2, "render"),
}  # fmt: skip
NO_TRAPS = {
    "a placeholder for a version": LAMBDA.replace("Version: 2", 'Version: "${NEW_VERSION}"'),
    "a version of a pipeline": LAMBDA.replace("Version: 2", "Version: <VERSION>"),
    "a name like the one of the newest": LAMBDA.replace("Version: 2", 'Version: "$LATEST_BUILD"'),
    "a dollar sign in a name": TOP + SOURCE.format("com/Shop$Order.class", "/srv"),
    "a percent sign": TOP + SOURCE.format("a%b", "/srv/50%"),
    "two scripts without a timeout": TWO_SCRIPTS,
    "braces in quotes": TOP + "note: '{{ x }}'\n",
}


@pytest.mark.parametrize("case", TRAPS)
def test_a_trap_is_found(case: str) -> None:
    text, verdict, rule, line, words = TRAPS[case]
    faults = [each for each in lint("-", text.encode()).faults if each.code == rule]
    assert [(each.verdict.name, each.mark.line) for each in faults] == [(verdict, line)]
    assert words in f"{faults[0].says} {faults[0].fix}"


@pytest.mark.parametrize("case", NO_TRAPS)
def test_what_only_looks_like_a_trap_is_not_one(case: str) -> None:
    found = {each.code for each in lint("-", NO_TRAPS[case].encode()).faults}
    assert found <= {"keys-are-known"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_what_is_not_utf_8_is_refused_by_both_agents(encoding: str) -> None:
    content = (TOP + "# caf\xe9\n").encode(encoding)
    if encoding == "utf-16-be":
        content = b"\xfe\xff" + content
    (found,) = lint("-", content).faults
    one, two = found.outcome(ONE), found.outcome(TWO)
    assert found.code == "appspec-is-yaml"
    assert "UTF-8" in found.fix
    assert one is not None
    assert two is not None
    assert one.event == two.event == "BeforeInstall"
    assert one.message.startswith("(<unknown>): ")
    if encoding != "utf-16-le":  # without its mark this one is UTF-8 with zeros in it, but for the accent
        assert "octet" in one.message
    assert two.message == messages.NO_APPSPEC


OUTSIDE = (
    TOP + FILES.replace("source: app", "source: ../shared") + HOOK.replace("run.sh", "../../common/run.sh")
)


def test_a_path_out_of_the_revision_is_refused_by_the_agents_that_refuse_it() -> None:
    judgement = lint("-", OUTSIDE.encode())
    source, script = judgement.faults
    assert source.code == script.code == "source-stays-in-the-bundle"
    assert "1.8.1 and 2.0 read it; 2.1.0 and later refuse it" in source.says
    assert "1.8.1 runs it; 2.x refuses it" in script.says
    assert source.outcome(ONE) is script.outcome(ONE) is None
    refused = [each.outcome(TWO) for each in (source, script)]
    assert [each.event for each in refused if each] == ["Install", "AfterInstall"]
    assert "'../shared' attempts to escape the deployment archive directory" in str(refused[0])
    assert judgement.first(TWO) is source


def test_the_parser_comes_before_a_script_that_cannot_be_started() -> None:
    hook = HOOK.replace("AfterInstall", "BeforeInstall").replace("run.sh", '"it\'s.sh"')
    judgement = lint("-", (TOP + hook + OBJECT + "    mode: u+x\n").encode())
    first = judgement.first(ONE)
    assert first is not None
    assert first.code == "mode-is-octal"
    assert {each.code for each in judgement.faults} == {"mode-is-octal", "location-is-a-plain-path"}
