"""No check accuses what the contract leaves free."""

from __future__ import annotations

import asyncio

import pytest

from contract_tests.engine import Selection
from contract_tests.findings import Verdict
from contract_tests.requirements import all_checks
from tests.freedoms import FREEDOMS, Freedom
from tests.trusting import Judged, in_thread, judge_change, quick_builds

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def judged() -> dict[str, Judged]:
    async def one(freedom: Freedom) -> Judged:
        return await judge_change(freedom, Selection(only=freedom.near).jobs(all_checks()))

    async def everything() -> list[Judged]:
        return await asyncio.gather(*map(one, FREEDOMS))

    with quick_builds():
        found = in_thread(lambda: asyncio.run(everything()))
    return {freedom.name: each for freedom, each in zip(FREEDOMS, found, strict=True)}


@pytest.mark.parametrize("freedom", FREEDOMS, ids=lambda freedom: freedom.name)
def test_a_freedom_is_left_to_who_takes_it(freedom: Freedom, judged: dict[str, Judged]) -> None:
    found = judged[freedom.name]
    assert found.crash == ""
    accused = [each for each in found.findings if each.verdict in (Verdict.VIOLATED, Verdict.WARNED)]
    assert not accused, "\n".join(found.said(each.requirement.name) for each in accused)
    assert any(each.verdict is Verdict.PASSED for each in found.findings)


@pytest.mark.parametrize("name", ["websocket-url.exact", "websocket-url.refused-alike", "websocket-url.plain-get"])
def test_what_stands_in_each_url_is_no_token_where_nothing_else_is_asked_for(name: str) -> None:
    (freedom,) = (each for each in FREEDOMS if each.name == "the URL holds more than the token")
    judged = asyncio.run(judge_change(freedom, Selection(only=(name,)).jobs(all_checks())))
    assert judged.crash == "" and judged.findings[0].verdict is Verdict.PASSED, judged.said(name)
