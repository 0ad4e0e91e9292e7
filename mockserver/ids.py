"""Ids and tokens that cannot be guessed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable

_DRAWN_BYTES = 4096
_BASE36 = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] for value in range(256))


class Ids:
    """Makes ids and tokens of random bytes, drawn many at a time: a system call for each costs more than the id."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        self._draw = draw
        self._drawn = b""
        self._at = 0

    def call_id(self) -> str:
        """A call's id that looks like the service's own: 25 characters, `c` and base 36."""
        return "c" + self._bytes(24).translate(_BASE36).decode()

    def token(self) -> str:
        """A dial URL's token: 256 random bits in 43 characters."""
        return base64.urlsafe_b64encode(self._bytes(32)).rstrip(b"=").decode()

    def request_id(self) -> str:
        """A request's id, in 24 hexadecimal digits."""
        return self._bytes(12).hex()

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._drawn):
            self._drawn, self._at = self._draw(_DRAWN_BYTES), 0
        found = self._drawn[self._at : self._at + count]
        self._at += count
        return found
