"""Audio on a stream: its formats, their lengths, and the way from one to another.  Mono; no clock."""

from __future__ import annotations

import enum
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.errors import PeerError, UsageError
from contract.g711 import decoding_table, encoding_table
from contract.resample import Resampler, Samples

with warnings.catch_warnings():
    # It leaves the standard library with Python 3.13, for which audioop-lts stands in.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

LOWEST_RATE_HZ = 8000
HIGHEST_RATE_HZ = 48000


class Encoding(enum.Enum):
    """How samples are spelt as bytes: by a law of G.711, or as 16-bit numbers, little-endian."""

    MULAW = "mulaw"
    ALAW = "alaw"
    PCM16 = "pcm16"

    @property
    def bytes_per_sample(self) -> int:
        """Two for PCM16, else one."""
        return 2 if self is Encoding.PCM16 else 1


_SILENCE = {Encoding.MULAW: b"\xff", Encoding.ALAW: b"\xd5", Encoding.PCM16: b"\x00\x00"}
"""The quietest sample of each.  Zero bytes would not do: in mu-law 0x00 is the loudest negative sample."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How a run of audio is written: coding and samples a second.

    Raises UsageError for a rate outside 8000..48000.
    """

    encoding: Encoding
    rate_hz: int

    def __post_init__(self) -> None:
        """Refuse a rate that the contract does not allow."""
        if not LOWEST_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ:
            raise UsageError(f"a rate of {self.rate_hz} Hz is not within {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}")

    @property
    def bytes_per_sample(self) -> int:
        """Two for PCM16, else one."""
        return self.encoding.bytes_per_sample

    @property
    def silence(self) -> bytes:
        """One silent sample."""
        return _SILENCE[self.encoding]

    def bytes_in(self, duration_ms: int) -> int:
        """The length of the whole samples that begin within this time and end by its end."""
        return self.rate_hz * duration_ms // 1000 * self.bytes_per_sample

    def frame_bytes(self, index: int, frame_ms: int = 20) -> int:
        """The length of frame number `index`, counted from 0: frames join without a gap also at odd rates.

        At 11025 Hz, 20 ms are 220.5 samples, so frames of 220 and 221 alternate.
        """
        return self.bytes_in((index + 1) * frame_ms) - self.bytes_in(index * frame_ms)

    def duration_ms(self, n_bytes: int) -> float:
        """How long so many bytes sound, in milliseconds."""
        return n_bytes * 1000 / (self.rate_hz * self.bytes_per_sample)


def sample_count(audio: bytes, encoding: Encoding) -> int:
    """The number of samples.  Raises PeerError where the last one is cut in two."""
    if len(audio) % encoding.bytes_per_sample:
        raise PeerError(None, "$", f"{len(audio)} bytes are not a whole number of 16-bit samples")
    return len(audio) // encoding.bytes_per_sample


def decode(audio: bytes, encoding: Encoding) -> Samples:
    """The samples that the bytes stand for, not to be written to.  Raises PeerError where the last is cut in two."""
    sample_count(audio, encoding)
    if encoding is Encoding.PCM16:
        return np.frombuffer(audio, "<i2").astype(np.int16, copy=False)
    return decoding_table(encoding.value).take(np.frombuffer(audio, np.uint8))


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """The bytes that stand for the samples; G.711 rounds each to a value that it has."""
    if encoding is Encoding.PCM16:
        return samples.astype("<i2", copy=False).tobytes()
    return encoding_table(encoding.value).take(samples.view(np.uint16)).tobytes()


def mono(interleaved: bytes | memoryview, channels: int) -> bytes:
    """PCM16 in the machine's own byte order, one or two channels, as one channel of Encoding.PCM16: their mean."""
    mixed = bytes(interleaved) if channels == 1 else audioop.tomono(interleaved, 2, 0.5, 0.5)
    return mixed if sys.byteorder == "little" else audioop.byteswap(mixed, 2)


def rms(windows: Samples) -> npt.NDArray[np.float32]:
    """How loud each row of a two-dimensional array is: the root of its mean square, 0 to 32768."""
    precise = windows.astype(np.float32)
    power: npt.NDArray[np.float32] = np.einsum("ij,ij->i", precise, precise)
    level: npt.NDArray[np.float32] = np.sqrt(power / windows.shape[1])
    return level


def level_meter(encoding: Encoding) -> Callable[[bytes], int]:
    """What tells how loud whole samples are together: `rms`, rounded down, without an array for one short window."""
    if encoding is Encoding.PCM16:
        if sys.byteorder == "little":
            return lambda window: audioop.rms(window, 2)
        return lambda window: audioop.rms(audioop.byteswap(window, 2), 2)
    linear = audioop.ulaw2lin if encoding is Encoding.MULAW else audioop.alaw2lin
    return lambda window: audioop.rms(linear(window, 2), 2)


class Converter:
    """Brings one stream of audio from one format to another, piece by piece.

    The output does not depend on where the input is cut, except that a piece must be whole samples.  At equal rates
    each piece comes out whole; else up to 2.5 ms are held back until more comes, or `flush`.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._unchanged = source == target
        self._sample_bytes = source.bytes_per_sample
        same_rate = source.rate_hz == target.rate_hz
        self._resampler = None if same_rate else Resampler(source.rate_hz, target.rate_hz)

    def convert(self, audio: bytes) -> bytes:
        """What can be said of the output by now.  Raises PeerError where the piece ends in half a sample."""
        if self._unchanged and not len(audio) % self._sample_bytes:
            return audio
        samples = decode(audio, self._source.encoding)
        if self._resampler is not None:
            samples = self._resampler.resample(samples)
        return encode(samples, self._target.encoding)

    def flush(self) -> bytes:
        """What was held back.  What is converted next begins a new stream."""
        return b"" if self._resampler is None else encode(self._resampler.flush(), self._target.encoding)
