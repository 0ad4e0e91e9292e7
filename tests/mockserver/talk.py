"""A conversation with a clock of its own: what the agent says, and when, without a socket and without waiting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from contract.audio import AudioFormat, Encoding, encode
from contract.codec import Codec, Role
from contract.documents import asyncapi
from contract.events import Audio, Event, Started
from contract.stream import Traits
from mockserver.agents import Agent, Parrot
from mockserver.conversation import Conversation
from mockserver.speaking import Sayable
from mockserver.store import CallSettings
from mockserver.tools import client_tools
from mockserver.voice import say

TICK_S = 0.02

Kind = TypeVar("Kind", bound=Event)

MULAW = AudioFormat(Encoding.MULAW, 8000)
PCM16K = AudioFormat(Encoding.PCM16, 16000)

WEBSOCKET: dict[str, Any] = {
    "connection_type": "websocket",
    "codec": "pcm",
    "input_rate_hz": 16000,
    "output_rate_hz": 16000,
}
"""Settings of a custom client."""

CODECS = {kind: Codec(asyncapi(kind), Role.AGENT) for kind in ("twilio", "telnyx", "plivo", "websocket")}


def noise(duration_ms: int, audio_format: AudioFormat = MULAW) -> bytes:
    """Audio that counts as speech: noise, 20 dB below full scale, always the same."""
    count = audio_format.bytes_in(duration_ms) // audio_format.bytes_per_sample
    samples = np.random.default_rng(0).normal(0, 3276, count).astype(np.int16)
    return encode(samples, audio_format.encoding)


def parrot(settings: CallSettings) -> Agent:
    return Parrot(settings, client_tools(settings.tools))


class Talk:
    """One call and its clock.  `said` holds everything that the agent said, with the second in which it was said."""

    def __init__(
        self,
        agent: Callable[[CallSettings], Agent] = parrot,
        *,
        time_scale: float = 1.0,
        begin: bool = True,
        speak: Callable[[str, AudioFormat], Sayable] = say,
        **settings: Any,
    ) -> None:
        values = {"connection_type": "twilio", "greeting": "Hello there", **settings}
        self.settings = CallSettings(**values)
        self.now = 0.0
        self.said: list[tuple[float, Event]] = []
        ids = itertools.count(1)
        self.conversation = Conversation(
            self.settings,
            agent(self.settings),
            CODECS[self.settings.connection_type],
            Traits.of(asyncapi(self.settings.connection_type)),
            opened_at=0.0,
            time_scale=time_scale,
            new_id=lambda: f"invocation-{next(ids)}",
            speak=speak,
        )
        if begin:
            self.begin()

    def begin(self, encoding: str | None = None) -> None:
        self._note(self.conversation.begin(self.now, Started(encoding=encoding)))

    def hear(self, event: Event) -> None:
        self._note(self.conversation.hear(event, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            self._note(self.conversation.tick(self.now))

    def speak(self, seconds: float, audio_format: AudioFormat = MULAW) -> None:
        """The caller speaks, in frames of 20 ms."""
        audio = noise(round(seconds * 1000), audio_format)
        size = audio_format.bytes_in(20)
        for start in range(0, len(audio), size):
            self.hear(Audio(payload=audio[start : start + size]))
            self.wait(TICK_S)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Everything of one kind that the agent said."""
        return [event for _, event in self.said if isinstance(event, kind)]

    def times(self, kind: type[Event]) -> list[float]:
        """When the agent said something of one kind, in seconds."""
        return [at for at, event in self.said if isinstance(event, kind)]

    def audio(self) -> bytes:
        """All of the agent's audio."""
        return b"".join(event.payload for event in self.of(Audio))

    def forget(self) -> None:
        """Begin a new page."""
        self.said.clear()

    def _note(self, events: list[Event]) -> None:
        self.said += [(self.now, event) for event in events]
