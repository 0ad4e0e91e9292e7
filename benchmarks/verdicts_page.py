"""The page that compares verdicts, made of the rows that `benchmarks.verdicts` keeps: one for each tool and target.

A row has `tool`; `fault`, empty for the correct mock; `run`, 0 or more, of which there are several for the correct
mock alone; `failures`, the names of what was reported; `seconds`, `requests`; `problem`, why the tool could not tell.
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import machine, report
from benchmarks.faulty import TIME_SCALE
from benchmarks.peers.servers import ROOT
from benchmarks.peers.specmatic import COMBINATIONS
from benchmarks.verdict_tools import OURS, SEED, Tool
from contract_tests.findings import Layer
from contract_tests.requirements import all_checks
from tests.faults import FAULTS

Row = dict[str, Any]

HEAD = (
    "tool",
    "HTTP half, caught",
    "socket half, caught",
    "all, caught",
    "median seconds",
    "median requests",
    "accuses the correct mock",
)

MEANING = """\
The HTTP column says how much each finds of what all three could see; the socket column, what stays unseen by whoever
does not dial. Seconds and requests are what a run of each costs beside the others on this machine."""

LEFT_OUT = (
    f"The faults are this project's own, made along with `{OURS}`, which is tested with them: it sits an exam that its "
    "authors set. Other people's mistakes will be others.",
    "The others are general tools and cannot dial a socket: their figure is that of the HTTP half.",
    f"Hand-written tests are left out, but for what `{OURS}` is told too: Specmatic gets examples with keys that are "
    "answered with 401, 402 and 429; of schemathesis no hooks of one's own are used.",
    f"Specmatic makes no more than {COMBINATIONS} combinations of a request's values, where without a limit it makes "
    "thousands, and has no example of 404: it takes any agent but the pinned one for a fault of the example.",
    "A fault counts as caught whatever the report says of it, be it beside the point; one that a tool reports with "
    "another seed only counts as missed. Specmatic has no seed.",
    f"Warnings of `{OURS}` count as reports, since some faults break only a SHOULD.",
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the tools are held against.

    Attributes:
        every: that every Nth fault was taken.
        seed: what the first of them was chosen from.
        correct: how many runs there are on the correct mock.
        faults: the names of the faults.
    """

    every: int
    seed: int
    correct: int
    faults: Sequence[str]


def page(tools: Sequence[Tool], missing: Mapping[str, str], sample: Sample, rows: Sequence[Row]) -> str:
    """The whole page, of the faults that every tool was held against."""
    by_tool = {tool.name: [row for row in rows if row["tool"] == tool.name] for tool in tools}
    whole = [name for name in sample.faults if all(_has(by_tool[tool.name], name) for tool in tools)]
    layers = {check.requirement.name: check.requirement.layer for check in all_checks()}
    halves = {fault.name: layers[fault.breaks] for fault in FAULTS if fault.name in whole}
    caught = {tool.name: _caught(by_tool[tool.name]) for tool in tools}
    absent = [f"{name}: not run: {report.published(reason)}" for name, reason in missing.items()]
    parts = [
        "# Verdicts compared",
        report.paragraph(
            f"Made by `make verdicts` (`python -m benchmarks.verdicts --every {sample.every} --seed {sample.seed}`), "
            f"{datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}. {machine.processor()};",
            f"{machine.system()}; {', '.join(machine.versions([]))}.",
        ),
        report.paragraph(
            "The mock with one fault each, served by a process of its own at "
            f"{TIME_SCALE:g} times the speed of real calls: every tool was held against the same "
            f"{len(whole)} of {len(FAULTS)} faults, one in {sample.every}, spread evenly over all groups of "
            "`tests/faults`. Each was also run on the mock without a fault; a fault counts as caught if a tool reports "
            "something that it did not report there. Seconds are those of the command, start-up included; requests "
            "include dials.",
        ),
        report.table(HEAD, (_row(tool, by_tool[tool.name], caught[tool.name], halves) for tool in tools)),
        *absent,
        report.paragraph(MEANING),
        "## How each was called",
        "\n".join(f"- **{tool.name} {tool.version}**: {tool.called}." for tool in tools),
        report.paragraph(
            f"`{OURS}` and schemathesis have seed {SEED}. Schemathesis gets the document with the agent pinned; so "
            "does Specmatic, but without the rules across fields, which it does not understand: it is run twice, once "
            "for custom clients and once for all others, and a row adds both up.",
        ),
        "## What this leaves out",
        "\n".join(f"- {sentence}" for sentence in LEFT_OUT),
        *_remarks(sample, by_tool, caught, whole),
    ]
    return "\n\n".join(parts) + "\n"


def _has(rows: Sequence[Row], fault: str) -> bool:
    return any(row["fault"] == fault for row in rows)


def _caught(rows: Sequence[Row]) -> set[str]:
    """The faults of which a tool says something that it does not say of the correct mock."""
    usual = {failure for row in rows if not row["fault"] for failure in row["failures"]}
    return {row["fault"] for row in rows if row["fault"] and set(row["failures"]) - usual}


def _row(tool: Tool, rows: Sequence[Row], caught: set[str], halves: Mapping[str, Layer]) -> list[str]:
    def of(layers: Sequence[Layer]) -> str:
        among = {name for name, layer in halves.items() if layer in layers}
        return f"{len(caught & among)} of {len(among)}"

    judged = [row for row in rows if row["fault"] in halves]
    medians = [f"{statistics.median(row[what] for row in judged):.0f}" if judged else "-" for what in _MEASURED]
    correct = [row for row in rows if not row["fault"]]
    accused = sum(bool(row["failures"]) for row in correct)
    return [tool.name, *map(of, _COLUMNS), *medians, f"in {accused} of {len(correct)} runs"]


_MEASURED = ("seconds", "requests")
_COLUMNS = ((Layer.HTTP,), (Layer.MEDIA,), tuple(Layer))


def _remarks(
    sample: Sample, by_tool: Mapping[str, Sequence[Row]], caught: Mapping[str, set[str]], whole: Sequence[str]
) -> list[str]:
    """Lists of what the table does not show, where there is anything."""
    breaks = {fault.name: fault.breaks for fault in FAULTS}
    missed = []
    for name in whole:
        if name not in caught[OURS]:
            others = [tool for tool, faults in caught.items() if name in faults]
            missed.append(f"{breaks[name]}: {name}" + (f" (caught by {', '.join(others)})" if others else ""))
    problems = [
        f"{tool}: {row['fault'] or 'no fault'}: {row['problem']}"
        for tool, rows in by_tool.items()
        for row in rows
        if row["problem"] and (not row["fault"] or row["fault"] in whole)
    ]
    rest = [f"{len(sample.faults) - len(whole)} faults of the sample"] if len(whole) < len(sample.faults) else []
    lists = {
        f"Not caught by `{OURS}`": missed,
        "Runs that did not come to a verdict, or to only part of one": problems,
        "Not judged, for want of time": rest,
    }
    return [f"{title}:\n\n" + "\n".join(f"- {item}" for item in items) for title, items in lists.items() if items]
