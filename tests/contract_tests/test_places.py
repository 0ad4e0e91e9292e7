from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from contract_tests.places import Places


def _run(play: Callable[[Places, list[str]], Awaitable[None]], number: int = 1) -> list[str]:
    """What happened, in order."""
    happened: list[str] = []

    async def main() -> None:
        async with asyncio.timeout(5):
            await play(Places(number), happened)

    asyncio.run(main())
    return happened


async def _stay(places: Places, name: str, happened: list[str], until: asyncio.Event | None = None) -> None:
    async with places.one():
        happened.append(f"{name} in")
        await (until.wait() if until else asyncio.sleep(0))
        happened.append(f"{name} out")


def test_only_so_many_are_inside_in_the_order_in_which_they_came() -> None:
    async def play(places: Places, happened: list[str]) -> None:
        await asyncio.gather(*(_stay(places, name, happened) for name in "abc"))

    assert _run(play) == ["a in", "a out", "b in", "b out", "c in", "c out"]
    assert _run(play, 2)[:2] == ["a in", "b in"]


def test_who_stepped_out_comes_back_before_those_who_wait() -> None:
    async def play(places: Places, happened: list[str]) -> None:
        over, ready = asyncio.Event(), asyncio.Event()

        async def step_out() -> None:
            async with places.one():
                async with places.left():
                    happened.append("a left")
                    await ready.wait()
                happened.append("a back")
                await asyncio.sleep(0.01)

        doing = asyncio.gather(step_out(), *(_stay(places, name, happened, over) for name in "bc"))
        await asyncio.sleep(0.01)
        ready.set()
        await asyncio.sleep(0)
        over.set()
        await doing

    # There is one place: c has to wait until both who were inside have gone.
    assert _run(play) == ["a left", "b in", "a back", "b out", "c in", "c out"]


def test_who_is_to_be_first_comes_before_those_who_wait_in_the_order_in_which_they_came() -> None:
    async def play(places: Places, happened: list[str]) -> None:
        async def pass_all(name: str) -> None:
            await places.enter(first=True)
            happened.append(f"{name} in")
            places.leave()

        await asyncio.gather(*(_stay(places, name, happened) for name in "ab"), *map(pass_all, "xy"))

    assert _run(play) == ["a in", "a out", "x in", "y in", "b in", "b out"]


def test_who_gives_up_keeps_nobody_out() -> None:
    async def play(places: Places, happened: list[str]) -> None:
        over = asyncio.Event()
        inside = asyncio.create_task(_stay(places, "a", happened, over))
        waiting = [asyncio.create_task(_stay(places, name, happened)) for name in "bc"]
        await asyncio.sleep(0)
        # One before its turn has come, and one in the moment in which it has.
        waiting[0].cancel()
        over.set()
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(inside, *waiting, return_exceptions=True)
        await places.all_had_one(1.0)
        await _stay(places, "d", happened)

    assert _run(play) == ["a in", "a out", "d in", "d out"]


def test_that_all_had_one_can_be_waited_for_but_not_for_ever() -> None:
    async def play(places: Places, happened: list[str]) -> None:
        over = asyncio.Event()
        doing = asyncio.gather(*(_stay(places, name, happened, over) for name in "ab"))
        await asyncio.sleep(0)
        await places.all_had_one(0.01)
        happened.append("not yet")
        over.set()
        await places.all_had_one(1.0)
        happened.append("now")
        await doing

    assert _run(play) == ["a in", "not yet", "a out", "b in", "b out", "now"]
