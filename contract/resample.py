"""Another sample rate for a running stream of samples, band-limited.  Knows nothing of codings.

Why libsamplerate (PyPI `samplerate`, MIT over BSD-2): of the kept libraries it alone streams whatever the frames.  Its
"fastest" sinc filter waits for 20 samples of the slower rate, 2.5 ms at 8 kHz, and its output does not depend on where
the input is cut.  soxr hands out 20 ms frames without holding back more than that only at its quick quality, which
does not filter; PyAV brings all of FFmpeg along.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import samplerate  # type: ignore[import-not-found]  # a compiled module without stubs

Samples = npt.NDArray[np.int16]
"""Full scale is -32768 to 32767; one-dimensional where nothing else is said."""

_FILTER_REACH = 25
"""Samples of the slower rate that push the last real one through the filter; it needs 20, at every ratio."""


class Resampler:
    """Changes the rate of one stream; output sample k is the input's sound at k / target_hz seconds."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._source_hz = source_hz
        self._target_hz = target_hz
        self._filter = samplerate.Resampler("sinc_fastest", 1)
        self._taken = 0
        self._given = 0

    def resample(self, samples: Samples) -> Samples:
        """The part of the output that can be known by now."""
        resampled = self._filtered(samples)
        self._taken += len(samples)
        self._given += len(resampled)
        return resampled

    def flush(self) -> Samples:
        """The rest: all the output is as long as the input, rounded up to a whole sample.  A new stream may follow."""
        due = -(-self._taken * self._target_hz // self._source_hz) - self._given
        reach = math.ceil(_FILTER_REACH * max(1.0, self._source_hz / self._target_hz))
        rest = self._filtered(np.zeros(reach, np.int16))[: max(0, due)]
        self._filter.reset()
        self._taken = self._given = 0
        return rest

    def _filtered(self, samples: Samples) -> Samples:
        filtered: npt.NDArray[np.float32] = self._filter.process(samples, self._target_hz / self._source_hz)
        # The filter overshoots at steps: without the clip a loud sample would wrap round to the other sign.
        return np.rint(filtered).clip(-32768, 32767).astype(np.int16)
