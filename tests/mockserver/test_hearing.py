"""The agent's ear: when a turn begins, when it is over, and that what was said is all in it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import AudioFormat, Converter, Encoding, encode
from contract.errors import PeerError
from mockserver.hearing import Ear, Turn

MULAW = AudioFormat(Encoding.MULAW, 8000)
ALAW = AudioFormat(Encoding.ALAW, 8000)
PCM = AudioFormat(Encoding.PCM16, 16000)
FORMATS = [MULAW, ALAW, PCM, AudioFormat(Encoding.PCM16, 11025), AudioFormat(Encoding.PCM16, 48000)]


@cache
def noise(audio_format: AudioFormat, ms: int, dbfs: float = -20) -> bytes:
    """Noise as loud as that: to the ear it is speech."""
    count = audio_format.bytes_in(ms) // audio_format.bytes_per_sample
    samples = np.random.default_rng(ms).standard_normal(count) * 32768 * 10 ** (dbfs / 20)
    return encode(np.rint(samples).clip(-32768, 32767).astype(np.int16), audio_format.encoding)


def silence(audio_format: AudioFormat, ms: int) -> bytes:
    return audio_format.silence * (audio_format.bytes_in(ms) // audio_format.bytes_per_sample)


class Caller:
    """Speaks into an ear in real time: each message arrives when its last sample has been spoken."""

    def __init__(self, ear: Ear, audio_format: AudioFormat, frame_ms: int = 20) -> None:
        self.ear = ear
        self.now = 100.0
        self.turns: list[Turn] = []
        self._format = audio_format
        self._frame_ms = frame_ms

    def say(self, audio: bytes) -> Caller:
        size = self._format.bytes_in(self._frame_ms)
        for at in range(0, len(audio), size):
            message = audio[at : at + size]
            self.wait(self._format.duration_ms(len(message)) / 1000)
            self.ear.hear(message, self.now)
        return self

    def wait(self, seconds: float) -> Caller:
        """Say nothing, with no message at all; the ear is asked every 20 ms as in a call."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 0.02, until)
            if (turn := self.ear.turn_over(self.now)) is not None:
                self.turns.append(turn)
        return self


def caller(source: AudioFormat = MULAW, target: AudioFormat | None = None, frame_ms: int = 20) -> Caller:
    return Caller(Ear(source, target or source), source, frame_ms)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_silence_is_no_turn(audio_format: AudioFormat) -> None:
    line = caller(audio_format).say(silence(audio_format, 2000)).wait(2)
    assert line.turns == []
    assert line.ear.last_speech_at is None


def test_a_hissing_line_is_no_turn() -> None:
    line = caller().say(noise(MULAW, 2000, dbfs=-45))
    assert not line.ear.speaking
    assert line.wait(2).turns == []


def test_a_soft_voice_is_a_turn() -> None:
    assert len(caller().say(noise(MULAW, 500, dbfs=-35)).wait(2).turns) == 1


@pytest.mark.parametrize("click_ms", [1, 10, 20])
def test_clicks_are_no_turn(click_ms: int) -> None:
    line = caller()
    for _ in range(5):
        line.say(noise(MULAW, click_ms, dbfs=-6)).say(silence(MULAW, 160))
    assert not line.ear.speaking
    assert line.wait(2).turns == []


def test_clicks_between_gaps_without_frames_are_no_turn() -> None:
    line = caller()
    for _ in range(5):
        line.say(noise(MULAW, 40, dbfs=-6)).wait(0.5)
    assert not line.ear.speaking
    assert line.turns == []


def test_a_turn_begins_after_60_ms_of_speech() -> None:
    line = caller().say(silence(MULAW, 400)).say(noise(MULAW, 40))
    assert (line.ear.speaking, line.ear.voiced_ms, line.ear.last_speech_at) == (False, 0, None)
    line.say(noise(MULAW, 20))
    assert (line.ear.speaking, line.ear.voiced_ms, line.ear.last_speech_at) == (True, 60, line.now)


def test_pauses_do_not_count_as_voiced() -> None:
    line = caller().say(noise(MULAW, 200)).say(silence(MULAW, 300)).say(noise(MULAW, 100)).say(silence(MULAW, 100))
    assert line.ear.voiced_ms == 300
    assert line.ear.speaking


@pytest.mark.parametrize("frames", ["go on", "cease"])
def test_a_turn_is_over_700_ms_after_its_last_speech_whether_frames_go_on_or_not(frames: str) -> None:
    line = caller().say(silence(MULAW, 1000)).say(noise(MULAW, 1000))
    spoken_at = line.now
    while not line.turns:
        line.say(silence(MULAW, 20)) if frames == "go on" else line.wait(0.02)
    assert 0.7 <= line.now - spoken_at < 0.75
    assert line.turns[0].spoken_ms == 1000
    assert line.ear.last_speech_at == spoken_at
    assert (line.ear.speaking, line.ear.voiced_ms) == (False, 0)


def test_a_turn_is_handed_out_once() -> None:
    line = caller().say(noise(MULAW, 500)).wait(1)
    assert len(line.turns) == 1
    assert line.ear.turn_over(line.now) is None


def test_a_pause_of_600_ms_does_not_end_a_turn() -> None:
    line = caller().say(noise(MULAW, 400)).say(silence(MULAW, 600)).say(noise(MULAW, 500)).wait(2)
    assert [turn.spoken_ms for turn in line.turns] == [1500]
    assert len(line.turns[0].audio) == MULAW.bytes_in(1500)


def test_a_pause_of_a_second_makes_two_turns_even_if_nobody_asks_in_between() -> None:
    ear = Ear(MULAW, MULAW)
    ear.hear(noise(MULAW, 400), 1.0)
    ear.hear(noise(MULAW, 500), 2.5)
    first, second, third = ear.turn_over(9.0), ear.turn_over(9.0), ear.turn_over(9.0)
    assert first is not None and first.spoken_ms == 400
    assert second is not None and second.spoken_ms == 500
    assert third is None


@pytest.mark.parametrize("source", FORMATS)
def test_a_turn_keeps_200_ms_of_silence_before_and_after(source: AudioFormat) -> None:
    line = caller(source).say(silence(source, 1000)).say(noise(source, 1000)).say(silence(source, 1000)).wait(1)
    (turn,) = line.turns
    assert turn.spoken_ms == pytest.approx(1000, abs=20)
    assert source.duration_ms(len(turn.audio)) == pytest.approx(1400, abs=21)
    size = source.bytes_in(160)
    for edge in (turn.audio[:size], turn.audio[-size:]):
        assert edge == silence(source, 160)
    assert noise(source, 1000) in turn.audio


def test_a_click_shortly_before_the_turn_is_kept_but_is_no_speech() -> None:
    click = noise(MULAW, 20, dbfs=-6)
    line = caller().say(silence(MULAW, 400)).say(click).say(silence(MULAW, 160)).say(noise(MULAW, 400))
    assert line.ear.voiced_ms == 400
    (turn,) = line.wait(1).turns
    assert turn.spoken_ms == 400
    assert turn.audio == silence(MULAW, 20) + click + silence(MULAW, 160) + noise(MULAW, 400)


def test_a_word_right_after_a_turn_has_its_silence_before_it_too() -> None:
    line = caller().say(noise(MULAW, 400)).say(silence(MULAW, 720)).say(noise(MULAW, 500)).wait(1)
    assert [turn.spoken_ms for turn in line.turns] == [400, 500]
    assert line.turns[0].audio == noise(MULAW, 400) + silence(MULAW, 200)
    assert line.turns[1].audio == silence(MULAW, 200) + noise(MULAW, 500)


def test_a_turn_that_begins_the_call_has_no_silence_before_it() -> None:
    (turn,) = caller().say(noise(MULAW, 400)).wait(1).turns
    assert turn.audio == noise(MULAW, 400)


@pytest.mark.parametrize(("source", "target"), [(ALAW, MULAW), (PCM, MULAW), (MULAW, PCM)])
def test_a_turn_comes_out_in_the_target_format(source: AudioFormat, target: AudioFormat) -> None:
    (turn,) = caller(source, target).say(noise(source, 400)).wait(1).turns
    converter = Converter(source, target)
    assert turn.audio == converter.convert(noise(source, 400)) + converter.flush()


@pytest.mark.parametrize("frame_ms", [5, 20, 30, 100, 1000])
def test_live_speech_is_one_turn_in_messages_of_any_length(frame_ms: int) -> None:
    line = caller(PCM, frame_ms=frame_ms).say(silence(PCM, 1000)).say(noise(PCM, 4000)).say(silence(PCM, 1000)).wait(3)
    (turn,) = line.turns
    assert turn.spoken_ms == 4000
    assert turn.audio == silence(PCM, 200) + noise(PCM, 4000) + silence(PCM, 200)


def test_speech_in_one_long_message_is_one_turn() -> None:
    ear = Ear(PCM, PCM)
    ear.hear(silence(PCM, 1000) + noise(PCM, 3000) + silence(PCM, 1000), 1.0)
    assert ear.speaking
    turn = ear.turn_over(1.0 + 2.5)
    assert turn is not None
    assert (turn.spoken_ms, turn.audio) == (3000, silence(PCM, 200) + noise(PCM, 3000) + silence(PCM, 200))


def test_a_turn_ends_at_30_s_at_once_and_what_follows_is_a_new_one() -> None:
    spoken = noise(MULAW, 70_000)
    line = caller().say(spoken)
    assert [turn.spoken_ms for turn in line.turns] == [30_000, 30_000]
    assert line.ear.speaking
    line.wait(1)
    assert line.turns[2].spoken_ms == 10_000
    assert b"".join(turn.audio for turn in line.turns) == spoken


def test_a_minute_in_one_message_is_two_turns_and_a_bit() -> None:
    ear = Ear(MULAW, MULAW)
    spoken = noise(MULAW, 62_000)
    ear.hear(spoken, 1.0)
    turns = [turn for _ in range(4) if (turn := ear.turn_over(5.0)) is not None]
    assert [turn.spoken_ms for turn in turns] == [30_000, 30_000, 2000]
    assert b"".join(turn.audio for turn in turns) == spoken


def test_who_sends_faster_than_we_ask_loses_the_oldest_turns() -> None:
    ear = Ear(MULAW, MULAW)
    for second in range(20):
        ear.hear(noise(MULAW, 500 + second * 20), 10.0 * second)
    turns = [turn for _ in range(20) if (turn := ear.turn_over(1000.0)) is not None]
    assert [turn.spoken_ms for turn in turns] == [820, 840, 860, 880]


def test_half_a_sample_is_refused_and_changes_nothing() -> None:
    line = caller(PCM).say(noise(PCM, 400))
    with pytest.raises(PeerError, match="whole number of 16-bit samples"):
        line.ear.hear(b"abc", line.now)
    assert line.wait(1).turns[0].audio == noise(PCM, 400)


def test_an_empty_message_changes_nothing() -> None:
    line = caller()
    line.ear.hear(b"", line.now)
    assert line.say(noise(MULAW, 400)).wait(1).turns[0].audio == noise(MULAW, 400)


@given(
    st.sampled_from(FORMATS),
    st.lists(st.integers(0, 2400), max_size=12),
    st.lists(st.tuples(st.integers(3, 30), st.integers(1, 34)), min_size=1, max_size=4),
)
def test_what_is_in_a_turn_does_not_depend_on_where_it_was_cut(
    source: AudioFormat, cuts: list[int], pattern: list[tuple[int, int]]
) -> None:
    audio = b"".join(noise(source, loud * 20) + silence(source, quiet * 20) for loud, quiet in pattern)
    expected, got = Ear(source, MULAW), Ear(source, MULAW)
    expected.hear(audio, 1.0)
    ends = sorted(min(cut * 37 * source.bytes_per_sample, len(audio)) for cut in cuts)
    for start, end in zip([0, *ends], [*ends, len(audio)], strict=True):
        got.hear(audio[start:end], 1.0)
    assert got.voiced_ms == expected.voiced_ms
    assert got.turn_over(9.0) == expected.turn_over(9.0)


@given(st.sampled_from(FORMATS), st.lists(st.integers(1, 4000), min_size=1, max_size=30))
def test_no_sample_of_a_turn_is_lost(source: AudioFormat, sizes: list[int]) -> None:
    """All speech, in messages of any length: it comes out byte for byte, the last part of a window included."""
    size = sum(sizes) * source.bytes_per_sample + source.bytes_in(100)
    audio = noise(source, 20_000)[:size]
    ear = Ear(source, source)
    at = 0
    for count in sizes:
        ear.hear(audio[at : at + count * source.bytes_per_sample], 1.0)
        at += count * source.bytes_per_sample
    ear.hear(audio[at:], 1.0)
    turn = ear.turn_over(9.0)
    assert turn is not None and turn.audio == audio
