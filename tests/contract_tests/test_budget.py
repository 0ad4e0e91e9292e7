"""What a run spends: calls are shared, and nothing is looked at twice where that would leave others unchecked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from contract_tests import engine
from contract_tests.context import Context
from contract_tests.engine import Job, Selection
from contract_tests.findings import Requirement, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import Check, all_checks
from contract_tests.settings import (
    ALL_FIRST_LOOKS,
    LEFT_FOR_LAST,
    REQUESTS_PER_KEY,
    SECOND_LOOK,
    Profile,
    TargetSettings,
)
from contract_tests.target import SPENT, Meant, NotChecked, OutOfRequests
from tests.faults.fault import Change, Reply, Request, before
from tests.freedoms import balance_of
from tests.running import RunningMock
from tests.trusting import judge_change

pytestmark = pytest.mark.alone

KEY = "ck_mock_valid"
LEAST = LEFT_FOR_LAST + SECOND_LOOK
MOST_AT_ONCE = (REQUESTS_PER_KEY[Profile.DEFAULT] - ALL_FIRST_LOOKS[Profile.DEFAULT]) // SECOND_LOOK
T = TypeVar("T")


def judged(url: str, work: Callable[[Judge], Awaitable[T]], max_time_s: float = 90.0) -> T:
    async def run() -> T:
        it = Judge(TargetSettings(url=f"{url}/api/v1", api_keys=(KEY,), agent="agent_demo", max_time_s=max_time_s))
        try:
            return await work(it)
        finally:
            await it.close()

    return asyncio.run(run())


def spend(it: Judge, left: int) -> None:
    while it.target.left() > left:
        it.target.count(KEY)


def job(run: Callable[[Context], Awaitable[None]], *, again: bool, name: str = "media.x") -> Job:
    requirement = Requirement(name=name, sentence="S.", source="s", how="h", why="w", mend="m")
    return Job(Check(requirement=requirement, run=run, again=again), "")


def always_wrong(attempts: list[int]) -> Job:
    async def check(it: Context) -> None:
        attempts.append(it.attempt)
        it.wrong("nothing", "something")

    return job(check, again=True)


@pytest.mark.parametrize(("left", "attempts"), [(LEAST, [1, 2]), (LEAST - 1, [1])])
def test_a_second_look_leaves_requests_for_the_last_checks(left: int, attempts: list[int]) -> None:
    made: list[int] = []

    async def work(it: Judge) -> None:
        spend(it, left)
        (finding,) = await engine.run(it, [always_wrong(made)])
        assert finding.verdict is Verdict.VIOLATED

    judged("http://127.0.0.1:1", work)
    assert made == attempts


@pytest.mark.parametrize("left", [0, 400])
@pytest.mark.parametrize(("lag_s", "verdict"), [(0.3, Verdict.VIOLATED), (0.6, Verdict.NOT_CHECKED)])
def test_what_could_be_seen_but_once_accuses_only_while_this_machine_was_quick(
    lag_s: float, verdict: Verdict, left: int
) -> None:
    async def wrong(it: Context) -> None:
        it.judge.lags.append((time.monotonic(), lag_s))
        if it.attempt == 2:
            raise NotChecked("there is nothing to look at any more")
        it.wrong("nothing", "something")

    async def work(it: Judge) -> None:
        spend(it, left)
        (finding,) = await engine.run(it, [job(wrong, again=True)])
        assert finding.verdict is verdict

    judged("http://127.0.0.1:1", work)


@pytest.mark.parametrize(("number", "at_once"), [(1, 1), (9, MOST_AT_ONCE)])
def test_who_gets_no_requests_for_a_second_look_waits_until_all_had_their_first(number: int, at_once: int) -> None:
    done: list[str] = []

    async def wrong(it: Context) -> None:
        for _ in range(SECOND_LOOK):
            it.requests += 1
            it.target.count(KEY)
        # All of them are looked at before one is again, but for the slow one.
        await asyncio.sleep(0.05)
        done.append("a second look" if it.attempt == 2 else "a first look")
        it.wrong("nothing", "something")

    async def slow(it: Context) -> None:
        await asyncio.sleep(0.5)
        done.append("the slow one")

    async def work(it: Judge) -> None:
        jobs = [job(wrong, again=True, name=f"media.x{index}") for index in range(number)]
        _, *findings = await engine.run(it, [job(slow, again=True), *jobs])
        assert {finding.verdict for finding in findings} == {Verdict.VIOLATED}
        assert it.target.left() == REQUESTS_PER_KEY[Profile.DEFAULT] - 2 * SECOND_LOOK * number

    judged("http://127.0.0.1:1", work)
    assert done == [
        *number * ["a first look"],
        *at_once * ["a second look"],
        "the slow one",
        *(number - at_once) * ["a second look"],
    ]


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

    return job(check, again=False)


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


def test_the_last_checks_have_time_left_whatever_the_others_take() -> None:
    async def endless(it: Context) -> None:
        await asyncio.sleep(600)

    async def quick(it: Context) -> None:
        await asyncio.sleep(0)

    async def work(it: Judge) -> None:
        last = job(quick, again=False, name="media.last")
        jobs = [job(endless, again=True), replace(last, check=replace(last.check, order="last"))]
        findings = await engine.run(it, jobs)
        assert [finding.verdict for finding in findings] == [Verdict.NOT_CHECKED, Verdict.PASSED]
        assert it.left_s() > 0

    judged("http://127.0.0.1:1", work, max_time_s=4.0)


def test_a_balance_that_ends_is_asked_for_once() -> None:
    async def check(it: Context) -> None:
        await it.post("inline", it.valid("inline"), meant=Meant.VALID)
        posts = (it.post("inline", it.valid("inline", temperature=1), meant=Meant.VALID) for _ in range(8))
        answers = await asyncio.gather(*posts, return_exceptions=True)
        refused = [each for each in answers if isinstance(each, OutOfRequests)]
        assert len(refused) == 6 and {str(each) for each in refused} == {SPENT}
        assert [each.status for each in it.target.journal.exchanges].count(402) == 7
        plain = it.target.journal.exchanges[0].content
        assert [each.content for each in it.target.journal.exchanges].count(plain) == 2
        assert it.target.left() == 0
        with pytest.raises(OutOfRequests, match="balance"):
            it.target.key()

    change = Change(name="a balance of three calls", apply=balance_of(3))
    found = asyncio.run(judge_change(change, [job(check, again=False)]))
    assert found.crash == ""


def test_a_key_that_never_created_a_call_has_no_balance_to_use_up() -> None:
    async def check(it: Context) -> None:
        assert (await it.post("inline", it.valid("inline"), meant=Meant.VALID)).status == 402
        assert len(it.target.journal.exchanges) == 1

    found = asyncio.run(judge_change(Change(name="no balance", apply=balance_of(0)), [job(check, again=False)]))
    assert found.crash == ""


def test_who_answers_402_to_one_valid_value_is_accused() -> None:
    def refuses(request: Request) -> Reply | None:
        body = request.json()
        is_warm = isinstance(body, dict) and body.get("temperature") == 1
        return Reply.error(402, "PAYMENT_REQUIRED", "insufficient balance") if is_warm else None

    names = ("authentication.valid-key", "inline.temperature", "inline.max-duration")
    jobs = Selection(only=names).jobs(all_checks())
    found = asyncio.run(judge_change(Change(name="warmth costs more", apply=before(refuses)), jobs))
    wrong = {each.name for each in found.findings if each.verdict is not Verdict.PASSED}
    assert wrong == {"inline.temperature"}
    assert "violated" in found.said("inline.temperature") and "received 402" in found.said("inline.temperature")
