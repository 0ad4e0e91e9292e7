"""Who lets a limited key in again and again is accused; once is left to a limit that ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable

import pytest

from contract_tests.engine import Selection
from contract_tests.requirements import all_checks
from tests.faults.fault import Change
from tests.freedoms import lets_in
from tests.trusting import judge_change

pytestmark = pytest.mark.alone

NAME = "rate-limit.too-many-requests"


def said(left: Iterable[int | None]) -> str:
    """What is said of a limited key to which so much remains after each request."""
    change = Change(name="another limit", apply=lets_in(left), settings={"rate_limit_per_hour": 100_000})
    return asyncio.run(judge_change(change, Selection(only=(NAME,)).jobs(all_checks()))).said(NAME)


@pytest.mark.parametrize(
    ("left", "accused_of"),
    [
        ([0, 0, 0], "nothing remained after the request before"),
        ([None, *[0, None] * 3], "429 on /calls/inline too"),
        (itertools.repeat(7), "429 within 150 requests"),
        ([None, *[7] * 200], ""),
    ],
    ids=["nothing remains", "refused now and then", "never refused", "an hour ends"],
)
def test_who_lets_a_limited_key_in_again_and_again_is_accused(left: Iterable[int | None], accused_of: str) -> None:
    found = said(left)
    assert ("violated" in found) == (accused_of != "")
    assert accused_of in found if accused_of else "run again" in found
