from __future__ import annotations

import asyncio
import time

from mockserver.ticker import PERIOD_S, SLOTS, Ticker


class Counter:
    def __init__(self) -> None:
        self.ticks: list[float] = []

    def tick(self, now: float) -> None:
        self.ticks.append(now)


class Failing(Counter):
    def tick(self, now: float) -> None:
        super().tick(now)
        raise RuntimeError("on purpose")


def test_each_is_called_once_a_period_and_no_more_once_it_is_gone() -> None:
    async def main() -> tuple[Counter, Counter, float]:
        ticker, stays, goes = Ticker(time.monotonic), Counter(), Counter()
        started_at = time.monotonic()
        ticker.add(stays)
        ticker.add(goes)
        await asyncio.sleep(0.3)
        ticker.discard(goes)
        took_s = time.monotonic() - started_at
        before = len(goes.ticks)
        await asyncio.sleep(0.2)
        assert len(goes.ticks) == before
        ticker.discard(stays)
        assert len(ticker) == 0
        return stays, goes, took_s

    stays, goes, took_s = asyncio.run(main())
    assert 0 < len(goes.ticks) <= took_s / PERIOD_S + 2
    assert len(stays.ticks) > len(goes.ticks)


def test_after_a_hold_up_the_missed_ticks_are_not_made_up_for() -> None:
    async def main() -> int:
        ticker, counter = Ticker(time.monotonic), Counter()
        ticker.add(counter)
        await asyncio.sleep(0.1)
        time.sleep(0.5)  # noqa: ASYNC251  # the whole event loop is held up
        before = len(counter.ticks)
        held_up_until = time.monotonic()
        await asyncio.sleep(0.1)
        ticker.discard(counter)
        made_up = len(counter.ticks) - before
        return made_up - round((time.monotonic() - held_up_until) / PERIOD_S)

    assert asyncio.run(main()) <= 3


def test_the_calls_are_spread_over_the_period() -> None:
    async def main() -> list[Counter]:
        ticker = Ticker(time.monotonic)
        counters = [Counter() for _ in range(SLOTS)]
        for counter in counters:
            ticker.add(counter)
        await asyncio.sleep(0.3)
        for counter in counters:
            ticker.discard(counter)
        return counters

    counters = asyncio.run(main())
    assert len({counter.ticks[2] for counter in counters}) == SLOTS


def test_one_that_fails_is_dropped_and_the_others_go_on() -> None:
    async def main() -> tuple[Failing, Counter]:
        ticker, failing, healthy = Ticker(time.monotonic), Failing(), Counter()
        ticker.add(failing)
        ticker.add(healthy)
        await asyncio.sleep(0.2)
        assert len(ticker) == 1
        ticker.discard(healthy)
        return failing, healthy

    failing, healthy = asyncio.run(main())
    assert len(failing.ticks) == 1
    assert len(healthy.ticks) > 1


def test_nothing_is_left_behind_when_all_are_gone() -> None:
    async def main() -> None:
        ticker, counter = Ticker(time.monotonic), Counter()
        ticker.add(counter)
        ticker.discard(counter)
        ticker.discard(counter)
        await asyncio.sleep(0.05)
        assert counter.ticks == []

    asyncio.run(main())
