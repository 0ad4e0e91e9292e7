"""The agent's sound as Opus, a packet for each frame of 20 ms.

aiortc sends packets as they are.  Frames it would encode itself, as stereo, in a thread of its pool, after it has found
out how loud each is: that takes several times as long (benchmarks/webrtc.py).
"""

from __future__ import annotations

import fractions

from av import AudioFrame, CodecContext
from av.audio.codeccontext import AudioCodecContext

from mockserver.conversation import ROOM_AUDIO, ROOM_FRAME_BYTES, ROOM_FRAME_SAMPLES

TIME_BASE = fractions.Fraction(1, ROOM_AUDIO.rate_hz)

SILENCE = bytes(ROOM_FRAME_BYTES)
"""A frame of nothing."""

_BIT_RATE = 64_000
# Without the parts of Opus for narrow lines, and at half the effort: a voice sounds the same, in half the time.
_OPTIONS = {"application": "lowdelay", "compression_level": "5"}


class Encoder:
    """Encodes one run of frames."""

    def __init__(self) -> None:
        codec = CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = ROOM_AUDIO.rate_hz
        codec.time_base = TIME_BASE
        codec.bit_rate = _BIT_RATE
        codec.options = _OPTIONS
        self._codec = codec
        self._encoded = 0
        self._last = b""
        self._settled = False

    def encode(self, samples: bytes) -> bytes:
        """The packet for ROOM_FRAME_BYTES of ROOM_AUDIO."""
        silent = samples == SILENCE
        if silent and self._settled:
            # Going on in silence changes neither the encoder nor what it says, but costs it more than speech.
            return self._last
        (packet,) = self._codec.encode(self._frame(samples))
        payload = bytes(packet)
        self._settled = silent and payload == self._last
        self._last = payload
        return payload

    def _frame(self, samples: bytes) -> AudioFrame:
        frame = AudioFrame(format="s16", layout="mono", samples=ROOM_FRAME_SAMPLES)
        frame.planes[0].update(samples)
        frame.sample_rate = ROOM_AUDIO.rate_hz
        frame.time_base = TIME_BASE
        frame.pts = self._encoded * ROOM_FRAME_SAMPLES
        self._encoded += 1
        return frame
