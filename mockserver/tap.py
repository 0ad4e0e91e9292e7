"""Tells the journal what happens on a dialled call: a session whose stream is listened to in both directions.

It stands in the place of a plain session where the mock is started with it, so that without it nothing is the slower.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from contract.codec import Wire
from contract.errors import PeerError
from contract.events import Audio, Clear, Event, Transcript
from contract.stream import Phase
from mockserver.journal import Journal
from mockserver.notes import CallNotes, EventNote, Line, Side
from mockserver.redaction import beginning, redacted
from mockserver.session import Line as Socket
from mockserver.session import Party, Session, StreamEnd
from mockserver.store import Call
from mockserver.ticker import Ticker

_NOT_TOLD = frozenset(("stream_id", "sequence", "payload"))
"""Fields of events that are no detail: the same in all of a call, or the audio itself."""

LONGEST_DETAIL = 4000
"""How long a field in an event's detail may be, in characters; of a text the rest is cut off."""


class NotedSession(Session):
    """A session whose call is in the journal; arguments as a session's, `now` gives the time of day in UTC."""

    __slots__ = ("_tap",)

    def __init__(
        self,
        call: Call,
        stream: StreamEnd,
        party: Party,
        clock: Callable[[], float],
        ticker: Ticker,
        on_lost: Callable[[Session], None],
        *,
        journal: Journal,
        now: Callable[[], datetime],
    ) -> None:
        self._tap = Tap(journal, party, clock, now, call.token)
        super().__init__(call, TappedStream(stream, self._tap), party, clock, ticker, on_lost)

    def opened(self, line: Socket) -> None:
        """The line is open."""
        self._tap.dialled(self._call.id)
        super().opened(line)

    def inject(self, event: Event) -> None:
        """React to something as if the other end had said it."""
        self._tap.heard(event, None)
        super().inject(event)

    def lost(self, peer_said: str) -> None:
        """The line is gone."""
        super().lost(peer_said)
        if self._ending is not None:
            self._tap.ended("agent", self._ending.reason, self._ending.code)
        else:
            self._tap.ended("caller", peer_said, None)


class TappedStream:
    """Our end of a stream, listened to."""

    __slots__ = ("_stream", "_tap")

    def __init__(self, stream: StreamEnd, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap

    @property
    def phase(self) -> Phase:
        """How far the stream has come."""
        return self._stream.phase

    def receive(self, wire: Wire) -> Event:
        """As Stream."""
        try:
            event = self._stream.receive(wire)
        except PeerError as error:
            self._tap.not_allowed(str(error), _size(wire))
            raise
        self._tap.heard(event, _size(wire))
        return event

    def accept(self, event: Event) -> None:
        """As Stream: what a message means that is not allowed."""
        self._stream.accept(event)
        self._tap.heard(event, None)

    def send(self, event: Event) -> Wire:
        """As Stream."""
        wire = self._stream.send(event)
        self._tap.said(event, _size(wire))
        return wire


class Tap:
    """Notes what is said on one call, of whose token nothing is kept."""

    __slots__ = ("_call", "_clock", "_journal", "_now", "_opened_at", "_party", "_token")

    def __init__(
        self,
        journal: Journal,
        party: Party,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        token: str,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._now = now
        self._call: CallNotes | None = None
        self._opened_at = 0.0
        self._party: Party | None = party
        self._token = token
        party.on_unsaid = self._unsaid

    def dialled(self, call_id: str) -> None:
        """The line is open."""
        self._opened_at = self._clock()
        self._call = self._journal.dialled(call_id, self._now())

    def ended(self, by: Side, reason: str, close_code: int | None) -> None:
        """The line is gone."""
        # Else only the garbage collector would find the party, which knows of us.
        self._party = None
        if self._call is not None:
            self._journal.ended(self._call, self._now(), by, reason, close_code)

    def heard(self, event: Event, wire_bytes: int | None) -> None:
        """The caller's end said something; None for what did not come over the wire as such."""
        self._note("caller", event, wire_bytes)

    def said(self, event: Event, wire_bytes: int) -> None:
        """The agent said something."""
        self._note("agent", event, wire_bytes)

    def _unsaid(self, event: Event) -> None:
        self._note("agent", event, None)

    def not_allowed(self, words: str, wire_bytes: int) -> None:
        """A message came that the contract does not allow."""
        if self._call is not None:
            note = EventNote(
                at_ms=self._at_ms(),
                side="caller",
                kind="NotAllowed",
                wire_bytes=wire_bytes,
                detail={"message": beginning(words, LONGEST_DETAIL, key=self._token)},
            )
            self._journal.add_event(self._call, note)

    def _note(self, side: Side, event: Event, wire_bytes: int | None) -> None:
        call = self._call
        if call is None:
            return
        at_ms = self._at_ms()
        if type(event) is Audio:
            self._keep_audio(call, side, event.payload, at_ms)
            note = EventNote(
                at_ms=at_ms, side=side, kind="Audio", wire_bytes=wire_bytes, audio_bytes=len(event.payload)
            )
        else:
            kind = type(event).__name__
            note = EventNote(
                at_ms=at_ms, side=side, kind=kind, wire_bytes=wire_bytes, detail=_detail(event, self._token)
            )
            if type(event) is Transcript:
                self._journal.add_line(call, _line(call.transcript.get(event.ordinal), event, at_ms, self._token))
            elif type(event) is Clear:
                self._journal.add_audio(call, side, at_ms, None)
        self._journal.add_event(call, note)

    def _keep_audio(self, call: CallNotes, side: Side, payload: bytes, at_ms: float) -> None:
        audio = call.audio[side]
        if audio.audio_format is None and self._party is not None:
            formats = self._party.audio_formats()
            if formats is not None:
                call.audio["caller"].audio_format, call.audio["agent"].audio_format = formats
        if audio.audio_format is not None:
            self._journal.add_audio(call, side, at_ms, payload)

    def _at_ms(self) -> float:
        return round((self._clock() - self._opened_at) * 1000, 3)


def _size(wire: Wire) -> int:
    return len(wire.encode()) if isinstance(wire, str) and not wire.isascii() else len(wire)


def _detail(event: Event, token: str) -> dict[str, Any] | None:
    """What an event says beside its kind, in the spelling of JSON; None if that is nothing."""
    told = {
        _camel(name): _shortened(value, token)
        for name in event.__struct_fields__
        if name not in _NOT_TOLD and (value := getattr(event, name)) is not None
    }
    return redacted(told, key=token) if told else None


def _shortened(value: Any, token: str) -> Any:
    """A value that is short enough to be kept; of a text the beginning, of another one only that it was too long."""
    if isinstance(value, str):
        return beginning(value, LONGEST_DETAIL, key=token)
    if isinstance(value, dict | list) and len(msgspec.json.encode(value)) > LONGEST_DETAIL:
        return f"(longer than {LONGEST_DETAIL} characters)"
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _line(before: Line | None, said: Transcript, at_ms: float, token: str) -> Line:
    """An utterance with what was just said of it."""
    text = said.text if said.text is not None else (before.text if before else "") + (said.delta or "")
    return Line(
        ordinal=said.ordinal,
        at_ms=before.at_ms if before else at_ms,
        role=said.role,
        text=beginning(text, LONGEST_DETAIL, key=token),
        final=said.final,
        medium=said.medium,
    )
