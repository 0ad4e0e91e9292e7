"""What the caller says: a short spoken recording, in the coding and at the rate of a call."""

from __future__ import annotations

import functools
import wave
from importlib.resources import files
from pathlib import Path

import numpy as np

from contract.audio import AudioFormat, Converter, Encoding

SPOKEN = files("contract_tests") / "data" / "caller.wav"
"""A sentence of two seconds, spoken by a synthetic voice (espeak-ng): speech to energy and to speech detectors."""


class AudioFileError(ValueError):
    """A WAV file that cannot be used; the text names it and says why."""


def read_wav(path: Path) -> tuple[bytes, int]:
    """The first channel of a WAV file as 16-bit little-endian samples, and its rate in Hz.

    Reads PCM of 8, 16, 24 and 32 bits.  Raises AudioFileError.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, RuntimeError, wave.Error) as error:
        raise AudioFileError(f"{path}: not a WAV file of PCM: {error}") from error
    if not 8000 <= rate_hz <= 48000:
        raise AudioFileError(f"{path}: {rate_hz} samples a second, expected 8000 to 48000")
    whole = raw[: len(raw) // (width * channels) * width * channels]
    by_byte = np.frombuffer(whole, np.uint8).reshape(-1, channels, width)[:, 0, :]
    if width == 1:
        samples = (by_byte[:, 0].astype(np.int16) - 128) << 8
    else:
        samples = np.ascontiguousarray(by_byte[:, -2:]).view("<i2")[:, 0]
    if not len(samples):
        raise AudioFileError(f"{path}: holds no audio")
    return samples.astype("<i2").tobytes(), rate_hz


@functools.lru_cache(maxsize=64)
def spoken(audio_format: AudioFormat, path: Path | None = None) -> bytes:
    """The caller's sentence in this format.  Raises AudioFileError."""
    pcm, rate_hz = read_wav(path if path is not None else Path(str(SPOKEN)))
    converter = Converter(AudioFormat(Encoding.PCM16, rate_hz), audio_format)
    return converter.convert(pcm) + converter.flush()
