"""What stands around a party and lets everything through: the base of those that change or keep what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from contract.errors import PeerError
from contract.events import Event, Started
from mockserver.ending import Ending
from mockserver.session import Party

if TYPE_CHECKING:
    from contract.audio import AudioFormat


class Around:
    """A party that is another one.

    Args:
        party: that other one.
    """

    def __init__(self, party: Party) -> None:
        self._party = party

    @property
    def ending(self) -> Ending | None:
        """How the call is to be closed, once it is over; None while it goes on."""
        return self._party.ending

    @property
    def on_unsaid(self) -> Callable[[Event], None] | None:
        """Told of what would be said if the connection type had a message for it."""
        return self._party.on_unsaid

    @on_unsaid.setter
    def on_unsaid(self, told: Callable[[Event], None] | None) -> None:
        self._party.on_unsaid = told

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs."""
        return self._party.begin(now, started)

    def hear(self, event: Event, now: float) -> list[Event]:
        """The other end said this."""
        return self._party.hear(event, now)

    def object(self, error: PeerError) -> list[Event]:
        """The other end said what it must not."""
        return self._party.object(error)

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""
        return self._party.tick(now)

    def speak(self, text: str, now: float) -> list[Event]:
        """Say this, after what is being said."""
        return self._party.speak(text, now)

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        """How the caller's audio comes in and the agent's goes out; None before the stream runs, and for no audio."""
        return self._party.audio_formats()
