"""The reports on a run: one function `Run -> str` for each format, and where what it returns is put."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from contract_tests.findings import Run
from contract_tests.reports import file, github, html, json_report, junit, sarif, text
from contract_tests.reports.errors import ReportError

__all__ = ["DEFAULT_PATHS", "FORMATS", "Destination", "ReportError", "destination", "write"]

FORMATS: dict[str, Callable[[Run], str]] = {
    "text": text.render,
    "json": json_report.render,
    "junit": junit.render,
    "html": html.render,
    "sarif": sarif.render,
    "github": github.render,
}
"""Every format, and what makes it."""

DEFAULT_PATHS = {"junit": "calls-report.xml", "html": "calls-report.html", "sarif": "calls-report.sarif"}
"""Where a report goes that was given no path; the other formats go to standard output."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable in which GitHub Actions names the file that it shows on the page of a run."""


@dataclass(frozen=True)
class Destination:
    """One report that was asked for.

    Attributes:
        format: a name in FORMATS.
        path: the file; None is standard output.
        adds: whether the report is added at the end of the file, rather than being all that it holds.
    """

    format: str
    path: Path | None
    adds: bool = False


def destination(asked: str, environ: Mapping[str, str]) -> Destination:
    """What `FORMAT[=PATH]` asks for; the path `-` is standard output.  Raises ReportError."""
    name, separator, given = asked.partition("=")
    if name not in FORMATS:
        raise ReportError(f"there is no report format {name!r}; there is {', '.join(FORMATS)}")
    if separator and not given:
        raise ReportError(f"{asked}: a path is missing after the =")
    if given:
        return Destination(name, None if given == "-" else Path(given))
    if name == "github" and environ.get(STEP_SUMMARY):
        return Destination(name, Path(environ[STEP_SUMMARY]), adds=True)
    return Destination(name, Path(DEFAULT_PATHS[name]) if name in DEFAULT_PATHS else None)


def write(run: Run, asked: str, *, stdout: TextIO, environ: Mapping[str, str]) -> Path | None:
    """Make the report that `FORMAT[=PATH]` asks for.  Returns the file, or None for standard output.

    Raises ReportError.
    """
    wanted = destination(asked, environ)
    report = FORMATS[wanted.format](run)
    if wanted.path is None:
        encoding = getattr(stdout, "encoding", None) or "utf-8"
        stdout.write(report.encode(encoding, "backslashreplace").decode(encoding))
    elif wanted.adds:
        file.append(wanted.path, report)
    else:
        file.replace(wanted.path, report)
    return wanted.path
