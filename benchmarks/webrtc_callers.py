"""Many callers in one process, each in the room of a webrtc call: LiveKit's own client, on libwebrtc.

    python -m benchmarks.webrtc_callers

reads commands, a JSON object a line, and answers each with one: `{"join": [URL, ...]}` dials as many calls and joins
their rooms, `{"listen": SECONDS}` tells what was heard meanwhile, `{"leave": CALLS}` ends so many, the oldest first.
"""

from __future__ import annotations

import asyncio
import json
import sys
from array import array
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from livekit import rtc
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

RATE_HZ = 48000
BIT_RATE = 48_000
"""What LiveKit's client for browsers asks for (AudioPresets.music), in bits a second."""

JOINING_AT_ONCE = 3
JOIN_WITHIN_S = 30.0
QUEUE_MS, CHUNK_MS = 1000, 500
BEAT_S = 0.02


def speech() -> list[rtc.AudioFrame]:
    """Three seconds of a caller in pieces of CHUNK_MS: two of a voice's pitch with its overtones, one of a pause."""
    at_s = np.arange(3 * RATE_HZ) / RATE_HZ
    overtones = np.arange(1, 20)[:, None]
    voice = 3000 * (np.sin(2 * np.pi * 140 * overtones * at_s) / overtones).sum(axis=0)
    voice[2 * RATE_HZ :] = 0
    size = RATE_HZ * CHUNK_MS // 1000
    pieces = np.split(voice.astype(np.int16), len(voice) // size)
    return [rtc.AudioFrame(piece.tobytes(), RATE_HZ, 1, size) for piece in pieces]


@dataclass(frozen=True, slots=True)
class Count:
    """What libwebrtc counted of a caller's ear since it joined (w3.org/TR/webrtc-stats, RTCInboundRtpStreamStats)."""

    samples: int
    concealed: int
    packets: int
    buffered_s: float
    emitted: int
    energy: float

    def since(self, before: Count) -> Count:
        """What came between."""
        return Count(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))


class Caller:
    """One call: joins its room, speaks and listens."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._room = rtc.Room()
        self._control: ClientConnection | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._source = rtc.AudioSource(RATE_HZ, 1, QUEUE_MS)

    async def join(self, frames: list[rtc.AudioFrame]) -> None:
        """Dial, join, and be heard; returns when the agent can be heard."""
        subscribed = asyncio.Event()
        self._room.on("track_subscribed", lambda *given: subscribed.set())
        async with asyncio.timeout(JOIN_WITHIN_S):
            self._control = await connect(self._url)
            offer = json.loads(await self._control.recv())
            await self._room.connect(offer["roomUrl"], offer["token"])
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            microphone = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            microphone.audio_encoding.max_bitrate = BIT_RATE
            await self._room.local_participant.publish_track(track, microphone)
            await subscribed.wait()
        self._speaking = asyncio.create_task(self._speak(frames))

    async def leave(self) -> None:
        """End the call."""
        if self._speaking is not None:
            self._speaking.cancel()
        await self._room.disconnect()
        await self._source.aclose()
        if self._control is not None:
            await self._control.close()

    async def count(self) -> Count:
        """What was heard so far; nothing for a caller who is cut off."""
        if not self._room.isconnected():
            return Count(0, 0, 0, 0, 0, 0)
        for each in (await self._room.get_rtc_stats()).subscriber_stats:
            if each.HasField("inbound_rtp") and each.inbound_rtp.stream.kind == "audio":
                heard, received = each.inbound_rtp.inbound, each.inbound_rtp.received
                return Count(
                    samples=heard.total_samples_received,
                    concealed=heard.concealed_samples,
                    packets=received.packets_received,
                    buffered_s=heard.jitter_buffer_delay,
                    emitted=heard.jitter_buffer_emitted_count,
                    energy=heard.total_audio_energy,
                )
        return Count(0, 0, 0, 0, 0, 0)

    async def _speak(self, frames: list[rtc.AudioFrame]) -> None:
        while True:
            for frame in frames:
                await self._source.capture_frame(frame)


class Callers:
    """All calls of this process."""

    def __init__(self) -> None:
        self._frames = speech()
        self._calls: list[Caller] = []

    async def obey(self, command: dict[str, Any]) -> dict[str, float]:
        """Do what a line says."""
        match command:
            case {"join": urls}:
                return await self._join([Caller(url) for url in urls])
            case {"listen": seconds}:
                return await self._listen(seconds)
            case {"leave": number}:
                leaving, self._calls = self._calls[:number], self._calls[number:]
                await asyncio.gather(*(caller.leave() for caller in leaving))
                return {"calls": len(self._calls)}
        raise ValueError(f"not a command: {command}")

    async def _join(self, callers: list[Caller]) -> dict[str, float]:
        turn = asyncio.Semaphore(JOINING_AT_ONCE)

        async def join(caller: Caller) -> None:
            async with turn:
                await caller.join(self._frames)

        await asyncio.gather(*map(join, callers))
        self._calls += callers
        return {"calls": len(self._calls)}

    async def _listen(self, seconds: float) -> dict[str, float]:
        before = await self._counts()
        own_p99_ms = await own_lateness_ms(seconds)
        after = await self._counts()
        heard = [now.since(then) for now, then in zip(after, before, strict=True)]
        emitted = sum(each.emitted for each in heard)
        return {
            "concealed": sum(each.concealed for each in heard) / max(1, sum(each.samples for each in heard)),
            "worst_concealed": max(each.concealed / max(1, each.samples) for each in heard),
            "buffer_ms": sum(each.buffered_s for each in heard) / emitted * 1000 if emitted else 0.0,
            "packets_a_second": sum(each.packets for each in heard) / len(heard) / seconds,
            "deaf": sum(each.energy <= 0 for each in heard),
            "own_p99_ms": own_p99_ms,
        }

    async def _counts(self) -> list[Count]:
        return await asyncio.gather(*(caller.count() for caller in self._calls))


async def own_lateness_ms(seconds: float) -> float:
    """How late this process comes to its own beats meanwhile, in milliseconds, at the 99th percentile."""
    loop = asyncio.get_running_loop()
    late = array("d")
    due = began = loop.time()
    while due < began + seconds:
        due += BEAT_S
        await asyncio.sleep(due - loop.time())
        late.append(loop.time() - due)
    return float(np.percentile(np.array(late) * 1000, 99))


async def main() -> None:
    callers = Callers()
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            told: dict[str, Any] = await callers.obey(json.loads(line))
        except (rtc.ConnectError, rtc.participant.PublishTrackError, WebSocketException, OSError) as error:
            # Which TimeoutError is, too; a client's words may hold its token.
            told = {"failed": type(error).__name__}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
