"""What keeps the agent of a host from starting: its certificates, settings, user, Ruby and disk, by the host's report."""

import re

from runbooks.checks._host import service
from runbooks.checks._settings import settings_that_stop
from runbooks.host import Datum, HostReport, parse_version

# Rubies that agent 1.x refuses, and the newest that it is known to run on, by its version.
OLDEST_RUBY, _NEWEST_RUBY, _NEWEST_RUBY_BEFORE_1_8 = (2, 0), (3, 2), (3, 1)


def what_stops(report: HostReport, name: str) -> tuple[str, ...]:
    """The ids of the checks that fail of what keeps this agent from starting; () where the report shows nothing.

    It is asked of an agent that does not work; what is not known counts as no cause.
    """
    first = report.agent.line.value == "1.x"
    config, ruby = report.config_file, ruby_version(report)
    folders = (report.root_folder,)
    stops = {
        "agent-is-installed": report.agent.certificates.value is False,
        "agent-settings-are-sound": (first and config.exists.value is False)
        or "is a directory" in config.readable.by
        or settings_that_stop(report, name),
        "agent-may-use-its-files": any(is_barred(usable) for _, usable in files_used(report)),
        "host-has-the-tools": first and (ruby == () or bool(ruby and not runs_on(report, ruby))),
        "host-has-room": any({"ro", "noexec"} & set((one.options.value or "").split(",")) for one in folders),
    }
    return tuple(id_ for id_, is_cause in stops.items() if is_cause)


def first_fix(report: HostReport, causes: tuple[str, ...]) -> str:
    """What to do about an agent that does not start, where other checks found the cause."""
    restart = service(report, "restart")
    return f"Fix what {' and '.join(causes)} found. If the agent does not run then: `{restart}`"


def files_used(report: HostReport) -> list[tuple[str, Datum[bool]]]:
    """The files and folders that the agent uses, and whether its user may."""
    files = [report.config_file, report.identity_file, report.log_file]
    if report.identity.registration.value == "session":
        files.append(report.credentials_file)
    folders = [report.root_folder, report.log_folder, report.temporary_folder]
    seen = [(one.path.value, one.usable) for one in files] + [(one.path.value, one.usable) for one in folders]
    return [(path or "a file of the agent", usable) for path, usable in seen]


def is_barred(usable: Datum[bool]) -> bool:
    """Whether the mode of a file keeps the agent's user from it."""
    return usable.value is False and usable.by.startswith("user ")


def ruby_version(report: HostReport) -> tuple[int, ...] | None:
    """The major and minor version of the host's Ruby; () where there is none, None where that is not known."""
    text, error = report.tools.ruby.value, report.tools.ruby.error
    if text is None:
        return None if error or report.agent.running.value else ()
    found = re.match(r"ruby (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def newest_ruby(report: HostReport) -> tuple[int, int]:
    """The newest Ruby that this agent 1.x is known to run on."""
    agent = parse_version(report.agent.version.value or "")
    return _NEWEST_RUBY if agent and agent >= (1, 8) else _NEWEST_RUBY_BEFORE_1_8


def runs_on(report: HostReport, ruby: tuple[int, ...]) -> bool:
    """Whether this agent 1.x is known to run on a Ruby."""
    return OLDEST_RUBY <= ruby <= newest_ruby(report)
