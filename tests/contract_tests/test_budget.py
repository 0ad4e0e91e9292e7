"""What a run spends: calls are shared, and nothing is looked at twice where that would leave others unchecked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from contract_tests import engine
from contract_tests.context import Context
from contract_tests.engine import Job
from contract_tests.findings import Requirement, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import Check
from contract_tests.settings import LEFT_FOR_OTHERS, Profile, TargetSettings
from contract_tests.target import Meant, OutOfRequests
from tests.running import RunningMock

KEY = "ck_mock_valid"
LEAST = LEFT_FOR_OTHERS[Profile.DEFAULT]
T = TypeVar("T")


def judged(url: str, work: Callable[[Judge], Awaitable[T]]) -> T:
    async def run() -> T:
        it = Judge(TargetSettings(url=f"{url}/api/v1", api_keys=(KEY,), agent="agent_demo"))
        try:
            return await work(it)
        finally:
            await it.close()

    return asyncio.run(run())


def spend(it: Judge, left: int) -> None:
    while it.target.left() > left:
        it.target.count(KEY)


def always_wrong(attempts: list[int]) -> Job:
    async def check(it: Context) -> None:
        attempts.append(it.attempt)
        it.wrong("nothing", "something")

    requirement = Requirement(name="media.x", sentence="S.", source="s", how="h", why="w", mend="m")
    return Job(Check(requirement=requirement, run=check, again=True), "")


@pytest.mark.parametrize(("left", "attempts"), [(LEAST, [1, 2]), (LEAST - 1, [1])])
def test_a_second_look_leaves_requests_for_the_others(left: int, attempts: list[int]) -> None:
    made: list[int] = []

    async def work(it: Judge) -> None:
        spend(it, left)
        (finding,) = await engine.run(it, [always_wrong(made)])
        assert finding.verdict is Verdict.VIOLATED

    judged("http://127.0.0.1:1", work)
    assert made == attempts


def slow_machine(attempts: list[int], slow: int, wrong: int) -> Job:
    """No matter of time; wrong at the first attempts, and the machine is slow at the first ones."""

    async def check(it: Context) -> None:
        attempts.append(it.attempt)
        if it.attempt <= slow:
            it.judge.lags.append((time.monotonic(), 2 * engine.TOO_LATE_S))
        # So that no two attempts begin in the same tick of the clock.
        await asyncio.sleep(0.05)
        if it.attempt <= wrong:
            it.wrong("nothing", "something")

    requirement = Requirement(name="media.x", sentence="S.", source="s", how="h", why="w", mend="m")
    return Job(Check(requirement=requirement, run=check, again=False), "")


@pytest.mark.parametrize(
    ("slow", "wrong", "verdict", "attempts"),
    [
        (0, 3, Verdict.VIOLATED, [1]),
        (1, 1, Verdict.PASSED, [1, 2]),
        (1, 3, Verdict.VIOLATED, [1, 2]),
        (3, 3, Verdict.VIOLATED, [1, 2, 3]),
        (3, 0, Verdict.PASSED, [1]),
    ],
)
def test_what_is_wrong_on_a_slow_machine_is_looked_at_again(
    slow: int, wrong: int, verdict: Verdict, attempts: list[int]
) -> None:
    made: list[int] = []

    async def work(it: Judge) -> None:
        (finding,) = await engine.run(it, [slow_machine(made, slow, wrong)])
        assert finding.verdict is verdict

    judged("http://127.0.0.1:1", work)
    assert made == attempts


def test_a_key_counts_in_any_spelling_of_its_header(mock: RunningMock) -> None:
    async def work(it: Judge) -> None:
        before = it.target.left()
        await Context(it, "inline").post("inline", {}, key=None, headers={"x-api-key": KEY})
        assert it.target.left() == before - 1
        spend(it, 0)
        with pytest.raises(OutOfRequests):
            await Context(it, "inline").post("inline", {}, key=None, headers={"x-api-key": KEY})

    judged(mock.base_url, work)


def test_a_call_that_was_created_for_its_answer_is_dialled_once(mock: RunningMock) -> None:
    async def work(it: Judge) -> None:
        context = Context(it, "inline")
        created = await context.accepted("inline", context.valid(connectionType="plivo"), "a call")
        await context.accepted("inline", context.valid(inactivityTimeout=10), "one that may hang up")
        await context.post("inline", context.valid(), meant=Meant.FREE)
        assert (await context.any_call(kind="plivo")).exchange is created
        assert (await context.any_call(kind="plivo")).exchange is not created
        before = it.target.left()
        assert (await context.any_call()).request["maxDuration"] == context.long_s
        assert it.target.left() == before - 1

    judged(mock.base_url, work)


def test_a_recording_for_which_there_were_no_requests_is_made_later(mock: RunningMock) -> None:
    async def work(it: Judge) -> None:
        context = Context(it, "inline")
        asked: list[int] = []

        async def record() -> str:
            asked.append(1)
            if len(asked) == 1:
                raise OutOfRequests("a rate limit")
            return "made"

        with pytest.raises(OutOfRequests):
            await context.recording("x", record)
        assert await context.recording("x", record) == "made"
        assert await context.recording("x", record) == "made"
        assert len(asked) == 2

    judged(mock.base_url, work)
