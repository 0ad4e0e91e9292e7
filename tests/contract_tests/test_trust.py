"""Whether the judge can be trusted: each requirement has a fault, and each fault is reported by its own check."""

from __future__ import annotations

import re

import pytest

from contract_tests.findings import Level, Verdict
from contract_tests.requirements import all_checks
from tests.faults import FAULTS
from tests.trusting import Judged, judge_own

pytestmark = pytest.mark.alone

NAMES = [check.requirement.name for check in all_checks()]


@pytest.fixture(scope="session")
def judged() -> list[Judged]:
    return judge_own()


@pytest.mark.parametrize("name", NAMES)
def test_each_requirement_has_a_fault(name: str) -> None:
    assert any(fault.breaks == name for fault in FAULTS), f"no fault breaks {name}"


def test_each_fault_has_its_own_name_and_breaks_a_requirement() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {fault.breaks for fault in FAULTS} <= set(NAMES)
    assert all(re.compile(fault.says) for fault in FAULTS)


@pytest.mark.parametrize("index", range(len(FAULTS)), ids=[f"{each.breaks}: {each.name}" for each in FAULTS])
def test_each_fault_is_reported_by_its_own_check(
    index: int, judged: list[Judged], request: pytest.FixtureRequest
) -> None:
    fault, found = FAULTS[index], judged[index]
    if fault.missed:
        request.applymarker(pytest.mark.xfail(reason=fault.missed))
    assert found.saw(fault) == ""
    must = next(check for check in all_checks() if check.requirement.name == fault.breaks).requirement.level
    verdicts = {finding.verdict for finding in found.of(fault.breaks)}
    assert (Verdict.VIOLATED if must is Level.MUST else Verdict.WARNED) in verdicts
