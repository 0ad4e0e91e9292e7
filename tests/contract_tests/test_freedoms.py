"""No check accuses what the contract leaves free."""

from __future__ import annotations

import asyncio

import pytest

from contract_tests.engine import Selection
from contract_tests.findings import Verdict
from contract_tests.requirements import all_checks
from tests.freedoms import FREEDOMS, Freedom
from tests.trusting import in_thread, judge_change

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("freedom", FREEDOMS, ids=lambda freedom: freedom.name)
def test_a_freedom_is_left_to_who_takes_it(freedom: Freedom) -> None:
    jobs = Selection(only=freedom.near).jobs(all_checks())
    judged = in_thread(lambda: asyncio.run(judge_change(freedom, jobs)))
    assert judged.crash == ""
    accused = {each for each in judged.findings if each.verdict in (Verdict.VIOLATED, Verdict.WARNED)}
    assert not accused, "\n".join(judged.said(each.requirement.name) for each in accused)
    assert any(each.verdict is Verdict.PASSED for each in judged.findings)
