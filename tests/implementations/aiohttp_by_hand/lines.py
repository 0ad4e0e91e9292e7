"""The five kinds of connection: how each spells what is heard and what is said. No input or output, no clock."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from . import sound
from .sound import Samples

Message: TypeAlias = str | bytes
CARRIER_RATE = 8000
FRAME_SECONDS = 0.06


@dataclass(frozen=True)
class Started:
    """The stream is open: the agent may speak."""


@dataclass(frozen=True)
class Voice:
    """Some sound of the caller."""

    samples: Samples


@dataclass(frozen=True)
class Typed:
    """A text message of the caller."""

    text: str


@dataclass(frozen=True)
class Pressed:
    """A key of the caller's telephone."""


@dataclass(frozen=True)
class Stopped:
    """The other side has said that it is over."""


Event: TypeAlias = Started | Voice | Typed | Pressed | Stopped


def _object(message: str) -> dict[str, object]:
    """A text frame as a JSON object; whatever else it is counts as an empty one."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _dig(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Line(ABC):
    """One connection."""

    in_rate: int = CARRIER_RATE
    out_rate: int = CARRIER_RATE
    opens_by_itself: bool = True
    backlog: float = 0.0
    """How many seconds may be waiting to be played when something more is said."""

    @abstractmethod
    def hear(self, message: Message) -> Event | None:
        """What a message means, or None."""

    @abstractmethod
    def say(self, samples: Samples) -> list[tuple[float, Message]]:
        """The messages that carry a sound, each with the seconds after its beginning when it is due."""

    @abstractmethod
    def withdraw(self) -> list[Message]:
        """The messages that take back what has not been played."""

    def greet(self) -> list[Message]:
        """What goes out as soon as the line is open."""
        return []

    def transcript(self, role: str, medium: str, ordinal: int, text: str) -> list[Message]:
        """The final text of one turn."""
        return []

    def state(self, speaking: bool) -> list[Message]:
        """What the agent does now."""
        return []

    def farewell(self, reason: str) -> list[Message]:
        """What goes out before the agent's side closes."""
        return []


class Carrier(Line):
    """A telephone company: G.711 at 8000 Hz in JSON. What is said goes out at once; the carrier queues it."""

    opens_by_itself = False
    backlog = 25.0
    format_key: ClassVar[str] = "mediaFormat"
    _decode: Callable[[bytes], Samples] = staticmethod(sound.from_mu_law)

    def __init__(self) -> None:
        self.stream = ""

    @abstractmethod
    def stream_of(self, message: dict[str, object]) -> object:
        """The id of the stream that a start message names."""

    @abstractmethod
    def media(self, payload: str) -> dict[str, object]:
        """A message with sound."""

    @abstractmethod
    def clear(self) -> dict[str, object]:
        """The message that empties the carrier's queue."""

    def hear(self, message: Message) -> Event | None:
        """Understand start, media, dtmf and stop; survive all else."""
        if isinstance(message, bytes):
            return None
        content = _object(message)
        event = content.get("event")
        if event == "start" and not self.stream:
            return self._start(content)
        if event == "media" and self.stream and _dig(content, "media", "track") != "outbound":
            return self._media(_dig(content, "media", "payload"))
        if event == "dtmf" and self.stream:
            return Pressed()
        return Stopped() if event == "stop" else None

    def _start(self, content: dict[str, object]) -> Event | None:
        stream = self.stream_of(content)
        if not isinstance(stream, str) or not stream:
            return None
        self.stream = stream
        encoding = _dig(content, "start", self.format_key, "encoding")
        if isinstance(encoding, str) and encoding.upper() == "PCMA":
            self._decode = sound.from_a_law
        return Started()

    def _media(self, payload: object) -> Event | None:
        if not isinstance(payload, str):
            return None
        try:
            return Voice(self._decode(base64.b64decode(payload, validate=True)))
        except ValueError:
            return None

    def say(self, samples: Samples) -> list[tuple[float, Message]]:
        """The whole utterance now, a second in each message."""
        data = sound.to_mu_law(samples)
        pieces = (data[place : place + CARRIER_RATE] for place in range(0, len(data), CARRIER_RATE))
        return [(0.0, json.dumps(self.media(base64.b64encode(piece).decode()))) for piece in pieces]

    def withdraw(self) -> list[Message]:
        """Have the carrier forget what it has not played."""
        return [json.dumps(self.clear())]


class Twilio(Carrier):
    """Twilio Media Streams."""

    def stream_of(self, message: dict[str, object]) -> object:
        """At the top, and once more inside."""
        return message.get("streamSid") or _dig(message, "start", "streamSid")

    def media(self, payload: str) -> dict[str, object]:
        """Exactly the documented keys: Twilio warns about others."""
        return {"event": "media", "streamSid": self.stream, "media": {"payload": payload}}

    def clear(self) -> dict[str, object]:
        """Needs the id as well."""
        return {"event": "clear", "streamSid": self.stream}


class Telnyx(Carrier):
    """Telnyx media streaming, mode rtp: hears PCMU or PCMA, says PCMU."""

    format_key = "media_format"

    def stream_of(self, message: dict[str, object]) -> object:
        """At the top only."""
        return message.get("stream_id")

    def media(self, payload: str) -> dict[str, object]:
        """The id is not needed, and does no harm."""
        return {"event": "media", "stream_id": self.stream, "media": {"payload": payload}}

    def clear(self) -> dict[str, object]:
        """As for media."""
        return {"event": "clear", "stream_id": self.stream}


class Plivo(Carrier):
    """Plivo audio streaming."""

    def stream_of(self, message: dict[str, object]) -> object:
        """Inside the start message."""
        return _dig(message, "start", "streamId") or message.get("streamId")

    def media(self, payload: str) -> dict[str, object]:
        """The format is said again with every message; the id may be left out."""
        media = {"contentType": "audio/x-mulaw", "sampleRate": CARRIER_RATE, "payload": payload}
        return {"event": "playAudio", "media": media}

    def clear(self) -> dict[str, object]:
        """Needs the id."""
        return {"event": "clearAudio", "streamId": self.stream}


class Socket(Line):
    """The service's own protocol: sound in binary frames, in real time; JSON objects with a type in text frames."""

    def __init__(self, in_rate: int, out_rate: int, codec: str) -> None:
        self.in_rate = in_rate
        self.out_rate = out_rate
        self._decode, self._encode = (
            (sound.from_mu_law, sound.to_mu_law) if codec == "g711" else (sound.from_pcm, sound.to_pcm)
        )

    def hear(self, message: Message) -> Event | None:
        """Sound and text messages; results of tools that were never called and unknown types mean nothing."""
        if isinstance(message, bytes):
            return Voice(self._decode(message))
        content = _object(message)
        text = content.get("text")
        typed = content.get("type") in ("user_text_message", "input_text_message")
        return Typed(text) if typed and isinstance(text, str) else None

    def say(self, samples: Samples) -> list[tuple[float, Message]]:
        """Frames of 60 ms, each when its time has come."""
        length = round(self.out_rate * FRAME_SECONDS)
        return [
            (place / self.out_rate, self._encode(samples[place : place + length]))
            for place in range(0, len(samples), length)
        ]

    def withdraw(self) -> list[Message]:
        """Have the client drop what it has buffered."""
        return [json.dumps({"type": "playback_clear_buffer"})]

    def transcript(self, role: str, medium: str, ordinal: int, text: str) -> list[Message]:
        """One message for the whole text."""
        content = {"role": role, "medium": medium, "ordinal": ordinal, "final": True, "text": text}
        return [json.dumps({"type": "transcript", **content})]

    def state(self, speaking: bool) -> list[Message]:
        """Two states are enough."""
        return [json.dumps({"type": "state", "state": "speaking" if speaking else "listening"})]

    def farewell(self, reason: str) -> list[Message]:
        """Say why."""
        return [json.dumps({"type": "hangup", "reason": reason})]


class Room(Line):
    """The control socket of a webrtc call: it hands out a room and sees text messages; sound goes elsewhere."""

    def __init__(self, room_url: str, token: str, call_id: str) -> None:
        self._ticket = {"roomUrl": room_url, "token": token, "callId": call_id}

    def greet(self) -> list[Message]:
        """The way into the room."""
        return [json.dumps(self._ticket)]

    def hear(self, message: Message) -> Event | None:
        """Long text messages come here."""
        content = _object(message) if isinstance(message, str) else {}
        text = content.get("text")
        typed = content.get("type") in ("user_text_message", "input_text_message")
        return Typed(text) if typed and isinstance(text, str) else None

    def say(self, samples: Samples) -> list[tuple[float, Message]]:
        """Nothing on this socket."""
        return []

    def withdraw(self) -> list[Message]:
        """Nothing on this socket."""
        return []
