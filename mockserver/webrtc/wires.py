"""What goes over the line of a webrtc call: messages of the control socket, and the room's data and sound."""

from __future__ import annotations

from contract.codec import Codec, Wire
from contract.events import Audio, Clear, Event, RoomOffered
from contract.stream import Phase


class RoomData(str):
    """A message in the room's data, as text; a plain one is the control socket's."""

    __slots__ = ()


class RoomAudio(bytes):
    """A piece of sound, as `conversation.ROOM_AUDIO`; none means that what has yet to be heard is withdrawn."""

    __slots__ = ()


WITHDRAWN = RoomAudio()


class RoomStream:
    """The agent's end of a webrtc call's line, as `contract.stream.Stream` is of others.

    Args:
        control: the codec of the control socket.
        data: that of the room's data.
    """

    phase = Phase.RUNNING

    def __init__(self, control: Codec, data: Codec) -> None:
        self._control = control
        self._data = data

    def receive(self, wire: Wire) -> Event:
        """The event that a message stands for.  Raises PeerError."""
        if type(wire) is RoomAudio:
            return Audio(payload=wire)
        if type(wire) is RoomData:
            # The reader of JSON takes plain text only.
            return self._data.decode(str(wire))
        return self._control.decode(wire)

    def accept(self, event: Event) -> None:
        """Let an event take effect that a message means which is not allowed: none changes the stream."""

    def send(self, event: Event) -> Wire:
        """The message for an event of ours.  Raises UsageError."""
        match event:
            case Audio(payload=payload):
                return RoomAudio(payload)
            case Clear():
                return WITHDRAWN
            case RoomOffered():
                return self._control.encode(event)
        return RoomData(self._data.encode(event))
