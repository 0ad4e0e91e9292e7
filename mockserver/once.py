"""What takes long to make, and is made when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Makes a thing once, whichever thread asks first; `functools.cache` makes two of it for two who ask at a time.

    Attributes:
        made: the thing; None as long as nobody asked.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self.made: T | None = None
        self._make = make
        self._making = threading.Lock()

    def __call__(self) -> T:
        """The thing."""
        with self._making:
            if self.made is None:
                self.made = self._make()
            return self.made
