"""How many requests a key has left in its hour, and the headers that say so.  Reads no clock."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

WINDOW_S = 3600.0
"""The length of a window in seconds: limits are told by the hour."""

DEFAULT_LIMIT = 1000
"""Requests an hour that the contract names."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class RateState:
    """Where a key stands after a request.

    Attributes:
        limit: requests in a window.
        remaining: how many of them are left.
        reset_at: when the window ends, in Unix seconds.
        allowed: False if the request was one too many.
    """

    limit: int
    remaining: int
    reset_at: float
    allowed: bool = True

    def headers(self) -> Headers:
        """The three headers of every answer; the reset is rounded up, so whoever waits for it has waited enough."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % math.ceil(self.reset_at)),
        ]

    def retry_after_s(self, now: float) -> int:
        """Whole seconds to wait before the next try, at least one."""
        return max(1, math.ceil(self.reset_at - now))


@dataclass(slots=True)
class _Window:
    ends_at: float
    used: int = 0


class RateLimiter:
    """Counts requests in fixed windows, one for each name, each beginning with the name's first request.

    Times are Unix seconds.  A refused request changes nothing, so it never puts the reset off.  Windows are forgotten
    when they end, and from the oldest on when there are more than `max_names`: with keys made up freely, memory stays
    bounded.
    """

    def __init__(self, limit: int, *, window_s: float = WINDOW_S, max_names: int = 10_000) -> None:
        self._limit = limit
        self._window_s = window_s
        self._max_names = max_names
        # In the order of their ends: all windows are equally long, and each is put in when it begins.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        """The number of windows held."""
        return len(self._windows)

    def take(self, name: str, now: float) -> RateState | None:
        """Count a request of `name`; None if limits are off."""
        if not self._limit:
            return None
        window = self._window(name, now)
        allowed = window.used < self._limit
        window.used += allowed
        return self._state(window, allowed=allowed)

    def exhaust(self, name: str, now: float) -> RateState:
        """Refuse a request of `name` as one too many, whatever was counted, and with limits off, too."""
        window = self._window(name, now)
        window.used = self._limit or DEFAULT_LIMIT
        return self._state(window, allowed=False)

    def peek(self, name: str | None, now: float) -> RateState | None:
        """Where `name` stands, counting nothing: a whole limit for an unknown name; None if limits are off."""
        if not self._limit:
            return None
        window = self._windows.get(name) if name is not None else None
        if window is None or window.ends_at <= now:
            window = _Window(now + self._window_s)
        return self._state(window, allowed=True)

    def forget(self) -> None:
        """Begin a new window for every name."""
        self._windows.clear()

    def _window(self, name: str, now: float) -> _Window:
        self._forget_ended(now)
        window = self._windows.get(name)
        if window is None:
            if len(self._windows) >= self._max_names:
                self._windows.popitem(last=False)
            window = self._windows[name] = _Window(now + self._window_s)
        return window

    def _forget_ended(self, now: float) -> None:
        while self._windows and next(iter(self._windows.values())).ends_at <= now:
            self._windows.popitem(last=False)

    def _state(self, window: _Window, *, allowed: bool) -> RateState:
        limit = self._limit or DEFAULT_LIMIT
        return RateState(limit, max(0, limit - window.used), window.ends_at, allowed)
