"""One media stream seen from one end: who may say what when, ids and numbers.  Opens no socket and reads no clock."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from contract.codec import Codec, Role, Wire
from contract.documents import Document
from contract.errors import DocumentError, PeerError, UsageError
from contract.events import Audio, Connected, Digit, Event, Started, Stopped
from contract.mould import Cast, Template


@dataclass(frozen=True, slots=True)
class Traits:
    """What a document's `x-stream` says of a stream beside its messages.

    Attributes:
        begins: when the agent may speak: after the carrier's `start` message, or as soon as the socket is `open`.
        encoding: the audio's coding: `mulaw`, `requested` (as the call was created with) or `room` (not on the socket).
        rate_hz: samples a second, where the document fixes them.
        timestamps: what the carrier's audio times count from; None where they are not carried.
        first_sequence, first_chunk, first_timestamp_ms: what the carrier's numbers begin with.
    """

    begins: Literal["start", "open"]
    encoding: Literal["mulaw", "requested", "room"]
    rate_hz: int | None = None
    timestamps: Literal["stream", "epoch"] | None = None
    first_sequence: int = 1
    first_chunk: int = 1
    first_timestamp_ms: int = 0

    @classmethod
    def of(cls, document: Document) -> Traits:
        """The traits that a document states.  Raises DocumentError."""
        said: dict[str, Any] = document.get("x-stream", {})
        begins, encoding = said.get("begins"), said.get("audio", {}).get("encoding")
        if begins not in ("start", "open") or encoding not in ("mulaw", "requested", "room"):
            name = document.get("x-connection-type", "document")
            raise DocumentError(f"{name}: x-stream must say begins (start or open) and audio.encoding")
        return cls(
            begins=begins,
            encoding=encoding,
            rate_hz=said["audio"].get("sampleRate"),
            timestamps=said.get("timestamps"),
            first_sequence=said.get("firstSequence", 1),
            first_chunk=said.get("firstChunk", 1),
            first_timestamp_ms=said.get("firstTimestampMs", 0),
        )


MOST_MOULDS = 30
"""How many frames of one stream moulds are made of."""


class Phase(enum.Enum):
    """How far a stream has come."""

    OPENING = "opening"
    RUNNING = "running"
    STOPPED = "stopped"


UNKNOWN_STREAM = "unknown"
"""The id that a carrier is answered under which told none: some of our messages need one."""

OPENERS: frozenset[type[Event]] = frozenset({Connected, Started})
"""What the carrier says before anything else; a document without these messages never sees them."""

NEXT_PHASE: dict[tuple[Phase, type[Event]], Phase] = {
    (Phase.OPENING, Connected): Phase.OPENING,
    (Phase.OPENING, Started): Phase.RUNNING,
    (Phase.OPENING, Stopped): Phase.STOPPED,
    (Phase.RUNNING, Stopped): Phase.STOPPED,
}
"""Where the carrier's words lead; what is not listed changes nothing while running and is out of place elsewhere."""


class Stream:
    """One stream, from its first message to its last.

    Args:
        codec: the connection type's codec, for our end.
        role: our end.
        traits: what the document says of the stream.
        epoch_ms: the moment at which the stream starts, in milliseconds since 1970, for carriers that count from there.

    Attributes:
        phase: how far the stream has come.
        stream_id: the carrier's id for the stream; None until it is known, or where there is none.
    """

    def __init__(self, codec: Codec, role: Role, traits: Traits, *, epoch_ms: int = 0) -> None:
        self.phase = Phase.RUNNING if traits.begins == "open" else Phase.OPENING
        self.stream_id: str | None = None
        self._codec = codec
        self._role = role
        self._sequence = traits.first_sequence
        self._chunk = traits.first_chunk
        self._at_ms = float(traits.first_timestamp_ms + (epoch_ms if traits.timestamps == "epoch" else 0))
        self._cast: Cast | None = None
        self._template: Template | None = None
        # Making a mould costs more than a frame: who never sends two alike is not looked at for ever.
        self._moulds_left = MOST_MOULDS
        self._bytes_per_ms = (traits.rate_hz or 0) / 1000

    def receive(self, wire: Wire) -> Event:
        """The event that the other end's message stands for.  Raises PeerError if it is illegal, here or at all.

        The error's `event` is what the message most likely meant; `accept` goes on with it.
        """
        if self._template is not None and self.phase is Phase.RUNNING and type(wire) is str:
            frame = self._template.read(wire)
            if frame is not None:
                return frame
        event = self._codec.decode(wire)
        if self._role is Role.AGENT:
            self.accept(event)
            if type(event) is Audio and self._moulds_left and isinstance(wire, str):
                self._moulds_left -= 1
                self._template = self._codec.template(wire, event) or self._template
        return event

    def accept(self, event: Event) -> None:
        """Let an event of the carrier's take effect.  Raises PeerError if it is out of place; nothing changes then."""
        kind = type(event)
        if kind is Audio and self.phase is Phase.RUNNING:
            # Fifty times a second; what the table says of it is "nothing", at the price of two hashes.
            return
        after = NEXT_PHASE.get((self.phase, kind))
        if after is None:
            if self.phase is not Phase.RUNNING or kind in OPENERS:
                place = {Phase.OPENING: "before the start message", Phase.STOPPED: "after the stop message"}
                raise PeerError(kind.__name__, "$", f"came {place.get(self.phase, 'while the stream was running')}")
            return
        self.phase = after
        if kind is Started:
            self.stream_id = event.stream_id or UNKNOWN_STREAM

    def send(self, event: Event) -> Wire:
        """The message for an event of ours, with the stream's id and numbers filled in.

        Raises UsageError if it is out of place, or if our end has no such message.
        """
        if self._role is Role.CARRIER:
            return self._codec.encode(self._numbered(event))
        if self.phase is not Phase.RUNNING:
            raise UsageError(f"{type(event).__name__} on a stream that is {self.phase.value}")
        if type(event) is not Audio:
            return self._codec.encode(self._addressed(event))
        if self._cast is not None and (cast := self._cast.fill(event)) is not None:
            return cast
        wire = self._codec.encode(self._addressed(event))
        self._cast = Cast.of(event, wire)
        return wire

    def _addressed(self, event: Event) -> Event:
        """The event with the stream's id."""
        if event.stream_id is None and self.stream_id is not None:
            return msgspec.structs.replace(event, stream_id=self.stream_id)
        return event

    def _numbered(self, event: Event) -> Event:
        """The carrier's event with its place in the stream; what happens to the stream takes effect."""
        try:
            self.accept(event)
        except PeerError as error:
            raise UsageError(str(error)) from error
        if isinstance(event, Connected):
            return event
        fields: dict[str, Any] = {"stream_id": event.stream_id or self.stream_id, "sequence": self._sequence}
        self._sequence += 1
        if isinstance(event, Digit) and event.at_ms is None:
            fields["at_ms"] = int(self._at_ms)
        if isinstance(event, Audio):
            fields |= {"chunk": self._chunk, "at_ms": int(self._at_ms)}
            self._chunk += 1
            self._at_ms += len(event.payload) / self._bytes_per_ms if self._bytes_per_ms else 0
        return msgspec.structs.replace(event, **fields)
