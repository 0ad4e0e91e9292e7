"""Holds `calls verify`, schemathesis and Specmatic against the mock with one fault each: caught, seconds, requests.

One fault after the other, every tool on each, and all first on the mock without a fault.  Results are kept as they
come, in a file that `--resume` goes on from; what is there is also written down when it is stopped.

    python -m benchmarks.verdicts [--every N] [--seed N] [--correct N] [--resume] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import verdicts_page
from benchmarks.faulty import faulty_mock
from benchmarks.peers.servers import ROOT
from benchmarks.serving import NotServing
from benchmarks.verdict_tools import Report, Tool, prepared
from benchmarks.verdicts_page import Row, Sample
from tests.faults import FAULTS

BUILD = ROOT / "build" / "bench"


def sampled(every: int, seed: int) -> list[str]:
    """The names of every Nth fault: evenly over the groups, which stand one after the other."""
    return [fault.name for fault in FAULTS[random.Random(seed).randrange(every) :: every]]


def judged(tools: Sequence[Tool], sample: Sample, rows: Sequence[Row]) -> Iterator[Row]:
    """A row for each tool on each target for which there is none yet."""
    done = {(row["tool"], row["fault"], row["run"]) for row in rows}
    targets = [*(("", run) for run in range(sample.correct)), *((name, 0) for name in sample.faults)]
    for number, (fault, run) in enumerate(targets, start=1):
        for tool in tools:
            if (tool.name, fault, run) not in done:
                row = _judged(tool, fault) | {"run": run}
                print(f"{number} of {len(targets)}: {_line(row)}", flush=True)
                yield row


def _judged(tool: Tool, fault: str) -> Row:
    began = time.monotonic()
    try:
        with faulty_mock(fault) as url:
            began = time.monotonic()
            report = tool.judge(f"{url}/api/v1")
            seconds = time.monotonic() - began
    except NotServing as reason:
        report, seconds = Report(problem=str(reason)), time.monotonic() - began
    return {
        "tool": tool.name,
        "fault": fault,
        "failures": sorted(report.failures),
        "seconds": round(seconds, 1),
        "requests": report.requests,
        "problem": report.problem,
    }


def _line(row: Row) -> str:
    said = f"{len(row['failures'])} reported, {row['seconds']:.0f} s, {row['requests']} requests"
    return "; ".join(filter(None, [row["fault"] or "no fault", row["tool"], said, row["problem"]]))


def main(argv: Sequence[str] | None = None) -> int:
    """Judge what is not yet judged, and print a page, also when it is stopped."""
    given = _parser().parse_args(argv)
    tools, missing = prepared(BUILD)
    for name, reason in missing.items():
        print(f"{name}: not run: {reason}")
    sample = Sample(every=given.every, seed=given.seed, correct=given.correct, faults=sampled(given.every, given.seed))
    given.results.parent.mkdir(parents=True, exist_ok=True)
    if not given.resume:
        given.results.unlink(missing_ok=True)
    kept = given.results.read_text(encoding="utf-8").splitlines() if given.results.exists() else []
    rows: list[Row] = [json.loads(line) for line in kept]
    code = 0
    try:
        with given.results.open("a", encoding="utf-8") as file:
            for row in judged(tools, sample, rows):
                rows.append(row)
                print(json.dumps(row), file=file, flush=True)
    except KeyboardInterrupt:
        print("stopped: --resume goes on", file=sys.stderr)
        code = 130
    text = verdicts_page.page(tools, missing, sample, rows)
    print(text)
    if given.markdown:
        given.markdown.write_text(text, encoding="utf-8")
    return code


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verdicts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=_count, default=10, metavar="N", help="take every Nth fault; default 10")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which of N to begin with; default 0")
    parser.add_argument(
        "--correct", type=_count, default=3, metavar="N", help="runs on the mock without a fault; default 3"
    )
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "verdicts.jsonl", metavar="FILE")
    parser.add_argument("--resume", action="store_true", help="go on from the results that are there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page to this file")
    return parser


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # As on Ctrl-C: what runs is ended first.
    signal.signal(signal.SIGTERM, _interrupted)
    sys.exit(main())
