"""How a report gets into a file: whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from contract_tests.reports.errors import ReportError


def replace(path: Path, text: str) -> None:
    """Make `text` what the file holds, in UTF-8; whoever reads it meanwhile sees the old file or the new one.

    Folders that are missing are made.  Raises ReportError.
    """
    # Opened as a file of its own beside it, not by tempfile: that would make it readable for its owner alone.
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(_encoded(text))  # a device or a pipe: it must not be replaced by a file
            return
        beside.write_bytes(_encoded(text))
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise ReportError(f"{path}: cannot write the report: {error.strerror or error}") from error


def append(path: Path, text: str) -> None:
    """Add `text` at the end of the file, in UTF-8.  Raises ReportError."""
    try:
        with path.open("ab") as file:
            file.write(_encoded(text))
    except OSError as error:
        raise ReportError(f"{path}: cannot add the report: {error.strerror or error}") from error


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
