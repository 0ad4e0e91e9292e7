"""Something that is made when it is first asked for, because it takes long to load."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Makes it once, however many threads ask at the same moment; `functools.cache` would give each its own.

    Args:
        make: makes it.  What it raises is raised by the call, and the next one tries again.

    Attributes:
        made: what was made; None before.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.made: T | None = None
        self._make = make
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """What is made, now or before."""
        with self._lock:
            if self.made is None:
                self.made = self._make()
            return self.made
