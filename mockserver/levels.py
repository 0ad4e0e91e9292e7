"""How loud recorded speech is, and how it is brought up where it is too quiet to be understood."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contract.audio import AudioFormat, decode, encode, rms
from mockserver.hearing import SPEECH_RMS, WINDOW_MS

VOICE_RMS = 1640.0
"""As loud as a voice is to be on the phone: 26 dB below full scale (ITU-T P.56 active speech level)."""

LEAST_GAIN = 1.25
"""Up to here (2 dB) nobody hears the difference: the audio stays as it is."""

PEAK = 30_000
"""No sample is brought up beyond this."""

_MOST_WINDOWS = 500
"""Ten seconds tell how loud somebody speaks; to look at more would hold up other calls."""

_RUN_MS = 200
_EDGE_MS = 5


def brought_up(audio: bytes, audio_format: AudioFormat) -> Iterator[bytes]:
    """Speech at the level of a voice, in runs that are made one by one; what is as loud as that stays as it is.

    A factor is all that it changes, so each tone in it keeps its pitch; none is so large that a sample clips.
    """
    gain = _gain(audio, audio_format)
    if gain < LEAST_GAIN:
        yield audio
        return
    size = audio_format.bytes_in(_RUN_MS)
    sample_bytes = audio_format.bytes_per_sample
    last = len(audio) // sample_bytes - 1
    edge = audio_format.rate_hz * _EDGE_MS // 1000
    for start in range(0, len(audio), size):
        samples = decode(audio[start : start + size], audio_format.encoding)
        place = start // sample_bytes + np.arange(len(samples))
        # It swells and fades: what was too soft to click is louder now.
        wave = samples * gain * np.minimum(1, np.minimum(place, last - place) / edge)
        yield encode(np.rint(wave).astype(np.int16), audio_format.encoding)


def _gain(audio: bytes, audio_format: AudioFormat) -> float:
    """By how much speech is too quiet; only windows that are speech count."""
    samples = decode(audio, audio_format.encoding)
    length = audio_format.rate_hz * WINDOW_MS // 1000
    count = min(len(samples) // length, _MOST_WINDOWS)
    if not count:
        return 1.0
    levels = rms(samples[: count * length].reshape(count, length))
    speech = levels[levels >= SPEECH_RMS]
    if not len(speech):
        return 1.0
    loudest = max(1, int(samples.max()), -int(samples.min()))
    return min(VOICE_RMS / float(np.sqrt(np.mean(speech**2))), PEAK / loudest)
