"""Sound: G.711 tables, the tones that stand for the agent's voice, and an ear that tells speech by its loudness."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

FRAME_SECONDS = 0.02
FRAMES_PER_SECOND = 50
SHORTEST_FRAMES = 1 * FRAMES_PER_SECOND
LONGEST_FRAMES = 20 * FRAMES_PER_SECOND
SECONDS_PER_CHARACTER = 0.06
NOTE_SECONDS = 0.12
VOLUME = 9000.0

LOUD = 32768 * 10 ** (-40 / 20)
LOUD_WINDOWS_FOR_SPEECH = 3
SILENCE_ENDS_TURN = 0.6


def _ulaw_decode_table() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((codes & 0x0F) << 3) + 0x84) << ((codes & 0x70) >> 4)) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_decode_table() -> Samples:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (codes & 0x70) >> 4
    mantissa = (codes & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


def _ulaw_encode_table() -> npt.NDArray[np.uint8]:
    """Codes for all 65,536 samples, indexed by the sample read as unsigned."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(samples), 32635) + 0x84
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    codes: npt.NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


ULAW_TO_PCM = _ulaw_decode_table()
ALAW_TO_PCM = _alaw_decode_table()
PCM_TO_ULAW = _ulaw_encode_table()


def decode_ulaw(data: bytes) -> Samples:
    """Samples of mu-law bytes."""
    return ULAW_TO_PCM[np.frombuffer(data, dtype=np.uint8)]


def decode_alaw(data: bytes) -> Samples:
    """Samples of A-law bytes."""
    return ALAW_TO_PCM[np.frombuffer(data, dtype=np.uint8)]


def decode_pcm(data: bytes) -> Samples:
    """Samples of little-endian 16-bit bytes."""
    return np.frombuffer(data, dtype="<i2").astype(np.int16)


def encode_ulaw(samples: Samples) -> bytes:
    """Mu-law bytes of samples."""
    return PCM_TO_ULAW[samples.view(np.uint16)].tobytes()


def encode_pcm(samples: Samples) -> bytes:
    """Little-endian 16-bit bytes of samples."""
    return samples.astype("<i2").tobytes()


class Voice:
    """The sound of one text: a note for every two characters, about 60 ms a character, made frame by frame."""

    def __init__(self, text: str, rate: int) -> None:
        self.rate = rate
        frames = math.ceil(len(text) * SECONDS_PER_CHARACTER * FRAMES_PER_SECOND)
        self.frames = max(SHORTEST_FRAMES, min(LONGEST_FRAMES, frames))
        letters = (text or " ")[: 2 * math.ceil(LONGEST_FRAMES * FRAME_SECONDS / NOTE_SECONDS) : 2]
        self._pitches = np.array([220.0 + 20.0 * (ord(letter) % 24) for letter in letters])

    def frame(self, index: int) -> Samples:
        """Frame `index`, 20 ms long; at rates that 50 does not divide, some frames are a sample longer."""
        edges = [round(edge * self.rate / FRAMES_PER_SECOND) for edge in (index, index + 1)]
        seconds = np.arange(edges[0], edges[1]) / self.rate
        note = np.floor(seconds / NOTE_SECONDS).astype(np.int64)
        into_note = seconds - note * NOTE_SECONDS
        pitch = self._pitches[note % len(self._pitches)]
        fade = np.minimum(1.0, np.minimum(into_note, NOTE_SECONDS - into_note) / 0.005)
        return (VOLUME * fade * np.sin(2 * np.pi * pitch * into_note)).astype(np.int16)


class Ear:
    """Tells when the caller speaks: three loud windows of 20 ms in a row begin a turn.

    A turn ends after 600 ms without a loud window by the clock, because a phone may simply stop sending.
    """

    def __init__(self, rate: int) -> None:
        self._window = round(rate / FRAMES_PER_SECOND)
        self._rest: Samples = np.zeros(0, dtype=np.int16)
        self._loud_in_a_row = 0
        self.speaking = False
        self.last_loud = 0.0

    def hear(self, samples: Samples, now: float) -> bool:
        """Take what the caller sent; true when it makes a turn begin."""
        began = False
        samples = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(samples) - len(samples) % self._window
        self._rest = samples[whole:].copy()
        windows = samples[:whole].reshape(-1, self._window).astype(np.float32)
        for loudness in windows.std(axis=1).tolist() if whole else ():
            self._loud_in_a_row = self._loud_in_a_row + 1 if loudness > LOUD else 0
            if self._loud_in_a_row >= LOUD_WINDOWS_FOR_SPEECH and not self.speaking:
                self.speaking = began = True
            if self._loud_in_a_row and self.speaking:
                self.last_loud = now
        return began

    def turn_ends_at(self) -> float:
        """The moment at which the present turn ends unless something loud comes."""
        return self.last_loud + SILENCE_ENDS_TURN

    def end_turn(self) -> None:
        """Forget the turn; what comes next starts another."""
        self.speaking = False
        self._loud_in_a_row = 0
