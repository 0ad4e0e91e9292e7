from __future__ import annotations

import asyncio

import pytest

from mockserver.patience import Patience


async def never() -> None:
    await asyncio.Event().wait()


async def soon(answer: str) -> str:
    await asyncio.sleep(0)
    return answer


def test_what_comes_in_time_is_given() -> None:
    patience = Patience(5.0)

    async def many() -> list[str]:
        return await asyncio.gather(*(patience.wait(soon(str(number))) for number in range(20)))

    # In one event loop after another.
    assert asyncio.run(many()) == asyncio.run(many()) == [str(number) for number in range(20)]


def test_what_does_not_come_is_given_up_each_after_its_own_time() -> None:
    patience = Patience(0.2)

    async def one(after_s: float) -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(after_s)
        began_at = loop.time()
        with pytest.raises(TimeoutError):
            await patience.wait(never())
        return loop.time() - began_at

    async def several() -> list[float]:
        return await asyncio.gather(*map(one, (0.0, 0.1, 0.15)))

    assert all(took_s >= 0.19 for took_s in asyncio.run(several()))


def test_who_else_cancels_is_heard() -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(Patience(30.0).wait(never()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_a_task_that_waits_twice_has_its_time_twice() -> None:
    patience = Patience(0.3)

    async def twice() -> None:
        await patience.wait(asyncio.sleep(0.2))
        await patience.wait(asyncio.sleep(0.2))

    asyncio.run(twice())


def test_a_fault_of_what_is_awaited_comes_through() -> None:
    async def fails() -> None:
        raise ValueError("this")

    with pytest.raises(ValueError, match="this"):
        asyncio.run(Patience(1.0).wait(fails()))
