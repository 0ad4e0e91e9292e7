"""The report of `benchmarks.judge`, made of what it measured."""

from __future__ import annotations

import datetime
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks import machine, report
from benchmarks.peers.servers import ROOT
from benchmarks.samples import Spread
from contract_tests.requirements import all_checks

FIRST_WITHIN_S = 3.0
MEMORY_MB = 300.0
CASES_PER_CPU_S = 500.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How `calls verify` is called.

    Attributes:
        name: what the report calls it.
        options: beside keys, agent, seed and --url-ttl.
        time_scale: of judge and mock.
        within_s: how long it is meant to take at most.
    """

    name: str
    options: tuple[str, ...]
    time_scale: float
    within_s: float


PLANS = (
    Plan(name="smoke", options=("--profile", "smoke"), time_scale=1.0, within_s=10.0),
    Plan(name="default, ten times the speed", options=(), time_scale=10.0, within_s=30.0),
    Plan(name="default", options=(), time_scale=1.0, within_s=90.0),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One run.

    Attributes:
        plan: its plan's name.
        seconds: from the start of the process to its end.
        foreign_cores: what others than judge and mock used of the cores.
        cpu_s: the judge's CPU time, with that of processes that it started.
        memory_mb: the most that they held together.
        requests: how many were made.
        dials: how many URLs were dialled.
        verdicts: of each check.
    """

    plan: str
    seconds: float
    foreign_cores: float
    cpu_s: float
    memory_mb: float
    requests: int
    dials: int
    verdicts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class First:
    """The first violation on a mock with one fault.

    Attributes:
        fault: its name.
        breaks: the requirement that it breaks.
        by: the requirement that was reported; empty where none was.
        seconds: from the start of the process until it was shown.
        alone_s: the same where nothing is asked for but the requirement that it breaks; None where none was shown.
    """

    fault: str
    breaks: str
    by: str
    seconds: float
    alone_s: float | None


@dataclass(frozen=True, kw_only=True)
class Fuzz:
    """How many cases were made in so much CPU time."""

    name: str
    cases: int
    cpu_s: float


def section(samples: Sequence[Sample], firsts: Sequence[First], fuzz: Sequence[Fuzz], packages: Iterable[str]) -> str:
    """The report."""
    head = [
        f"`python -m benchmarks.judge`, {datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}.",
        f"{machine.processor()}; {machine.system()}; {', '.join(machine.versions(packages))}.",
        "`calls verify` with an agent and all keys on the mock with tones for a voice: two processes on the same",
        f"cores. Medians [least-most] of {len(samples) // len(PLANS)} runs, in turn; **meant** is how long a profile",
        "is to take at most. CPU time and memory are those of the judge with the processes that it starts; memory is",
        f"the most that they hold at once, meant to be below {MEMORY_MB:.0f} MB. Other processes used",
        f"{report.spread(Spread.of(each.foreign_cores for each in samples), 2)} of the cores.",
    ]
    return "\n\n".join(
        [
            "## The judge",
            report.paragraph(*head),
            report.table(
                ["profile", "seconds", "meant", "CPU seconds", "memory MB", "requests", "dials"],
                (_row(plan, [each for each in samples if each.plan == plan.name]) for plan in PLANS),
            ),
            report.paragraph(_verdicts(samples)),
            report.paragraph(*_first(firsts)),
            report.table(
                ["fault", "seconds", "first reported", "seconds alone"],
                ([each.fault, f"{each.seconds:.1f}", each.by or "nothing", _alone(each)] for each in firsts),
            ),
            report.paragraph(
                "Fuzzing: cases for each second of CPU time, as many as the deep profile makes; meant are",
                f"{CASES_PER_CPU_S:.0f} at least. Requests are decided by jsonschema-rs and by openapi-core with the",
                "whole document, and only those on which both agree are sent: that is what they cost. Messages need no",
                "decision. schemathesis alone is what its generators, which make values for ours, make by themselves.",
            ),
            report.table(
                ["what is made", "cases a CPU second"],
                ([name, report.spread(Spread.of(rates))] for name, rates in _rates(fuzz).items()),
            ),
        ]
    )


def medians(samples: Sequence[Sample], firsts: Sequence[First], fuzz: Sequence[Fuzz]) -> dict[str, float]:
    """What the history keeps."""
    found: dict[str, float] = {}
    for plan in PLANS:
        of_plan = [each for each in samples if each.plan == plan.name]
        found[f"{plan.name}, seconds"] = round(statistics.median(each.seconds for each in of_plan), 1)
        found[f"{plan.name}, CPU seconds"] = round(statistics.median(each.cpu_s for each in of_plan), 1)
        found[f"{plan.name}, MB"] = round(statistics.median(each.memory_mb for each in of_plan))
    found["first violation, seconds"] = round(statistics.median(each.seconds for each in firsts), 1)
    return found | {
        f"{name}, cases a CPU second": round(statistics.median(rates)) for name, rates in _rates(fuzz).items()
    }


def _row(plan: Plan, samples: Sequence[Sample]) -> list[str]:
    return [
        plan.name,
        report.spread(Spread.of(each.seconds for each in samples), 1),
        f"{plan.within_s:.0f}",
        report.spread(Spread.of(each.cpu_s for each in samples), 1),
        report.spread(Spread.of(each.memory_mb for each in samples)),
        report.spread(Spread.of(each.requests for each in samples)),
        report.spread(Spread.of(each.dials for each in samples)),
    ]


def _verdicts(samples: Sequence[Sample]) -> str:
    """What the runs said of the mock: a run that is quick because it checks less is none."""
    counted = Counter(verdict for each in samples for verdict in each.verdicts)
    said = ", ".join(f"{count:,} {verdict.replace('_', ' ')}" for verdict, count in counted.most_common())
    return f"The checks of all these runs: {said}."


def _first(firsts: Sequence[First]) -> list[str]:
    """What the table of first violations says."""
    calling = {check.requirement.name for check in all_checks() if check.calls}
    soon = [each for each in firsts if each.by and each.seconds <= FIRST_WITHIN_S]
    asked, asked_soon = (sum(each.breaks not in calling for each in of) for of in (firsts, soon))
    never = [each for each in firsts if min(each.seconds, each.alone_s or each.seconds) > FIRST_WITHIN_S]
    shown = Spread.of(each.seconds for each in firsts if each.by)
    return [
        "What is violated is shown at once, while the run goes on. On the mock with one fault each, at ten times the",
        f"speed, a first line came within {FIRST_WITHIN_S:.0f} s for {len(soon)} of {len(firsts)} faults, spread",
        f"evenly over all groups (median {report.spread(shown, 1)} s, loading included): for {asked_soon} of the",
        f"{asked} of which requests tell, and {len(soon) - asked_soon} of the {len(firsts) - asked} of which calls do.",
        "**Alone** is how long it takes where only the requirement that is broken is asked for:",
        f"{len(never)} are not shown within {FIRST_WITHIN_S:.0f} s then either, and of the others",
        f"{len(soon)} of {len(firsts) - len(never)} are in a whole run. What shows only when somebody has spoken",
        "takes as long as that, and waits for its turn: what can show in the first seconds of a call comes first,",
        "and 60 calls at most are open at once. What may take a service down (broken frames, messages that are not",
        "JSON, on carriers' sockets binary ones) comes late, so that the rest is seen before. What is a matter of time",
        "is looked at twice before it is said.",
    ]


def _alone(first: First) -> str:
    return "none" if first.alone_s is None else f"{first.alone_s:.1f}"


def _rates(fuzz: Sequence[Fuzz]) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {}
    for each in fuzz:
        rates.setdefault(each.name, []).append(each.cases / each.cpu_s)
    return rates
