"""Judges the mock with a fault in it: many at a time, in processes of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from unittest import mock

from connexion.spec import Specification  # type: ignore[import-untyped]  # connexion ships no types

import mockserver.answering
from contract.codec import Codec
from contract_tests import engine, fuzzing, room_calls
from contract_tests.engine import Job, Selection
from contract_tests.findings import Finding, Layer, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import all_checks
from contract_tests.settings import TargetSettings
from mockserver.server import Server
from mockserver.settings import Settings
from tests.faults import FAULTS
from tests.faults.fault import Change, Fault

T = TypeVar("T")

TIME_SCALE = 20.0
URL_TTL_S = 6.0
AT_A_TIME = 14
AGAIN_AT_A_TIME = 4
ROOMS_AT_A_TIME = 2
"""A call in a room costs a quarter of a core, with both of its ends in one process."""
ROOM_PATIENCE_S = 5.0
"""How long an answer in a room is waited for: no fault in one has the agent answer late, and the wait costs most."""

BREATH_S = 0.3
"""Between the building of two servers, in which nothing else can happen: those that serve are not to be late."""
HELD_UP_S = 0.3
"""A fault that is not reported while the process is held up for longer says nothing: its server was held up, too."""
AGAIN_WITHIN_S = 90.0
FUZZING_KEYS = 2
"""More keys, where the mock takes any: fuzzing makes as many requests as they allow."""

MOCK_SETTINGS: dict[str, Any] = {
    "voice_output": "tones",
    "inspector": "off",
    "time_scale": TIME_SCALE,
    "url_ttl_s": URL_TTL_S,
    "rate_limit_per_hour": 0,
}

WITH_RATE_HEADERS: dict[str, Any] = {"rate_limit_per_hour": 100_000}


@dataclass(frozen=True)
class Judged:
    """What the judge made of one fault.

    Attributes:
        findings: of the selection.
        crash: how the judge itself failed; empty where it did not.
        held_up_s: for how long the process was held up at a time, at the most, in seconds.
    """

    findings: tuple[Finding, ...] = ()
    crash: str = ""
    held_up_s: float = 0.0

    def of(self, name: str) -> list[Finding]:
        """The findings on one requirement that are not passed."""
        return [each for each in self.findings if each.requirement.name == name and each.verdict is not Verdict.PASSED]

    def said(self, name: str) -> str:
        """Everything that was said of one requirement."""
        lines = [f"judge failed: {self.crash}"] if self.crash else []
        for finding in self.of(name):
            lines.append(f"{finding.name} {finding.verdict.value} {finding.cause} {finding.reason}")
            lines += [f"expected {case.expected}; received {case.received}" for case in finding.cases]
        return "\n".join(lines)

    def saw(self, fault: Fault) -> str:
        """Why this is not the report that a fault should have; empty where it is."""
        found = [each for each in self.of(fault.breaks) if each.verdict in (Verdict.VIOLATED, Verdict.WARNED)]
        said = self.said(fault.breaks)
        if not found:
            return f"not reported: {said or 'passed'}"
        if not re.search(fault.says, said, re.DOTALL):
            return f"not said, {fault.says!r}: {said}"
        return ""


def target(base_url: str, seed: int = 0, max_time_s: float = 90.0, more_keys: int = 0) -> TargetSettings:
    """How a target with the mock's keys is judged, and with others where it takes any."""
    return TargetSettings(
        url=f"{base_url}/api/v1",
        api_keys=("ck_mock_valid", *(f"ck_any_{number}" for number in range(more_keys))),
        agent="agent_demo",
        unfunded_key="ck_mock_no_credit",
        limited_key="ck_mock_rate_limited",
        max_time_s=max_time_s,
        seed=seed,
        time_scale=TIME_SCALE,
        url_ttl_s=URL_TTL_S,
        # Nothing here is encrypted: it saves reading the machine's certificates for each run.
        insecure=True,
    )


def own_jobs(fault: Fault) -> list[Job]:
    """The check that a fault breaks, in its variant; media checks in one variant only, which is long enough.

    What they find must not show twice: a fault is always there.
    """
    check = replace(next(check for check in all_checks() if check.requirement.name == fault.breaks), again=False)
    if fault.variant:
        return [Job(check, fault.variant)]
    variants = check.variants[:1] if check.requirement.layer is Layer.MEDIA else check.variants
    return [Job(check, variant) for variant in variants]


def every_job(skip: Sequence[str] = ()) -> list[Job]:
    """Every check in every variant."""
    return Selection(skip=tuple(skip)).jobs(all_checks())


def changed_server(change: Change) -> Server:
    """A mock with the change in it, which does not yet serve."""
    server = Server(Settings.from_environment({}, port=0, **{**MOCK_SETTINGS, **change.settings}))
    change.apply(server)
    return server


def taken_back(told: Iterable[Finding], found: Iterable[Finding]) -> str:
    """What was told ahead as wrong, and was not at the end; empty where all of it was."""
    right = {finding.name for finding in found if not finding.cases}
    wrong = [finding for finding in told if finding.cases and finding.name in right]
    return "; ".join(f"{each.name} was told of, but not found: {each.cases[0].received}" for each in wrong)


async def judge_change(change: Change, jobs: Sequence[Job], *, seed: int = 0, max_time_s: float = 90.0) -> Judged:
    """Serve the mock with a change in it, and judge it."""
    server = changed_server(change)
    serving = asyncio.create_task(server.serve(sockets=[server.listener]))
    try:
        more_keys = FUZZING_KEYS if change.settings.get("any_key") else 0
        it = Judge(target(server.base_url, seed, max_time_s, more_keys))
        try:
            told: list[Finding] = []
            findings = await engine.run(it, list(jobs), told.append)
            return Judged(tuple(findings), crash=taken_back(told, findings), held_up_s=it.lag_since(it.began_at))
        except Exception as error:
            return Judged(crash=f"{type(error).__name__}: {error}")
        finally:
            await it.close()
    finally:
        server.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                await serving


def slow_first(fault: Fault) -> tuple[float, bool]:
    """A key to sort by."""
    check = own_jobs(fault)[0].check
    return -check.takes_s(TIME_SCALE), check.requirement.layer is Layer.HTTP


def judge_side_by_side(indices: Sequence[int], at_a_time: int = AT_A_TIME) -> dict[int, Judged]:
    """Judge these of FAULTS by their own checks, so many at a time; those that this machine was too slow for twice."""

    async def everything() -> dict[int, Judged]:
        room, building = asyncio.Semaphore(at_a_time), asyncio.Lock()
        with_rooms = asyncio.Semaphore(ROOMS_AT_A_TIME)
        judged: dict[int, Judged] = {}

        async def one(index: int) -> None:
            fault = FAULTS[index]
            async with with_rooms if fault.breaks.startswith("webrtc.") else room:
                async with building:
                    await asyncio.sleep(BREATH_S)
                judged[index] = await judge_change(fault, own_jobs(fault))

        order = sorted(indices, key=lambda index: slow_first(FAULTS[index]))
        await asyncio.gather(*map(one, order))
        # Who was held up tries again, with less beside it, as long as there is time.
        busy = [index for index in order if _was_held_up(FAULTS[index], judged[index])]
        room = asyncio.Semaphore(AGAIN_AT_A_TIME)
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_WITHIN_S):
                await asyncio.gather(*map(one, busy))
        return judged

    logging.disable(logging.CRITICAL)
    with quick_builds(), mock.patch.object(room_calls, "ANSWER_WITHIN_S", ROOM_PATIENCE_S):
        return in_thread(lambda: asyncio.run(everything()))


def _was_held_up(fault: Fault, judged: Judged) -> bool:
    missed = judged.saw(fault) != "" and not fault.missed
    return "too busy" in judged.said(fault.breaks) or (missed and judged.held_up_s > HELD_UP_S)


def judge_own(jobs: int = 2) -> list[Judged]:
    """What came of each of FAULTS under its own check."""
    order = sorted(range(len(FAULTS)), key=lambda index: slow_first(FAULTS[index]))
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        shares = [pool.submit(judge_side_by_side, order[start::jobs]) for start in range(jobs)]
        judged = {index: found for share in shares for index, found in share.result().items()}
    return [judged[index] for index in range(len(FAULTS))]


def in_thread(work: Callable[[], T]) -> T:
    """Do something outside the main thread, where servers leave the signals alone."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def quick_builds() -> Iterator[None]:
    """Read the documents once for all mocks, and make the requests that fuzzing begins with once: they are the same."""
    codecs: dict[tuple[Any, ...], Codec] = {}
    validate = Specification.__dict__["_validate_spec"].__func__
    validated: list[bool] = []
    made_elsewhere = fuzzing.made_elsewhere
    made: dict[str, asyncio.Future[Any]] = {}

    def codec(document: Any, *more: Any) -> Codec:
        key = (document["info"]["title"], *more)
        if key not in codecs:
            codecs[key] = Codec(document, *more)
        return codecs[key]

    def once(cls: type[Specification], spec: Any) -> None:
        if not validated:
            validate(cls, spec)
        validated.append(True)

    async def made_once(asked: Any) -> Any:
        key = json.dumps(asked)
        if key not in made:
            made[key] = asyncio.ensure_future(made_elsewhere(asked))
        return await asyncio.shield(made[key])

    with (
        mock.patch.object(mockserver.answering, "Codec", codec),
        mock.patch.object(Specification, "_validate_spec", classmethod(once)),
        mock.patch.object(fuzzing, "made_elsewhere", made_once),
    ):
        yield
