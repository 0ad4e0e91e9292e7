"""The audio of a call as a WAV file: one side, or the caller on the left and the agent on the right."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.audio import AudioFormat, Converter, Encoding, decode
from contract.resample import Samples
from mockserver.notes import AudioNotes

SAME_STREAM_MS = 120
"""How late a piece may come and still be taken to follow the one before without a pause, in milliseconds."""

LONGEST_MS = 15 * 60 * 1000
"""How long pauses are written out, in milliseconds from the beginning: a call may be silent for hours."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One side's audio as it was when it was asked for, so that it can be worked on in another thread."""

    audio_format: AudioFormat
    pieces: Sequence[tuple[float, bytes | None]]

    @classmethod
    def of(cls, notes: AudioNotes) -> Recorded | None:
        """What is kept of a side; None if that is nothing."""
        if notes.audio_format is None or not notes.pieces:
            return None
        return cls(notes.audio_format, list(notes.pieces))


def wav_of(sides: Sequence[Recorded | None]) -> bytes:
    """A file of 16-bit samples, a channel a side, at the highest of their rates; all begin with the earliest piece.

    A side without audio is silent; one at least must have some.
    """
    there = [side for side in sides if side is not None]
    rate_hz = max(side.audio_format.rate_hz for side in there)
    begins_ms = min(side.pieces[0][0] for side in there)
    nothing = np.zeros(0, np.int16)
    channels = [nothing if side is None else _channel(side, begins_ms, rate_hz) for side in sides]
    length = max(map(len, channels))
    samples = np.zeros((length, len(channels)), np.int16)
    for at, channel in enumerate(channels):
        samples[: len(channel), at] = channel
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(len(channels))
        written.setsampwidth(2)
        written.setframerate(rate_hz)
        written.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def _channel(side: Recorded, begins_ms: float, rate_hz: int) -> Samples:
    """One side's samples, each piece where it was to be heard."""
    audio_format = side.audio_format
    size = audio_format.bytes_per_sample
    sound = bytearray()
    for at_ms, piece in side.pieces:
        offset_ms = at_ms - begins_ms
        at = round(min(offset_ms, LONGEST_MS) * audio_format.rate_hz / 1000)
        if piece is None:
            # What runs ahead of the moment at which it was thrown away was never heard.
            if offset_ms <= LONGEST_MS:
                del sound[at * size :]
            continue
        pause = at - len(sound) // size
        if pause > audio_format.rate_hz * SAME_STREAM_MS // 1000:
            sound += audio_format.silence * pause
        sound += piece[: len(piece) // size * size]
    target = AudioFormat(Encoding.PCM16, rate_hz)
    converter = Converter(audio_format, target)
    return decode(converter.convert(bytes(sound)) + converter.flush(), Encoding.PCM16)
