"""docs/tickets.md: its scripts against a local server in the vendors' place, and what a hostile report does there."""

import json
import os
import re
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
import yaml

from runbooks.findings import FAIL, OK
from tests.support import DOCS
from tests.support.reports import HOSTILE, finding, report
from tests.templates import stacks

SCRIPTS = DOCS / "snippets" / "tickets"
PAGE = DOCS / "tickets.md"
FORMS = {"jira": "jira", "servicenow": "plain", "pagerduty": "plain", "github": "github", "slack": "slack"}
ACTS = f"{HOSTILE} @channel <!here> [code]<b>x</b>[/code] {{noformat}} www.evil.example"


@dataclass
class Vendor:
    """A server that answers as it is set up to, and keeps what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)  # by path
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    address: str = ""

    @property
    def written(self) -> Any:
        """The body of the last request."""
        return self.asked[-1][3]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    kept = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            kept.asked.append((self.command, self.path, dict(self.headers), body))
            answer = kept.answers.get(urlsplit(self.path).path)
            text = json.dumps(answer if answer is not None else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ticket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the file of a ticket in a form; gives its path and its fingerprint."""
    monkeypatch.setenv("RUNBOOKS_SITE", "https://guide.example")

    def made(form: str, says: str = "The agent does not run on web-01.") -> tuple[Path, str]:
        one = report(finding(FAIL, says, fix=says), OK)
        path = tmp_path / "ticket"
        path.write_text(one.render(form), encoding="utf-8")
        return path, one.fingerprint

    return made


def run(script: str, path: Path, vendor: Vendor, *without: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "JIRA_SITE": vendor.address,
        "JIRA_USER": "on-call@guide.example",
        "JIRA_TOKEN": "jira-secret",
        "JIRA_PROJECT": "OPS",
        "SERVICENOW_SITE": vendor.address,
        "SERVICENOW_USER": "guide",
        "SERVICENOW_PASSWORD": "servicenow-secret",
        "PAGERDUTY_EVENTS": vendor.address,
        "PAGERDUTY_ROUTING_KEY": "pagerduty-secret",
        "GITHUB_API_URL": vendor.address,
        "GITHUB_REPOSITORY": "team/shop",
        "GITHUB_TOKEN": "github-secret",
        "SLACK_WEBHOOK": f"{vendor.address}/services/slack-secret",
    }
    kept = {name: value for name, value in settings.items() if name not in without}
    return subprocess.run(
        ["sh", "-x", SCRIPTS / f"{script}.sh", path],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"} | kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


# --- what each vendor documents ------------------------------------------------------------------


def closed(required: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object with exactly these members, of which the first ones are required."""
    properties = required | more
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
SHAPES = {
    "jira": closed(
        {
            "fields": closed(
                {
                    "project": closed({"key": TEXT}),
                    "summary": TEXT | {"maxLength": 255, "pattern": r"^[^\n]+$"},
                    "issuetype": closed({"name": TEXT}),
                },
                description=TEXT | {"maxLength": 32_767},
                labels={"type": "array", "items": {"type": "string", "pattern": r"^\S{1,255}$"}},
            )
        }
    ),
    "servicenow": closed(
        {"short_description": TEXT | {"maxLength": 160, "pattern": r"^[^\n]+$"}},
        description=TEXT | {"maxLength": 4_000},
        correlation_id=TEXT | {"maxLength": 100},
        correlation_display=TEXT | {"maxLength": 100},
    ),
    "pagerduty": closed(
        {
            "routing_key": TEXT,
            "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
            "payload": closed(
                {
                    "summary": TEXT | {"maxLength": 1024},
                    "source": TEXT,
                    "severity": {"enum": ["critical", "error", "warning", "info"]},
                },
                custom_details={"type": "object"},
            ),
        },
        dedup_key=TEXT | {"maxLength": 255},
        client=TEXT,
        links={"type": "array", "items": closed({"href": TEXT | {"pattern": "^https?://"}}, text=TEXT)},
    ),
    "github": closed(
        {"title": TEXT | {"maxLength": 256}},
        body=TEXT | {"maxLength": 65_536},
        labels={"type": "array", "items": TEXT},
    ),
    "slack": closed(
        {"text": TEXT | {"maxLength": 40_000}},
        unfurl_links={"type": "boolean"},
        unfurl_media={"type": "boolean"},
    ),
}
NEW = {
    "jira": ("POST", "/rest/api/2/issue"),
    "servicenow": ("POST", "/api/now/table/incident"),
    "pagerduty": ("POST", "/v2/enqueue"),
    "github": ("POST", "/repos/team/shop/issues"),
    "slack": ("POST", "/services/slack-secret"),
}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *product(FORMS, ["The agent does not run on web-01.", ACTS]),
        # ServiceNow refuses or cuts one that is too long; a report cuts nothing
        *((name, "x" * 9_000) for name in FORMS if name != "servicenow"),
    ],
)
def test_a_new_ticket_is_of_the_shape_that_the_vendor_documents(
    name: str, says: str, ticket: Any, vendor: Vendor
) -> None:
    path, fingerprint = ticket(FORMS[name], says)
    done = run(name, path, vendor)
    assert done.returncode == 0, done.stderr
    assert vendor.asked[-1][:2] == NEW[name]
    jsonschema.validate(vendor.written, SHAPES[name])
    sent = json.dumps(vendor.written)
    assert fingerprint in sent
    assert "https://guide.example/guides/check-the-agent/?region=eu-west-1&instance=web-01" in sent


@pytest.mark.parametrize("name", FORMS)
def test_a_secret_goes_where_it_belongs_and_onto_no_command_line(
    name: str, ticket: Any, vendor: Vendor
) -> None:
    path, _ = ticket(FORMS[name])
    done = run(name, path, vendor)
    commands = [
        line for line in done.stderr.splitlines() if re.match(r"\++ (?:curl|jq|sed|grep|head|cut)\b", line)
    ]
    assert commands
    # The shell writes its trace in pieces: that of printf, which it does itself, may stand in the line of its neighbour in a pipe.
    assert not [line for line in commands if f"{name}-secret" in line and "printf" not in line]
    _, where, headers, body = vendor.asked[-1]
    expected = {
        "jira": basic("on-call@guide.example", "jira-secret"),
        "servicenow": basic("guide", "servicenow-secret"),
        "github": "Bearer github-secret",
    }
    assert headers.get("Authorization") == expected.get(name)
    if name == "pagerduty":
        assert body["routing_key"] == "pagerduty-secret"
    if name == "slack":
        assert where == "/services/slack-secret"


def test_jira_knows_an_open_issue_by_its_label(ticket: Any, vendor: Vendor) -> None:
    path, fingerprint = ticket("jira")
    vendor.answers["/rest/api/3/search/jql"] = {"issues": [{"key": "OPS-7"}]}
    assert run("jira", path, vendor).returncode == 0
    (_, _, _, asked), (method, where, _, written) = vendor.asked
    assert f"labels = 'codedeploy-{fingerprint}' AND statusCategory != Done" in asked["jql"]
    assert (method, where, list(written)) == ("POST", "/rest/api/2/issue/OPS-7/comment", ["body"])


def test_servicenow_knows_an_active_incident_by_its_correlation(ticket: Any, vendor: Vendor) -> None:
    path, fingerprint = ticket("plain")
    vendor.answers["/api/now/table/incident"] = {"result": [{"sys_id": "9d385017c611228701d22104cc95c371"}]}
    assert run("servicenow", path, vendor).returncode == 0
    query = parse_qs(urlsplit(vendor.asked[0][1]).query)
    assert query["sysparm_query"] == [f"correlation_id={fingerprint}^active=true"]
    method, where, _, written = vendor.asked[1]
    assert (method, where) == ("PATCH", "/api/now/table/incident/9d385017c611228701d22104cc95c371")
    assert list(written) == ["work_notes"]


def test_github_knows_an_open_issue_by_its_text(ticket: Any, vendor: Vendor) -> None:
    path, fingerprint = ticket("github")
    vendor.answers["/search/issues"] = {"items": [{"number": 12}]}
    assert run("github", path, vendor).returncode == 0
    query = parse_qs(urlsplit(vendor.asked[0][1]).query)
    assert query["q"] == [f"repo:team/shop is:issue is:open in:body {fingerprint}"]
    method, where, _, written = vendor.asked[1]
    assert (method, where, list(written)) == ("POST", "/repos/team/shop/issues/12/comments", ["body"])


def test_pagerduty_gets_the_fingerprint_as_its_key_and_the_link(ticket: Any, vendor: Vendor) -> None:
    path, fingerprint = ticket("plain")
    assert run("pagerduty", path, vendor).returncode == 0
    assert vendor.written["dedup_key"] == fingerprint
    (link,) = vendor.written["links"]
    assert link["href"] == "https://guide.example/guides/check-the-agent/?region=eu-west-1&instance=web-01"


@pytest.mark.parametrize("name", FORMS)
def test_a_hostile_report_neither_calls_nor_injects(name: str, ticket: Any, vendor: Vendor) -> None:
    path, _ = ticket(FORMS[name], ACTS)
    assert run(name, path, vendor).returncode == 0
    body = vendor.written
    if name == "slack":
        assert not re.search(r"<[!@#h]", body["text"])
        assert re.search(r"`@channel`", body["text"])
    if name == "github":
        assert not re.search(r"(?<![`\w])@channel", body["body"])
        assert "<script" not in body["body"]
    if name == "jira":
        assert len(re.findall(r"(?i)\{noformat", body["fields"]["description"])) == 2
    if name == "servicenow":
        assert not re.search(r"(?i)\[/?code\]", json.dumps(body))


@pytest.mark.parametrize("name", [name for name in FORMS if name != "slack"])  # it needs no fingerprint
@pytest.mark.parametrize("text", ["", "no report at all\n"])
def test_what_is_no_report_opens_no_ticket(name: str, text: str, tmp_path: Path, vendor: Vendor) -> None:
    path = tmp_path / "ticket"
    path.write_text(text, encoding="utf-8")
    done = run(name, path, vendor)
    assert done.returncode != 0
    assert "no fingerprint" in done.stderr
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("name", "missing"),
    [("jira", "JIRA_TOKEN"), ("servicenow", "SERVICENOW_SITE"), ("slack", "SLACK_WEBHOOK")],
)
def test_a_setting_that_is_missing_is_named(name: str, missing: str, ticket: Any, vendor: Vendor) -> None:
    path, _ = ticket(FORMS[name])
    done = run(name, path, vendor, missing)
    assert done.returncode != 0
    assert missing in done.stderr


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    check = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([check, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert [line for line in script.read_text(encoding="utf-8").splitlines() if len(line) > 76] == []


def test_every_script_is_on_the_page_and_every_command_is_valid_shell() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r'--8<-- "tickets/(\w+)\.sh"', text)) == set(FORMS)
    assert {path.stem for path in SCRIPTS.iterdir()} == set(FORMS)
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_page_shows_every_template_of_notifications() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for path in (DOCS.parent / "templates").glob("notify-*.yml"):
        assert f"--template-file templates/{path.name}" in text
    for word in ("It makes", "It costs", "To remove it"):
        assert text.count(f"**{word}**") == 3 or word == "To remove it"
    assert text.count("**To remove it**") == 3


def test_the_command_of_the_page_is_the_output_of_the_template() -> None:
    """One command: the page shows it with a name in the place of the topic."""
    output = stacks.read("notify-deployments.yml")["Outputs"]["TriggerCommand"]["Value"]["Fn::Sub"]
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", "")
    (shown,) = re.findall(r"^aws deploy update-deployment-group .*", text, re.MULTILINE)
    assert shown.split() == output.replace("${Trigger}", "TRIGGER_TOPIC").split()


def test_the_step_of_a_pipeline_runs_though_the_deployment_failed(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (step,) = yaml.safe_load(block)
    summary = tmp_path / "summary.md"
    run_why = step["run"].replace('"$DEPLOYMENT_ID"', '"$DEPLOYMENT_ID" --sandbox deployment-script-failed')
    settings = step["env"] | {"DEPLOYMENT_ID": "d-SHOPWEB01", "GITHUB_STEP_SUMMARY": str(summary)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-ec", run_why], env=os.environ | settings | {"PATH": path}, check=True, timeout=100
    )
    said = summary.read_text(encoding="utf-8")
    assert "ScriptFailed" in said
    link = "https://guide.example.com/symptoms/hook-script-failed/?region=eu-west-1&deployment=d-SHOPWEB01"
    assert link in said
