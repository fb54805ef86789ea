"""What is known about a host: the probe that reads it, its report, and what the agent's version and log mean.

``probe.sh`` is the one script that runs there. It prints a JSON document, schema 2::

    {"schema": 2, "collected_at": "2026-11-24T03:00:00Z", "<section>": {"<name>": <datum>}, "complete": true}

A datum is ``{"value": ..., "by": "how it was found"}`` or ``{"error": "why it is not known"}``; a null value was
looked for and is not there. So "unreadable" is never "missing". The sections and their names are the fields of
:class:`HostReport`. ``complete`` comes last: without it the document was cut.

``agent_versions.json`` and ``agent_log.json`` hold what is known about the agent's versions and log lines, each
with its source or provenance tag (V verified, D documented, I reported by users, X inferred, U unverified).
"""

from runbooks.host.hook_log import HookRun, hook_run
from runbooks.host.log import Judgement, Standing, Symptom, gist, judge_log, symptom_of, symptoms
from runbooks.host.probe import probe_script
from runbooks.host.reading import HostReportError, read_report, read_report_file
from runbooks.host.report import Datum, HostReport, switched_on
from runbooks.host.revisions import Kept, Script, kept
from runbooks.host.running import RunState, longest_silence, run_state
from runbooks.host.versions import Support, Version, Versions, parse_version, supported, versions

__all__ = [
    "Datum",
    "HookRun",
    "HostReport",
    "HostReportError",
    "Judgement",
    "Kept",
    "RunState",
    "Script",
    "Standing",
    "Support",
    "Symptom",
    "Version",
    "Versions",
    "gist",
    "hook_run",
    "judge_log",
    "kept",
    "longest_silence",
    "parse_version",
    "probe_script",
    "read_report",
    "read_report_file",
    "run_state",
    "supported",
    "switched_on",
    "symptom_of",
    "symptoms",
    "versions",
]
