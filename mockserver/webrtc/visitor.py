"""The agent as a participant of a room on a LiveKit server, through LiveKit's own client (extra `livekit`).

Source: docs.livekit.io/reference/python/livekit/rtc.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from livekit import rtc

from mockserver.conversation import ROOM_AUDIO, ROOM_FRAME_BYTES, ROOM_FRAME_MS, ROOM_FRAME_SAMPLES
from mockserver.webrtc.line import Listener
from mockserver.webrtc.rooms import AGENT

JOIN_WITHIN_S = 10.0
"""How long the server may take to let the agent in, in seconds."""

HEARD_WITHIN_S = 3.0
"""After this time, in seconds, a caller is taken to hear the agent, who did not say so."""

LET_GO_WITHIN_S = 3.0
"""How long the server may take to let the agent go, in seconds."""

MOST_WAITING = 3000
"""How many frames and messages may wait to be sent: a minute of speech."""

log = logging.getLogger("calls")


class Visitor:
    """The agent's end of one room; a venue of the call's line.

    Args:
        url, token: of the room.
        listener: is told what the caller does.
    """

    def __init__(self, url: str, token: str, listener: Listener) -> None:
        self._listener = listener
        self._room = rtc.Room()
        self._source = rtc.AudioSource(ROOM_AUDIO.rate_hz, 1)
        self._sound: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self._words: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self._part = b""
        self._met = False
        self._closing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._room.on("local_track_subscribed", lambda track: self._meet())
        self._room.on("participant_connected", lambda participant: self._wait_to_be_heard())
        self._room.on("participant_disconnected", lambda participant: self._lose("the caller hung up"))
        self._room.on("disconnected", lambda reason: self._lose("the LiveKit server ended the room"))
        self._room.on("data_received", self._take_data)
        self._room.on("track_subscribed", self._take_track)
        self._begin(self._join(url, token))

    def play(self, audio: bytes) -> None:
        """Let the caller hear this, as ROOM_AUDIO; an empty one withdraws what is still to be heard."""
        if not audio:
            self._part = b""
            while not self._sound.empty():
                self._sound.get_nowait()
            self._source.clear_queue()
            return
        audio = self._part + audio
        whole = len(audio) // ROOM_FRAME_BYTES * ROOM_FRAME_BYTES
        self._part = audio[whole:]
        for at in range(0, whole, ROOM_FRAME_BYTES):
            _put(self._sound, audio[at : at + ROOM_FRAME_BYTES])

    def send(self, data: bytes) -> None:
        """Send data to the caller."""
        _put(self._words, data)

    def close(self) -> None:
        """The call is over: leave the room."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._leave())

    drop = close

    async def closed(self) -> None:
        """Wait until the room was left."""
        if self._closing is not None:
            await self._closing

    async def _join(self, url: str, token: str) -> None:
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                await self._room.connect(url, token)
                track = rtc.LocalAudioTrack.create_audio_track(AGENT, self._source)
                options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                await self._room.local_participant.publish_track(track, options)
        except (rtc.ConnectError, rtc.participant.PublishTrackError, TimeoutError) as error:
            log.warning("%s: the agent could not join the room at --livekit-url (%s)", AGENT, type(error).__name__)
            return
        self._begin(self._play_all())
        self._begin(self._send_all())
        if self._room.remote_participants:
            self._wait_to_be_heard()

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(Exception):
            async with asyncio.timeout(LET_GO_WITHIN_S):
                await self._room.disconnect()
                await self._source.aclose()

    def _wait_to_be_heard(self) -> None:
        asyncio.get_running_loop().call_later(HEARD_WITHIN_S, self._meet)

    def _meet(self) -> None:
        if not self._met and self._closing is None:
            self._met = True
            self._listener.joined()

    def _lose(self, reason: str) -> None:
        if self._closing is None:
            self._listener.left(reason)

    def _take_data(self, packet: rtc.DataPacket) -> None:
        if self._closing is None:
            self._meet()
            self._listener.said(packet.data)

    def _take_track(self, track: rtc.Track, *given: Any) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and self._closing is None:
            self._begin(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=ROOM_AUDIO.rate_hz, num_channels=1, frame_size_ms=ROOM_FRAME_MS)
        try:
            async for event in stream:
                self._listener.heard(bytes(event.frame.data))
        finally:
            await stream.aclose()

    async def _play_all(self) -> None:
        while True:
            frame = rtc.AudioFrame(await self._sound.get(), ROOM_AUDIO.rate_hz, 1, ROOM_FRAME_SAMPLES)
            await self._source.capture_frame(frame)

    async def _send_all(self) -> None:
        while True:
            await self._room.local_participant.publish_data(await self._words.get(), reliable=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _put(queue: asyncio.Queue[bytes], each: bytes) -> None:
    with suppress(asyncio.QueueFull):
        queue.put_nowait(each)
