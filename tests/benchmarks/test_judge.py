from __future__ import annotations

from typing import Any

from benchmarks.judge_report import PLANS, First, Fuzz, Sample, medians, section


def _sample(plan: str, seconds: float, **changed: Any) -> Sample:
    found = {"foreign_cores": 0.1, "cpu_s": 4.0, "memory_mb": 120.0, "requests": 180, "dials": 80}
    return Sample(plan=plan, seconds=seconds, verdicts=("passed", "not_checked"), **(found | changed))


SAMPLES = [_sample(plan.name, seconds) for seconds in (9.0, 7.0, 8.0) for plan in PLANS]
FIRSTS = [
    First(fault="a", breaks="inline.voice", by="inline.voice", seconds=2.0, alone_s=0.7),
    First(fault="b", breaks="media.answer", by="media.answer", seconds=12.0, alone_s=5.5),
    First(fault="c", breaks="media.marks", by="", seconds=1.0, alone_s=None),
]
FUZZ = [Fuzz(name="requests", cases=1000, cpu_s=2.0), Fuzz(name="requests", cases=1000, cpu_s=1.0)]


def _rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_each_profile_has_a_row_with_what_it_is_meant_to_take() -> None:
    rows = _rows(section(SAMPLES, FIRSTS, FUZZ, ()))
    assert ["smoke", "8.0 [7.0-9.0]", "10", "4.0 [4.0-4.0]", "120 [120-120]", "180 [180-180]", "80 [80-80]"] in rows
    assert [row[2] for row in rows[2:5]] == ["10", "30", "90"]


def test_what_was_not_checked_is_said() -> None:
    assert "9 passed, 9 not checked." in section(SAMPLES, FIRSTS, FUZZ, ())


def test_only_what_was_shown_soon_counts_as_shown_soon() -> None:
    text = section(SAMPLES, FIRSTS, FUZZ, ()).replace("\n", " ")
    assert "within 3 s for 1 of 3 faults" in text
    assert "for 1 of the 1 of which requests tell, and 0 of the 2 of which calls do" in text
    assert "median 7.0 [2.0-12.0] s" in text
    assert "1 are not shown within 3 s then either, and of the others 1 of 2 are in a whole run" in text
    assert ["c", "1.0", "nothing", "none"] in _rows(section(SAMPLES, FIRSTS, FUZZ, ()))


def test_the_history_keeps_medians() -> None:
    kept = medians(SAMPLES, FIRSTS, FUZZ)
    assert kept["smoke, seconds"] == 8.0
    assert kept["first violation, seconds"] == 2.0
    assert kept["requests, cases a CPU second"] == 750
