"""What is plain is looked at first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from contract_tests import engine
from contract_tests.context import Context
from contract_tests.engine import Job
from contract_tests.findings import Finding, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import all_checks
from contract_tests.settings import TargetSettings
from contract_tests.target import OutOfRequests
from tests.contract_tests.targets import job_named


async def _run(jobs: list[Job], on_finding: Callable[[Finding], None] = lambda finding: None) -> list[Finding]:
    judge = Judge(TargetSettings(url="http://127.0.0.1:1", api_keys=("ck_any_key",), max_parallel_calls=1))
    try:
        return await engine.run(judge, jobs, on_finding)
    finally:
        await judge.close()


def test_requests_come_before_calls_and_what_is_soon_over_before_what_takes_long() -> None:
    begun: list[str] = []

    def job(name: str, lasts_s: float) -> Job:
        async def run(it: Context) -> None:
            begun.append(name)
            await asyncio.sleep(0.01)

        named = job_named("inline.voice")
        return replace(named, variant=name, check=replace(named.check, run=run, lasts_s=lasts_s, again=False))

    requests = [f"request {number}" for number in range(30)]
    calls = {"slow": 20.0, "slower": 60.0, "soon over": 3.0}
    asyncio.run(
        _run([*(job(name, lasts_s) for name, lasts_s in calls.items()), *(job(name, 0.0) for name in requests)])
    )
    assert begun[:30] == requests
    assert begun[30:] == ["soon over", "slower", "slow"]


def test_what_was_seen_ahead_is_told_at_once_and_once_and_is_found_though_there_is_no_request_left() -> None:
    told: list[str] = []
    was_told = asyncio.Event()

    def tell(finding: Finding) -> None:
        told.append(finding.variant)
        was_told.set()

    async def look(it: Context) -> None:
        it.wrong("something", "something else")

    async def look_again(it: Context) -> None:
        raise OutOfRequests("no request is left")

    async def takes_long(it: Context) -> None:
        await was_told.wait()

    named = job_named("inline.voice")
    last = replace(named, check=replace(named.check, run=look_again, order="last", ahead=look), variant="seen")
    slow = replace(named, check=replace(named.check, run=takes_long), variant="slow")
    findings = asyncio.run(asyncio.wait_for(_run([last, slow], tell), 10))
    assert told == ["seen", "slow"]
    assert [finding.verdict for finding in findings] == [Verdict.VIOLATED, Verdict.PASSED]


def test_what_comes_last_looks_ahead() -> None:
    blind = {check.requirement.name for check in all_checks() if check.order == "last" and check.ahead is None}
    # That nobody lets go of calls is said of all of them: one that is let go of is enough.
    assert blind == {"media.caller-hangs-up"}
