"""The agent of a webrtc call: on the control socket it offers the room, and the conversation begins in there."""

from __future__ import annotations

from collections.abc import Callable

from contract.events import Event, RoomOffered, Started
from mockserver.around import Around
from mockserver.ending import Ending
from mockserver.session import Party


class NoRoom(Exception):
    """There is no room for the call, and none will be; the text says what is missing."""


class Offering(Around):
    """A party that is met in a room.

    Args:
        party: who is met there.
        offer: gives the room's address and the key to it; None as long as there is none yet.  Raises NoRoom.
    """

    def __init__(self, party: Party, offer: Callable[[], RoomOffered | None]) -> None:
        super().__init__(party)
        self._offer = offer
        self._offered = False
        self._ending: Ending | None = None

    @property
    def ending(self) -> Ending | None:
        """How the call is to be closed, once it is over; None while it goes on."""
        return self._ending or self._party.ending

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The control socket is open; or, where something has started, the caller has joined."""
        return self._offer_room() if started is None else self._party.begin(now, started)

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""
        said = self._party.tick(now)
        return said if self._offered else self._offer_room() + said

    def _offer_room(self) -> list[Event]:
        try:
            room = self._offer()
        except NoRoom as missing:
            self._ending = Ending(1011, str(missing))
            return []
        if room is None:
            return []
        self._offered = True
        return [room]
