"""One report, shown in a terminal, a notebook, a ticket, a file."""

from runbooks.report.report import FORMATS, Report, worst

__all__ = ["FORMATS", "Report", "worst"]
