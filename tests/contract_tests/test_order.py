"""What is plain is looked at first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.context import Context
from contract_tests.engine import Job
from contract_tests.judge import Judge
from contract_tests.requirements import all_checks
from contract_tests.settings import TargetSettings
from tests.contract_tests.targets import KEYS, job_named, run_on_nothing
from tests.running import RunningMock


@pytest.mark.parametrize(
    ("time_scale", "slowest"), [(1, ["waits for the target", "slow"]), (10, ["slow", "waits for the target"])]
)
def test_requests_come_before_calls_and_what_tells_soon_before_what_takes_long(
    time_scale: float, slowest: list[str]
) -> None:
    begun: list[str] = []

    def job(name: str, **times: Any) -> Job:
        async def run(it: Context) -> None:
            begun.append(name)
            await asyncio.sleep(0.01)

        named = job_named("inline.voice")
        return replace(named, variant=name, check=replace(named.check, run=run, again=False, **times))

    requests = [f"request {number}" for number in range(30)]
    calls = [
        job("slow", lasts_s=20),
        job("waits for the target", lasts_s=5, waits_s=60),
        job("tells soon", lasts_s=10, soon=True),
    ]
    asyncio.run(run_on_nothing([*calls, *map(job, requests)], time_scale=time_scale))
    assert begun[:30] == requests
    assert begun[30:] == ["tells soon", *slowest]


def test_each_check_that_places_calls_says_how_long_it_lasts() -> None:
    checks = [check for check in all_checks() if check.calls and check.order == "any"]
    assert checks and not [check.requirement.name for check in checks if not check.lasts_s]


def test_what_tells_soon_gets_the_next_free_line(mock: RunningMock) -> None:
    got: list[str] = []

    async def call(it: Judge, name: str, soon: bool = False) -> None:
        called = await Context(it, "twilio", soon=soon).call()
        got.append(name)
        await asyncio.sleep(0.05)
        assert called.lease is not None
        called.lease.end()

    async def run() -> None:
        keys = (KEYS["--api-key"],)
        it = Judge(TargetSettings(url=f"{mock.base_url}/api/v1", api_keys=keys, max_parallel_calls=1))
        try:
            await asyncio.gather(call(it, "first"), call(it, "second"), call(it, "tells soon", soon=True))
        finally:
            await it.close()

    asyncio.run(run())
    assert got == ["first", "tells soon", "second"]
