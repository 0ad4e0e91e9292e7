"""What all checks of a run share: the target, the lines to it, what was recorded, and the time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from contract_tests.places import Places
from contract_tests.requirements import Check
from contract_tests.secrets_kept import Secrets
from contract_tests.settings import TargetSettings
from contract_tests.target import Exchange, OutOfRequests, Target

QUICK_SIDE_BY_SIDE = 12

MOST_STALE_S = 3.0
"""A call that was created longer ago is not dialled any more, however long its URL should live."""


class Lease:
    """A line that is kept for a call until it is dialled; not for longer than it is sure that it can be.

    Args:
        lines: what one was taken of.
        for_s: how long a call may wait to be dialled, in seconds.
    """

    def __init__(self, lines: Places, for_s: float) -> None:
        self._lines = lines
        self._expires = asyncio.get_running_loop().call_later(for_s, self.end)
        self._held = True

    def take(self) -> bool:
        """Whether the line was still kept: it is the caller's to release now."""
        held, self._held = self._held, False
        self._expires.cancel()
        return held

    def end(self) -> None:
        """Keep it no longer."""
        if self.take():
            self._lines.leave()


class Judge:
    """One run's shared means: the target, secrets, recordings, and how late this machine is.

    Attributes:
        stale_s: a call that was created longer ago is not dialled any more, in seconds.
        for_requests, for_calls: where checks run; those that only make requests need not wait for those that dial.
        alone: held by what computes so much that two of it would hold up the calls.
        hostile: held by what may take the target down, so that nothing else like it is blamed.
        lags: when this process had been held up, and for how many seconds.
        plain_ones: the checks of how plain requests are answered, without the first and the last ones.
        shown: the exchanges that showed what is wrong, by the check that found it at its last look; not the last ones'.
        forbidden: connection type, fault and commands of the first forbidden message of each call that has one.
        hung_up: for each connection type, whether the agent's side let go of calls that the caller ended, and commands.
        told: how many messages all sockets said; `leaks`, connection type and commands of calls that told a key.
    """

    def __init__(self, settings: TargetSettings) -> None:
        self.settings = settings
        self.secrets = Secrets()
        self.target = Target(settings, self.secrets)
        self.random = random.Random(settings.seed)
        self.began_at = time.monotonic()
        self.stale_s = min(MOST_STALE_S, settings.url_lives_s)
        self.open_lines = Places(settings.max_parallel_calls)
        # With one line to spare of the half that is never withheld, no two pairs can wait for each other's second.
        self.pairs = asyncio.Semaphore(max(1, settings.max_parallel_calls // 2 - 1))
        self.alone = asyncio.Lock()
        self.hostile = asyncio.Lock()
        self.for_requests = Places(QUICK_SIDE_BY_SIDE)
        self.for_calls = Places(settings.max_parallel_calls)
        self.lags: list[tuple[float, float]] = []
        self.plain_ones: list[asyncio.Task[None]] = []
        self.shown: dict[str, list[Exchange]] = {}
        self.forbidden: list[tuple[str, str, tuple[str, str]]] = []
        self.hung_up: dict[str, list[tuple[bool, tuple[str, str]]]] = defaultdict(list)
        self.told = 0
        self.leaks: list[tuple[str, tuple[str, str]]] = []
        self._recordings: dict[str, tuple[asyncio.Future[Any], float]] = {}
        self._taken: set[str] = set()
        self._withheld: list[asyncio.Future[Any]] = []
        self._going: list[asyncio.Future[Any]] = []

    def places_for(self, check: Check) -> Places:
        """Where a check runs, with so many others."""
        return self.for_calls if check.calls else self.for_requests

    @property
    def plain_over(self) -> bool:
        """Whether there are `plain_ones`, and all are over."""
        return bool(self.plain_ones) and all(task.done() for task in self.plain_ones)

    @property
    def seen_so_far(self) -> tuple[int, ...]:
        """What changes wherever there is something new for a check that looks at the whole run."""
        played = sum(task.done() for task, _ in self._recordings.values())
        of_calls = (self.told > 0, len(self.forbidden), len(self.leaks), played)
        return (len(self.target.journal.exchanges), len(self.shown), self.plain_over, *of_calls)

    def left_s(self) -> float:
        """How long the run may still take, in seconds."""
        return self.settings.max_time_s - (time.monotonic() - self.began_at)

    def lag_since(self, moment: float) -> float:
        """The longest that this process was held up since a moment, in seconds."""
        return max((lag for at, lag in self.lags if at >= moment), default=0.0)

    def held_up_s(self, since: float, until: float) -> float:
        """For how long, altogether, this process was held up between two moments, in seconds."""
        return sum(max(0.0, min(at, until) - max(at - lag, since)) for at, lag in self.lags)

    def withhold_lines(self) -> None:
        """Have a tenth fewer calls at once from now on, but never less than half of what was asked for, or four."""
        most = self.settings.max_parallel_calls
        for _ in range(max(1, most // 10)):
            if len(self._withheld) < min(most // 2, most - 4):
                self._withheld.append(asyncio.ensure_future(self.open_lines.enter()))

    async def recording(self, name: str, record: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
        """What came of a scenario that several checks look at, and when it began; it is played once.

        One for which there were no requests is played when it is asked for again: a rate limit passes.
        """
        found = self._recordings.get(name)
        if found is None:
            found = self._recordings[name] = asyncio.ensure_future(record()), time.monotonic()
        task, began_at = found
        try:
            return await asyncio.shield(task), began_at
        except OutOfRequests:
            if self._recordings.get(name) is found:
                del self._recordings[name]
            raise

    def is_playing(self, name: str) -> bool:
        """Whether a recording has begun and is not over."""
        found = self._recordings.get(name)
        return found is not None and not found[0].done()

    def was_played(self, name: str) -> bool:
        """Whether there is a recording."""
        found = self._recordings.get(name)
        return found is not None and found[0].done() and not found[0].cancelled() and found[0].exception() is None

    def go_on(self, doing: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Have something go on beside the checks, until the end of the run at the latest."""
        going = asyncio.ensure_future(doing)
        self._going.append(going)
        return going

    def forbid(self, kind: str, fault: str, shown: tuple[str, str]) -> None:
        """Write down the first message of a call that the contract forbids."""
        self.forbidden.append((kind, fault, shown))

    def take(self, url: str) -> bool:
        """Lay claim to dialling a websocketUrl; False where another check has."""
        new = url not in self._taken
        self._taken.add(url)
        return new

    async def close(self) -> None:
        """End what is still being recorded, and let go of the target."""
        tasks = [*(task for task, _ in self._recordings.values()), *self._withheld, *self._going]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.target.close()
