"""Tells in which coding audio was written: voices and tones are smooth in the right one, and noise in the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contract.audio import AudioFormat, Encoding
from contract.resample import Samples
from contract_tests.context import Call, Context
from contract_tests.line import Line, samples

FRAME_SAMPLES = 160
LOUD = 200.0
"""How loud a frame must be to be looked at, of 32768."""

SMOOTH = 0.5
"""Audio that is smoother in the coding that it should have may well be in that; noise is near 2."""

ROUGHEST = 2.8
"""What is rougher is no noise but a high tone; there may be anything in it in another coding."""

FAR_SMOOTHER = 0.4
"""How much of the roughness must be gone in another coding for that one to be the audio's own.

Smooth audio that is right gets rougher in any other coding but a law's sister; G.711 at 16000 Hz and more, read as 16
bits, is smooth, and loses all but a tenth of it when it is read rightly.
"""

FAR_SMOOTHER_THAN_SMOOTH = 0.2

SMOOTHER_LAW = 0.6
"""The same for A-law and mu-law, each of which leaves much of the other smooth.

Tones of 100 to 2500 Hz, voices and noise at levels of 300 to 32000, written in the right law, keep at least 0.71 of
their roughness in the other one; up to 700 Hz, written in the wrong law, they lose all but 0.57 of it.
"""

_OTHER_LAW = {Encoding.MULAW: Encoding.ALAW.value, Encoding.ALAW: Encoding.MULAW.value}


def judge_coding(it: Context, line: Line, call: Call) -> None:
    """The agent's audio must sound smoothest in the coding that it should have."""
    smoother = smoother_coding(b"".join(piece.payload for piece in line.audio), line.from_agent)
    if smoother is not None:
        expected = f"{line.from_agent.encoding.value} audio"
        it.wrong(expected, f"audio that is smooth as {smoother} only", *it.dial_command(call))


def smoother_coding(audio: bytes, right: AudioFormat) -> str | None:
    """The coding in which audio is far smoother than in the right one; None where the right one will do."""
    readings = {encoding.value: samples(audio, replace(right, encoding=encoding)) for encoding in Encoding}
    readings["big-endian pcm16"] = np.frombuffer(audio[: len(audio) // 2 * 2], ">i2").astype(np.int16)
    rough = {name: roughness(reading) for name, reading in readings.items()}
    own = rough.pop(right.encoding.value)
    if own is None:
        return None
    law = rough.get(_OTHER_LAW.get(right.encoding, ""))
    if law is not None and law < own * SMOOTHER_LAW:
        return _OTHER_LAW[right.encoding]
    if own > ROUGHEST:
        return None
    others = [(value, name) for name, value in rough.items() if value is not None]
    # What is a constant or silence in every other coding has no roughness there.
    least, best = min(others, default=(own, None))
    return best if least < own * (FAR_SMOOTHER_THAN_SMOOTH if own < SMOOTH else FAR_SMOOTHER) else None


def roughness(reading: Samples) -> float | None:
    """How much the loud part of a signal changes from one sample to the next: near 2 for noise, small for voices.

    None where nothing is loud, or nothing moves.
    """
    whole = len(reading) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = reading[:whole].astype(np.float64).reshape(-1, FRAME_SAMPLES)
    if not len(frames):
        return None
    level = np.sqrt(np.mean(frames**2, axis=1))
    loud = frames[level > max(LOUD, 0.3 * float(level.max()))]
    if not len(loud):
        return None
    power = float(np.mean((loud - loud.mean(axis=1, keepdims=True)) ** 2))
    return float(np.mean(np.diff(loud, axis=1) ** 2)) / power if power else None
