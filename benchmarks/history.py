"""One line of JSON for each run, and how a run compares with the one before it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.peers.servers import ROOT

Run = dict[str, Any]
"""One run: what it ran on, and `medians`, a number for each measured thing by its name."""


def of(benchmark: str, packages: Iterable[str], medians: dict[str, float], **more: Any) -> Run:
    """A run that has just been made, here."""
    return {
        "benchmark": benchmark,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(ROOT),
        "machine": machine.processor(),
        "versions": machine.versions(packages),
        **more,
        "medians": medians,
    }


def append(path: Path, run: Run) -> None:
    """Add a run to the file, which need not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, ensure_ascii=False) + "\n")


def last(path: Path, benchmark: str) -> Run | None:
    """The last run of a benchmark; None if there was none."""
    if not path.exists():
        return None
    runs: list[Run] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return next((run for run in reversed(runs) if run["benchmark"] == benchmark), None)


def compared(run: Run, before: Run | None) -> Iterator[str]:
    """Lines that say how the medians moved."""
    if before is None:
        yield "This is the first run on record."
        return
    yield f"Compared with the run of {before['date']} at {before['commit']}:"
    if run["machine"] != before["machine"]:
        yield f"  on another machine ({before['machine']}): ratios may be compared, times not"
    for name, value in run["medians"].items():
        earlier = before["medians"].get(name)
        if earlier is None:
            yield f"  {name}: {value:g}, new"
        elif earlier:
            yield f"  {name}: {value:g}, was {earlier:g} ({(value - earlier) / earlier * 100:+.0f} %)"
    for name, value in before["medians"].items():
        if name not in run["medians"]:
            yield f"  {name}: not measured now, was {value:g}"
