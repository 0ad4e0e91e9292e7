"""The agent's mouth: what it says, frame by frame at the pace of speech.  Opens no socket and reads no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from contract.audio import AudioFormat
from contract.events import Audio, Clear, Event, Mark, StateChanged, Transcript

FRAME_MS = 20
"""Length of one outgoing audio message in milliseconds, on every connection type."""

LEAD_MS = 40
"""How far the audio runs ahead of real time, so that a late timer leaves no gap in what the caller hears."""

LATEST_MS = 200
"""A pacer that was held up for longer than this goes on from where it is: the rest is said later, not faster."""


MOST_WAITING = 20
"""How many utterances may wait for their turn; who types faster than the agent speaks gets no answer to more."""


class Sayable(Protocol):
    """A text and its sound, to be read once from beginning to end.

    Attributes:
        next_word_ms: when the next word begins, in milliseconds from the first sound; infinite after the last.
    """

    next_word_ms: float

    def read(self, n_bytes: int) -> bytes | None:
        """The next so many bytes of audio; fewer at the end, then none; None as long as they are not made."""

    def words_until(self, ms: float) -> str:
        """The text as far as its words have begun by then; whole for an infinite time."""


@dataclass(slots=True)
class Utterance:
    """Something to say.

    Attributes:
        speech: its audio and its words.
        interruptible: whether caller speech cuts it.
        ordinal: its place in the conversation; set when it begins.
    """

    speech: Sayable
    interruptible: bool = True
    ordinal: int = -1


class Mouth:
    """Says one utterance after the other.

    Args:
        audio_format: how the audio goes out.
        emit: takes each event at the moment it is due.
        next_ordinal: gives the next place in the conversation.
        on_said: told of each utterance's end; True if it was cut off.

    Attributes:
        audio_format: as given.
        quiet_since: when it last fell silent, in seconds of the caller's clock; meaningless while `speaking`.
        medium: `voice`, or `text` for a client that asked for transcripts only.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        *,
        emit: Callable[[Event], None],
        next_ordinal: Callable[[], int],
        on_said: Callable[[bool], None],
        now: float,
    ) -> None:
        self.quiet_since = now
        self.medium: Literal["voice", "text"] = "voice"
        self.audio_format = audio_format
        # Where all frames are equally long; else each is looked up.
        even = audio_format.rate_hz * FRAME_MS % 1000 == 0
        self._frame_bytes = audio_format.frame_bytes(0) if even else None
        self._emit = emit
        self._next_ordinal = next_ordinal
        self._on_said = on_said
        self._waiting: deque[Utterance] = deque()
        self._now_saying: Utterance | None = None
        self._started_at = now
        self._frames_sent = 0
        self._audio_sent = False
        self._words_sent = ""
        self._in_step = False
        # How much was over when the audio that is due was not made yet; None where it was.
        self._held_at_ms: float | None = None

    @property
    def speaking(self) -> bool:
        """Whether anything is being said, or waits to be."""
        return self._now_saying is not None or bool(self._waiting)

    @property
    def interruptible(self) -> bool:
        """Whether caller speech may cut what is being said now; False in silence."""
        return self._now_saying is not None and self._now_saying.interruptible

    def say(self, utterance: Utterance, now: float) -> None:
        """Say this after what is already waiting; its first audio goes out at once if nothing is."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(utterance)
        if self._now_saying is None:
            self._next(now)

    def tick(self, now: float) -> None:
        """Let what is due by now go out."""
        if self._now_saying is not None:
            if self._held_at_ms is not None:
                self._started_at = now - self._held_at_ms / 1000
                self._held_at_ms = None
            if not self._in_step:
                self._fall_in_step(now)
            self._go_on(self._now_saying, now)

    def cut(self, now: float) -> None:
        """Break off, withdraw what the other end has yet to play, and forget what was waiting."""
        utterance = self._now_saying
        self._waiting.clear()
        if utterance is None:
            return
        self._emit(Clear())
        said = utterance.speech.words_until(self._elapsed_ms(now))
        # So that the pieces join to the final text, here too.
        self._send_words(utterance, said)
        self._finish(utterance, said, now, cut=True)

    def _next(self, now: float) -> None:
        utterance = self._now_saying = self._waiting.popleft()
        utterance.ordinal = self._next_ordinal()
        self._started_at = now
        self._frames_sent = 0
        self._audio_sent = False
        self._words_sent = ""
        self._in_step = False
        self._held_at_ms = None
        self._emit(StateChanged(state="speaking"))
        self._go_on(utterance, now)

    def _go_on(self, utterance: Utterance, now: float) -> None:
        if self.medium == "text":
            self._finish(utterance, utterance.speech.words_until(math.inf), now)
            return
        elapsed_ms = (now - self._started_at) * 1000
        if not self._audio_sent:
            elapsed_ms = self._send_due_frames(utterance, elapsed_ms)
        if elapsed_ms >= utterance.speech.next_word_ms:
            self._send_words(utterance, utterance.speech.words_until(elapsed_ms))
        if self._audio_sent and elapsed_ms >= self._frames_sent * FRAME_MS:
            self._finish(utterance, utterance.speech.words_until(math.inf), now)

    def _fall_in_step(self, now: float) -> None:
        """Let frames fall due half-way between ticks: were it at the ticks, each would miss one or not by chance."""
        self._in_step = True
        self._started_at -= (FRAME_MS / 2 - (self._elapsed_ms(now) + 0.001) % FRAME_MS) / 1000

    def _send_due_frames(self, utterance: Utterance, elapsed_ms: float) -> float:
        """Send the frames that are due, each whole: the last one is filled up with silence.  How much is over by then.

        That is less than what it is given, in milliseconds, where the pacer was held up, or the audio is not made yet.
        """
        late_ms = elapsed_ms - self._frames_sent * FRAME_MS
        if late_ms > LATEST_MS:
            self._started_at += late_ms / 1000
            elapsed_ms -= late_ms
        while self._frames_sent * FRAME_MS <= elapsed_ms + LEAD_MS:
            size = self._frame_bytes or self.audio_format.frame_bytes(self._frames_sent)
            payload = utterance.speech.read(size)
            if payload is None:
                # The rest is said later, words and all.
                self._held_at_ms = elapsed_ms
                return -math.inf
            if not payload:
                self._audio_sent = True
                self._emit(Mark(name=f"utterance-{utterance.ordinal}"))
                break
            self._frames_sent += 1
            if len(payload) < size:
                silence = self.audio_format.silence
                payload += silence * ((size - len(payload)) // len(silence))
            self._emit(Audio(payload=payload))
        return elapsed_ms

    def _send_words(self, utterance: Utterance, said: str) -> None:
        """The words that were said since the last call: the first piece as text, each further one as what it adds."""
        new = said[len(self._words_sent) :]
        if not new:
            return
        first = not self._words_sent
        self._words_sent = said
        self._emit(
            Transcript(
                role="agent",
                ordinal=utterance.ordinal,
                final=False,
                text=new if first else None,
                delta=None if first else new,
                medium="voice",
            )
        )

    def _finish(self, utterance: Utterance, said: str, now: float, *, cut: bool = False) -> None:
        self._emit(Transcript(role="agent", ordinal=utterance.ordinal, final=True, text=said, medium=self.medium))
        self._now_saying = None
        self.quiet_since = now
        self._on_said(cut)
        if self._waiting:
            self._next(now)
        else:
            self._emit(StateChanged(state="listening"))

    def _elapsed_ms(self, now: float) -> float:
        return (now - self._started_at) * 1000
