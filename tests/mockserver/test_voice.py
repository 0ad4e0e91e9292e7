"""The agent's voice: paced like speech, the same every time, without a click, and never long in the making."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import AudioFormat, Encoding, decode
from mockserver.voice import Speech, pieces, say, synthesise

MULAW = AudioFormat(Encoding.MULAW, 8000)
PCM = AudioFormat(Encoding.PCM16, 16000)
FORMATS = st.builds(AudioFormat, st.sampled_from(Encoding), st.integers(8000, 48000))

GREETING = (
    "Hello, and thank you for calling. My name is Sam, and I am your assistant today. I can help you with orders, "
    "deliveries, and returns. What would you like to do? You can also tell me the number of your order, and I will "
    "look it up for you right away."
)


def heard(speech: Speech, frame_bytes: int = 320) -> bytes:
    """The whole audio, read frame by frame."""
    return b"".join(iter(lambda: speech.read(frame_bytes), b""))


def words(text: str) -> list[str]:
    """What each piece adds to the text."""
    ends = [0, *(piece.text_end for piece in pieces(text))]
    return [text[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def duration_ms(text: str) -> float:
    return MULAW.duration_ms(len(heard(say(text, MULAW))))


def test_words_come_with_the_space_before_them() -> None:
    assert words("Hello, world!  How are you? ") == ["Hello,", " world!", "  How", " are", " you?", " "]


def test_english_is_spoken_at_about_180_words_a_minute() -> None:
    assert 165 < len(GREETING.split()) / duration_ms(GREETING) * 60_000 < 200


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("a", 1), ("like", 1), ("hello", 2), ("order", 2), ("deliveries", 4), ("2026", 4), ("Привет", 2), ("café", 2)],
)
def test_a_word_has_as_many_tones_as_syllables(word: str, syllables: int) -> None:
    (piece,) = pieces(word)
    assert len(piece.tones) == syllables


@pytest.mark.parametrize("text", ["你好世界", "こんにちは", "안녕하세요"])
def test_scripts_without_spaces_have_one_syllable_a_character(text: str) -> None:
    assert words(text) == list(text)
    assert all(len(piece.tones) == 1 for piece in pieces(text))


def test_their_punctuation_stays_with_the_word_before() -> None:
    assert words("你好，世界。") == ["你", "好，", "世", "界。"]


@pytest.mark.parametrize("text", ["שלום", "नमस्ते", "hmm", "²", "ﬃ", "x" * 1000])
def test_what_has_no_vowels_is_spoken_all_the_same(text: str) -> None:
    assert duration_ms(text) >= 140


@pytest.mark.parametrize("text", ["", " ", "\n\t "])
def test_a_blank_text_takes_no_time(text: str) -> None:
    assert say(text, MULAW).read(160) == b""
    assert say(text, MULAW).words_until(0) == text


@pytest.mark.parametrize("text", ["...", "?!", "— … -", "・・・", "👍", "_", " . "])
def test_what_cannot_be_pronounced_is_one_syllable(text: str) -> None:
    assert 140 <= duration_ms(text) <= 200
    assert say(text, MULAW).words_until(0) == text


def test_a_sentence_ends_with_a_longer_pause_than_a_clause_and_that_with_a_longer_one_than_a_word() -> None:
    plain, clause, sentence = (duration_ms(text) for text in ("one two", "one, two", "one. two"))
    assert plain + 100 < clause < sentence - 100


def test_a_point_within_a_number_is_no_pause() -> None:
    assert duration_ms("3.5") < duration_ms("3. 5") - 300


def test_no_pause_comes_before_the_first_word() -> None:
    assert [piece.at_ms for piece in pieces("... one")] == [0]


def test_no_pause_follows_the_last_word() -> None:
    assert duration_ms("one two.") == duration_ms("one two")


def test_words_count_as_said_when_they_begin() -> None:
    speech = say("Hello, big world.", MULAW)
    _, second, third = (piece.at_ms for piece in pieces("Hello, big world."))
    assert speech.words_until(0) == "Hello,"
    assert speech.words_until(second - 1) == "Hello,"
    assert speech.words_until(second) == "Hello, big"
    assert speech.words_until(third) == "Hello, big world."


def test_what_was_said_stays_said() -> None:
    speech = say("one two", MULAW)
    assert speech.words_until(10_000) == speech.words_until(0) == "one two"


def test_a_words_sound_begins_when_the_word_counts_as_said() -> None:
    text = "one, two. three"
    samples = decode(heard(say(text, PCM)), Encoding.PCM16)
    for piece in pieces(text):
        start = PCM.bytes_in(piece.at_ms) // 2
        assert np.abs(samples[max(0, start - 800) : start]).max(initial=0) == 0
        assert np.abs(samples[start : start + 800]).max() > 4000


def test_the_same_text_sounds_the_same_and_in_any_run() -> None:
    assert heard(say("Hello", MULAW)) == heard(say("Hello", MULAW))
    (piece,) = pieces("Hello")
    assert piece.tones == ((277.18, 180), (233.08, 150))


def test_different_words_sound_different() -> None:
    assert len({heard(say(word, MULAW)) for word in ("one", "two", "three", "four", "five", "six")}) >= 5


@given(st.text(max_size=60))
def test_any_text_is_spoken_and_its_words_join_to_it(text: str) -> None:
    spoken = list(pieces(text))
    assert "".join(words(text)) == text
    assert [piece.at_ms for piece in spoken] == sorted(piece.at_ms for piece in spoken)
    assert say(text, MULAW).words_until(math.inf) == text
    end_ms = spoken[-1].at_ms + sum(length_ms for _, length_ms in spoken[-1].tones) if spoken else 0
    assert duration_ms(text) == end_ms


@given(st.text(st.characters(categories=["Cs", "Lu"]), max_size=20))
def test_lone_surrogates_do_no_harm(text: str) -> None:
    assert say(text, MULAW).words_until(math.inf) == text
    heard(say(text, MULAW))


@given(FORMATS, st.lists(st.integers(1, 5000), min_size=1, max_size=10))
def test_the_audio_does_not_depend_on_how_it_is_read(audio_format: AudioFormat, sizes: list[int]) -> None:
    text = "Hello, world. 你好"
    speech = say(text, audio_format)
    parts = [speech.read(size) for size in sizes]
    whole = heard(say(text, audio_format))
    assert b"".join(parts) + heard(speech) == whole
    assert len(whole) % audio_format.bytes_per_sample == 0
    *_, last = pieces(text)
    end_ms = last.at_ms + sum(length_ms for _, length_ms in last.tones)
    assert end_ms - 1 < audio_format.duration_ms(len(whole)) <= end_ms


def test_no_sample_is_louder_than_12_db_below_full_scale_and_none_jumps() -> None:
    samples = decode(heard(say(GREETING, PCM)), Encoding.PCM16).astype(int)
    assert np.abs(samples).max() == 8192
    # The steepest tone, 311 Hz with its overtones, moves by about 2000 from sample to sample.
    assert np.abs(np.diff(samples)).max() < 2500


def test_a_tone_swells_from_nothing_and_fades_to_nothing() -> None:
    samples = np.abs(decode(synthesise(233.08, 160, PCM), Encoding.PCM16).astype(int))
    assert max(samples[:16].max(), samples[-16:].max()) < 250
    assert samples[160:-160].max() > 8000


@pytest.mark.parametrize("text", ["word " * 20_000, "ba" * 50_000, "你" * 100_000])
def test_a_long_text_is_made_bit_by_bit(text: str) -> None:
    before = synthesise.cache_info()
    speech = say(text, MULAW)
    for _ in range(50):
        assert len(speech.read(160)) == 160
    after = synthesise.cache_info()
    assert 4 <= after.hits + after.misses - before.hits - before.misses <= 8
    assert len(speech.words_until(1000)) <= 200


def test_recorded_audio_is_passed_on_with_its_text_at_once() -> None:
    speech = Speech.of_audio(bytes(range(200)), "(what the caller said)")
    assert speech.words_until(0) == "(what the caller said)"
    assert [speech.read(160), speech.read(160), speech.read(160)] == [bytes(range(160)), bytes(range(160, 200)), b""]
