from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import verdict_tools, verdicts, verdicts_page
from benchmarks.peers import specmatic
from benchmarks.verdict_tools import BODIES, OURS, Report, Tool
from benchmarks.verdicts_page import Row, Sample
from contract_tests.findings import Layer
from contract_tests.requirements import all_checks
from tests.faults import FAULTS, fields, turns

HTTP, SOCKET = fields.FAULTS[0].name, turns.FAULTS[0].name


def _tool(name: str) -> Tool:
    return Tool(name=name, version="1", called="so", judge=lambda url: Report())


def _row(tool: str, fault: str, *failures: str, **changed: Any) -> Row:
    row = {"tool": tool, "fault": fault, "run": 0, "failures": list(failures), "seconds": 2.0, "requests": 5}
    return row | {"problem": ""} | changed


def _page(*rows: Row, missing: dict[str, str] | None = None) -> str:
    sample = Sample(every=100, seed=0, correct=1, faults=[HTTP, SOCKET])
    return verdicts_page.page([_tool(OURS), _tool("other")], missing or {}, sample, rows)


BOTH = [_row(tool, fault) for tool in (OURS, "other") for fault in ("", HTTP, SOCKET)]


def _with(*rows: Row) -> list[Row]:
    changed = {(row["tool"], row["fault"]) for row in rows}
    return [*rows, *(row for row in BOTH if (row["tool"], row["fault"]) not in changed)]


def test_each_half_is_counted_by_itself() -> None:
    text = _page(*_with(_row(OURS, HTTP, "a"), _row(OURS, SOCKET, "b"), _row("other", HTTP, "c")))
    assert f"| {OURS} | 1 of 1 | 1 of 1 | 2 of 2 | 2 | 5 | in 0 of 1 runs |" in text
    assert "| other | 1 of 1 | 0 of 1 | 1 of 2 | 2 | 5 | in 0 of 1 runs |" in text


def test_what_is_said_of_the_correct_mock_too_catches_nothing() -> None:
    text = _page(
        *_with(_row("other", "", "usual"), _row("other", HTTP, "usual"), _row("other", SOCKET, "usual", "new"))
    )
    assert "| other | 0 of 1 | 1 of 1 | 1 of 2 | 2 | 5 | in 1 of 1 runs |" in text


def test_a_fault_that_ours_misses_is_named_with_who_caught_it() -> None:
    assert f": {HTTP} (caught by other)" in _page(*_with(_row("other", HTTP, "c"), _row(OURS, SOCKET, "b")))


def test_faults_that_not_every_tool_was_held_against_do_not_count() -> None:
    text = _page(*(row for row in BOTH if (row["tool"], row["fault"]) != ("other", SOCKET)))
    assert f"| {OURS} | 0 of 1 | 0 of 0 |" in text
    assert "- 1 faults of the sample" in text


def test_what_cannot_be_run_is_said_not_to_have_been() -> None:
    assert "\nspecmatic test: not run: java is missing\n" in _page(*BOTH, missing={"specmatic test": "java is missing"})


def test_a_run_without_a_verdict_is_listed() -> None:
    assert f"- other: {HTTP}: no report" in _page(*_with(_row("other", HTTP, problem="no report")))


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_of_every_tenth_fault_has_both_halves(seed: int) -> None:
    layers = {check.requirement.name: check.requirement.layer for check in all_checks()}
    names = verdicts.sampled(10, seed)
    assert len(names) in (len(FAULTS) // 10, len(FAULTS) // 10 + 1)
    assert {layers[fault.breaks] for fault in FAULTS if fault.name in names} == set(Layer)


def test_what_is_there_already_is_not_judged_again() -> None:
    sample = Sample(every=100, seed=0, correct=1, faults=[HTTP, SOCKET])
    assert list(verdicts.judged([_tool(OURS), _tool("other")], sample, BOTH)) == []


def test_reports_are_read() -> None:
    finding = {"name": "answers.id[create]", "verdict": "violated"}
    warning = {"name": "rate-limit.present", "verdict": "warned"}
    ours = {"findings": [finding, warning, {"name": "x", "verdict": "passed"}], "requests": 3, "dials": 2}
    assert verdict_tools.verify_report(json.dumps(ours)) == Report(
        failures=frozenset({"answers.id[create]", "rate-limit.present"}), requests=5
    )
    theirs: dict[str, Any] = {"failures": [{"title": "Bad", "operations": ["POST /a", "POST /b"]}]}
    theirs |= {"errors": [{"title": "Network Error", "count": 1}], "test_cases": {"generated": 9}}
    assert verdict_tools.schemathesis_report(json.dumps(theirs)) == Report(
        failures=frozenset({"POST /a: Bad", "POST /b: Bad", "Network Error"}), requests=9
    )
    junit = '<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>'
    assert verdict_tools.junit_report(junit) == Report(failures=frozenset({"b"}), requests=2)


def test_specmatic_is_given_the_document_for_custom_clients_with_an_example_for_each_key(tmp_path: Any) -> None:
    specmatic.write(tmp_path, BODIES, {"402": "poor"}, websocket=True)
    document = json.loads((tmp_path / "calls.json").read_text())
    assert list(document["paths"]) == ["/calls/create", "/calls/inline"]
    example = json.loads((tmp_path / "examples" / "create-402.json").read_text())
    assert example["http-request"]["headers"]["X-API-Key"] == "poor"
    assert example["http-request"]["body"]["connectionType"] == "websocket"
