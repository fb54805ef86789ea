"""Reads the host report, with suspicion: what the probe printed, wherever it comes from."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

from runbooks.errors import UserError
from runbooks.host.report import Datum, HostReport

SCHEMA = 2

_AGAIN = "run the probe on the host again"
_CUT = f"The host report is cut, or has something after its end: {_AGAIN} and give all of its output, alone."
_MAX_CHARACTERS = 100_000  # four times what the probe prints


class HostReportError(UserError):
    """A host report that cannot be used. The message is one sentence that says why, and what to do."""


def read_report(
    text: str,
    *,
    instance: str | None = None,
    now: datetime | None = None,
    oldest: timedelta = timedelta(minutes=30),
    just_made: bool = False,
) -> HostReport:
    """Read what the probe printed.

    ``instance`` is the name that is asked about: a report made for another name is refused, and one that names
    none is taken only where the host calls itself so, since a host never knows its CodeDeploy name. ``now`` is the
    present time, ``oldest`` how old a report may be. Its age goes by AWS's clock where an endpoint answered, so that a
    host whose own clock is wrong can still be checked; of one that was ``just_made`` it goes by that alone. Raises
    :class:`HostReportError` for anything that is not a whole, recent report of this schema.
    """
    document = _parse(text.strip().removeprefix("\ufeff"))
    sections = {f.name: f.type for f in fields(HostReport) if f.name != "collected_at"}
    report = HostReport(
        collected_at=_time(document.get("collected_at")),
        **{name: _section(document, name, kind) for name, kind in sections.items()},
    )
    _refuse_another(report, instance)
    if report.server_time() or not just_made:
        _refuse_stale(report, now or datetime.now(UTC), oldest)
    return report


def read_report_file(path: str | Path, *, instance: str | None = None) -> HostReport:
    """`read_report` of what stands in a file. Raises :class:`HostReportError` also for one that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(4 * _MAX_CHARACTERS)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise HostReportError(f"The host report {str(path)!r} cannot be read: {reason}.") from None
    return read_report(_decoded(data), instance=instance)


def _decoded(data: bytes) -> str:
    """The text of a file. Windows PowerShell's ``>`` writes UTF-16, with a mark at its beginning."""
    utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[1:2] == b"\0"
    return data.decode(
        "utf-16" if data[:1] in (b"\xff", b"\xfe") else "utf-16-le" if utf_16 else "utf-8", "replace"
    )


def _parse(text: str) -> dict[str, Any]:
    if len(text) > _MAX_CHARACTERS:
        raise HostReportError(
            "The host report is far longer than the probe's own: give the probe's output alone."
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.startswith('{"schema":'):
            raise HostReportError(_CUT) from error
        raise HostReportError("The host report is not JSON: give the probe's output alone.") from error
    if not isinstance(document, dict) or "schema" not in document:
        raise HostReportError("The host report is JSON, but not the probe's: it names no schema.")
    if document["schema"] != SCHEMA or isinstance(document["schema"], bool):
        raise HostReportError(
            f"The host report has schema {document['schema']!r}, this version reads schema {SCHEMA}: {_AGAIN},"
            " with the script that `runbooks probe` prints."
        )
    if document.get("complete") is not True:
        raise HostReportError(_CUT)
    if "failed" in document:
        raise HostReportError(f"The probe could not run on the host: {str(document['failed'])[:300]}.")
    return document


def _section(document: dict[str, Any], name: str, kind: Any) -> Any:
    """One section as its dataclass. Names that are not known are left aside, missing ones are an error."""
    section = document.get(name)
    if not isinstance(section, dict):
        raise HostReportError(f"The host report has no section {name!r}: {_AGAIN}.")
    return kind(
        **{field: _datum(section, f"{name}.{field}", hint) for field, hint in get_type_hints(kind).items()}
    )


def _datum(section: dict[str, Any], name: str, hint: Any) -> Datum[Any]:
    (wanted,) = get_args(hint)
    datum = section.get(name.rpartition(".")[2])
    by = str(datum.get("by", "")) if isinstance(datum, dict) else ""
    match datum:
        case {"error": str(error)} if error:
            return Datum(None, error=error)
        case {"value": None}:
            return Datum(None, by)
        case {"value": list(items)} if wanted == tuple[str, ...] and all(isinstance(i, str) for i in items):
            return Datum(tuple(items), by)
        case {"value": value} if type(value) is wanted:  # exactly: True is not a number
            return Datum(value, by)
    raise HostReportError(f"The host report has no usable {name}: {_AGAIN}.")


def _time(text: Any) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise HostReportError(f"The host report does not say when it was made: {_AGAIN}.") from error


def _refuse_another(report: HostReport, instance: str | None) -> None:
    made_for = report.host.instance.value
    if instance is None:
        return
    if made_for is not None and made_for != instance:
        raise HostReportError(f"The host report was made for {made_for!r}, not for {instance!r}.")
    itself = report.host.hostname.value or ""
    if made_for is None and instance.lower() not in (itself.lower(), itself.lower().partition(".")[0]):
        raise HostReportError(
            f"The host report names no instance, and its host calls itself {itself!r}, not {instance!r}:"
            f" make it with `runbooks probe --instance {instance}`."
        )


def _refuse_stale(report: HostReport, now: datetime, oldest: timedelta) -> None:
    age = now - (report.server_time() or report.collected_at)
    if age > oldest:
        minutes, limit = int(age.total_seconds() // 60), int(oldest.total_seconds() // 60)
        old = (
            f"{minutes} minutes"
            if minutes < 120
            else f"{minutes // 60} hours"
            if age.days < 2
            else f"{age.days} days"
        )
        raise HostReportError(f"The host report is {old} old, at most {limit} minutes are taken: {_AGAIN}.")
    if age < -timedelta(minutes=5):
        raise HostReportError(
            "The host report comes from the future, so its age is not known:"
            f" set the clocks of the host and of this machine, then {_AGAIN}."
        )
