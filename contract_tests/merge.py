"""Joins the runs of shards, which each checked a part of the contract, into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from contract_tests.findings import Finding, Run, Verdict, nothing_checked

_RANKS = {Verdict.NOT_CHECKED: 0, Verdict.PASSED: 1, Verdict.WARNED: 2, Verdict.VIOLATED: 3}


class MergeError(Exception):
    """The runs do not belong together; the text says why."""


def merge(runs: Sequence[Run]) -> Run:
    """One run from those of shards with the same target and overlays.

    Of a finding the worst verdict that was reached stands.  Requests, calls and dials are added up; shards run beside
    each other, so the longest time stands.  Raises MergeError.
    """
    if not runs:
        raise MergeError("there is no report to merge")
    targets = _each(run.target for run in runs)
    if len(targets) > 1:
        raise MergeError(f"the reports are on different targets: {', '.join(targets)}")
    contracts = _each(", ".join(map(str, run.overlays)) or "the plain one" for run in runs)
    if len(contracts) > 1:
        raise MergeError(f"the reports are on different contracts: {', '.join(contracts)} (--overlay)")
    findings = _findings(runs)
    return Run(
        target=runs[0].target,
        profile=", ".join(_each(run.profile for run in runs)),
        seed=runs[0].seed,
        command="\n".join(_each(run.command for run in runs)),
        version=", ".join(_each(run.version for run in runs)),
        started_at=min(run.started_at for run in runs),
        took_s=max(run.took_s for run in runs),
        requests=sum(run.requests for run in runs),
        calls=sum(run.calls for run in runs),
        dials=sum(run.dials for run in runs),
        findings=findings,
        problems=_problems(runs, findings),
        baseline=_each(sentence for run in runs for sentence in run.baseline),
        overlays=runs[0].overlays,
        notes=_each([*(note for run in runs for note in run.notes), *_seeds(runs)]),
    )


def _findings(runs: Sequence[Run]) -> tuple[Finding, ...]:
    merged: dict[str, Finding] = {}
    for run in runs:
        for finding in run.findings:
            before = merged.get(finding.name)
            merged[finding.name] = _worse(before, finding) if before else finding
    return tuple(merged[name] for name in _order(runs))


def _worse(first: Finding, second: Finding) -> Finding:
    if first.verdict is not second.verdict:
        return max(first, second, key=lambda finding: _RANKS[finding.verdict])
    # A violation that one shard's baseline does not know is not known.
    known = first.known if second.known else ""
    cases = tuple(dict.fromkeys((*first.cases, *second.cases)))
    return replace(first, cases=cases, known=known, took_s=max(first.took_s, second.took_s))


def _order(runs: Sequence[Run]) -> list[str]:
    # The order of the contract, as far as the runs know it: what is new comes after what it followed in its own run.
    order: list[str] = []
    for run in runs:
        place = 0
        for finding in run.findings:
            if finding.name not in order:
                order.insert(place, finding.name)
            place = order.index(finding.name) + 1
    return order


def _problems(runs: Sequence[Run], findings: tuple[Finding, ...]) -> tuple[str, ...]:
    checked = {finding.requirement.layer for finding in findings if finding.verdict is not Verdict.NOT_CHECKED}
    gone = tuple(nothing_checked(layer) for layer in checked)
    problems = _each(problem for run in runs for problem in run.problems)
    return tuple(problem for problem in problems if not problem.startswith(gone))


def _seeds(runs: Sequence[Run]) -> list[str]:
    seeds = _each(str(run.seed) for run in runs)
    return [f"the merged runs had different seeds: {', '.join(seeds)}"] if len(seeds) > 1 else []


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
