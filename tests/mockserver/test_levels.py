"""A quiet caller is brought up, and nothing else happens to what was said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import AudioFormat, Encoding, decode, encode
from contract.events import Audio
from mockserver.levels import PEAK, VOICE_RMS, brought_up
from tests.mockserver.talk import Talk

MULAW = AudioFormat(Encoding.MULAW, 8000)
PCM = AudioFormat(Encoding.PCM16, 16000)


def tone(loudness_rms: float, audio_format: AudioFormat, hertz: float = 440.0, ms: int = 1000) -> bytes:
    at = np.arange(audio_format.rate_hz * ms // 1000) / audio_format.rate_hz
    wave = loudness_rms * np.sqrt(2) * np.sin(2 * np.pi * hertz * at)
    return encode(np.rint(wave).astype(np.int16), audio_format.encoding)


def levelled(audio: bytes, audio_format: AudioFormat) -> Any:
    return decode(b"".join(brought_up(audio, audio_format)), audio_format.encoding).astype(float)


@pytest.mark.parametrize("audio_format", [MULAW, PCM])
def test_a_quiet_voice_is_as_loud_as_others_and_its_tones_keep_their_pitch(audio_format: AudioFormat) -> None:
    wave = levelled(tone(500, audio_format), audio_format)
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(VOICE_RMS, rel=0.05)
    assert np.abs(np.fft.rfft(wave)).argmax() == 440


def test_it_begins_and_ends_without_a_click() -> None:
    wave = np.abs(levelled(tone(500, PCM, ms=1015), PCM))
    assert max(wave[:4].max(), wave[-4:].max()) < 100


@pytest.mark.parametrize("loudness_rms", [VOICE_RMS, 3000, 20_000])
def test_a_voice_that_is_loud_enough_stays_as_it_is(loudness_rms: float) -> None:
    audio = tone(loudness_rms, MULAW)
    assert list(brought_up(audio, MULAW)) == [audio]


def test_a_single_loud_sound_keeps_the_rest_from_being_brought_up_until_it_clips() -> None:
    audio = tone(500, PCM) + tone(14_000, PCM, ms=20) + tone(500, PCM)
    assert np.abs(levelled(audio, PCM)).max() <= PEAK


@given(
    st.sampled_from([MULAW, PCM, AudioFormat(Encoding.ALAW, 8000), AudioFormat(Encoding.PCM16, 11025)]),
    st.integers(0, 9000),
    st.floats(0, 3000),
)
def test_it_lasts_as_long_as_before_and_never_clips(audio_format: AudioFormat, count: int, loudness: float) -> None:
    samples = np.random.default_rng(count).normal(0, loudness, count).astype(np.int16)
    audio = encode(samples, audio_format.encoding)
    wave = levelled(audio, audio_format)
    assert len(wave) == count
    assert np.abs(wave).max(initial=0) <= max(PEAK * 1.05, np.abs(decode(audio, audio_format.encoding)).max(initial=0))


def test_the_parrot_repeats_a_quiet_caller_louder() -> None:
    talk = Talk(first_speaker="user")
    audio = tone(500, MULAW)
    for start in range(0, len(audio), 160):
        talk.hear(Audio(payload=audio[start : start + 160]))
        talk.wait(0.02)
    talk.wait(3)
    wave = decode(talk.audio(), Encoding.MULAW).astype(float)
    assert np.sqrt(np.mean(wave[800:7200] ** 2)) == pytest.approx(VOICE_RMS, rel=0.05)
