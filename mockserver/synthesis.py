"""Real speech, made ahead of its time by one worker thread, a part of the text after the other, and kept.

The pacer of the calls never waits for it: what is not made yet is not said yet.  Nor does it wait for Python's lock:
espeak-ng computes without it, and so does what numpy does here with whole arrays.
"""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contract.audio import AudioFormat, encode
from contract.resample import Samples
from mockserver.espeak import Sound, Voice
from mockserver.spoken import Part, Spoken
from mockserver.voice import Speech, pieces, say

PEAK = 20_000
"""The loudest sample of each part of a text.  A voice is spikier than a tone: so it is about as loud as the tones."""

KEPT_BYTES = 32 * 1024 * 1024
"""How much finished speech is kept, for whoever says the same again: an hour at 8000 Hz in mu-law."""

_SENTENCE_MS, _CLAUSE_MS, _MOST_MS = 4000, 7000, 10_000
"""From these lengths on, in tones, a part of a text ends with a sentence, with a clause, with any word."""

_MOST_CHARACTERS = 200
"""No part is longer: of punctuation and emoji there can be any number between two words, and some have long names."""

_SENTENCE_END = re.compile(r"[.!?…؟۔।。！？][\"'”’»)\]]*\Z")
_CLAUSE_END = re.compile(r"[,;:،、，；：][\"'”’»)\]]*\Z")
_SPOKEN = re.compile(r"[^\W_]")

_EDGE_MS = 8


class Speak(Protocol):
    """What speaks: see Espeak.speak."""

    def __call__(self, text: str, voice: Voice, *, pause_after: bool) -> Sound:
        """The text, spoken."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A part of a text, and how it is to be spoken."""

    text: str
    pause_after: bool
    voice: Voice
    audio_format: AudioFormat


class Synthesiser:
    """Speaks texts in the background.

    Args:
        speak: speaks one part of a text; is called in one thread only.
    """

    def __init__(self, speak: Speak) -> None:
        self._speak = speak
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="speech")
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Wanted, Future[Part]] = OrderedDict()
        self._kept_bytes = 0

    def say(self, text: str, audio_format: AudioFormat, voice: Voice) -> Spoken | Speech:
        """The text, about to be spoken; one without letters and digits has nothing to speak, and remains a tone."""
        if _SPOKEN.search(text) is None:
            return say(text, audio_format)
        wanted = (_Wanted(text[start:end], more, voice, audio_format) for start, end, more in parts(text))
        return Spoken(text, audio_format, map(self._part, wanted))

    def close(self) -> None:
        """Make nothing more."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _part(self, wanted: _Wanted) -> Future[Part]:
        """A part, made or about to be; nothing is made twice while it is kept."""
        with self._lock:
            future = self._kept.get(wanted)
            if future is not None:
                self._kept.move_to_end(wanted)
                return future
            future = self._kept[wanted] = self._worker.submit(self._make, wanted)
        future.add_done_callback(partial(self._keep, wanted))
        return future

    def _make(self, wanted: _Wanted) -> Part:
        sound = self._speak(wanted.text, wanted.voice, pause_after=wanted.pause_after)
        samples = np.frombuffer(b"".join(sound.pieces), np.int16)
        if _SPOKEN.search(wanted.text) and not samples.any():
            # Of whatever is to be said, something is to be heard.
            words = tuple((piece.at_ms, piece.text_end) for piece in pieces(wanted.text))
            tones = say(wanted.text, wanted.audio_format).read(wanted.audio_format.bytes_in(60_000))
            return Part(wanted.text, words, tones or b"")
        words = tuple(_words(wanted.text, sound.words))
        return Part(wanted.text, words, _audio(samples, sound.rate_hz, wanted.audio_format))

    def _keep(self, wanted: _Wanted, future: Future[Part]) -> None:
        """Count what was made, and forget the oldest where it is too much."""
        with self._lock:
            if self._kept.get(wanted) is not future:
                return
            if future.cancelled() or future.exception() is not None:
                # It is raised where the speech is read: that call fails, and says so.  The next may have more luck.
                del self._kept[wanted]
                return
            self._kept_bytes += len(future.result().audio)
            while self._kept_bytes > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest.result().audio) if oldest.done() else 0


def parts(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where each part of a text begins and ends that is spoken in one go, and whether a further one follows."""
    start = end = start_ms = 0
    for piece in pieces(text):
        if _ends(text[max(start, end - 8) : end], piece.at_ms - start_ms) or piece.text_end - start > _MOST_CHARACTERS:
            if start < end:
                yield start, end, True
            start, start_ms = end, piece.at_ms
        while piece.text_end - start > _MOST_CHARACTERS:
            yield start, start + _MOST_CHARACTERS, True
            start += _MOST_CHARACTERS
        end = piece.text_end
    yield start, end, False


def _ends(said: str, length_ms: int) -> bool:
    """Whether a part may end with these words, after so much time."""
    return (
        length_ms >= _MOST_MS
        or (length_ms >= _CLAUSE_MS and _CLAUSE_END.search(said) is not None)
        or (length_ms >= _SENTENCE_MS and _SENTENCE_END.search(said) is not None)
    )


def _words(text: str, spoken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """When each word of a text begins, and where it ends, by the times and places that espeak-ng told.

    It counts otherwise what is a word, and goes back where it reads a number out: a word begins with the first sound
    of it, or of what follows it.
    """
    start, latest_ms = 0, 0
    told = iter(spoken)
    at_ms, place = next(told, (0, len(text)))
    for piece in pieces(text):
        while place < start:
            latest_ms = max(latest_ms, at_ms)
            at_ms, place = next(told, (latest_ms, len(text)))
        latest_ms = max(latest_ms, at_ms)
        yield latest_ms, piece.text_end
        start = piece.text_end


def _audio(samples: Samples, rate_hz: int, audio_format: AudioFormat) -> bytes:
    """The samples at the right level and in another format."""
    wave = samples.astype(np.float64)
    wave *= PEAK / max(1.0, float(np.abs(wave).max(initial=0)))
    # Some voices break off in their echo, which would click.
    edge = min(rate_hz * _EDGE_MS // 1000, len(wave) // 2)
    swell = np.linspace(0, 1, edge)
    wave[:edge] *= swell
    wave[len(wave) - edge :] *= swell[::-1]
    wave = _resampled(wave, rate_hz, audio_format.rate_hz)
    return encode(np.rint(wave).clip(-32768, 32767).astype(np.int16), audio_format.encoding)


def _resampled(wave: npt.NDArray[np.float64], source_hz: int, target_hz: int) -> npt.NDArray[np.float64]:
    """Another sample rate for a whole wave: its spectrum, cut off or filled up.

    Not by the Resampler of streams: libsamplerate keeps Python's lock for as long as it computes.
    """
    if source_hz == target_hz or not len(wave):
        return wave
    # The fewest samples that last as long as a whole number of samples at the other rate, times a quick number.
    unit = source_hz // math.gcd(source_hz, target_hz)
    count = unit * _quick(-(-len(wave) // unit))
    spectrum = np.fft.rfft(wave, count)
    length = count * target_hz // source_hz
    resampled: npt.NDArray[np.float64] = np.fft.irfft(spectrum, length) * (length / count)
    return resampled[: -(-len(wave) * target_hz // source_hz)]


def _quick(number: int) -> int:
    """The next number whose prime factors are small: transforms of such lengths are quick."""
    while True:
        rest = number
        for factor in (2, 3, 5, 7):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return number
        number += 1
