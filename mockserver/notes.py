"""Data of the journal: what is noted of a request, of a call, and of what happens in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    # With it come the libraries for sound, which take as long to load as all else.
    from contract.audio import AudioFormat

Side = Literal["caller", "agent"]
State = Literal["created", "dialled", "ended"]

EVENT_BYTES = 250
"""What one event is counted as, beside its detail, in bytes."""

CALL_BYTES = 2000
"""What one call is counted as, beside its events and its audio, in bytes; and one request, beside its body."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rule that a refused request came closest to keeping.

    `path` is where it stands in the document, through its references; empty where no line of it says so.
    """

    field: str
    rule: str
    received: str
    expected: str | None = None
    path: tuple[str | int, ...] = ()


class RequestNote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answered request.  `body` is JSON; None where none was read, or it was too long to be kept."""

    id: str
    at: datetime
    method: str
    path: str
    status: int
    duration_ms: float
    operation: str | None = None
    account: str | None = None
    body: bytes | None = None
    body_bytes: int = 0
    error_code: str | None = None
    error_message: str | None = None
    closest_rule: Rule | None = None


class EventNote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened in a call, `at_ms` after the dial.

    `kind` is the event's name in the documents (`x-event`), or `NotAllowed` for a message that the contract does not
    allow.  `wire_bytes` is the length of its message; None where it did not go over the wire: the control API did it,
    or the connection type has no message for it.
    """

    at_ms: float
    side: Side
    kind: str
    wire_bytes: int | None = None
    audio_bytes: int | None = None
    detail: dict[str, Any] | None = None


class Line(msgspec.Struct, kw_only=True, gc=False):
    """One utterance of a transcript, as far as it was said."""

    ordinal: int
    at_ms: float
    role: Literal["user", "agent"]
    text: str
    final: bool = False
    medium: Literal["voice", "text"] | None = None


@dataclass(slots=True)
class AudioNotes:
    """One side's audio: pieces with the time at which each came; None where what was not yet played was cleared."""

    audio_format: AudioFormat | None = None
    pieces: deque[tuple[float, bytes | None]] = field(default_factory=deque)
    held_bytes: int = 0
    forgotten_bytes: int = 0


@dataclass(slots=True, eq=False)
class CallNotes:
    """One call.

    Attributes:
        number: its place among all calls, from 1.
        first_event: the index of the first event that is still kept.
        ended_by: whose doing the end was; with why in words, and the code that our end closed with.
        held_bytes: what it is counted as.
        kept: whether the journal still has it.
    """

    id: str
    kind: Literal["create", "inline"]
    connection_type: str
    agent_id: str | None
    created_at: datetime
    expires_at: datetime
    number: int = 0
    state: State = "created"
    dialled_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: Side | None = None
    end_reason: str | None = None
    close_code: int | None = None
    events: deque[EventNote] = field(default_factory=deque)
    first_event: int = 0
    audio: dict[Side, AudioNotes] = field(default_factory=lambda: {"caller": AudioNotes(), "agent": AudioNotes()})
    transcript: dict[int, Line] = field(default_factory=dict)
    held_bytes: int = CALL_BYTES
    kept: bool = True
