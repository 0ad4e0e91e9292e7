"""Runs checks side by side within a budget of time, and makes findings of what comes of them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from contract_tests.context import Context
from contract_tests.findings import Finding, Layer, Level, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import Check, CheckFunction
from contract_tests.second_looks import SecondLooks
from contract_tests.settings import Profile
from contract_tests.target import HeldUp, NotChecked

TOO_LATE_S = 1.0
"""A verdict on time is not given where this process was held up for longer."""

PULSE_S = 0.1
NOTED_S = 0.05
"""To be held up for less than this is nothing."""
LATE_S = 0.4
"""A machine that is held up for longer is asked for fewer calls at once."""
ATTEMPTS = 3
HEAD_START_S = 1.5
"""The most that calls wait for the checks that only make requests: what is plain is to be seen at once."""
SOON_START_S = 2.0
"""How long what tells soon has all lines, if there is not one for each: it may look again at what it finds."""
APART_S = 0.01
"""How long after one check that places calls the next begins: all at once would keep each other from telling soon."""
AHEAD_NEWEST = 500
"""How many exchanges a look ahead sees: calls are in progress meanwhile, and wait for it."""
AHEAD_OFTEN_S = 0.25
AHEAD_SELDOM_S = 5.0
AHEAD_TAKES = 1 / 50
"""How much of the time each look ahead takes, as long as it comes neither more often nor more seldom than that."""
FOR_LAST = 1 / 20
"""How much of a run's time is kept for the checks that come last: most of them only look at what was answered."""


@dataclass(frozen=True)
class Job:
    """One check in one variant."""

    check: Check
    variant: str

    @property
    def name(self) -> str:
        """As a finding's."""
        name = self.check.requirement.name
        return f"{name}[{self.variant}]" if self.variant else name


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which checks to run.

    Attributes:
        profile: smoke runs only what is marked for it.
        layers: the layers asked for.
        only, skip: names or sections (or beginnings of names up to a dot).
        shard: I and N of `--shard I/N`.
    """

    profile: Profile = Profile.DEFAULT
    layers: frozenset[Layer] = frozenset(Layer)
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)

    def jobs(self, checks: Iterable[Check]) -> list[Job]:
        """The jobs, in the order of the contract."""
        return [job for check in checks for variant in check.variants if self._takes(job := Job(check, variant))]

    def _takes(self, job: Job) -> bool:
        requirement = job.check.requirement
        if requirement.layer not in self.layers or (self.profile is Profile.SMOKE and not job.check.smoke):
            return False
        if self.only and not any(_means(word, job) for word in self.only):
            return False
        if any(_means(word, job) for word in self.skip):
            return False
        index, count = self.shard
        return int(hashlib.sha256(job.name.encode()).hexdigest(), 16) % count == index - 1


def _means(word: str, job: Job) -> bool:
    return word in (job.name, job.check.requirement.name, job.check.requirement.section)


async def run(
    judge: Judge, jobs: list[Job], on_finding: Callable[[Finding], None] = lambda finding: None
) -> list[Finding]:
    """Run the jobs: the first ones alone, the last ones at the end, the others side by side.

    What is not over when the time is, is not checked.  `on_finding` is told of each once, and ahead of what the last
    ones see while the others run; what is returned says what was seen by the end.
    """
    found: dict[str, Finding] = {}
    pulse = asyncio.create_task(_pulse(judge))
    looks = SecondLooks(judge.target, sum(job.check.order == "any" for job in jobs))

    async def one(job: Job) -> None:
        async with judge.places_for(job.check).one():
            finding = await _judged(judge, job, looks)
        shown = ahead.get(job.name)
        # There may be no requests left to look again.
        found[job.name] = shown if shown and finding.verdict is Verdict.NOT_CHECKED else finding
        if not shown:
            on_finding(finding)

    async def look_ahead(job: Job, look: CheckFunction) -> None:
        await judge.for_requests.all_had_one(HEAD_START_S)
        seen: tuple[int, ...] = ()
        while job.name not in ahead and job.name not in found:
            rests_s = AHEAD_OFTEN_S
            if judge.seen_so_far != seen:
                seen = judge.seen_so_far
                began_at = time.monotonic()
                context = Context(judge, job.variant, newest=AHEAD_NEWEST)
                with suppress(NotChecked):
                    await look(context)
                took_s = time.monotonic() - began_at
                if context.cases and job.name not in found:
                    ahead[job.name] = _wrong(job, context, took_s)
                    on_finding(ahead[job.name])
                rests_s = min(max(rests_s, took_s / AHEAD_TAKES), AHEAD_SELDOM_S)
            await asyncio.sleep(rests_s)

    async def place_calls(due: list[Job]) -> None:
        await judge.for_requests.all_had_one(HEAD_START_S)
        crowded = len(due) > judge.settings.max_parallel_calls
        late_s = SOON_START_S if crowded and any(job.check.soon for job in due) else 0.0
        begin_in_s = (APART_S * number + (0.0 if job.check.soon else late_s) for number, job in enumerate(due))
        await asyncio.gather(*map(begin, due, begin_in_s))

    async def begin(job: Job, in_s: float) -> None:
        await asyncio.sleep(in_s)
        await one(job)

    ahead: dict[str, Finding] = {}
    early: list[asyncio.Task[None]] = []
    try:
        for order in ("first", "any", "last"):
            due = sorted((job for job in jobs if job.check.order == order), key=lambda job: _turn(judge, job))
            if order == "any":
                quick = {job: asyncio.create_task(one(job)) for job in due if not job.check.calls}
                judge.plain_ones = [task for job, task in quick.items() if job.check.plain]
                looks_ahead = (look_ahead(job, job.check.ahead) for job in jobs if job.check.ahead)
                early += map(asyncio.create_task, looks_ahead)
                await asyncio.gather(*quick.values(), place_calls([job for job in due if job.check.calls]))
            else:
                for job in due:
                    await one(job)
    finally:
        for task in (pulse, *early):
            task.cancel()
        for result in await asyncio.gather(pulse, *early, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
    return [found[job.name] for job in jobs]


def _turn(judge: Judge, job: Job) -> tuple[bool, float]:
    """What puts jobs in the order in which they are started: what tells soon, the shortest first; then the longest."""
    takes_s = job.check.takes_s(judge.settings.time_scale)
    return (False, takes_s) if job.check.soon else (True, -takes_s)


async def _judged(judge: Judge, job: Job, looks: SecondLooks) -> Finding:
    """What a check finds; a violation that is a matter of time must show twice, while this machine is quick.

    Any other that was found while this machine was slow is looked for again: what was missed may have come too late.
    """
    wrong: Finding | None = None
    unseen: Finding | None = None
    was_quick = True
    for attempt in range(1, ATTEMPTS + 1):
        context = Context(judge, job.variant, attempt, soon=job.check.soon)
        context.takes_one_of(judge.places_for(job.check))
        finding = await _attempt(judge, job, context)
        lag_s = judge.lag_since(context.looks_back_to)
        late = lag_s > TOO_LATE_S or context.held_up
        if attempt > 1:
            looks.give_back(context.requests)
        elif job.check.order == "any":
            looks.had_first()
        if finding.verdict is Verdict.PASSED or not (job.check.again or late):
            return finding
        if finding.verdict is Verdict.NOT_CHECKED:
            unseen = unseen or finding
            if not context.held_up:
                break
        elif wrong and not late:
            return finding
        elif not (late and job.check.again):
            wrong, was_quick = finding, lag_s <= LATE_S
        if attempt == ATTEMPTS or not await _may_look_again(judge, job, looks):
            break
    if job.check.again and not was_quick:
        # It was seen once, and may be this machine's doing.
        wrong = None
    busy = "this machine was too busy to judge times: run again"
    return wrong or unseen or _not_checked(job, busy, finding.took_s)


async def _may_look_again(judge: Judge, job: Job, looks: SecondLooks) -> bool:
    """Whether there is time and are requests for another look, if need be after everything had its first one."""
    if not looks.take():
        if job.check.order == "first":
            return False
        await looks.all_had_first(judge.places_for(job.check))
        if not looks.take():
            return False
    if judge.left_s() > job.check.takes_s(judge.settings.time_scale) + 5:
        return True
    looks.give_back(0)
    return False


async def _attempt(judge: Judge, job: Job, context: Context) -> Finding:
    began_at = time.monotonic()
    reason = ""
    kept_s = 0.0 if job.check.order == "last" else judge.settings.max_time_s * FOR_LAST
    try:
        async with asyncio.timeout(max(0.5, judge.left_s() - kept_s)):
            await job.check.run(context)
    except NotChecked as not_checked:
        context.held_up = isinstance(not_checked, HeldUp) and not context.cases
        reason = judge.secrets.redact(str(not_checked))
    except TimeoutError:
        reason = f"the time is up: it takes more than the {judge.settings.max_time_s:g} s of this run (--max-time)"
    took_s = time.monotonic() - began_at
    if job.check.order != "last":
        # What one of the last ones reports hides nothing from another one.
        judge.shown[job.name] = context.shown
    if context.cases:
        return _wrong(job, context, took_s)
    if reason:
        return _not_checked(job, reason, took_s)
    return Finding(requirement=job.check.requirement, variant=job.variant, verdict=Verdict.PASSED, took_s=took_s)


def _wrong(job: Job, context: Context, took_s: float) -> Finding:
    requirement = job.check.requirement
    return Finding(
        requirement=requirement,
        variant=job.variant,
        verdict=Verdict.VIOLATED if requirement.level is Level.MUST else Verdict.WARNED,
        cases=tuple(sorted(context.cases, key=lambda case: sum(map(len, case.reproduce)))),
        cause=context.cause or requirement.mend,
        took_s=took_s,
    )


def _not_checked(job: Job, reason: str, took_s: float) -> Finding:
    return Finding(
        requirement=job.check.requirement,
        variant=job.variant,
        verdict=Verdict.NOT_CHECKED,
        reason=reason,
        took_s=took_s,
    )


async def _pulse(judge: Judge) -> None:
    """Write down when this process was held up."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(PULSE_S)
        now = time.monotonic()
        lag_s = now - before - PULSE_S
        if lag_s > NOTED_S:
            judge.lags.append((now, lag_s))
        if lag_s > LATE_S:
            judge.withhold_lines()
