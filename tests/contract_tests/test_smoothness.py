from __future__ import annotations

import numpy as np
import pytest

from contract.audio import AudioFormat, Encoding, encode
from contract_tests.smoothness import smoother_coding

TONE = (2000 * np.sin(np.arange(8000) / 4)).astype(np.int16)


@pytest.mark.parametrize("tone_hz", [200, 330, 440, 700])
@pytest.mark.parametrize("level", [300, 2000, 8000, 16000, 32000])
def test_a_law_is_told_from_mu_law_at_any_level(tone_hz: int, level: int) -> None:
    tone = (level * np.sin(2 * np.pi * tone_hz * np.arange(8000) / 8000)).astype(np.int16)
    for right, other in ((Encoding.MULAW, Encoding.ALAW), (Encoding.ALAW, Encoding.MULAW)):
        assert smoother_coding(encode(tone, right), AudioFormat(right, 8000)) is None
        assert smoother_coding(encode(tone, other), AudioFormat(right, 8000)) == other.value


@pytest.mark.parametrize("encoding", Encoding)
def test_audio_in_the_right_coding_is_smoothest_in_it(encoding: Encoding) -> None:
    assert smoother_coding(encode(TONE, encoding), AudioFormat(encoding, 8000)) is None


@pytest.mark.parametrize(
    ("right", "audio", "found"),
    [
        (Encoding.MULAW, encode(TONE, Encoding.ALAW), "alaw"),
        (Encoding.MULAW, encode(TONE, Encoding.PCM16), "pcm16"),
        (Encoding.PCM16, encode(TONE, Encoding.MULAW), "mulaw"),
        (Encoding.PCM16, TONE.astype(">i2").tobytes(), "big-endian pcm16"),
    ],
)
def test_the_coding_that_audio_is_in_instead_is_named(right: Encoding, audio: bytes, found: str) -> None:
    assert smoother_coding(audio, AudioFormat(right, 8000)) == found


def test_noise_that_is_silence_or_a_constant_in_every_other_coding_is_left_alone() -> None:
    # Silence in A-law that is loud in mu-law.
    assert smoother_coding(b"\xd5\x55" * 4000, AudioFormat(Encoding.MULAW, 8000)) is None


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("tone_hz", [200, 330, 440, 700])
def test_mu_law_is_told_from_pcm_at_any_rate(tone_hz: int, rate_hz: int) -> None:
    tone = (4000 * np.sin(2 * np.pi * tone_hz * np.arange(rate_hz) / rate_hz)).astype(np.int16)
    for right, other in ((Encoding.PCM16, Encoding.MULAW), (Encoding.MULAW, Encoding.PCM16)):
        assert smoother_coding(encode(tone, right), AudioFormat(right, rate_hz)) is None
        assert smoother_coding(encode(tone, other), AudioFormat(right, rate_hz)) == other.value


@pytest.mark.parametrize("level", [300, 4000, 12000, 30000])
def test_a_high_tone_is_no_noise(level: int) -> None:
    tone = (level * np.sin(2 * np.pi * 3000 * np.arange(8000) / 8000)).astype(np.int16)
    assert smoother_coding(encode(tone, Encoding.PCM16), AudioFormat(Encoding.PCM16, 8000)) is None
