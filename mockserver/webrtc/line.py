"""The line of a webrtc call: the control socket and the room, as one.  Knows LiveKit's protocol by name only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from contract.codec import Wire
from contract.events import Started
from mockserver.conversation import ROOM_AUDIO
from mockserver.ending import Ending
from mockserver.session import Session
from mockserver.webrtc.wires import RoomAudio, RoomData

if TYPE_CHECKING:
    from mockserver.websocket import WebSocket

LAST_WORDS_S = 0.25
"""How long what was said last has to arrive in the room, in seconds, before the control socket is closed."""


class Venue(Protocol):
    """Where caller and agent meet."""

    def play(self, audio: bytes) -> None:
        """Let the caller hear this, as ROOM_AUDIO; an empty one withdraws what is still to be heard."""

    def send(self, data: bytes) -> None:
        """Send data to the caller, if there is one."""

    def close(self) -> None:
        """The call is over: part in order."""

    def drop(self) -> None:
        """Part without a word."""

    async def closed(self) -> None:
        """Wait until nothing is left of it, after one of these."""


class Listener(Protocol):
    """Who is told what the caller does."""

    def joined(self) -> None:
        """The caller hears the agent, and can be told things."""

    def heard(self, audio: bytes) -> None:
        """The caller spoke, as ROOM_AUDIO."""

    def said(self, data: bytes) -> None:
        """The caller sent data of its own."""

    def left(self, reason: str) -> None:
        """The caller is gone, whoever ended it."""


class RoomLine:
    """Tells the session what comes on the control socket and in the room, and sends what it says by the right one.

    Args:
        session: the call's.
        enter: gives the room at once; without, it is there when somebody joins.
        on_lost: told when the call is gone.

    Attributes:
        venue: the room, once it is there.
    """

    def __init__(
        self,
        session: Session,
        enter: Callable[[Listener], Venue | None] = lambda listener: None,
        on_lost: Callable[[], object] = lambda: None,
    ) -> None:
        self.venue: Venue | None = None
        self._enter = enter
        self._session = session
        self._on_lost = on_lost
        self._socket: WebSocket | None = None
        self._frozen = False

    # What the control socket tells.

    def opened(self, socket: WebSocket) -> None:
        """The socket is open."""
        self._socket = socket
        self.venue = self._enter(self)
        self._session.opened(self)

    def receive(self, wire: Wire) -> None:
        """A message came."""
        self._session.receive(wire)

    def lost(self, peer_said: str) -> None:
        """The socket is gone, and with it the call."""
        self._socket = None
        self._on_lost()
        if self.venue is not None:
            self.venue.close()
        self._session.lost(peer_said)

    # What the room tells.

    def joined(self) -> None:
        """The caller is there."""
        if self._session.running:
            self._session.inject(Started())

    def heard(self, audio: bytes) -> None:
        """The caller spoke."""
        if not self._frozen:
            self._session.receive(RoomAudio(audio))

    def said(self, data: bytes) -> None:
        """The caller sent data."""
        if not self._frozen:
            # What is no UTF-8 is no JSON either, and told so.
            self._session.receive(RoomData(data.decode("utf-8", "replace")))

    def left(self, reason: str) -> None:
        """The caller is gone from the room."""
        self._session.close(Ending(1000, reason))

    # What the session wants.

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the control socket's other end; the room minds its own."""
        return self._socket.unsent_bytes if self._socket is not None else 0

    def send(self, wire: Wire) -> None:
        """Send a message, let sound be heard, or withdraw it."""
        if not isinstance(wire, RoomAudio | RoomData):
            if self._socket is not None:
                self._socket.send(wire)
        elif self.venue is not None:
            if isinstance(wire, RoomData):
                self.venue.send(wire.encode())
            else:
                # A mutilated piece must not shift the bytes of all that follows: it would be nothing but noise.
                self.venue.play(wire[: len(wire) // ROOM_AUDIO.bytes_per_sample * ROOM_AUDIO.bytes_per_sample])

    def close(self, code: int, reason: str) -> None:
        """End the call once what was said last has arrived."""

        def end() -> None:
            if self.venue is not None:
                self.venue.close()
            if self._socket is not None:
                self._socket.close(code, reason)

        asyncio.get_running_loop().call_later(LAST_WORDS_S, end)

    def drop(self) -> None:
        """Cut the line."""
        if self.venue is not None:
            self.venue.drop()
        if self._socket is not None:
            self._socket.drop()

    def freeze(self) -> None:
        """Read and send no more, and leave everything as it is."""
        self._frozen = True
        if self._socket is not None:
            self._socket.freeze()

    def notice_end(self) -> None:
        """Look whether the control socket is about to end."""
        if self._socket is not None:
            self._socket.notice_end()
