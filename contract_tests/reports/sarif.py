"""The report as SARIF 2.1.0, which GitHub's code scanning shows beside the contract's documents.

GitHub takes a part of SARIF (docs.github.com, "SARIF support for code scanning", read 2026-11-25).  That it cuts
descriptions at 1,024 characters could not be confirmed; they are kept shorter.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any
from urllib.parse import quote, unquote

from contract import documents
from contract.errors import DocumentError
from contract_tests.findings import Case, Finding, Level, Requirement, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.inert import in_a_line, json_text, shortened, visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LONGEST_DESCRIPTION = 1000
LONGEST_MESSAGE = 8000

_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning"}
_RESULTS = {Verdict.VIOLATED: "error", Verdict.WARNED: "warning"}


def render(run: Run) -> str:
    """The report: a rule for each requirement, a result for each violation and warning."""
    requirements = {finding.requirement.name: finding.requirement for finding in run.findings}
    indices = {name: index for index, name in enumerate(requirements)}
    driver = {
        "name": "calls verify",
        "version": in_a_line(run.version),
        "rules": [_rule(requirement) for requirement in requirements.values()],
    }
    results = [_result(finding, indices) for finding in run.findings if finding.verdict in _RESULTS]
    sarif_run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(run)],
        "results": results,
    }
    if run.overlays:
        sarif_run["properties"] = {"overlays": [in_a_line(str(overlay)) for overlay in run.overlays]}
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [sarif_run]})


def location(source: str) -> tuple[str, int]:
    """The file of a source `file#/json/pointer`, and the line on which what it points to begins, from 1."""
    file, _, pointer = source.partition("#")
    steps = tuple(_step(part) for part in pointer.split("/")[1:])
    return file, _line(file, steps)


def _rule(requirement: Requirement) -> dict[str, Any]:
    help_text = f"{requirement.why}\n\nTested: {requirement.how}\n\nTo mend it: {requirement.mend}"
    return {
        "id": in_a_line(requirement.name),
        "shortDescription": _text(requirement.sentence, LONGEST_DESCRIPTION),
        "fullDescription": _text(f"{requirement.sentence} {requirement.why}", LONGEST_DESCRIPTION),
        "help": _text(f"{help_text}\n\nSource: {requirement.source}", LONGEST_MESSAGE),
        "defaultConfiguration": {"level": _LEVELS[requirement.level]},
        "properties": {
            "precision": "very-high",
            "problem.severity": _LEVELS[requirement.level],
            "tags": list(dict.fromkeys(["contract", in_a_line(requirement.section), requirement.layer.value])),
        },
    }


def _result(finding: Finding, indices: dict[str, int]) -> dict[str, Any]:
    file, line = location(finding.requirement.source)
    physical = {
        "artifactLocation": {"uri": quote(in_a_line(file)), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line},
    }
    result = {
        "ruleId": in_a_line(finding.requirement.name),
        "ruleIndex": indices[finding.requirement.name],
        "level": _RESULTS[finding.verdict],
        "message": _text(_story(finding), LONGEST_MESSAGE),
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding.name)},
    }
    if finding.known:
        known = {"kind": "external", "justification": shortened(visible(finding.known), LONGEST_MESSAGE)}
        result["suppressions"] = [known]
    return result


def _invocation(run: Run) -> dict[str, Any]:
    errors = [("error", sentence) for sentence in (*run.problems, *run.baseline)]
    # Whoever sees no property bag sees these.
    said = [*errors, *([("note", summary.outcome(run))] if run.overlays else [])]
    invocation: dict[str, Any] = {"executionSuccessful": run.exit_code != 2, "exitCode": run.exit_code}
    if said:
        invocation["toolExecutionNotifications"] = [
            {"level": level, "message": _text(sentence, LONGEST_MESSAGE)} for level, sentence in said
        ]
    return invocation


def _story(finding: Finding) -> str:
    cases, more = summary.shown_cases(finding)
    cause = f"Likely cause: {summary.likely_cause(finding)}"
    parts = [f"{finding.name}: {finding.requirement.sentence}", *map(_case, cases), more, cause]
    return "\n".join(part for part in parts if part)


def _case(case: Case) -> str:
    return "\n".join([f"Expected: {case.expected}", f"Received: {case.received}", *case.reproduce])


def _text(text: str, limit: int) -> dict[str, str]:
    # `[text](target)` is a link even in SARIF's plain messages (section 3.11.6).
    return {"text": shortened(visible(text), limit).replace("](", "]\\(")}


def _fingerprint(name: str) -> str:
    # Of the finding's name, not of the line's text: two variants of a requirement are two alerts, on the same line.
    return f"{hashlib.sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:16]}:1"


def _step(part: str) -> str | int:
    plain = unquote(part).replace("~1", "/").replace("~0", "~")
    is_index = plain.isascii() and plain.isdigit() and (plain == "0" or plain[0] != "0")
    return int(plain) if is_index else plain


@functools.cache
def _line(file: str, steps: tuple[str | int, ...]) -> int:
    text = _document(file)
    return documents.line_of(text, steps) if text else 1


@functools.cache
def _document(file: str) -> bytes:
    folder, _, name = file.partition("/")
    try:
        if file == "openapi/calls.yaml":
            return documents.openapi_text()
        return documents.asyncapi_text(name.removesuffix(".yaml")) if folder == "asyncapi" else b""
    except DocumentError:
        return b""
