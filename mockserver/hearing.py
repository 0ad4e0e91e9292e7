"""The agent's ear: finds out when the caller speaks and keeps what was said.  Opens no socket and reads no clock.

Speech is told by loudness alone, in windows of 20 ms.  The end of a turn is told by the clock of arrival, because a
carrier may send nothing while the caller is silent.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.audio import AudioFormat, Converter, decode, level_meter, rms, sample_count

WINDOW_MS = 20

SPEECH_RMS = 328.0
"""A window as loud as this is speech: 40 dB below full scale.  Phone lines hiss at -50 dB, voices are at -30 dB."""

ONSET_WINDOWS, ONSET_WITHIN_WINDOWS = 3, 10
"""A turn begins with 60 ms of speech within 200 ms: a click is shorter."""

PRE_ROLL_WINDOWS = TAIL_WINDOWS = 10
"""What a turn keeps from before its first and after its last speech: 200 ms, for soft consonants."""

TURN_GAP_S = 0.7
"""So long without speech ends a turn."""

LONGEST_TURN_MS = 30_000

_JITTER_S = 0.2
_LONGEST_LIVE_MESSAGE_S = 2.0
_MOST_TURNS = 4


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller said until a pause.

    Attributes:
        audio: in the format that was asked for, with up to 200 ms before the first and after the last speech.
        spoken_ms: from the first to the last speech, in milliseconds.
    """

    audio: bytes
    spoken_ms: int


@dataclass(slots=True)
class _Recording:
    """A turn in the making: `audio` is converted, up to the last speech; `quiet` came since and may be dropped."""

    converter: Converter
    audio: bytearray = field(default_factory=bytearray)
    quiet: list[bytes] = field(default_factory=list)
    windows: int = 0
    voiced: int = 0
    spoken: int = 0

    def add(self, window: bytes, loud: bool) -> None:
        self.windows += 1
        if not loud:
            self.quiet.append(window)
            return
        if self.voiced:
            self.spoken += len(self.quiet)
        if self.quiet:
            window = b"".join(self.quiet) + window
            self.quiet.clear()
        self.spoken += 1
        self.voiced += 1
        self.audio += self.converter.convert(window)

    def finish(self) -> Turn:
        tail = self.converter.convert(b"".join(self.quiet[:TAIL_WINDOWS]))
        return Turn(bytes(self.audio) + tail + self.converter.flush(), self.spoken * WINDOW_MS)


class Ear:
    """Listens to one stream of audio.

    Args:
        source: how the caller's audio comes in.
        target: how turns are to come out.

    Attributes:
        source: as given.
        last_speech_at: when the last speech came in, in seconds of the clock that `hear` is given; None before that.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self.last_speech_at: float | None = None
        self.source = source
        self._target = target
        self._level = level_meter(source.encoding)
        self._window_bytes = source.bytes_in(WINDOW_MS)
        self._window_s = source.duration_ms(self._window_bytes) / 1000
        self._most_windows = source.bytes_in(LONGEST_TURN_MS) // self._window_bytes
        self._part = b""
        self._lately: deque[tuple[bytes, bool]] = deque(maxlen=PRE_ROLL_WINDOWS + ONSET_WITHIN_WINDOWS)
        self._recording: _Recording | None = None
        # Who sends faster than we listen must not fill our memory: the oldest turns are forgotten.
        self._turns: deque[Turn] = deque(maxlen=_MOST_TURNS)
        self._heard_at = -math.inf
        self._over_at = math.inf

    @property
    def speaking(self) -> bool:
        """Whether the caller is in a turn, its pauses included."""
        return self._recording is not None

    @property
    def voiced_ms(self) -> int:
        """How much speech the turn has so far, its pauses not counted; 0 outside a turn."""
        return 0 if self._recording is None else self._recording.voiced * WINDOW_MS

    def hear(self, payload: bytes, now: float) -> None:
        """Take in audio of any length that has just arrived.  Raises PeerError where it ends in half a sample."""
        if len(payload) == self._window_bytes and not self._part:
            # What comes fifty times a second from each caller.
            self._let_pass(now, self._window_s)
            if self._take(payload, self._level(payload) >= SPEECH_RMS):
                self.last_speech_at = now
                self._over_at = now + TURN_GAP_S
            return
        sample_count(payload, self.source.encoding)
        length_s = self.source.duration_ms(len(payload)) / 1000
        self._let_pass(now, length_s)
        speech = [self._take(window, loud) for window, loud in self._windows(payload)]
        if any(speech):
            self.last_speech_at = now
            # Live audio may come in long messages: the next, which may go on speaking, takes as long as this one.
            self._over_at = now + max(TURN_GAP_S, min(length_s, _LONGEST_LIVE_MESSAGE_S) + _JITTER_S)

    def turn_over(self, now: float) -> Turn | None:
        """The oldest turn that is over by now; each is returned once."""
        if now >= self._over_at:
            self._end_turn_if_over(now)
        return self._turns.popleft() if self._turns else None

    def _let_pass(self, now: float, length_s: float) -> None:
        """Draw the consequences of the time without audio before a message of this length."""
        if now >= self._over_at:
            self._end_turn_if_over(now)
        if now - self._heard_at > length_s + _JITTER_S:
            # Clicks before and after a gap are no onset together.
            self._lately.clear()
        self._heard_at = now

    def _windows(self, payload: bytes) -> Iterator[tuple[bytes, bool]]:
        """The windows that the payload completes, and whether each is speech."""
        size = self._window_bytes
        heard = self._part + payload
        count = len(heard) // size
        self._part = heard[count * size :]
        samples = decode(heard[: count * size], self.source.encoding)
        levels = rms(samples.reshape(count, size // self.source.bytes_per_sample)).tolist()
        return ((heard[at * size : (at + 1) * size], level >= SPEECH_RMS) for at, level in enumerate(levels))

    def _take(self, window: bytes, loud: bool) -> bool:
        """Take in one window; whether it is speech in a turn."""
        if self._recording is None:
            self._lately.append((window, loud))
            return loud and self._begin_turn_if_speech()
        self._recording.add(window, loud)
        if self._recording.windows >= self._most_windows:
            self._end_turn(self._recording)
        return loud

    def _begin_turn_if_speech(self) -> bool:
        """Begin a turn if there was speech enough lately; whether there was."""
        lately = list(self._lately)
        onset = [at for at, (_, loud) in enumerate(lately) if loud][-ONSET_WINDOWS:]
        if len(onset) < ONSET_WINDOWS or len(lately) - onset[0] > ONSET_WITHIN_WINDOWS:
            return False
        self._recording = _Recording(Converter(self.source, self._target))
        self._lately.clear()
        for at in range(max(0, onset[0] - PRE_ROLL_WINDOWS), len(lately)):
            self._recording.add(lately[at][0], loud=at in onset)
        return True

    def _end_turn_if_over(self, now: float) -> None:
        if self._recording is not None and now >= self._over_at:
            if self._part:
                self._recording.quiet.append(self._part)
                self._part = b""
            self._end_turn(self._recording)

    def _end_turn(self, recording: _Recording) -> None:
        self._turns.append(recording.finish())
        self._lately.extend((window, False) for window in recording.quiet[TAIL_WINDOWS:])
        self._recording = None
