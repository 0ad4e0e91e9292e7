"""The page on whether the judge can be trusted says what was found, what was missed, and what was not judged."""

from __future__ import annotations

from typing import Any

from tests.faults import FAULTS
from tests.trust_page import page

FAULT = FAULTS[0]


def _run(seed: int, *wrong: list[str], **more: Any) -> dict[str, Any]:
    return {"target": "express", "seed": seed, "wrong": list(wrong), "problems": [], **more}


def test_runs_without_a_fault_are_summed_up_in_a_line() -> None:
    warned = ["media.frames[twilio]", "warned", ""]
    rows = [_run(seed, warned, requests=400 + seed, seconds=50.0) for seed in range(3)]
    assert "| Express and ws | 3 | 0 | 3 | 0 | 401 | 50 |" in page(rows, seeds=3, sample=1)


def test_what_did_not_pass_is_listed_with_its_variants_and_seeds() -> None:
    runs = [_run(seed, [f"media.frames[{kind}]", "warned", ""]) for seed in (0, 1, 4) for kind in ("plivo", "twilio")]
    assert "- Express and ws: `media.frames` warned (plivo, twilio, seeds 0-1, 4)\n" in page(runs, seeds=3, sample=1)


def test_a_run_that_failed_is_listed() -> None:
    written = page([_run(2, problems=["the judge failed: KeyError: 5"])], seeds=1, sample=1)
    assert "- Express and ws: problem: the judge failed: KeyError: 5 (seeds 2)\n" in written


def test_a_fault_that_is_reported_counts_for_its_requirement_and_names_who_else_reports_it() -> None:
    rows: list[dict[str, Any]] = [
        {"own": FAULT.name, "said": ""},
        {"full": FAULT.name, "by": [FAULT.breaks, "create.valid"], "crash": ""},
    ]
    of_it = sum(fault.breaks == FAULT.breaks for fault in FAULTS)
    assert f"| {FAULT.breaks} | {of_it} | 1 | create.valid |\n" in page(rows, seeds=1, sample=1)


def test_a_fault_that_is_not_reported_is_listed_with_what_was_said() -> None:
    written = page([{"own": FAULT.name, "said": "not reported: passed"}], seeds=1, sample=1)
    assert f"Not reported:\n\n- {FAULT.breaks}: {FAULT.name}. not reported: passed\n" in written


def test_the_commits_that_were_judged_with_are_named() -> None:
    rows = [_run(seed, requests=1, seconds=1.0, commit="abc" if seed else "abd") for seed in range(3)]
    assert ";\njudged with commit abd (1), then abc (2).\n" in page(rows, seeds=3, sample=1)
    assert ";\nthere is none yet.\n" in page([], seeds=3, sample=1)


def test_what_was_not_judged_is_said() -> None:
    written = page([], seeds=2, sample=len(FAULTS))
    assert "- the mock: 2 of 2 seeds\n" in written
    assert f"Not judged, for want of time:\n\n- {len(FAULTS)} faults, of " in written
    assert f"Not held against every check, for want of time:\n\n- 1 faults, of {FAULT.breaks}\n" in written
