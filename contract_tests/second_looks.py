"""What is looked at again takes requests that no first look needs."""

from __future__ import annotations

import asyncio

from contract_tests.places import Places
from contract_tests.settings import ALL_FIRST_LOOKS, LEFT_FOR_LAST, LEFT_FOR_OTHERS, REQUESTS_PER_KEY, SECOND_LOOK
from contract_tests.target import Target


class SecondLooks:
    """Who may look at something again, and when.

    As long as there are first looks to come, only those requests are shared out that all of them leave; who gets none
    waits until everything has been looked at once, and then for what is really left.

    Args:
        target: keeps the budget of requests.
        first_looks: how many checks run side by side.
    """

    def __init__(self, target: Target, first_looks: int) -> None:
        settings = target.settings
        self._target = target
        self._kept = LEFT_FOR_OTHERS[settings.profile]
        self._to_come = first_looks
        self._all_had = asyncio.Event()
        self._taken = 0
        every = REQUESTS_PER_KEY[settings.profile] * len(settings.api_keys)
        self._spare = every - ALL_FIRST_LOOKS[settings.profile]

    def had_first(self) -> None:
        """Write down that one of the checks had its first look."""
        self._to_come -= 1
        if self._to_come == 0:
            self._kept = LEFT_FOR_LAST
            self._spare = self._target.left() - self._kept - self._taken
            self._all_had.set()

    def take(self) -> bool:
        """Whether there are requests for another look: they are the caller's until `give_back`."""
        if min(self._spare, self._target.left() - self._kept) < SECOND_LOOK:
            return False
        self._spare -= SECOND_LOOK
        self._taken += SECOND_LOOK
        return True

    def give_back(self, made: int) -> None:
        """Say that the look is over, and how many requests it made."""
        self._spare += SECOND_LOOK - made
        self._taken -= SECOND_LOOK

    async def all_had_first(self, places: Places) -> None:
        """Wait until everything has been looked at once, and leave one's place to others meanwhile."""
        if self._to_come:
            async with places.left():
                await self._all_had.wait()
