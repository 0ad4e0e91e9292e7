"""Somebody in the room of a webrtc call, by LiveKit's own SDK for Python: speaks, types, and keeps all that comes."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from websockets.asyncio.client import ClientConnection, connect

from tests.clients.browser_example import TONE_HZ
from tests.clients.webrtc_page import heard_tone_ms

RATE_HZ = 48_000
FRAME = RATE_HZ // 50
"""20 ms in samples."""

SECOND_BYTES = 2 * RATE_HZ
TONE_FRAMES = 40


@dataclass
class Caller:
    """Somebody in a room: speaks, types, and keeps all that comes.

    Attributes:
        room: the room.
        heard: the agent's voice, 16-bit samples at RATE_HZ.
        messages: the room's data.
    """

    room: rtc.Room = field(default_factory=rtc.Room)
    heard: bytearray = field(default_factory=bytearray)
    messages: list[dict[str, Any]] = field(default_factory=list)
    _tone_left: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.room.on("data_received", self._on_data)
        self.room.on("track_subscribed", self._on_track)

    async def join(self, offered: dict[str, Any]) -> None:
        """Join, and publish a microphone."""
        await self.room.connect(offered["roomUrl"], offered["token"], rtc.RoomOptions(connect_timeout=5))
        source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("audio", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._speak(source)))

    async def say(self, **message: Any) -> None:
        """Send a message as the room's data."""
        await self.room.local_participant.publish_data(json.dumps(message))

    def speak(self) -> None:
        """Say the tone once; before and after that there is silence."""
        self._tone_left = TONE_FRAMES

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds of what came."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def leave(self) -> None:
        """Leave the room; nothing of this caller runs any more."""
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        self.messages.append(json.loads(packet.data))
        self._news.set()

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=100)
        try:
            async for event in stream:
                self.heard += bytes(event.frame.data)
                self._news.set()
        finally:
            await stream.aclose()

    async def _speak(self, source: rtc.AudioSource) -> None:
        times_s = np.arange(TONE_FRAMES * FRAME) / RATE_HZ
        tone = (16_000 * np.sin(2 * np.pi * TONE_HZ * times_s)).astype("<i2").reshape(-1, FRAME)
        try:
            while True:
                samples = tone[-self._tone_left].tobytes() if self._tone_left else bytes(2 * FRAME)
                self._tone_left = max(0, self._tone_left - 1)
                await source.capture_frame(rtc.AudioFrame(samples, RATE_HZ, 1, FRAME))
        finally:
            await source.aclose()

    def finals(self, role: str) -> list[tuple[str, str]]:
        """Medium and text of the utterances of a side that are final."""
        said = (each for each in self.messages if each["type"] == "transcript" and each["final"])
        return [(each["medium"], each["text"]) for each in said if each["role"] == role]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a type."""
        return [each for each in self.messages if each["type"] == kind]


@asynccontextmanager
async def joined(url: str) -> AsyncIterator[tuple[ClientConnection, Caller, dict[str, Any]]]:
    """The control socket of a call, somebody in its room, and what was offered."""
    async with connect(url, proxy=None) as control:
        offered = json.loads(await control.recv())
        caller = Caller()
        try:
            await caller.join(offered)
            yield control, caller, offered
        finally:
            await caller.leave()


async def refusal(offered: dict[str, Any]) -> str:
    """Why somebody is not let into a room, as the SDK says it; empty if he is."""
    room = rtc.Room()
    try:
        await room.connect(offered["roomUrl"], offered["token"], rtc.RoomOptions(connect_timeout=5))
    except rtc.ConnectError as error:
        return str(error)
    await room.disconnect()
    return ""


def tone_ms(heard: bytes | bytearray) -> int:
    """For how many milliseconds the tone is in what was heard."""
    return heard_tone_ms(_wav(heard))


def _wav(samples: bytes | bytearray) -> bytes:
    """A WAV file of samples at RATE_HZ."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE_HZ)
        written.writeframes(samples)
    return file.getvalue()


def loudest_hz(samples: bytes) -> float:
    """The loudest tone of what was heard."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(samples, "<i2").astype(float)))
    return float(spectrum.argmax()) * RATE_HZ / (len(samples) // 2)
