"""What is plain is looked at first."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from contract_tests.context import Context
from contract_tests.engine import Job
from tests.contract_tests.targets import job_named, run_on_nothing


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
    jobs = [*(job(name, lasts_s) for name, lasts_s in calls.items()), *(job(name, 0.0) for name in requests)]
    asyncio.run(run_on_nothing(jobs))
    assert begun[:30] == requests
    assert begun[30:] == ["soon over", "slower", "slow"]
