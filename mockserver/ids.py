"""Ids and tokens that cannot be guessed."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Callable

_DRAWN_BYTES = 4096
_BASE36 = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] for value in range(256))


class Ids:
    """Makes ids and tokens of random bytes, drawn many at a time: a system call for each costs more than the id.

    Args:
        draw: gives so many random bytes.
        draw_for_requests: the same for the ids of requests; as `draw` by default.
    """

    def __init__(
        self,
        draw: Callable[[int], bytes] = os.urandom,
        draw_for_requests: Callable[[int], bytes] | None = None,
    ) -> None:
        self._draw = draw
        self._drawn = b""
        self._at = 0
        self._requests = self if draw_for_requests is None else Ids(draw_for_requests)

    @classmethod
    def seeded(cls, seed: int) -> Ids:
        """Ids that are the same for the same seed, and can be guessed: whatever else is asked for, calls get theirs."""
        return cls(random.Random(seed).randbytes, random.Random(f"requests {seed}").randbytes)

    def call_id(self) -> str:
        """A call's id that looks like the service's own: 25 characters, `c` and base 36."""
        return "c" + self._bytes(24).translate(_BASE36).decode()

    def token(self) -> str:
        """A dial URL's token: 256 random bits in 43 characters."""
        return base64.urlsafe_b64encode(self._bytes(32)).rstrip(b"=").decode()

    def request_id(self) -> str:
        """A request's id, in 24 hexadecimal digits."""
        return self._requests._bytes(12).hex()

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._drawn):
            self._drawn, self._at = self._draw(_DRAWN_BYTES), 0
        found = self._drawn[self._at : self._at + count]
        self._at += count
        return found
