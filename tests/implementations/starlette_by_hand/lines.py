"""The protocols at the other end of a conversation: how its words and sounds look on each kind of socket.

A line turns what the agent does into messages, and messages into calls of the conversation's methods. It never sends.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import jwt

from . import sound
from .bodies import SocketFormat, is_finite_number
from .sound import Samples

Wire = str | bytes

ROOM_URL = "ws://127.0.0.1:7880"
ROOM_KEY = "APIstarletteByHand"
ROOM_SECRET = "made-up-secret-of-a-room-server-that-does-not-exist"
ROOM_TOKEN_LIFE = timedelta(hours=6)


class Listener(Protocol):
    """What a line tells a conversation."""

    def begin(self) -> None:
        """The stream has started."""

    def hear(self, samples: Samples) -> None:
        """The caller's sound."""

    def read(self, text: str) -> None:
        """The caller's typed words."""

    def touched(self) -> None:
        """A key was pressed."""

    def played(self, mark: str) -> None:
        """The phone has played everything before a mark."""

    def tool_answered(self, invocation: str) -> None:
        """A tool of the client has come to its end."""

    def problem(self, message: str) -> None:
        """The client sent something senseless."""

    def note(self, message: dict[str, object]) -> None:
        """Send a control message."""

    def end(self) -> None:
        """The other side is done."""


def to_json(message: dict[str, object]) -> str:
    """A message as compact JSON, in ASCII so that any string survives."""
    return json.dumps(message, separators=(",", ":"))


def parse_message(text: str) -> dict[str, object] | None:
    """A JSON object, or None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def child(message: dict[str, object], name: str) -> dict[str, object]:
    """An object within a message; empty when it is not there."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}


class Line:
    """A line that carries nothing. Each protocol says what it does better."""

    rate_in = 8000
    rate_out = 8000
    has_marks = False
    has_tools = False
    begins_at_once = False

    def opening(self) -> str | None:
        """The message that goes first, before anything else."""
        return None

    def audio(self, samples: Samples) -> Wire | None:
        """One frame of the agent's voice."""
        return None

    def mark(self, name: str) -> str | None:
        """Ask to be told when everything up to here has been played."""
        return None

    def clear(self) -> str | None:
        """Withdraw what has not been played."""
        return None

    def note(self, message: dict[str, object]) -> str | None:
        """A control message of the vendor's own protocol."""
        return None

    def receive_text(self, text: str, listener: Listener) -> None:
        """Understand a text frame."""

    def receive_bytes(self, data: bytes, listener: Listener) -> None:
        """Understand a binary frame."""


class CarrierLine(Line):
    """What the three carriers share: JSON events, base64 of G.711, nothing sent before the start event."""

    has_marks = True

    def __init__(self) -> None:
        self.stream_id: str | None = None
        self.decode: Callable[[bytes], Samples] = sound.decode_ulaw

    def start_id(self, message: dict[str, object]) -> object:
        """Where a start event keeps the stream's id."""
        raise NotImplementedError

    def event_id(self, message: dict[str, object]) -> object:
        """Where the other events keep the stream's id."""
        raise NotImplementedError

    def mark_name(self, message: dict[str, object]) -> object:
        """The name of the mark in an event that says that it was played; None for other events."""
        return child(message, "mark").get("name") if message.get("event") == "mark" else None

    def receive_text(self, text: str, listener: Listener) -> None:
        """Understand an event; unknown ones, and those of other streams, are passed over."""
        message = parse_message(text) or {}
        event = message.get("event")
        if event == "start":
            self._start(message, listener)
        elif event == "stop":
            if self._is_ours(message) or self.stream_id is None:
                listener.end()
        elif self.stream_id is None or not self._is_ours(message):
            return
        elif event == "media":
            self._media(child(message, "media"), listener)
        elif event == "dtmf":
            listener.touched()
        else:
            name = self.mark_name(message)
            if isinstance(name, str):
                listener.played(name)

    def _is_ours(self, message: dict[str, object]) -> bool:
        return self.event_id(message) in (None, self.stream_id)

    def _start(self, message: dict[str, object], listener: Listener) -> None:
        stream_id = self.start_id(message)
        if self.stream_id is not None or not isinstance(stream_id, str) or not stream_id:
            return
        self.stream_id = stream_id
        media_format = child(child(message, "start"), "media_format")
        if media_format.get("encoding") == "PCMA":
            self.decode = sound.decode_alaw
        listener.begin()

    def _media(self, media: dict[str, object], listener: Listener) -> None:
        payload = media.get("payload")
        if not isinstance(payload, str) or media.get("track") not in (None, "inbound"):
            return
        try:
            data = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            return
        listener.hear(self.decode(data))


class TwilioLine(CarrierLine):
    """Twilio: the stream's id on every message, both ways."""

    def start_id(self, message: dict[str, object]) -> object:
        """Beside the event, and again within `start`."""
        return message.get("streamSid") or child(message, "start").get("streamSid")

    def event_id(self, message: dict[str, object]) -> object:
        """Beside the event."""
        return message.get("streamSid")

    def audio(self, samples: Samples) -> str:
        """A `media` message."""
        payload = base64.b64encode(sound.encode_ulaw(samples)).decode()
        return to_json({"event": "media", "streamSid": self.stream_id, "media": {"payload": payload}})

    def mark(self, name: str) -> str:
        """A `mark` message."""
        return to_json({"event": "mark", "streamSid": self.stream_id, "mark": {"name": name}})

    def clear(self) -> str:
        """A `clear` message."""
        return to_json({"event": "clear", "streamSid": self.stream_id})


class TelnyxLine(CarrierLine):
    """Telnyx: ids only towards the agent; what it sends may be A-law, what it gets is mu-law."""

    def start_id(self, message: dict[str, object]) -> object:
        """Beside the event."""
        return message.get("stream_id")

    def event_id(self, message: dict[str, object]) -> object:
        """Beside the event."""
        return message.get("stream_id")

    def audio(self, samples: Samples) -> str:
        """A `media` message."""
        payload = base64.b64encode(sound.encode_ulaw(samples)).decode()
        return to_json({"event": "media", "media": {"payload": payload}})

    def mark(self, name: str) -> str:
        """A `mark` message."""
        return to_json({"event": "mark", "mark": {"name": name}})

    def clear(self) -> str:
        """A `clear` message."""
        return to_json({"event": "clear"})


class PlivoLine(CarrierLine):
    """Plivo: other names for the same things."""

    def start_id(self, message: dict[str, object]) -> object:
        """Within `start`."""
        return child(message, "start").get("streamId")

    def event_id(self, message: dict[str, object]) -> object:
        """Beside the event."""
        return message.get("streamId")

    def mark_name(self, message: dict[str, object]) -> object:
        """A checkpoint that was played has its name beside the event."""
        return message.get("name") if message.get("event") == "playedStream" else None

    def audio(self, samples: Samples) -> str:
        """A `playAudio` message."""
        payload = base64.b64encode(sound.encode_ulaw(samples)).decode()
        media = {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": payload}
        return to_json({"event": "playAudio", "media": media})

    def mark(self, name: str) -> str:
        """A `checkpoint` message."""
        return to_json({"event": "checkpoint", "streamId": self.stream_id, "name": name})

    def clear(self) -> str:
        """A `clearAudio` message."""
        return to_json({"event": "clearAudio", "streamId": self.stream_id})


class SocketLine(Line):
    """The vendor's own socket: binary frames are sound, text frames are JSON objects with a `type`."""

    has_tools = True
    begins_at_once = True

    def __init__(self, audio_format: SocketFormat) -> None:
        self.rate_in = audio_format.input_rate
        self.rate_out = audio_format.output_rate
        self._g711 = audio_format.codec == "g711"
        self._half_sample = b""

    def audio(self, samples: Samples) -> bytes | None:
        """A binary frame."""
        return sound.encode_ulaw(samples) if self._g711 else sound.encode_pcm(samples)

    def clear(self) -> str | None:
        """A `playback_clear_buffer` message."""
        return to_json({"type": "playback_clear_buffer"})

    def note(self, message: dict[str, object]) -> str | None:
        """A text frame."""
        return to_json(message)

    def receive_bytes(self, data: bytes, listener: Listener) -> None:
        """The caller's sound, in frames of any length.

        Half a sample at the end of a frame is kept for the next one if that is odd as well: then a stream of samples
        was cut without regard to them. Otherwise it was rubbish.
        """
        if self._g711:
            listener.hear(sound.decode_ulaw(data))
            return
        if len(data) % 2 and self._half_sample:
            data, self._half_sample = self._half_sample + data, b""
        else:
            whole = len(data) - len(data) % 2
            data, self._half_sample = data[:whole], data[whole:]
        listener.hear(sound.decode_pcm(data))

    def receive_text(self, text: str, listener: Listener) -> None:
        """A message; types that nobody knows are passed over, what is no message at all is answered with an error."""
        message = parse_message(text)
        kind = message.get("type") if message is not None else None
        if message is None or not isinstance(kind, str):
            listener.problem("A text frame must be a JSON object with a type.")
        elif kind in ("user_text_message", "input_text_message"):
            words = message.get("text")
            if isinstance(words, str) and words:
                listener.read(words)
            else:
                listener.problem("text must be a string that is not empty.")
        elif kind == "client_tool_result":
            self._tool_result(message, listener)
        elif kind == "ping" and is_finite_number(message.get("timestamp")):
            listener.note({"type": "pong", "timestamp": message["timestamp"]})
        elif kind == "hang_up":
            listener.end()

    def _tool_result(self, message: dict[str, object], listener: Listener) -> None:
        invocation = message.get("invocationId")
        if not isinstance(invocation, str):
            listener.problem("invocationId must be a string.")
        elif all(message.get(name) is None for name in ("result", "error", "errorType", "errorMessage")):
            listener.problem("client_tool_result must hold a result or an error.")
        else:
            listener.tool_answered(invocation)


class RoomLine(SocketLine):
    """webrtc: the control socket of a call whose sound would go through a LiveKit room.

    There is no room server here, so the agent talks to nobody; the socket says where the room would be.
    """

    has_tools = False

    def __init__(self, call_id: str) -> None:
        super().__init__(SocketFormat(8000, 8000, "pcm"))
        self._room = call_id

    def opening(self) -> str:
        """Where the room is, and the access token for the caller."""
        now = datetime.now(UTC)
        claims = {
            "iss": ROOM_KEY,
            "sub": "caller",
            "nbf": now,
            "exp": now + ROOM_TOKEN_LIFE,
            "video": {
                "room": self._room,
                "roomJoin": True,
                "canPublish": True,
                "canSubscribe": True,
                "canPublishData": True,
            },
        }
        return to_json({"roomUrl": ROOM_URL, "token": jwt.encode(claims, ROOM_SECRET, algorithm="HS256")})

    def audio(self, samples: Samples) -> bytes | None:
        """Nothing: it would go through the room."""
        return None

    def clear(self) -> str | None:
        """Nothing: it would go through the room."""
        return None

    def note(self, message: dict[str, object]) -> str | None:
        """Nothing: it would go through the room."""
        return None

    def receive_bytes(self, data: bytes, listener: Listener) -> None:
        """Sound does not come this way."""


def line_for(connection_type: str, socket: SocketFormat | None, call_id: str) -> Line:
    """The line of a connection type."""
    if socket is not None:
        return SocketLine(socket)
    if connection_type == "webrtc":
        return RoomLine(call_id)
    return {"twilio": TwilioLine, "telnyx": TelnyxLine, "plivo": PlivoLine}[connection_type]()
