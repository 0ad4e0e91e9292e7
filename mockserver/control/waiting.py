"""Lets requests wait until something changes, or the server goes down."""

from __future__ import annotations

import asyncio
import contextlib

from mockserver.journal import Journal

GATHER_S = 0.1
"""How long further changes are waited for after the first, in seconds: calls change a hundred times in that time."""


class Waiting:
    """Those who wait for changes of a journal; all of them in one event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: set[asyncio.Future[None]] = set()
        self._ended = asyncio.Event()
        journal.on_change = self._wake

    def end(self) -> None:
        """Let nobody wait from now on."""
        self._ended.set()
        self._wake()

    async def wait_for_change(self, after: int, at_most_s: float) -> None:
        """Return when there is a change after this one, when so much time is over, or at the end."""
        if at_most_s <= 0 or self._ended.is_set():
            return
        if self._journal.latest <= after and not await self._changed_within(at_most_s):
            return
        # Whoever asks again for each frame has no time to look at any.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                await self._ended.wait()

    async def _changed_within(self, seconds: float) -> bool:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            async with asyncio.timeout(seconds):
                await woken
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(woken)
        return True

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
