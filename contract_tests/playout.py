"""What a carrier has yet to play: audio and marks in, what was played in time.  No clock of its own."""

from __future__ import annotations

from collections import deque


class Playout:
    """One stream's queue; all times are seconds of the caller's clock.

    Attributes:
        ends_at: when what was queued so far has been played.
    """

    def __init__(self) -> None:
        self.ends_at = 0.0
        self._marks: deque[tuple[float, str]] = deque()

    def play(self, duration_s: float, now: float) -> float:
        """Queue audio; the moment at which it begins to play."""
        begins_at = max(self.ends_at, now)
        self.ends_at = begins_at + duration_s
        return begins_at

    def mark(self, name: str, now: float) -> None:
        """Queue a mark behind the audio; with nothing queued it is reached at once."""
        self._marks.append((max(self.ends_at, now), name))

    def clear(self, now: float, *, marks_return: bool = True) -> None:
        """Throw away what was not played; every waiting mark is reached now, in its order, or never."""
        self.ends_at = min(self.ends_at, now)
        self._marks = deque((min(due, now), name) for due, name in self._marks if marks_return or due <= now)

    def reached(self, now: float) -> list[str]:
        """The marks that playback has got to, each once."""
        names = []
        while self._marks and self._marks[0][0] <= now:
            names.append(self._marks.popleft()[1])
        return names
