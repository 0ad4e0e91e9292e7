"""How a call ends from our side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Ending:
    """Why and how our end closes the socket.

    Attributes:
        code: a WebSocket close code.
        reason: for the other end to read.
        how: with a closing handshake, or, for calls that are to go wrong, cut, or left open and dead.
    """

    code: int
    reason: str
    how: Literal["close", "cut", "freeze"] = "close"
