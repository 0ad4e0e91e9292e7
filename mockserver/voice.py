"""The agent's voice: one tone a syllable, at the pace of speech.

It stands in for a synthesiser: a developer hears that the agent speaks, for how long and where it pauses, and the same
text always sounds the same.  Everything is made on demand, word by word, so a long text costs no more at once.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from contract.audio import AudioFormat, encode

PITCHES_HZ = (185.0, 207.65, 233.08, 277.18, 311.13)
"""Five black keys around middle C: in any order they sound well."""

SYLLABLE_MS = (140, 150, 160, 170, 180)
"""How long syllables last; with the pauses that makes about 180 English words a minute."""

PEAK = 8192
"""The loudest sample of a tone: 12 dB below full scale, about as loud as a voice on the phone."""

_EDGE_MS = 10
_HARMONICS = (1.0, 0.5, 0.25, 0.12)

_WORD_PAUSE_MS, _CLAUSE_PAUSE_MS, _SENTENCE_PAUSE_MS = 80, 220, 400
_CLAUSE_ENDS = frozenset(",;:،、，；：—–")
_SENTENCE_ENDS = frozenset(".!?…؟۔।。！？\n")

# Kana, Han and Hangul: a character is a syllable, and words are not spaced.
_IDEOGRAPH = r"(?![\W_])[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
_WORD = rf"{_IDEOGRAPH}[^\w\s]{{0,40}}|[^\W_](?:(?!{_IDEOGRAPH})\S){{0,39}}"
"""What is longer than any word is taken in parts, so that no text can make one step long."""

_PIECE = re.compile(rf"([\W_]*)({_WORD}|\Z)")
_VOWELS = "aeiouyаеёиоуыэюяαεηιουω"
_SYLLABLE = re.compile(rf"{_IDEOGRAPH}|\d|[^\W\d_{_VOWELS}]*[{_VOWELS}]{{1,3}}")
_SPOKEN = re.compile(r"[^\W_]")
_LETTERS = re.compile(r"[^\W\d_]{1,3}")
_SILENT_E = re.compile(r"(?<=[aeiouy][^\W\d_aeiouy])e(?![^\W\d_])")
_PUNCTUATION = re.compile(r"[\W_]*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a text, with what is written between it and the word before.

    Attributes:
        at_ms: when it begins, in milliseconds from the first sound.
        text_end: how many characters of the text end with it.
        tones: pitch in Hz and length in milliseconds of each syllable; none for what follows the last word.
    """

    at_ms: int
    text_end: int
    tones: tuple[tuple[float, int], ...]


class Speech:
    """Something said, to be read once from beginning to end.

    Args:
        text: what is said, whole.
        begins: a time in milliseconds and the length of the text that has begun by then, in order of time.
        audio: its sound, in runs of any length.

    Attributes:
        text: as given.
        next_word_ms: when the next word begins, in milliseconds from the first sound; infinite after the last.
    """

    def __init__(self, text: str, begins: Iterable[tuple[int, int]], audio: Iterable[bytes]) -> None:
        self.text = text
        self.next_word_ms: float = 0
        self._begins = iter(begins)
        self._next_end = 0
        self._text_end = 0
        self._audio = iter(audio)
        self._run = b""
        self._read = 0
        self._find_next_word()

    @classmethod
    def of_audio(cls, audio: bytes | Iterable[bytes], text: str) -> Speech:
        """Recorded audio, whole or in runs; its text counts as said as soon as it begins."""
        return cls(text, [(0, len(text))], [audio] if isinstance(audio, bytes) else audio)

    def read(self, n_bytes: int) -> bytes:
        """The next so many bytes of audio; fewer at the end, then none."""
        begin = self._read
        self._read = begin + n_bytes
        taken = self._run[begin : self._read]
        while len(taken) < n_bytes:
            more = next(self._audio, None)
            if more is None:
                break
            self._run, self._read = more, n_bytes - len(taken)
            taken += more[: self._read]
        return taken

    def words_until(self, ms: float) -> str:
        """The text as far as its words have begun by then; what an earlier call returned stays said."""
        if ms == math.inf:
            return self.text
        while self.next_word_ms <= ms:
            self._text_end = self._next_end
            self._find_next_word()
        return self.text[: self._text_end]

    def _find_next_word(self) -> None:
        self.next_word_ms, self._next_end = next(self._begins, (math.inf, 0))


def say(text: str, audio_format: AudioFormat) -> Speech:
    """The text spoken; a blank one takes no time, one without letters and digits a syllable."""
    # What is said is a frame or two ahead of the words, so that hardly a word is kept for the second.
    for_sound, for_words = itertools.tee(pieces(text))
    begins = ((piece.at_ms, piece.text_end) for piece in for_words)
    return Speech(text, begins, _sound(for_sound, audio_format))


def pieces(text: str) -> Iterator[Piece]:
    """The words of a text as they are spoken, one after the other; together they are the whole text."""
    at_ms = 0
    between = ""
    # Something is to be heard of whatever is to be said, be it "!" or an emoji.
    mute = _SPOKEN.search(text) is None
    for match in _PIECE.finditer(text):
        before, word = match.groups()
        if match.end() == match.start():
            continue
        if word and at_ms:
            at_ms += _pause(between + before)
        tones = _tones(word) if word else ()
        if mute and match.group().strip():
            tones, mute = (_tone(match.group().strip()),), False
        yield Piece(at_ms, match.end(), tones)
        at_ms += sum(length_ms for _, length_ms in tones)
        between = _PUNCTUATION.findall(word)[0]


def _sound(spoken: Iterable[Piece], audio_format: AudioFormat) -> Iterator[bytes]:
    """The audio of the words and of the pauses between them; each tone begins on the sample that its time falls on."""
    written = 0
    for piece in spoken:
        at_ms = piece.at_ms
        for pitch_hz, length_ms in piece.tones:
            tone = synthesise(pitch_hz, length_ms, audio_format)
            gap = audio_format.bytes_in(at_ms) - written
            yield audio_format.silence * (gap // audio_format.bytes_per_sample) + tone
            written += gap + len(tone)
            at_ms += length_ms


@lru_cache(maxsize=256)
def synthesise(pitch_hz: float, length_ms: int, audio_format: AudioFormat) -> bytes:
    """One tone that swells and fades, so that it does not click."""
    count = audio_format.bytes_in(length_ms) // audio_format.bytes_per_sample
    phase = 2 * np.pi * pitch_hz / audio_format.rate_hz * np.arange(count)
    wave = sum((share * np.sin((n + 1) * phase) for n, share in enumerate(_HARMONICS)), np.zeros(count))
    edge = audio_format.rate_hz * _EDGE_MS // 1000
    swell = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    wave[:edge] *= swell
    wave[-edge:] *= swell[::-1]
    return encode(np.rint(wave * (PEAK / np.abs(wave).max())).astype(np.int16), audio_format.encoding)


@lru_cache(maxsize=4096)
def _tones(word: str) -> tuple[tuple[float, int], ...]:
    """Pitch and length of each syllable.  Texts repeat words, and a mock the texts of its agents."""
    return tuple(_tone(syllable) for syllable in _syllables(word))


def _syllables(word: str) -> list[str]:
    """About as many as a speaker makes: by vowels, by character (Han, kana, Hangul, digits), else by threes."""
    if re.match(_IDEOGRAPH, word) is None:
        # Without its accent a vowel is a vowel in every spelling.  (Hangul would fall apart into letters.)
        word = unicodedata.normalize("NFD", _SILENT_E.sub("", word.casefold()))
    return _SYLLABLE.findall(word) or _LETTERS.findall(word)


def _tone(syllable: str) -> tuple[float, int]:
    """Pitch and length, by a checksum: Python's own hash differs from run to run."""
    number = zlib.crc32(syllable.encode("utf-8", "surrogatepass"))
    return PITCHES_HZ[number % len(PITCHES_HZ)], SYLLABLE_MS[number // len(PITCHES_HZ) % len(SYLLABLE_MS)]


def _pause(between: str) -> int:
    """How long the voice rests, in milliseconds, for what is written between two words."""
    if not _SENTENCE_ENDS.isdisjoint(between):
        return _SENTENCE_PAUSE_MS
    if not _CLAUSE_ENDS.isdisjoint(between):
        return _CLAUSE_PAUSE_MS
    return _WORD_PAUSE_MS if between else 0
