"""A limit of time for many short things, with one timer for all: one for each costs as much as the thing itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """Lets whatever is awaited take so many seconds.

    All have the same time, so who began first is late first.  It may be used in one event loop after another.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._began: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.AbstractEventLoop | None = None

    async def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What comes of it.  Raises TimeoutError when it takes too long; it is cancelled then."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("this must be awaited in a task")
        loop = task.get_loop()
        self._began[task] = loop.time()
        if self._watching is not loop:
            self._watching = loop
            loop.call_later(self._within_s, self._look, loop)
        try:
            return await coroutine
        except asyncio.CancelledError:
            # Who else has cancelled it in the meantime is heard.
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._began.pop(task, None)
            self._late.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel what is late, and come again when the next one may be."""
        now = loop.time()
        for task, began_at in list(self._began.items()):
            if now < began_at + self._within_s:
                loop.call_later(began_at + self._within_s - now, self._look, loop)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watching = None
