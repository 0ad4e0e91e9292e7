from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import history


def run(**changed: Any) -> history.Run:
    values: history.Run = {
        "benchmark": "http",
        "date": "2026-01-01T00:00:00+00:00",
        "commit": "abc",
        "machine": "Some CPU, 2 cores",
        "medians": {"calls mock, create, CPU us": 50.0},
    }
    return values | changed


def test_runs_are_added_and_the_last_of_a_benchmark_is_found(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    assert history.last(file, "http") is None
    for each in (run(commit="first"), run(commit="second"), run(benchmark="media")):
        history.append(file, each)
    found = history.last(file, "http")
    assert found is not None and found["commit"] == "second"
    assert len(file.read_text().splitlines()) == 3


def test_a_run_is_compared_with_the_last_one() -> None:
    now = run(medians={"calls mock, create, CPU us": 40.0, "new": 1.0})
    before = run(medians={"calls mock, create, CPU us": 50.0, "gone": 2.0})
    assert list(history.compared(now, before)) == [
        "Compared with the run of 2026-01-01T00:00:00+00:00 at abc:",
        "  calls mock, create, CPU us: 40, was 50 (-20 %)",
        "  new: 1, new",
        "  gone: not measured now, was 2",
    ]


def test_another_machine_is_said_to_be_one() -> None:
    lines = list(history.compared(run(), run(machine="Other")))
    assert "another machine (Other)" in lines[1]


def test_a_first_run_is_said_to_be_one() -> None:
    assert list(history.compared(run(), None)) == ["This is the first run on record."]
