"""Hostile peers come late and one kind after the other, and are judged only where they had a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from contract_tests.engine import Selection
from contract_tests.findings import Verdict
from contract_tests.requirements import all_checks
from tests.faults import FAULTS
from tests.trusting import judge_change

pytestmark = pytest.mark.alone


def verdicts(fault: str) -> Mapping[str, Verdict]:
    """Of each kind of hostile peers, on a mock with a fault."""
    change = next(each for each in FAULTS if each.name == fault)
    jobs = Selection(only=("survival.service",)).jobs(all_checks())
    judged = asyncio.run(judge_change(change, jobs))
    assert not judged.crash
    return {finding.variant: finding.verdict for finding in judged.findings}


def test_what_may_take_a_service_down_does_not_come_among_the_first_calls() -> None:
    soon = {check.requirement.name for check in all_checks() if check.soon}
    rough = {"binary", "garbage", "garbage-does-no-harm", "control-socket", "service"}
    assert soon and not soon & {"fuzz.messages", *(f"survival.{name}" for name in rough)}


def test_only_the_peers_that_take_a_service_down_are_blamed() -> None:
    found = verdicts("a broken frame takes the service down")
    assert found["broken-frames"] is Verdict.VIOLATED
    assert {found["vanished"], found["sizes"]} == {Verdict.PASSED, Verdict.NOT_CHECKED}


def test_where_no_socket_opens_hostile_peers_are_not_judged() -> None:
    assert set(verdicts("a dial needs the key").values()) == {Verdict.NOT_CHECKED}
