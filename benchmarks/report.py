"""A page of benchmarks: each benchmark writes a section of its own and leaves the others alone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.samples import Spread

HEAD = """\
# Benchmarks

Made by `make bench` on Linux, with two cores or more. Each section is written by the benchmark that it names, and says
on what it ran; run it again where it matters to you.
"""


def put_section(path: Path, name: str, text: str) -> None:
    """Write a benchmark's section into the page: in the place of its last one, else at the end."""
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    page = path.read_text(encoding="utf-8") if path.exists() else HEAD
    section = f"{begin}\n{text.strip()}\n{end}\n"
    before, found, rest = page.partition(begin + "\n")
    after = rest.partition(end + "\n")[2] if found else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before + section + after if found else f"{page.rstrip()}\n\n{section}", encoding="utf-8")


def paragraph(*sentences: str) -> str:
    """Sentences as one paragraph, in lines of at most 120 characters."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def spread(value: Spread | None, digits: int = 0, missing: str = "-") -> str:
    """A median with its range, `45 [43-51]`."""
    if value is None:
        return missing
    return f"{value.median:,.{digits}f} [{value.least:,.{digits}f}-{value.most:,.{digits}f}]"


def published(text: str) -> str:
    """A text without addresses and paths, which are of no use elsewhere and may tell of the machine."""
    return re.sub(r"\w+://\S+|(?<!\S)~?/\S+", "…", text)
