"""Speech that is made in the background: said as soon as it is made, in its order, and never waited for.

What speaks here is a voice with a click for each letter, because its time can be stopped; `test_speech.py` has the
real one.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import AudioFormat, Encoding, decode
from contract.events import Audio, Clear, Transcript
from mockserver import synthesis
from mockserver.espeak import EspeakError, Sound, Voice
from mockserver.speaking import Sayable
from mockserver.spoken import Spoken
from mockserver.synthesis import Synthesiser, parts
from tests.mockserver.talk import MULAW, WEBSOCKET, Talk

PCM = AudioFormat(Encoding.PCM16, 16000)
VOICE = Voice("test")
LETTER_MS = 10
RATE_HZ = 22050

LONG = "This is a sentence of a few words, and here is another clause. " * 8


class Clicks:
    """Speaks 10 ms for each character, all at once when it may; `spoke` tells what, and in which thread."""

    def __init__(self) -> None:
        self.may_speak = threading.Event()
        self.may_speak.set()
        self.spoke: list[tuple[str, str]] = []

    def __call__(self, text: str, voice: Voice, *, pause_after: bool) -> Sound:
        assert self.may_speak.wait(10)
        self.spoke.append((text, threading.current_thread().name))
        if text == "fail":
            raise EspeakError("no voice")
        if "mute" in text:
            return Sound(RATE_HZ)
        samples = np.full(RATE_HZ * LETTER_MS * len(text) // 1000, 1000, np.int16)
        starts = [at for at in range(len(text)) if text[at] != " " and (at == 0 or text[at - 1] == " ")]
        return Sound(RATE_HZ, [samples.tobytes()], [(at * LETTER_MS, at) for at in starts])


@contextmanager
def speaking() -> Iterator[tuple[Synthesiser, Clicks]]:
    clicks = Clicks()
    synthesiser = Synthesiser(clicks)
    try:
        yield synthesiser, clicks
    finally:
        clicks.may_speak.set()
        synthesiser.close()


def whole(speech: Sayable, size: int = 640) -> bytes:
    """The whole audio, as it comes."""
    audio = b""
    for _ in range(20_000):
        piece = speech.read(size)
        if piece is None:
            time.sleep(0.001)
        elif piece:
            audio += piece
        else:
            return audio
    raise AssertionError("it never ends")


def until(true: Callable[[], bool]) -> None:
    for _ in range(5000):
        if true():
            return
        time.sleep(0.001)
    raise AssertionError("it never happened")


def of(synthesiser: Synthesiser, text: str, audio_format: AudioFormat = PCM) -> Spoken:
    spoken = synthesiser.say(text, audio_format, VOICE)
    assert isinstance(spoken, Spoken)
    return spoken


def test_what_is_not_made_yet_is_not_waited_for_and_nothing_of_it_is_lost() -> None:
    with speaking() as (synthesiser, clicks):
        clicks.may_speak.clear()
        speech = of(synthesiser, "Hello there")
        assert speech.read(640) is None
        assert speech.words_until(10_000) == ""
        clicks.may_speak.set()
        assert PCM.duration_ms(len(whole(speech))) == pytest.approx(11 * LETTER_MS, abs=1)
        assert speech.words_until(10_000) == "Hello there"


def test_a_call_that_waits_for_its_voice_holds_up_no_other() -> None:
    with speaking() as (synthesiser, clicks):
        clicks.may_speak.clear()
        waiting = Talk(speak=partial(synthesiser.say, voice=VOICE), greeting="Hello there, you", **WEBSOCKET)
        other = Talk(greeting="Hello", **WEBSOCKET)
        for talk in (waiting, other):
            talk.wait(2)
        assert not waiting.of(Audio)
        assert other.of(Audio)
        clicks.may_speak.set()
        whole(of(synthesiser, "Hello there, you"))
        waiting.wait(1)
        assert PCM.duration_ms(len(waiting.audio())) == 160
        *pieces, final = [event for event in waiting.of(Transcript) if event.role == "agent"]
        assert "".join(event.text or event.delta or "" for event in pieces) == final.text == "Hello there, you"


def test_words_go_out_with_their_sound_however_late_it_is_made() -> None:
    with speaking() as (synthesiser, clicks):
        clicks.may_speak.clear()
        talk = Talk(speak=partial(synthesiser.say, voice=VOICE), greeting="one two three", **WEBSOCKET)
        talk.wait(1)
        clicks.may_speak.set()
        whole(of(synthesiser, "one two three"))
        talk.wait(1)
        begun = talk.times(Audio)[0]
        told = [at - begun for at, event in talk.said if isinstance(event, Transcript) and not event.final]
        assert told == pytest.approx([0.0, 0.04, 0.08], abs=0.021)


def test_only_the_worker_speaks() -> None:
    with speaking() as (synthesiser, clicks):
        whole(of(synthesiser, LONG))
        assert {thread.rpartition("_")[0] for _, thread in clicks.spoke} == {"speech"}


def test_what_was_spoken_before_begins_at_once_and_is_not_made_again() -> None:
    with speaking() as (synthesiser, clicks):
        first = whole(of(synthesiser, LONG))
        made = len(clicks.spoke)
        clicks.may_speak.clear()
        again = of(synthesiser, LONG)
        assert again.read(len(first)) == first
        assert again.read(640) == b""
        assert len(clicks.spoke) == made
        assert of(synthesiser, LONG, MULAW).read(160) is None


def test_what_many_say_at_the_same_time_is_made_once() -> None:
    with speaking() as (synthesiser, clicks):
        clicks.may_speak.clear()
        all_of_them = [of(synthesiser, "Hello there") for _ in range(50)]
        clicks.may_speak.set()
        assert len({whole(speech) for speech in all_of_them}) == 1
        assert len(clicks.spoke) == 1


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "KEPT_BYTES", 10_000)
    with speaking() as (synthesiser, clicks):
        for number in range(30):
            whole(of(synthesiser, f"number {number}"))
        until(lambda: len(synthesiser._kept) < 5)
        made = len(clicks.spoke)
        whole(of(synthesiser, "number 29"))
        assert len(clicks.spoke) == made
        whole(of(synthesiser, "number 0"))
        assert len(clicks.spoke) == made + 1


def test_a_long_text_is_made_a_part_ahead_and_no_further() -> None:
    with speaking() as (synthesiser, clicks):
        speech = of(synthesiser, "word " * 20_000)
        until(lambda: speech.read(640) is not None)
        until(lambda: len(clicks.spoke) == 2)
        assert speech.read(640)
        assert len(clicks.spoke) == 2
        assert sum(len(text) for text, _ in clicks.spoke) < 500


def test_what_was_cut_off_costs_no_more() -> None:
    with speaking() as (synthesiser, clicks):
        talk = Talk(speak=partial(synthesiser.say, voice=VOICE), greeting=LONG, interruptible=True, **WEBSOCKET)
        until(lambda: len(clicks.spoke) >= 1)
        talk.speak(0.5, PCM)
        assert talk.of(Clear)
        talk.wait(5)
        assert len(clicks.spoke) < len(list(parts(LONG)))


def test_a_voice_that_fails_fails_where_it_is_heard_and_is_tried_again() -> None:
    with speaking() as (synthesiser, clicks):
        for made in (1, 2):
            speech = of(synthesiser, "fail")
            with pytest.raises(EspeakError, match="no voice"):
                whole(speech)
            until(lambda: not synthesiser._kept)
            assert len(clicks.spoke) == made


def test_what_the_voice_cannot_pronounce_is_heard_as_tones() -> None:
    with speaking() as (synthesiser, _):
        speech = of(synthesiser, "mute words")
        samples = decode(whole(speech), Encoding.PCM16)
        assert np.abs(samples).max() > 4000
        assert speech.words_until(10_000) == "mute words"


@pytest.mark.parametrize("text", ["", "  ", "...", "👍"])
def test_what_has_no_words_is_no_work_for_the_voice(text: str) -> None:
    with speaking() as (synthesiser, clicks):
        assert synthesiser.say(text, PCM, VOICE).words_until(math.inf) == text
        assert not clicks.spoke


@given(st.text(max_size=400))
def test_the_parts_of_a_text_are_the_text_and_none_is_long(text: str) -> None:
    found = list(parts(text))
    assert "".join(text[start:end] for start, end, _ in found) == text
    assert [more for _, _, more in found] == [True] * (len(found) - 1) + [False]
    assert all(end - start <= 200 for start, end, _ in found)


@pytest.mark.parametrize(
    "text", ["!? " * 30_000 + "a", "👍" * 10_000, "今日は" * 5_000, "1" * 10_000, "a" + "\u0301" * 9999]
)
def test_no_text_makes_a_part_that_takes_long(text: str) -> None:
    found = list(parts(text))
    assert "".join(text[start:end] for start, end, _ in found) == text
    assert max(end - start for start, end, _ in found) <= 200
    assert found[0][1] > 20


def test_a_text_is_parted_where_its_sentences_end() -> None:
    text = "Hello. " + "This is a longer sentence, with a clause in it. " * 4 + "Mr. Miller waits."
    assert [text[start:end].strip()[-1] for start, end, _ in parts(text)] == ["."] * len(list(parts(text)))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 47999, 48000])
def test_another_rate_keeps_length_pitch_and_loudness(rate_hz: int) -> None:
    at = np.arange(RATE_HZ * 3 // 2) / RATE_HZ
    wave = synthesis._resampled(10_000 * np.sin(2 * np.pi * 700 * at), RATE_HZ, rate_hz)
    assert len(wave) == -(-rate_hz * 3 // 2)
    assert np.abs(np.fft.rfft(wave[: rate_hz // 2])).argmax() == 350
    assert np.abs(wave[1000:-1000]).max() == pytest.approx(10_000, rel=0.03)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 70)), max_size=20))
def test_whatever_times_are_told_the_words_come_in_order_and_join_to_the_text(
    text: str, told: list[tuple[int, int]]
) -> None:
    words = list(synthesis._words(text, told))
    assert [at_ms for at_ms, _ in words] == sorted(at_ms for at_ms, _ in words)
    assert [end for _, end in words] == sorted(end for _, end in words)
    assert (words[-1][1] if words else 0) == len(text)
    assert all(at_ms <= max([0, *(ms for ms, _ in told)]) for at_ms, _ in words)


def test_a_caller_may_cut_in_while_the_voice_is_still_made() -> None:
    with speaking() as (synthesiser, clicks):
        clicks.may_speak.clear()
        talk = Talk(speak=partial(synthesiser.say, voice=VOICE), interruptible=True)
        talk.speak(1)
        assert talk.of(Clear)
        assert not talk.of(Audio)
