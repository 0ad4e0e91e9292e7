"""`calls report merge`: joins the JSON reports of shards into one, and reports on the whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from calls.arguments import Parser
from contract_tests.findings import Run
from contract_tests.merge import MergeError, merge
from contract_tests.reports import DEFAULT_PATHS, FORMATS, ReportError, destination, json_report, write

EPILOG = f"""\
formats: {", ".join(FORMATS)}
Without a PATH, {", ".join(f"{name} goes to {path}" for name, path in DEFAULT_PATHS.items())}, github to
the file that GITHUB_STEP_SUMMARY names, if it does, and the rest to standard output, as every format does with
the path -.

examples:
  calls report merge http.json media.json
  calls report merge shards/*.json --report html --report junit=reports/calls.xml
"""


def main(argv: Sequence[str]) -> int:
    """Merge and report.  Returns the exit code of the merged run, 2 for what cannot be read or written."""
    parser = _parser()
    given = parser.parse_args(argv)
    reports = given.reports or ["text"]
    try:
        for asked in reports:
            destination(asked, os.environ)
        run = merge([_read(path) for path in given.files])
        for asked in reports:
            write(run, asked, stdout=sys.stdout, environ=os.environ)
    except (MergeError, ReportError) as error:
        parser.error(str(error))
    return run.exit_code


def _read(path: Path) -> Run:
    try:
        return json_report.load(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror or error}") from error
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from error


def _parser() -> Parser:
    parser = Parser(
        prog="calls report",
        usage="calls report merge FILE [FILE...] [--report FORMAT[=PATH]]...",
        description="Joins reports that `calls verify --report json=FILE` wrote for parts of the contract into one.",
        epilog=EPILOG,
    )
    parser.add_argument("action", choices=["merge"], metavar="merge", help="the only thing it can do yet")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a JSON report of calls verify")
    parser.add_argument(
        "--report",
        dest="reports",
        action="append",
        metavar="FORMAT[=PATH]",
        help="a report to make, and where; may be repeated; default text",
    )
    return parser
