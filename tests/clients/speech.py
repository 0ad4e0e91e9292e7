"""What the callers of these tests say, and how it is found again in what they hear.

Has a G.711 of its own, made from the standard's formulas: audio is not checked with the code that made it.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE_HZ = 8000
FRAME_BYTES = 160
"""20 ms of G.711."""

MULAW_SILENCE = b"\xff"
ALAW_SILENCE = b"\xd5"


def speech(duration_s: float, rate_hz: int = RATE_HZ) -> Samples:
    """Something like a voice: a wandering pitch with harmonics and breath, four syllables a second, no two alike."""
    at = np.arange(int(duration_s * rate_hz)) / rate_hz
    pitch_hz = 130 + 30 * np.sin(2 * np.pi * 0.6 * at) + 18 * at
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    voice = sum(np.sin(order * phase) / order for order in range(1, 9))
    breath = np.random.default_rng(7).normal(scale=0.15, size=len(at))
    syllables = 0.25 + 0.75 * np.abs(np.sin(np.pi * 4 * at))
    loud: Samples = (5000 * syllables * (voice + breath)).astype(np.int16)
    return loud


def mulaw(samples: Samples) -> bytes:
    """Mu-law bytes (ITU-T G.711)."""
    negative = samples < 0
    size = np.minimum(np.abs(samples.astype(np.int32)), 32635) + 132
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    coded = ~(np.where(negative, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF
    return bytes(coded.astype(np.uint8))


def mulaw_samples(coded: bytes) -> Samples:
    """The samples of mu-law bytes."""
    bits = ~np.frombuffer(coded, np.uint8).astype(np.int32) & 0xFF
    size = ((((bits & 0x0F) << 3) + 132) << ((bits >> 4) & 7)) - 132
    return np.where(bits & 0x80, -size, size).astype(np.int16)


def alaw(samples: Samples) -> bytes:
    """A-law bytes (ITU-T G.711)."""
    size = np.where(samples < 0, -samples.astype(np.int32) - 1, samples) >> 4
    segment = np.searchsorted([16, 32, 64, 128, 256, 512, 1024], size, side="right")
    mantissa = (size >> np.maximum(segment - 1, 0)) & 0x0F
    coded = (np.where(samples < 0, 0, 0x80) | (segment << 4) | mantissa) ^ 0x55
    return bytes(coded.astype(np.uint8))


def frames(audio: bytes, size: int = FRAME_BYTES) -> Iterator[bytes]:
    """The audio in frames; the last may be shorter."""
    return (audio[at : at + size] for at in range(0, len(audio), size))


def likeness(heard: Samples, said: Samples) -> float:
    """How well `said` is found anywhere in `heard`: the best correlation coefficient, 1 where it is there unchanged."""
    if len(heard) < len(said):
        return 0.0
    length = 1 << (len(heard) + len(said)).bit_length()
    spectrum = np.fft.rfft(heard.astype(float), length) * np.conj(np.fft.rfft(said.astype(float), length))
    matches = np.fft.irfft(spectrum, length)[: len(heard) - len(said) + 1]
    energy = np.concatenate(([0.0], np.cumsum(heard.astype(float) ** 2)))
    around = energy[len(said) :] - energy[: len(energy) - len(said)]
    whole = float(np.sum(said.astype(float) ** 2))
    return float(np.max(matches / np.sqrt(np.maximum(around, 1.0) * whole)))


def is_sound(heard: Samples) -> bool:
    """Whether it is more than silence: 0.2 s of it at the least, louder than a line's hiss."""
    return len(heard) > RATE_HZ // 5 and float(np.sqrt(np.mean(heard.astype(float) ** 2))) > 300


def write_wav(path: Path, samples: Samples, rate_hz: int = RATE_HZ) -> Path:
    """A mono WAV file of 16-bit samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> Samples:
    """The samples of a mono WAV file at 8000 Hz with 16 bits a sample."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
