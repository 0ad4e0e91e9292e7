"""Recordings of calls: WAV files with the caller left and the agent right, both as they were heard, in real time.

A call's sound is gathered in memory for a second and then handed to one thread that writes for all calls, so that a
slow disk holds up no call.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from contract.audio import AudioFormat, Converter, Encoding
from contract.events import Audio, Clear, Event, Started
from mockserver.around import Around
from mockserver.session import Party
from mockserver.wav_file import WavFile

BLOCK_S = 1.0
"""How much is written at once."""

_UNSETTLED_S = 0.5
"""What is younger is not written yet: it may still be withdrawn, or come late."""

_LATE_S = 0.1
"""Who is later than this was silent in between; audio that comes sooner joins what came before it without a gap."""

_MOST_AHEAD_S = 60.0
"""Audio that comes this much faster than it can be spoken is left out."""


class Recordings:
    """The recordings of one mock.

    Args:
        folder: where they go, each named after its call's id; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recordings")
        self._running: dict[str, Recorded] = {}

    def of(self, call_id: str, party: Party) -> Recorded:
        """The same party, recorded from the moment that its stream runs."""
        recorded = self._running[call_id] = Recorded(party, lambda rate_hz: self._file(call_id, rate_hz))
        return recorded

    def finish(self, call_id: str) -> None:
        """The call is over; does nothing for one that was not recorded."""
        recorded = self._running.pop(call_id, None)
        if recorded is not None:
            recorded.finish()

    def close(self) -> None:
        """Finish what is left, and wait until all is written."""
        for call_id in list(self._running):
            self.finish(call_id)
        self._writer.shutdown()

    def _file(self, call_id: str, rate_hz: int) -> WavFile:
        return WavFile(call_id, self._folder / f"{call_id}.wav", rate_hz, self._writer)


class Recorded(Around):
    """A party in whose name nothing else changes than that it is recorded, once its stream runs."""

    def __init__(self, party: Party, new_file: Callable[[int], WavFile]) -> None:
        super().__init__(party)
        self._new_file = new_file
        self._tape: _Tape | None = None

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs."""
        return self._heard(self._party.begin(now, started), now)

    def hear(self, event: Event, now: float) -> list[Event]:
        """The other end said this."""
        said = self._party.hear(event, now)
        # On a stream of both tracks one is the agent's own voice.
        if self._tape is not None and type(event) is Audio and event.track != "outbound":
            self._tape.caller_spoke(event.payload, now)
        return self._heard(said, now)

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""
        said = self._heard(self._party.tick(now), now)
        if self._tape is not None:
            self._tape.advance(now)
        return said

    def speak(self, text: str, now: float) -> list[Event]:
        """Say this, after what is being said."""
        return self._heard(self._party.speak(text, now), now)

    def finish(self) -> None:
        """The line is gone."""
        if self._tape is not None:
            self._tape.finish()

    def _heard(self, said: list[Event], now: float) -> list[Event]:
        """Take down what the agent says."""
        if self._tape is None and (formats := self._party.audio_formats()) is not None:
            self._tape = _Tape(*formats, now, self._new_file)
        if self._tape is not None:
            for event in said:
                if type(event) is Audio:
                    self._tape.agent_spoke(event.payload, now)
                elif type(event) is Clear:
                    self._tape.agent_fell_silent(now)
        return said


class _Tape:
    """What both said, as far as it is not written yet."""

    def __init__(self, heard: AudioFormat, said: AudioFormat, now: float, new_file: Callable[[int], WavFile]) -> None:
        self._rate_hz = max(heard.rate_hz, said.rate_hz)
        self._caller = _Track(heard, self._rate_hz)
        self._agent = _Track(said, self._rate_hz)
        self._caller_format = heard
        self._began_at = self._now = now
        self._write_at = now + BLOCK_S
        self._file = new_file(self._rate_hz)

    def caller_spoke(self, audio: bytes, now: float) -> None:
        """What comes now was spoken until now."""
        length_s = self._caller_format.duration_ms(len(audio)) / 1000
        self._caller.add(audio, self._sample(now - length_s))

    def agent_spoke(self, audio: bytes, now: float) -> None:
        """What goes out now is heard from now on, or after what went out before."""
        self._agent.add(audio, self._sample(now))

    def agent_fell_silent(self, now: float) -> None:
        """What is still to be heard is withdrawn."""
        self._agent.cut(self._sample(now))

    def advance(self, now: float) -> None:
        """Hand over what is settled."""
        self._now = now
        if now >= self._write_at:
            self._write_at = now + BLOCK_S
            self._write(self._sample(now - _UNSETTLED_S))

    def finish(self) -> None:
        """Hand over the rest."""
        self._caller.flush()
        self._agent.flush()
        self._write(max(self._sample(self._now), self._caller.end, self._agent.end))
        self._file.close()

    def _sample(self, now: float) -> int:
        return max(0, round((now - self._began_at) * self._rate_hz))

    def _write(self, until: int) -> None:
        both = [np.frombuffer(track.take(until), "<i2") for track in (self._caller, self._agent)]
        self._file.append(np.column_stack(both).tobytes())


class _Track:
    """One channel.  Places are in samples since the stream began to run.

    Attributes:
        end: where the next audio joins.
    """

    def __init__(self, source: AudioFormat, rate_hz: int) -> None:
        self.end = 0
        self._converter = Converter(source, AudioFormat(Encoding.PCM16, rate_hz))
        self._late = round(_LATE_S * rate_hz)
        self._most_ahead = round(_MOST_AHEAD_S * rate_hz)
        self._waiting = bytearray()

    def add(self, audio: bytes, place: int) -> None:
        """Let audio be heard from there on, or after what is there already."""
        if self.end < place - self._late:
            self._add(self._converter.flush())
            self._be_silent_until(place)
        if self.end < place + self._most_ahead:
            self._add(self._converter.convert(audio))

    def flush(self) -> None:
        """Let the rest be heard."""
        self._add(self._converter.flush())

    def cut(self, place: int) -> None:
        """Let nothing be heard from there on."""
        self._converter.flush()
        surplus = min(max(0, self.end - place), len(self._waiting) // 2)
        del self._waiting[len(self._waiting) - 2 * surplus :]
        self.end -= surplus

    def take(self, until: int) -> bytes:
        """What is to be heard up to there, since the last call."""
        self._be_silent_until(until)
        size = len(self._waiting) - 2 * (self.end - until)
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken

    def _add(self, audio: bytes) -> None:
        self._waiting += audio
        self.end += len(audio) // 2

    def _be_silent_until(self, place: int) -> None:
        if self.end < place:
            self._add(bytes(2 * (place - self.end)))
