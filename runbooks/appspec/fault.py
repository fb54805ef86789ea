"""What the linter finds."""

from dataclasses import KW_ONLY, dataclass

from runbooks.appspec import messages, rust
from runbooks.appspec.reading import Mark
from runbooks.appspec.rules import RULES
from runbooks.findings import FAIL, WARN, Finding, Verdict

ONE, TWO, SERVICE = "1.8.1", "2.x", "CodeDeploy"
PARSE = "BeforeInstall"  # the whole file is parsed at the first hook after DownloadBundle, even if that has no scripts
INSTALL = "Install"
CREATE = "CreateDeployment"


@dataclass(frozen=True)
class Outcome:
    """How a version of the agent, or the service, fails: at which event, with which message."""

    event: str
    message: str  # "" where its text is not known

    @property
    def typed(self) -> bool:
        """Whether agent 2.x finds it while it reads the YAML, before it judges any value."""
        return self.message.startswith(rust.PREFIX)

    @property
    def of_script(self) -> bool:
        """Whether a script fails, not the parser: it alone may fail without a text that is known."""
        return not self.message or self.message.startswith("Script")


@dataclass(frozen=True)
class Fault(Finding):
    """A finding with its place in a file, and what each agent makes of it."""

    _: KW_ONLY
    file: str = ""
    mark: Mark = Mark(1, 1)
    outcomes: tuple[tuple[str, Outcome], ...] = ()  # of those that fail; the others accept it in silence
    depends: str = ""  # it fails if this holds, which the file alone does not show

    def outcome(self, agent: str) -> Outcome | None:
        """How that agent fails; None where it does not."""
        return dict(self.outcomes).get(agent)


def fault(
    rule: str,
    mark: Mark,
    says: str,
    *,
    about: str = "",
    fix: str = "",
    one: Outcome | str | None = None,
    two: Outcome | str | None = None,
    service: str | None = None,
    verdict: Verdict | None = None,
    depends: str = "",
    file: str = "",
) -> Fault:
    """A fault of a rule. A message alone is one of parsing; "" and None: that agent does not fail.

    It is a FAIL where agent 1.8.1 or the service fails, else a WARN. KeyError: there is no such rule.
    """
    second = _outcome(two)
    if second and second.event == INSTALL and second.message:
        second = Outcome(INSTALL, messages.INSTALL_2.format(second.message))
    failing = [(ONE, _outcome(one)), (TWO, second)]
    if service is not None:
        failing = [(SERVICE, Outcome(CREATE, service))]
    outcomes = tuple((agent, outcome) for agent, outcome in failing if outcome)
    if verdict is None:
        verdict = FAIL if {agent for agent, _ in outcomes} & {ONE, SERVICE} else WARN
    return Fault(
        verdict,
        says,
        code=RULES[rule].id,
        about=about,
        fix=fix,
        next=RULES[rule].page,
        mark=mark,
        outcomes=outcomes,
        depends=depends,
        file=file,
    )


def _outcome(given: Outcome | str | None) -> Outcome | None:
    return Outcome(PARSE, given) if isinstance(given, str) and given else given or None
