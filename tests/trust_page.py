"""The page on whether the judge can be trusted: made of the rows that `scripts/trust` keeps, one for each thing judged.

- On a target without a fault: `target`, `seed`, `wrong` (name, verdict and reason of what is not passed), `problems`,
  and, where the judge did not fail, `requests` and `seconds`.
- Of a fault under its own check: `own`, its name, and `said`: why the report is not what it should be, or nothing.
- Of a fault under every check: `full`, its name; `by`, the requirements that are reported; `crash`, why it failed.

Each also has `commit`, what of this project it was judged with.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

from contract_tests.findings import Verdict
from contract_tests.requirements import all_checks
from tests.faults import FAULTS
from tests.faults.fault import Fault

Row = dict[str, Any]

TARGETS = {
    "mock": "the mock",
    "starlette": "Starlette, by hand",
    "aiohttp": "aiohttp",
    "express": "Express and ws",
}
MOST_OTHERS = 6
"""How many of the checks are named that report what another one is for."""


def page(rows: list[Row], seeds: int, sample: int) -> str:
    """What is written down."""
    return "\n".join(
        [
            "# Whether the judge can be trusted",
            "",
            "Made by `make trust` (`scripts/trust`), all targets at 20 times the speed of real calls. What was found",
            "of each stands in [trust.jsonl](trust.jsonl), one JSON object a line;",
            f"{judged_with(rows)}.",
            "",
            *without_a_fault(rows, seeds),
            *with_one_fault(rows, sample),
            "",
        ]
    )


def judged_with(rows: list[Row]) -> str:
    """Which commits the rows are of."""
    commits = Counter(str(row["commit"]) for row in rows if "commit" in row)
    if not commits:
        return "there is none yet"
    return "judged with commit " + ", then ".join(f"{commit} ({count})" for commit, count in commits.items())


def without_a_fault(rows: list[Row], seeds: int) -> list[str]:
    """How it does on targets that are right."""
    lines = [
        "## Without a fault",
        "",
        "Every check in every variant, with one seed after the other. None of these may be accused.",
        "",
        "| target | seeds | violations | warnings | not checked | requests | seconds |",
        "| --- | --: | --: | --: | --: | --: | --: |",
    ]
    said: dict[str, tuple[set[str], set[int]]] = {}
    missing = []
    for target, title in TARGETS.items():
        runs = [row for row in rows if row.get("target") == target]
        verdicts = [verdict for row in runs for _, verdict, _ in row["wrong"]]
        counts = " | ".join(
            str(verdicts.count(kind.value)) for kind in (Verdict.VIOLATED, Verdict.WARNED, Verdict.NOT_CHECKED)
        )
        whole = [row for row in runs if "requests" in row]
        medians = [
            f"{statistics.median(row[what] for row in whole):.0f}" if whole else "" for what in ("requests", "seconds")
        ]
        lines.append(f"| {title} | {len(runs)} | {counts} | {' | '.join(medians)} |")
        for row in runs:
            for name, verdict, reason in [*row["wrong"], *(("", "problem", words) for words in row["problems"])]:
                requirement, _, variant = name.rstrip("]").partition("[")
                words = f"{title}: {f'`{requirement}` ' if name else ''}{verdict}{f': {reason}' if reason else ''}"
                variants, seen = said.setdefault(words, (set(), set()))
                variants |= {variant} - {""}
                seen.add(int(row["seed"]))
        if len(runs) < seeds:
            missing.append(f"{title}: {seeds - len(runs)} of {seeds} seeds")
    lines += ["", "Requests and seconds are medians of a run."]
    not_passed = [
        f"{words} ({', '.join([*sorted(variants), f'seeds {ranges(seen)}'])})"
        for words, (variants, seen) in said.items()
    ]
    return [*lines, *listed("Not passed", not_passed), *listed("Not judged, for want of time or of Node", missing)]


def listed(title: str, items: list[str]) -> list[str]:
    """A list, where there is anything to list."""
    return ["", f"{title}:", "", *(f"- {item}" for item in items)] if items else []


def ranges(numbers: Iterable[int]) -> str:
    """`0-3, 7`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def with_one_fault(rows: list[Row], sample: int) -> list[str]:
    """How it does on the mock with each fault."""
    by_name = {fault.name: fault for fault in FAULTS}
    own = {row["own"]: row["said"] for row in rows if row.get("own") in by_name}
    full = {row["full"]: row for row in rows if row.get("full") in by_name}
    missed = {name: why for name, why in own.items() if why}
    lines = [
        "",
        "## With one fault",
        "",
        f"{len(FAULTS)} faults, each put into the mock alone. {len(own)} were judged by the check of the requirement "
        f"that they break: {len(own) - len(missed)} were reported, with the right cause. One in {sample} "
        f"({len(full)} of them) was held against every check as well: the last column says which others report it, "
        "and how many of these faults.",
        "",
        "| requirement | faults | reported | also reported by |",
        "| --- | --: | --: | --- |",
    ]
    for check in all_checks():
        name = check.requirement.name
        of_it = [fault.name for fault in FAULTS if fault.breaks == name]
        others = Counter(other for fault in of_it if fault in full for other in full[fault]["by"] if other != name)
        shown = [f"{other} ({count})" if count > 1 else other for other, count in others.most_common(MOST_OTHERS)]
        more = [f"{len(others) - MOST_OTHERS} more"] if len(others) > MOST_OTHERS else []
        reported = sum(not own.get(fault, "not judged") for fault in of_it)
        lines.append(f"| {name} | {len(of_it)} | {reported} | {', '.join([*shown, *more])} |")
    found = {
        "Not reported": [
            f"{by_name[name].breaks}: {name}. {by_name[name].missed or why.splitlines()[0]}"
            for name, why in missed.items()
        ],
        "Not reported by its own check in a whole run": [
            f"{by_name[name].breaks}: {name}. {row['crash']}".rstrip()
            for name, row in full.items()
            if by_name[name].breaks not in row["by"] and name not in missed
        ],
        "Not judged, for want of time": summed([fault for fault in FAULTS if fault.name not in own]),
        "Not held against every check, for want of time": summed(
            [fault for fault in FAULTS[::sample] if fault.name not in full]
        ),
    }
    return [*lines, *(line for title, names in found.items() for line in listed(title, names))]


def summed(faults: list[Fault]) -> list[str]:
    """Many faults in a line."""
    names = dict.fromkeys(fault.breaks for fault in faults)
    return [f"{len(faults)} faults, of {', '.join(names)}"] if faults else []
