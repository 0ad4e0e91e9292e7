"""How a call ends from our side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """Why and how our end closes the socket: a WebSocket close code and a reason that the other end may read."""

    code: int
    reason: str
