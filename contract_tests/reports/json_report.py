"""The report as JSON, for programs, and its reader.  The shape is docs/report.schema.json."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, NoReturn

import msgspec

from contract_tests.findings import AppliedOverlay, Case, Finding, Layer, Level, Requirement, Run, Verdict, count
from contract_tests.reports.errors import ReportError
from contract_tests.reports.inert import json_text

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes; a field that is added does not raise it."""


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    expected: str
    received: str
    reproduce: tuple[str, ...]


class _Finding(msgspec.Struct, frozen=True, kw_only=True):
    requirement: str
    variant: str
    level: Level
    layer: Layer
    verdict: Verdict
    sentence: str
    source: str
    how: str
    why: str
    mend: str
    cases: tuple[_Case, ...]
    cause: str
    reason: str
    took_s: float
    known: str


class _Overlay(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    actions: int


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    profile: str
    seed: int
    command: str
    version: str
    started_at: str
    took_s: float
    requests: int
    calls: int
    dials: int
    findings: tuple[_Finding, ...]
    problems: tuple[str, ...]
    baseline: tuple[str, ...]
    notes: tuple[str, ...]
    # Reports that are older have none.
    overlays: tuple[_Overlay, ...] = ()


def render(run: Run) -> str:
    """The report, with its fields always in the same order."""
    counts = count(run.findings)
    return json_text(
        {
            "schema_version": SCHEMA_VERSION,
            "target": run.target,
            "profile": run.profile,
            "seed": run.seed,
            "command": run.command,
            "version": run.version,
            "started_at": run.started_at,
            "took_s": run.took_s,
            "requests": run.requests,
            "calls": run.calls,
            "dials": run.dials,
            "exit_code": run.exit_code,
            "counts": {verdict.value: counts[verdict] for verdict in Verdict},
            "findings": [_finding(finding) for finding in run.findings],
            "problems": run.problems,
            "baseline": run.baseline,
            "notes": run.notes,
            "overlays": [asdict(overlay) for overlay in run.overlays],
        }
    )


def load(text: str | bytes) -> Run:
    """The run that a JSON report tells of.  Raises ReportError, naming the path, for what is no such report."""
    report = _checked(_parsed(text))
    plain = {name: getattr(report, name) for name in report.__struct_fields__}
    findings = tuple(_read(finding) for finding in report.findings)
    overlays = tuple(AppliedOverlay(overlay.name, overlay.actions) for overlay in report.overlays)
    return Run(**{**plain, "findings": findings, "overlays": overlays})


def _finding(finding: Finding) -> dict[str, Any]:
    requirement = finding.requirement
    return {
        "name": finding.name,
        "requirement": requirement.name,
        "variant": finding.variant,
        "section": requirement.section,
        "level": requirement.level.value,
        "layer": requirement.layer.value,
        "verdict": finding.verdict.value,
        "sentence": requirement.sentence,
        "source": requirement.source,
        "how": requirement.how,
        "why": requirement.why,
        "mend": requirement.mend,
        "cases": [asdict(case) for case in finding.cases],
        "cause": finding.cause,
        "reason": finding.reason,
        "took_s": finding.took_s,
        "known": finding.known,
    }


def _read(finding: _Finding) -> Finding:
    return Finding(
        requirement=Requirement(
            name=finding.requirement,
            sentence=finding.sentence,
            source=finding.source,
            level=finding.level,
            layer=finding.layer,
            how=finding.how,
            why=finding.why,
            mend=finding.mend,
        ),
        variant=finding.variant,
        verdict=finding.verdict,
        cases=tuple(
            Case(expected=case.expected, received=case.received, reproduce=case.reproduce) for case in finding.cases
        ),
        cause=finding.cause,
        reason=finding.reason,
        took_s=finding.took_s,
        known=finding.known,
    )


def _parsed(text: str | bytes) -> dict[str, Any]:
    # Not by msgspec: it refuses lone surrogates, which a target may well have sent.
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"not a JSON report: {error}") from error
    if not isinstance(content, dict) or "schema_version" not in content:
        raise ReportError("not a JSON report of calls verify: expected an object with schema_version at the top")
    if content["schema_version"] != SCHEMA_VERSION:
        found = json.dumps(content["schema_version"])
        raise ReportError(f"schema_version is {found}, but this version of calls reads {SCHEMA_VERSION}")
    return content


def _checked(content: dict[str, Any]) -> _Report:
    try:
        return msgspec.convert(content, _Report)
    except msgspec.ValidationError as error:
        raise ReportError(f"not a JSON report of calls verify: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
