"""One timer for all calls: each is called every 20 ms, spread over ten slots so that they do not all come at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

PERIOD_S = 0.02
"""How often each call is called, in seconds: the length of one audio frame."""

SLOTS = 10
"""Into how many moments of the period the calls are spread."""

logger = logging.getLogger("calls")


class Ticked(Protocol):
    """Something that wants to be called."""

    def tick(self, now: float) -> None:
        """Do what is due at `now`, in seconds of the event loop's clock.  Must not block."""


class Ticker:
    """The process's pacer.  Runs only while there is something to call; holds no task."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._slots: list[dict[Ticked, None]] = [{} for _ in range(SLOTS)]
        self._slot = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many are called."""
        return sum(map(len, self._slots))

    def add(self, ticked: Ticked) -> None:
        """Call this from now on."""
        min(self._slots, key=len)[ticked] = None
        if self._timer is None:
            self._due = self._clock()
            self._schedule()

    def discard(self, ticked: Ticked) -> None:
        """Call this no more."""
        for slot in self._slots:
            slot.pop(ticked, None)
        if self._timer is not None and not len(self):
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        """Set the timer to the next slot that holds anything; after a long hold-up, go on from now."""
        self._due = max(self._due, self._clock() - PERIOD_S)
        for _ in range(SLOTS):
            self._slot = (self._slot + 1) % SLOTS
            self._due += PERIOD_S / SLOTS
            if self._slots[self._slot]:
                break
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, self._due - self._clock()), self._run)

    def _run(self) -> None:
        self._timer = None
        now = self._clock()
        for ticked in list(self._slots[self._slot]):
            try:
                ticked.tick(now)
            except Exception:
                # One call's fault must not silence the others.
                logger.exception("a call failed and is no longer served")
                self.discard(ticked)
        if len(self) and self._timer is None:
            self._schedule()
