"""What is said with a real voice, while it is still being made: what is not made yet is not said yet."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.audio import AudioFormat


@dataclass(slots=True)
class Part:
    """A part of a text, as far as its sound is made.

    Only the worker writes, always in the order words, runs, fault, done.

    Attributes:
        words: when each word begins, in milliseconds, and how many characters of the part have begun with it.
        runs: the audio.
        fault: why there is no more of it.
        done: whether this is all.
    """

    words: list[tuple[int, int]] = field(default_factory=list)
    runs: list[bytes] = field(default_factory=list)
    fault: Exception | None = None
    done: bool = False


class Spoken:
    """Something said with a real voice, to be read once from beginning to end, as a Speech of tones is.

    Args:
        text: what is said, whole.
        audio_format: how its audio is written.
        parts: the length in characters and the sound of each part of the text; each is asked for one part ahead.

    Attributes:
        text: as given.
        next_word_ms: when the next word begins, in milliseconds from the first sound, as far as that is known.
    """

    def __init__(self, text: str, audio_format: AudioFormat, parts: Iterator[tuple[int, Part]]) -> None:
        self.text = text
        self.next_word_ms: float = math.inf
        self._audio_format = audio_format
        self._parts = parts
        self._ahead = next(parts, None)
        self._part: Part | None = None
        self._words: deque[tuple[float, int]] = deque()
        self._text_end = 0
        self._rest = b""
        # Of the part that is read: its first character, its first byte, the next of its runs.
        self._begins_at = self._ends_at = 0
        self._read_bytes = 0
        self._next_run = 0
        self._go_to_next_part()

    def read(self, n_bytes: int) -> bytes | None:
        """The next so many bytes of audio; fewer at the end, then none; None as long as they are not made."""
        taken = self._rest
        while len(taken) < n_bytes:
            run = self._run()
            if run is None:
                self._rest = taken
                return None
            if not run:
                break
            taken += run
        self._rest = taken[n_bytes:]
        return taken[:n_bytes]

    def words_until(self, ms: float) -> str:
        """The text as far as its words have begun by then; what an earlier call returned stays said."""
        if ms == math.inf:
            return self.text
        while self.next_word_ms <= ms:
            self._text_end = self._words.popleft()[1]
            self.next_word_ms = self._words[0][0] if self._words else math.inf
        return self.text[: self._text_end]

    def _run(self) -> bytes | None:
        """The next run of audio; empty at the end, None as long as it is not made."""
        while (part := self._part) is not None:
            # Asked before the runs are looked at: the worker may go on in between.
            done = part.done
            if part.fault is not None:
                raise part.fault
            if not self._next_run and (done or part.runs):
                self._learn_words(part)
            if self._next_run < len(part.runs):
                run = part.runs[self._next_run]
                self._next_run += 1
                self._read_bytes += len(run)
                return run
            if not done:
                return None
            self._go_to_next_part()
        return b""

    def _go_to_next_part(self) -> None:
        self._begins_at, self._next_run = self._ends_at, 0
        if self._ahead is None:
            self._part = None
            return
        length, self._part = self._ahead
        self._ends_at += length
        self._ahead = next(self._parts, None)

    def _learn_words(self, part: Part) -> None:
        offset_ms = self._audio_format.duration_ms(self._read_bytes)
        self._words += ((offset_ms + at_ms, self._begins_at + end) for at_ms, end in part.words)
        if self._words:
            self.next_word_ms = self._words[0][0]
