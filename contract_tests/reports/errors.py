"""What can go wrong with a report: it cannot be asked for, written or read."""

from __future__ import annotations


class ReportError(Exception):
    """There is no such format, or a file cannot be written or is no report; the text says which, and what would be."""
