"""What the server remembers: calls that wait to be dialled, and how many requests each key has used."""

from __future__ import annotations

import math
import secrets
import string
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from .bodies import CallSettings

HOUR = 3600.0
_CUID_LETTERS = string.ascii_lowercase + string.digits


def new_id() -> str:
    """An id in the shape of a cuid: `c` and 24 letters or digits."""
    return "c" + "".join(secrets.choice(_CUID_LETTERS) for _ in range(24))


@dataclass(frozen=True)
class Call:
    """A call that was created and may be dialled once, until `dial_by` on the monotonic clock."""

    id: str
    token: str
    created_at: datetime
    dial_by: float
    settings: CallSettings


class Calls:
    """The calls that nobody has dialled yet."""

    def __init__(self, url_ttl: float) -> None:
        self._ttl = url_ttl
        self._waiting: dict[str, Call] = {}

    def create(self, settings: CallSettings) -> Call:
        """Make a call and its one-time token."""
        self._forget_expired()
        token = secrets.token_urlsafe(32)
        call = Call(new_id(), token, datetime.now(UTC), time.monotonic() + self._ttl, settings)
        self._waiting[token] = call
        return call

    def claim(self, token: str) -> Call | None:
        """Take the call of a token, so that no other dial can; None if there is none (any more)."""
        call = self._waiting.pop(token, None)
        return call if call is not None and call.dial_by > time.monotonic() else None

    def give_back(self, call: Call) -> None:
        """Undo a claim whose upgrade did not come about."""
        self._waiting[call.token] = call

    def _forget_expired(self) -> None:
        now = time.monotonic()
        for token, call in list(self._waiting.items()):
            if call.dial_by > now:
                break  # All live as long as each other, so the rest is younger still.
            del self._waiting[token]


@dataclass
class _Window:
    ends: float
    ends_unix: int
    used: int = 0


@dataclass(frozen=True)
class Usage:
    """Where a key stands after a request."""

    limit: int
    used: int
    reset_unix: int
    seconds_left: int

    @property
    def exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """The three rate headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(self.reset_unix),
        }


class RateLimits:
    """Counts requests in windows of an hour, one window a key, from its first request on."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def count(self, who: str, limit: int) -> Usage | None:
        """Count one request; None when there is no limit (0)."""
        if limit <= 0:
            return None
        now = time.monotonic()
        window = self._windows.get(who)
        if window is None or window.ends <= now:
            window = self._windows[who] = _Window(now + HOUR, math.ceil(time.time() + HOUR))
        window.used += 1
        return Usage(limit, window.used, window.ends_unix, max(1, math.ceil(window.ends - now)))
