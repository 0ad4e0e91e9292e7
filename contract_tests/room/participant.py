"""A participant of a LiveKit room: a microphone, and ears for the agent's voice and for data.

Needs the library `livekit`, which is large: it is imported where a room is joined, and only there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from livekit import rtc

from contract_tests.room.door import without

RATE_HZ = 48000
"""Of what is said and heard (asyncapi/webrtc.yaml, "Two channels")."""

HEARD_MS = 50
"""How much sound is looked at in one piece: what is shorter is a click."""

SPOKEN_MS = 100
QUEUED_MS = 200
"""How much of the caller's voice may wait in the library, which sends it at the pace of speech, and silence else."""

JOINED_WITHIN_S = 12.0
PUBLISHED_WITHIN_S = 8.0
LEFT_WITHIN_S = 3.0

# It would print addresses that hold the token.
logging.getLogger("livekit").addHandler(logging.NullHandler())
logging.getLogger("livekit").propagate = False


_late: set[asyncio.Task[None]] = set()
"""Those that lead somebody out of a room who came in too late."""


class JoinFailed(Exception):
    """The room was not joined; the text says why, without the token."""


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Who is told what happens in the room, in the event loop of who joined it.

    Attributes:
        hear: a piece of somebody's voice, 16-bit samples, and the track that it came on.
        read: data, whether it was sent reliably, and its topic.
        ended: the room was closed, or the connection to it lost.
    """

    hear: Callable[[bytes, str], None]
    read: Callable[[bytes, bool, str], None]
    ended: Callable[[], None]


class Participant:
    """The caller in a room.

    Attributes:
        tracks: how many tracks with sound we were given.
    """

    def __init__(self, ears: Ears) -> None:
        self.tracks = 0
        self._voices: set[str] = set()
        self._ears = ears
        self._room: rtc.Room | None = rtc.Room()
        self._source: rtc.AudioSource | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self._room.on("track_subscribed", self._hear)
        self._room.on("data_received", self._read)
        self._room.on("disconnected", lambda reason: ears.ended())

    async def join(self, address: str, token: str) -> None:
        """Join the room.  Raises JoinFailed."""
        assert self._room is not None
        self._connecting = asyncio.create_task(self._room.connect(address, token))
        await asyncio.wait({self._connecting}, timeout=JOINED_WITHIN_S)
        if not self._connecting.done():
            raise JoinFailed(f"not joined within {JOINED_WITHIN_S:g} s")
        error = self._connecting.exception()
        if error is not None:
            raise JoinFailed(without(token, str(error)))

    @property
    def may_publish(self) -> bool:
        """Whether the server lets us speak."""
        return self._room is not None and bool(self._room.local_participant.permissions.can_publish)

    async def open_microphone(self) -> None:
        """Publish a microphone track, as the vendor's SDK does.  Raises JoinFailed."""
        assert self._room is not None
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=QUEUED_MS)
        track = rtc.LocalAudioTrack.create_audio_track("audio", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        try:
            async with asyncio.timeout(PUBLISHED_WITHIN_S):
                await self._room.local_participant.publish_track(track, options)
        except TimeoutError:
            raise JoinFailed(f"the microphone's track was not published within {PUBLISHED_WITHIN_S:g} s") from None
        except rtc.participant.PublishTrackError as error:
            raise JoinFailed(f"the microphone's track was not published: {error}") from None

    async def speak(self, audio: bytes) -> None:
        """Say 16-bit samples; returns when nearly all of it has been said."""
        size = RATE_HZ * SPOKEN_MS // 1000 * 2
        for at in range(0, len(audio), size):
            piece = audio[at : at + size]
            if self._source is not None:
                await self._source.capture_frame(rtc.AudioFrame(piece, RATE_HZ, 1, len(piece) // 2))

    async def send(self, data: bytes) -> None:
        """Send data, reliably; nothing happens once the room is gone."""
        if self._room is not None and self._room.isconnected():
            with suppress(rtc.participant.PublishDataError):
                await self._room.local_participant.publish_data(data, reliable=True)

    @property
    def has_company(self) -> bool:
        """Whether somebody whose voice we were given is in the room."""
        if self._room is None or not self._room.isconnected():
            return False
        return not self._voices.isdisjoint(self._room.remote_participants)

    async def leave(self) -> None:
        """Leave the room, and let go of everything, in bounded time."""
        room, self._room = self._room, None
        if room is None:
            return
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        if self._source is not None:
            await self._source.aclose()
        if self._connecting is None:
            return
        # The library cannot be told to give up: who comes in after all is led out again.
        await asyncio.wait({self._connecting}, timeout=LEFT_WITHIN_S)
        if self._connecting.done():
            await _lead_out(room, self._connecting)
        else:
            late = asyncio.create_task(_lead_out(room, self._connecting))
            _late.add(late)
            late.add_done_callback(_late.discard)

    def _hear(self, track: Any, publication: Any, participant: Any) -> None:
        if isinstance(track, rtc.RemoteAudioTrack) and self._room is not None:
            self.tracks += 1
            self._voices.add(participant.identity)
            task = asyncio.create_task(self._listen(track))
            self._listening.add(task)
            task.add_done_callback(self._listening.discard)

    async def _listen(self, track: rtc.RemoteAudioTrack) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=HEARD_MS)
        try:
            async for event in stream:
                self._ears.hear(event.frame.data.tobytes(), track.sid)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stream.aclose()

    def _read(self, packet: rtc.DataPacket) -> None:
        self._ears.read(packet.data, packet.kind == rtc.DataPacketKind.KIND_RELIABLE, packet.topic or "")


async def _lead_out(room: rtc.Room, connecting: asyncio.Task[None]) -> None:
    with suppress(rtc.ConnectError):
        await connecting
    with suppress(TimeoutError):
        async with asyncio.timeout(LEFT_WITHIN_S):
            await room.disconnect()
