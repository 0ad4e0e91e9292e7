"""The sound of a room: the agent's track, and what comes of the caller's."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, Packet

from contract.audio import AudioFormat, Converter, Encoding, mono
from mockserver.conversation import ROOM_AUDIO, ROOM_FRAME_BYTES, ROOM_FRAME_MS, ROOM_FRAME_SAMPLES
from mockserver.webrtc.opus import SILENCE, TIME_BASE, Encoder

HELD_BACK_FRAMES = 2
"""How many frames are waited for where the agent begins to speak: what comes late later on leaves no gap."""

MOST_WAITING_FRAMES = 50 * 60
"""How much waits to be heard at most; more than a minute is left out."""

LATEST_S = 0.2
"""A track that was held up for longer than this goes on from where it is."""


class AgentTrack(MediaStreamTrack):
    """What the agent says, frame by frame at the pace of speech; silence in between."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._encoder = Encoder()
        self._unheard: deque[bytes] = deque(maxlen=MOST_WAITING_FRAMES)
        self._part = b""
        self._playing = False
        self._frames = 0
        self._due = 0.0

    def play(self, audio: bytes) -> None:
        """Let this be heard after what is waiting; of any length, as ROOM_AUDIO."""
        audio = self._part + audio
        whole = len(audio) // ROOM_FRAME_BYTES * ROOM_FRAME_BYTES
        self._part = audio[whole:]
        self._unheard.extend(audio[at : at + ROOM_FRAME_BYTES] for at in range(0, whole, ROOM_FRAME_BYTES))

    def withdraw(self) -> None:
        """Let nothing of what is waiting be heard."""
        self._unheard.clear()
        self._part = b""
        self._playing = False

    async def recv(self) -> Packet[Any]:
        """The next frame as Opus, when it is due.  Raises MediaStreamError after the end."""
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        if not self._due or now > self._due + LATEST_S:
            self._due = now
        await asyncio.sleep(self._due - now)
        self._due += ROOM_FRAME_MS / 1000
        packet = Packet(self._encoder.encode(self._next()))
        packet.time_base = TIME_BASE
        packet.pts = self._frames * ROOM_FRAME_SAMPLES
        self._frames += 1
        return packet

    def _next(self) -> bytes:
        if self._playing and self._unheard:
            return self._unheard.popleft()
        if len(self._unheard) >= HELD_BACK_FRAMES:
            self._playing = True
            return self._unheard.popleft()
        # A single frame that nothing follows is heard, too: next time.
        self._playing = bool(self._unheard)
        return SILENCE


class CallerSound:
    """What comes of one track of the caller's, as ROOM_AUDIO.

    aiortc decodes Opus to two channels at 48,000 Hz, and G.711, which a client may prefer, to one at 8,000.
    """

    def __init__(self) -> None:
        self._converter: Converter | None = None

    def of(self, frame: AudioFrame) -> bytes:
        """A frame, whose rate is that of the track's first one."""
        channels = len(frame.layout.channels)
        # The decoder's buffer is longer than the frame in it.
        sound = mono(memoryview(frame.planes[0])[: frame.samples * channels * 2], channels)
        if frame.sample_rate == ROOM_AUDIO.rate_hz:
            return sound
        if self._converter is None:
            self._converter = Converter(AudioFormat(Encoding.PCM16, frame.sample_rate), ROOM_AUDIO)
        return self._converter.convert(sound)
