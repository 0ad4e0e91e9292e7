"""Targets for the judge: servers that a team might have written and the mock, each in a process of its own."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract_tests import engine
from contract_tests.engine import Job, Selection
from contract_tests.findings import Finding, Run
from contract_tests.judge import Judge
from contract_tests.requirements import all_checks
from contract_tests.run import judge
from contract_tests.settings import TargetSettings
from tests.trusting import taken_back

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"--api-key": "ck_mock_valid", "--unfunded-key": "ck_mock_no_credit", "--limited-key": "ck_mock_rate_limited"}
AGENT = "agent_demo"
URL_TTL_S = 6.0
TIME_SCALE = 20.0

CLOCKS = ["--port", "0", "--time-scale", f"{TIME_SCALE:g}", "--url-ttl", f"{URL_TTL_S:g}"]
BY_HAND = [*CLOCKS, *(word for pair in KEYS.items() for word in pair), "--agent", AGENT, "--rate-limit", "100000"]
COMMANDS = {
    "starlette": [sys.executable, "-m", "tests.implementations.starlette_by_hand", *BY_HAND],
    "aiohttp": [sys.executable, "-m", "tests.implementations.aiohttp_by_hand", *BY_HAND],
    "express": ["node", "tests/implementations/express/server.mjs", *BY_HAND],
    "mock": [
        sys.executable,
        "-m",
        "calls",
        "mock",
        *CLOCKS,
        "--rate-limit",
        "100000",
        "--voice-output",
        "tones",
    ],
}


def is_missing(name: str) -> bool:
    """Whether a target cannot be run here: Node or its packages are not installed."""
    return name == "express" and not (shutil.which("node") and (ROOT / "node_modules" / "express").is_dir())


@contextmanager
def running(name: str) -> Iterator[str]:
    """The base URL of a target, which is ended afterwards."""
    with subprocess.Popen(COMMANDS[name], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            words = (word for line in process.stdout for word in line.split())
            yield next(word for word in words if word.startswith("http://")) + "/api/v1"
        finally:
            process.terminate()
            process.wait(10)


def judged(name: str, seed: int, max_time_s: float = 90.0) -> Run:
    """A whole run on a target, in which nothing is left out."""
    with running(name) as url:
        settings = TargetSettings(
            url=url,
            api_keys=(KEYS["--api-key"],),
            unfunded_key=KEYS["--unfunded-key"],
            limited_key=KEYS["--limited-key"],
            agent=AGENT,
            time_scale=TIME_SCALE,
            url_ttl_s=URL_TTL_S,
            max_time_s=max_time_s,
            seed=seed,
        )
        told: list[Finding] = []
        run = asyncio.run(judge(settings, Selection(), today=datetime.date.today(), on_finding=told.append))
        return replace(run, problems=(*run.problems, *filter(None, [taken_back(told, run.findings)])))


async def run_on_nothing(
    jobs: Sequence[Job], on_finding: Callable[[Finding], None] = lambda finding: None, **changes: Any
) -> list[Finding]:
    """Run jobs that need no target."""
    it = Judge(TargetSettings(url="http://127.0.0.1:1", api_keys=("ck_any_key",), max_parallel_calls=1, **changes))
    try:
        return await engine.run(it, list(jobs), on_finding)
    finally:
        await it.close()


async def _nothing() -> None:
    return


def job_named(name: str) -> Job:
    """The one check of this name and variant."""
    (job,) = Selection(only=(name,)).jobs(all_checks())
    return job


def finding_of(base_url: str, job: Job, meanwhile: Callable[[], Awaitable[None]] = _nothing, **changes: Any) -> Finding:
    """What one check finds on a mock, while something goes on in the judge's process."""

    async def run() -> Finding:
        known = {"url": f"{base_url}/api/v1", "api_keys": (KEYS["--api-key"],), "agent": AGENT}
        it = Judge(TargetSettings(**{**known, **changes}))
        busy = asyncio.ensure_future(meanwhile())
        try:
            (finding,) = await engine.run(it, [job])
            return finding
        finally:
            busy.cancel()
            await it.close()

    return asyncio.run(run())
