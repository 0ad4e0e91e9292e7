"""Real speech, made ahead of its time by one worker thread, a part of the text after the other, and kept.

The pacer never waits for it: what is not made yet is not said yet.  espeak-ng computes without Python's lock; what
follows it (level, sample rate, coding) is done in small pieces with a rest after each, because it holds the lock.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contract.audio import AudioFormat, Converter, Encoding
from contract.resample import Samples
from mockserver.espeak import Sound, Voice
from mockserver.spoken import Part, Spoken
from mockserver.voice import Speech, pieces, say

PEAK = 20_000
"""The loudest sample of each part of a text.  A voice is spikier than a tone: so it is about as loud as the tones."""

KEPT_BYTES = 32 * 1024 * 1024
"""How much finished speech is kept, for whoever says the same again: an hour at 8000 Hz in mu-law."""

_SENTENCE_CHARACTERS, _CLAUSE_CHARACTERS, _MOST_CHARACTERS = 80, 140, 200
"""From these lengths on a part of a text ends with a sentence, with a clause, or with any word."""

_SENTENCE_END = re.compile(r"[.!?…؟۔।。！？][\"'”’»)\]]*\Z")
_CLAUSE_END = re.compile(r"[,;:،、，；：][\"'”’»)\]]*\Z")
_SPOKEN = re.compile(r"[^\W_]")

_RUN_MS = 50
_RUNS_AT_ONCE = 10

_REST_S = 0.0005
"""Between two runs of the worker.  Without a real rest it would get Python's lock again before anybody who waits."""

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
        self._kept: OrderedDict[_Wanted, Part] = OrderedDict()
        self._kept_bytes = 0
        # What is to be made, and whether the last step began a part; there is one step to do for each.
        self._new: deque[Iterator[None]] = deque()
        self._begun: deque[Iterator[None]] = deque()
        self._begins = False

    def say(self, text: str, audio_format: AudioFormat, voice: Voice) -> Spoken | Speech:
        """The text, about to be spoken; one without letters and digits has nothing to speak, and remains a tone."""
        if _SPOKEN.search(text) is None:
            return say(text, audio_format)
        wanted = (_Wanted(text[start:end], more, voice, audio_format) for start, end, more in parts(text))
        return Spoken(text, audio_format, map(self._part, wanted))

    def close(self) -> None:
        """Make nothing more."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _part(self, wanted: _Wanted) -> tuple[int, Part]:
        """The length of a part in characters, and what there is of it; it is made if nobody has asked for it lately."""
        with self._lock:
            part = self._kept.get(wanted)
            if part is None:
                part = self._kept[wanted] = Part()
                self._new.append(self._making(wanted, part))
                self._worker.submit(self._work)
            else:
                self._kept.move_to_end(wanted)
        return len(wanted.text), part

    def _work(self) -> None:
        """Begin a part, or go on with one, in turn: who waits for a first word is not to wait for all the others."""
        self._begins = not self._begun or (bool(self._new) and not self._begins)
        making = self._new.popleft() if self._begins else self._begun.popleft()
        try:
            next(making)
        except StopIteration:
            return
        self._begun.append(making)
        self._worker.submit(self._work)

    def _making(self, wanted: _Wanted, part: Part) -> Iterator[None]:
        """Make a part, a little at each step."""
        try:
            for number, run in enumerate(self._spoken(wanted, part), start=1):
                part.runs.append(run)
                time.sleep(_REST_S)
                if number % _RUNS_AT_ONCE == 0:
                    yield
        except Exception as error:
            # It is raised where the speech is read: that call fails, and says so.
            part.fault = error
        part.done = True
        self._keep(wanted, part)

    def _spoken(self, wanted: _Wanted, part: Part) -> Iterator[bytes]:
        """Have a part spoken, and its words told; the audio in the format that is wanted, in small pieces."""
        sound = self._speak(wanted.text, wanted.voice, pause_after=wanted.pause_after)
        samples = np.frombuffer(b"".join(sound.pieces), np.int16)
        if _SPOKEN.search(wanted.text) and not samples.any():
            # Of whatever is to be said, something is to be heard.
            part.words += ((piece.at_ms, piece.text_end) for piece in pieces(wanted.text))
            return iter([say(wanted.text, wanted.audio_format).read(wanted.audio_format.bytes_in(60_000))])
        part.words += _words(wanted.text, sound.words)
        return _runs(samples, sound.rate_hz, wanted.audio_format)

    def _keep(self, wanted: _Wanted, part: Part) -> None:
        with self._lock:
            if self._kept.get(wanted) is not part:
                return
            if part.fault is not None:
                del self._kept[wanted]
                return
            self._kept_bytes += _length(part)
            while self._kept_bytes > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= _length(oldest) if oldest.done else 0


def parts(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where each part of a text begins and ends that is spoken in one go, and whether a further one follows."""
    start, end = 0, 0
    for piece in pieces(text):
        length = end - start
        said = text[max(start, end - 8) : end]
        if (
            length >= _MOST_CHARACTERS
            or (length >= _CLAUSE_CHARACTERS and _CLAUSE_END.search(said))
            or (length >= _SENTENCE_CHARACTERS and _SENTENCE_END.search(said))
        ):
            yield start, end, True
            start = end
        end = piece.text_end
    yield start, end, False


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


def _runs(samples: Samples, rate_hz: int, audio_format: AudioFormat) -> Iterator[bytes]:
    """The audio in another format and at the right level, in small pieces."""
    wave = samples * (PEAK / max(1, int(np.abs(samples.astype(np.int32)).max(initial=0))))
    # Some voices break off in their echo, which would click.
    edge = min(rate_hz * _EDGE_MS // 1000, len(wave) // 2)
    swell = np.linspace(0, 1, edge)
    wave[:edge] *= swell
    wave[len(wave) - edge :] *= swell[::-1]
    converter = Converter(AudioFormat(Encoding.PCM16, rate_hz), audio_format)
    step = rate_hz * _RUN_MS // 1000
    for start in range(0, len(wave), step):
        if run := converter.convert(np.rint(wave[start : start + step]).astype("<i2").tobytes()):
            yield run
    if run := converter.flush():
        yield run


def _length(part: Part) -> int:
    return sum(map(len, part.runs))
