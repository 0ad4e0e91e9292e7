"""The two laws of G.711 as tables: mu-law and A-law bytes and the 16-bit samples they stand for.

Computed as in ITU-T's and Sun's reference code (g711.c), so that every byte and every sample is that of CPython's
former `audioop`.  Samples are 16 bits wide; the laws themselves have 14 bits (mu) and 13 bits (A).
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Law = Literal["mulaw", "alaw"]

_MULAW_BIAS = 33
_MULAW_PEAK = 8158
"""The reference code clips at 8159 and gives what is still beyond the last segment its last code: the same result."""

_MULAW_SEGMENT_ENDS = [0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF]
_ALAW_SEGMENT_ENDS = [0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF]


@cache
def decoding_table(law: Law) -> npt.NDArray[np.int16]:
    """256 samples, to be indexed by the byte."""
    codes = np.arange(256)
    return (_mulaw_samples(codes) if law == "mulaw" else _alaw_samples(codes)).astype(np.int16)


@cache
def encoding_table(law: Law) -> npt.NDArray[np.uint8]:
    """65,536 bytes, to be indexed by the sample read as an unsigned number."""
    samples = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int32)
    return (_mulaw_codes(samples >> 2) if law == "mulaw" else _alaw_codes(samples >> 3)).astype(np.uint8)


def _mulaw_samples(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    inverted = ~codes
    magnitudes = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return np.where(inverted & 0x80, 0x84 - magnitudes, magnitudes - 0x84)


def _alaw_samples(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    toggled = codes ^ 0x55
    segments = (toggled & 0x70) >> 4
    steps = (toggled & 0x0F) << 4
    magnitudes = np.where(segments == 0, steps + 8, (steps + 0x108) << np.maximum(segments - 1, 0))
    return np.where(toggled & 0x80, magnitudes, -magnitudes)


def _mulaw_codes(samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    magnitudes = np.minimum(np.abs(samples), _MULAW_PEAK) + _MULAW_BIAS
    segments = np.searchsorted(_MULAW_SEGMENT_ENDS, magnitudes)
    codes = (segments << 4) | ((magnitudes >> (segments + 1)) & 0x0F)
    return codes ^ np.where(samples < 0, 0x7F, 0xFF)


def _alaw_codes(samples: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    # One's complement: the negative half has no zero of its own.
    magnitudes = np.where(samples < 0, ~samples, samples)
    segments = np.searchsorted(_ALAW_SEGMENT_ENDS, magnitudes)
    codes = (segments << 4) | ((magnitudes >> np.maximum(segments, 1)) & 0x0F)
    return codes ^ np.where(samples < 0, 0x55, 0xD5)
