"""What the caller says: a short spoken recording, in the coding and at the rate of a call."""

from __future__ import annotations

import functools
import wave
from importlib.resources import files
from pathlib import Path

import numpy as np

from contract.audio import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, AudioFormat, Converter, Encoding
from contract_tests.line import AUDIBLE_RMS

SPOKEN = files("contract_tests") / "data" / "caller.wav"
"""A sentence of two seconds, spoken by a synthetic voice (espeak-ng): speech to energy and to speech detectors."""


WINDOW_MS = 20
LONGEST_PAUSE_MS = 200
QUIET = 1 / 30
"""What is so much quieter than the loud windows (-30 dB) is a pause."""

LEAST_S = 0.3
LONGEST_S = 10.0


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
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        expected = f"expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
        raise AudioFileError(f"{path}: {rate_hz} samples a second, {expected}")
    whole = raw[: len(raw) // (width * channels) * width * channels]
    by_byte = np.frombuffer(whole, np.uint8).reshape(-1, channels, width)[:, 0, :]
    if width == 1:
        samples = (by_byte[:, 0].astype(np.int16) - 128) << 8
    else:
        samples = np.ascontiguousarray(by_byte[:, -2:]).view("<i2")[:, 0]
    if not len(samples):
        raise AudioFileError(f"{path}: holds no audio")
    return samples.astype("<i2").tobytes(), rate_hz


def read_turn(path: Path) -> tuple[bytes, int]:
    """What is said in a WAV file as one turn, as `read_wav` has it: an agent takes a long pause for the end of one.

    Silence before and after it is left out but for a tenth of a second, and pauses are shortened to 0.2 s.
    Raises AudioFileError, also where too little can be heard to be speech, and where it takes longer than 10 s.
    """
    pcm, rate_hz = read_wav(path)
    size = rate_hz * WINDOW_MS // 1000
    windows = np.frombuffer(pcm + bytes(-len(pcm) % (2 * size)), "<i2").reshape(-1, size)
    levels = np.sqrt(np.mean(windows.astype(np.float64) ** 2, axis=1))
    audible = levels > AUDIBLE_RMS
    # Not of the loudest one: that may be a click.
    loud = audible & (levels > QUIET * float(np.percentile(levels[audible], 75) if audible.any() else 0.0))
    if (loud_s := int(np.count_nonzero(loud)) * WINDOW_MS / 1000) < LEAST_S:
        raise AudioFileError(f"{path}: {loud_s:g} s that can be heard, expected {LEAST_S:g} at the least")
    around = LONGEST_PAUSE_MS // WINDOW_MS // 2
    said = windows[np.convolve(loud, np.ones(2 * around + 1))[around:][: len(loud)] > 0.5]
    if (said_s := len(said) * WINDOW_MS / 1000) > LONGEST_S:
        raise AudioFileError(f"{path}: {said_s:.1f} s of speech, expected {LONGEST_S:g} at the most")
    return said.tobytes(), rate_hz


def spoken(audio_format: AudioFormat, path: Path | None = None) -> bytes:
    """What a WAV file holds, or the built-in sentence, in this format.  Raises AudioFileError."""
    return _converted(*read_wav(path if path is not None else Path(str(SPOKEN))), audio_format)


@functools.lru_cache(maxsize=64)
def spoken_turn(audio_format: AudioFormat, path: Path | None = None) -> bytes:
    """The same as one turn, as `read_turn` has it.  Raises AudioFileError."""
    return _converted(*read_turn(path if path is not None else Path(str(SPOKEN))), audio_format)


def _converted(pcm: bytes, rate_hz: int, audio_format: AudioFormat) -> bytes:
    converter = Converter(AudioFormat(Encoding.PCM16, rate_hz), audio_format)
    return converter.convert(pcm) + converter.flush()
