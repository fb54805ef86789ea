"""What is known about a host: the probe that looks at one, its report, and what the agent's version and log mean.

``probe.sh`` is the one script that looks. It prints a JSON document, schema 1::

    {"schema": 1, "collected_at": "2026-11-24T03:00:00Z", "<section>": {"<name>": <datum>}, "complete": true}

A datum is ``{"value": ..., "by": "how it was found"}`` or ``{"error": "why nobody can say"}``; a null value was
looked for and is not there. So "unreadable" is never "missing". The sections and their names are the fields of
:class:`HostReport`. ``complete`` comes last: without it the document was cut.

``agent_versions.json`` and ``agent_log.json`` hold what is known about the agent's versions and log lines, each
with its source or provenance tag (V verified, D documented, I reported by users, X inferred, U unverified).
"""

from runbooks.host.agent import (
    LogRule,
    Support,
    Version,
    Versions,
    judge_log,
    log_rule,
    log_rules,
    parse_version,
    supported,
    versions,
)
from runbooks.host.probe import probe_script
from runbooks.host.report import (
    Datum,
    HostReport,
    HostReportError,
    read_report,
    read_report_file,
    switched_on,
)

__all__ = [
    "Datum",
    "HostReport",
    "HostReportError",
    "LogRule",
    "Support",
    "Version",
    "Versions",
    "judge_log",
    "log_rule",
    "log_rules",
    "parse_version",
    "probe_script",
    "read_report",
    "read_report_file",
    "supported",
    "switched_on",
    "versions",
]
