"""What happens on a media stream, said the same way for every connection type.

Which message of which document stands for which event is said by the documents themselves (`x-event` on a message,
`x-field` on a leaf).  Wire names stay there; the names here are plain ones.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something one end of a stream tells the other.

    `stream_id` and `sequence` are None where the wire does not carry them; `sequence` counts messages, not audio.
    """

    stream_id: str | None = None
    sequence: int | None = None


class Connected(Event, frozen=True, kw_only=True, gc=False):
    """From the carrier: the socket is open; the stream is not described yet."""


class Started(Event, frozen=True, kw_only=True):
    """From the carrier: the stream is described; audio may follow.

    `encoding` is the carrier's own word for what it sends (`audio/x-mulaw`, `PCMU`, `PCMA`); `rate_hz` in samples a
    second.
    """

    call_id: str | None = None
    account_id: str | None = None
    encoding: str | None = None
    rate_hz: int | None = None
    channels: int | None = None
    tracks: list[str] | None = None
    parameters: dict[str, Any] | None = None


class Audio(Event, frozen=True, kw_only=True, gc=False):
    """A run of audio, raw, in the coding that the stream was opened with, either way.

    `chunk` counts audio messages; `at_ms` is the presentation time, since the stream's start or since 1970, as the
    document's `x-stream` says; `track` is the carrier's own word.
    """

    payload: bytes
    chunk: int | None = None
    at_ms: int | None = None
    track: str | None = None


class Digit(Event, frozen=True, kw_only=True, gc=False):
    """From the carrier: the caller pressed one key, `0` to `9`, `*`, `#` or `A` to `D`."""

    digit: str
    track: str | None = None
    at_ms: int | None = None
    occurred_at: str | None = None


class PressDigits(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: press these keys into the call."""

    digits: str


class Mark(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: tell me when playback gets here.  From the carrier: it got here, or will never."""

    name: str


class Clear(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: throw away the audio not yet played."""


class Cleared(Event, frozen=True, kw_only=True, gc=False):
    """From the carrier: the audio not yet played was thrown away."""


class PlayFailed(Event, frozen=True, kw_only=True, gc=False):
    """From the carrier: audio could not be played."""

    reason: str | None = None


class Stopped(Event, frozen=True, kw_only=True, gc=False):
    """From the carrier: no more audio will come."""

    call_id: str | None = None
    account_id: str | None = None
    reason: str | None = None


class Fault(Event, frozen=True, kw_only=True, gc=False):
    """Either end: something that the other sent could not be used."""

    message: str | None = None
    code: int | str | None = None
    detail: str | None = None


class StateChanged(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: what it is doing now."""

    state: Literal["idle", "listening", "thinking", "speaking"]


class Transcript(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: what was said, whole (`text`) or what is to be appended (`delta`); exactly one of them is set.

    `ordinal` is the utterance's place in the conversation; `final` is True on the last message of one ordinal.
    """

    role: Literal["user", "agent"]
    ordinal: int
    final: bool
    text: str | None = None
    delta: str | None = None
    medium: Literal["voice", "text"] | None = None


class ToolInvoked(Event, frozen=True, kw_only=True):
    """From the agent: run this client tool and answer with the same `invocation_id`."""

    invocation_id: str
    tool_name: str
    parameters: dict[str, Any]


class ToolResult(Event, frozen=True, kw_only=True, gc=False):
    """From the client: what the tool returned (`result`), or why it could not (`error`); exactly one of them is set."""

    invocation_id: str
    result: str | None = None
    error: str | None = None
    error_type: str | None = None


class TextMessage(Event, frozen=True, kw_only=True, gc=False):
    """From the client: the caller typed this instead of saying it."""

    text: str


class OutputMedium(Event, frozen=True, kw_only=True, gc=False):
    """From the client: answer in this medium from now on."""

    medium: Literal["voice", "text"]


class HangUp(Event, frozen=True, kw_only=True, gc=False):
    """Either end: the call is over; the socket closes after it."""

    reason: str | None = None


class Ping(Event, frozen=True, kw_only=True, gc=False):
    """From the client: answer with a Pong that holds the same `timestamp` (seconds, the client's own clock)."""

    timestamp: float


class Pong(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: the answer to a Ping."""

    timestamp: float


class RoomOffered(Event, frozen=True, kw_only=True, gc=False):
    """From the agent: the call takes place in this LiveKit room; `token` is the key to it."""

    room_url: str
    token: str


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Connected,
        Started,
        Audio,
        Digit,
        PressDigits,
        Mark,
        Clear,
        Cleared,
        PlayFailed,
        Stopped,
        Fault,
        StateChanged,
        Transcript,
        ToolInvoked,
        ToolResult,
        TextMessage,
        OutputMedium,
        HangUp,
        Ping,
        Pong,
        RoomOffered,
    )
}
"""Every event by the name that documents use in `x-event`."""
