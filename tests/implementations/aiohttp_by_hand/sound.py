"""G.711, the agent's voice (plain tones) and the detection of speech by energy."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]

_BIAS = 132
_CLIP = 32635
_SCALE = (196.0, 220.0, 246.9, 293.7, 329.6, 392.0, 440.0)
_NOTE_SECONDS = 0.18
_VOLUME = 8000.0
_FADE_SECONDS = 0.01

WINDOW_MS = 60
LOUD = 32768 * 10 ** (-40 / 20)
LOUD_WINDOWS = 2
TURN_ENDS_AFTER = 0.8


def _mu_law_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    size = (((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)
    table: Samples = np.where(code & 0x80, _BIAS - size, size - _BIAS).astype(np.int16)
    return table


def _a_law_table() -> Samples:
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    step = ((code & 0x0F) << 4) + np.where(segment == 0, 8, 264)
    size = step << np.maximum(segment - 1, 0)
    table: Samples = np.where(code & 0x80, size, -size).astype(np.int16)
    return table


_MU_LAW = _mu_law_table()
_A_LAW = _a_law_table()


def from_mu_law(data: bytes) -> Samples:
    """Decode mu-law."""
    return _MU_LAW[np.frombuffer(data, np.uint8)]


def from_a_law(data: bytes) -> Samples:
    """Decode A-law."""
    return _A_LAW[np.frombuffer(data, np.uint8)]


def from_pcm(data: bytes) -> Samples:
    """Decode s16le; an odd byte at the end is half a sample and is dropped."""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def to_mu_law(samples: Samples) -> bytes:
    """Encode mu-law."""
    wide = samples.astype(np.int32)
    size = np.minimum(np.abs(wide), _CLIP) + _BIAS
    exponent = np.searchsorted(1 << np.arange(8, 15), size, side="right")
    code = np.where(wide < 0, 0x80, 0) | (exponent << 4) | ((size >> (exponent + 3)) & 0x0F)
    return bytes((~code & 0xFF).astype(np.uint8).tobytes())


def to_pcm(samples: Samples) -> bytes:
    """Encode s16le."""
    return samples.astype("<i2").tobytes()


def seconds_of(text: str) -> float:
    """How long the agent takes to say a text: whole frames of 20 ms."""
    return round(min(max(0.06 * len(text), 1.0), 20.0), 2)


def speak(text: str, rate: int) -> Samples:
    """The agent's voice: one steady tone after another, as the text's characters have it."""
    count = round(seconds_of(text) * rate)
    note = np.arange(count) // max(round(_NOTE_SECONDS * rate), 1)
    pitches = np.array([_SCALE[ord(character) % len(_SCALE)] for character in text])[note % len(text)]
    wave = _VOLUME * np.sin(2 * np.pi * np.cumsum(pitches) / rate)
    ramp = np.minimum(np.arange(count) / (_FADE_SECONDS * rate), 1.0)
    return (wave * ramp * ramp[::-1]).astype(np.int16)


class Ear:
    """Hears when a caller speaks and, by the clock, when the caller has finished."""

    def __init__(self) -> None:
        self.last_loud = 0.0
        self._loud_windows = 0
        self._rest: Samples = np.zeros(0, np.int16)

    def feed(self, samples: Samples, rate: int, now: float) -> None:
        """Listen to what has just come in."""
        length = rate * WINDOW_MS // 1000
        heard = np.concatenate((self._rest, samples))
        whole = len(heard) // length
        self._rest = heard[whole * length :]
        windows = heard[: whole * length].reshape(whole, length).astype(np.float64)
        loud = int(np.count_nonzero(windows.std(axis=1) > LOUD))
        if loud:
            self._loud_windows += loud
            self.last_loud = now

    @property
    def in_turn(self) -> bool:
        """Whether something has been heard that may become a caller turn."""
        return self._loud_windows > 0

    @property
    def speaking(self) -> bool:
        """Whether the caller speaks: more than one click."""
        return self._loud_windows >= LOUD_WINDOWS

    def turn_over(self, now: float) -> bool:
        """Whether a caller turn has just ended; says so once."""
        if not self.in_turn or now - self.last_loud < TURN_ENDS_AFTER:
            return False
        spoken = self.speaking
        self._loud_windows = 0
        return spoken
