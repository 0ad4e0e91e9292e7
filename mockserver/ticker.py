"""One timer for all calls: each is called every 20 ms, spread over ten slots so that they do not all come at once."""

from __future__ import annotations

import asyncio
import logging
import math
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
    """The process's pacer.  Runs only while there is something to call; holds no task.

    Attributes:
        due: when the next are to be called, in seconds of `clock`; infinite while there is nothing to call.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.due = math.inf
        self._clock = clock
        self._slots: list[dict[Ticked, None]] = [{} for _ in range(SLOTS)]
        self._slot = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running = False

    def __len__(self) -> int:
        """How many are called."""
        return sum(map(len, self._slots))

    def add(self, ticked: Ticked) -> None:
        """Call this from now on."""
        min(self._slots, key=len)[ticked] = None
        if self._timer is None and not self._running:
            self.due = self._clock()
            self._go_to_next_slot()
            self._set_timer()

    def discard(self, ticked: Ticked) -> None:
        """Call this no more."""
        for slot in self._slots:
            slot.pop(ticked, None)
        if self._timer is not None and not len(self):
            self._timer.cancel()
            self._timer = None
            self.due = math.inf

    def catch_up(self, now: float) -> None:
        """Call those who are due at `now`, without waiting for the timer, which comes round late in a busy process.

        Does nothing when it is called by what it calls.
        """
        if self._running:
            return
        self._running = True
        # After a long hold-up, go on from now: what was missed is not made up for.
        self.due = max(self.due, now - PERIOD_S)
        for _ in range(SLOTS):
            if self.due > now:
                break
            self._call_slot(now)
            self._go_to_next_slot()
            now = self._clock()
        self._running = False
        if not len(self):
            self.due = math.inf

    def _call_slot(self, now: float) -> None:
        for ticked in list(self._slots[self._slot]):
            try:
                ticked.tick(now)
            except Exception:
                # One call's fault must not silence the others.
                logger.exception("a call failed and is no longer served")
                self.discard(ticked)

    def _go_to_next_slot(self) -> None:
        """The next slot that holds anything, and the time that it is due at."""
        for _ in range(SLOTS):
            self._slot = (self._slot + 1) % SLOTS
            self.due += PERIOD_S / SLOTS
            if self._slots[self._slot]:
                break

    def _set_timer(self) -> None:
        # Event loops count in milliseconds; less than one would be none, and the timer would turn in circles.
        delay_s = max(0.001, self.due - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._run)

    def _run(self) -> None:
        self._timer = None
        self.catch_up(self._clock())
        if len(self):
            self._set_timer()
