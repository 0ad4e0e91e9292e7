"""Places for only so many at once, as a semaphore has them; but who steps out for a while comes back without a wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """So many places.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._first: deque[asyncio.Future[None]] = deque()

    async def all_had_one(self, within_s: float) -> None:
        """Wait until everybody has had one who waits now, but no longer than so many seconds."""
        if self._waiting:
            await asyncio.wait([self._waiting[-1]], timeout=within_s)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place, in the order in which they were asked for."""
        await self.enter()
        try:
            yield
        finally:
            self.leave()

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        """Somebody else's time in one's place.

        There may be one too many inside after it: who comes back has mostly just to look at what there is now.
        """
        self.leave()
        try:
            yield
        finally:
            self._inside += 1

    async def enter(self, *, first: bool = False) -> None:
        """Take a place, if need be after others, `first` before all who are not; `leave` gives it back."""
        if self._inside < self._number:
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        (self._first if first else self._waiting).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._inside -= 1
        while self._inside < self._number and (waiting := self._first or self._waiting):
            turn = waiting.popleft()
            if not turn.cancelled():
                self._inside += 1
                turn.set_result(None)
