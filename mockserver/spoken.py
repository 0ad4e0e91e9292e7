"""What is said with a real voice, while it is still being made: what is not made yet is not said yet."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from contract.audio import AudioFormat


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text, spoken.

    Attributes:
        text: what is said.
        words: when each word begins, in milliseconds, and how many characters of the part have begun with it.
        audio: its sound.
    """

    text: str
    words: tuple[tuple[int, int], ...]
    audio: bytes


class Spoken:
    """Something said with a real voice, to be read once from beginning to end, as a Speech of tones is.

    Args:
        text: what is said, whole.
        audio_format: how its audio is written.
        parts: the parts of the text; each is asked for while the one before it is heard.

    Attributes:
        text: as given.
        next_word_ms: when the next word begins, in milliseconds from the first sound, as far as that is known.
    """

    def __init__(self, text: str, audio_format: AudioFormat, parts: Iterator[Future[Part]]) -> None:
        self.text = text
        self.next_word_ms: float = math.inf
        self._audio_format = audio_format
        self._parts = parts
        self._next_part = next(parts, None)
        # What was taken of the parts so far: all their bytes and characters, what is still to be read, to be told.
        self._taken_bytes = self._taken_characters = 0
        self._audio = b""
        self._read = 0
        self._words: deque[tuple[float, int]] = deque()
        self._text_end = 0

    def read(self, n_bytes: int) -> bytes | None:
        """The next so many bytes of audio; fewer at the end, then none; None as long as they are not made.

        Raises what the voice failed with.
        """
        while len(self._audio) - self._read < n_bytes and self._next_part is not None:
            if not self._next_part.done():
                return None
            self._take(self._next_part.result())
        taken = self._audio[self._read : self._read + n_bytes]
        self._read += len(taken)
        return taken

    def words_until(self, ms: float) -> str:
        """The text as far as its words have begun by then; what an earlier call returned stays said."""
        if ms == math.inf:
            return self.text
        while self.next_word_ms <= ms:
            self._text_end = self._words.popleft()[1]
            self._find_next_word()
        return self.text[: self._text_end]

    def _take(self, part: Part) -> None:
        """Let this part follow, and have the one after it made."""
        begins_ms = self._audio_format.duration_ms(self._taken_bytes)
        self._words += ((begins_ms + at_ms, self._taken_characters + end) for at_ms, end in part.words)
        self._find_next_word()
        self._audio = self._audio[self._read :] + part.audio
        self._read = 0
        self._taken_bytes += len(part.audio)
        self._taken_characters += len(part.text)
        self._next_part = next(self._parts, None)

    def _find_next_word(self) -> None:
        self.next_word_ms = self._words[0][0] if self._words else math.inf
