from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.audio import AudioFormat, Encoding, encode
from contract_tests.caller import AudioFileError, read_turn, read_wav, spoken
from contract_tests.findings import Verdict
from contract_tests.line import AUDIBLE_RMS, loudness, samples
from tests.contract_tests.targets import finding_of, job_named
from tests.running import RunningMock

LEVELS = [0, 1, -1, 1000, -1000, 32767, -32768]


def wav(frames: bytes, *, width: int = 2, channels: int = 1, rate_hz: int = 8000) -> bytes:
    """A WAV file of PCM."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(frames)
    return written.getvalue()


def pcm(levels: list[int], width: int) -> bytes:
    """16-bit levels, written in samples of so many bytes; 8-bit ones have no sign in a WAV file."""
    if width == 1:
        return bytes((level >> 8) + 128 for level in levels)
    return b"".join((level << 8 * (width - 2)).to_bytes(width, "little", signed=True) for level in levels)


def read(tmp_path: Path, content: bytes) -> tuple[list[int], int]:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    audio, rate_hz = read_wav(path)
    return np.frombuffer(audio, "<i2").tolist(), rate_hz


@pytest.mark.parametrize("width", [2, 3, 4])
def test_samples_of_any_width_are_read_as_16_bits(tmp_path: Path, width: int) -> None:
    assert read(tmp_path, wav(pcm(LEVELS, width), width=width, rate_hz=44100)) == (LEVELS, 44100)


def test_samples_of_8_bits_have_no_sign(tmp_path: Path) -> None:
    assert read(tmp_path, wav(b"\x00\x80\xff", width=1)) == ([-32768, 0, 32512], 8000)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [2, 5])
def test_the_first_channel_is_what_is_said(tmp_path: Path, width: int, channels: int) -> None:
    mixed = [level for said in (256, -512, 1024) for level in (said, *[4096] * (channels - 1))]
    assert read(tmp_path, wav(pcm(mixed, width), width=width, channels=channels))[0] == [256, -512, 1024]


def test_a_frame_that_is_cut_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, wav(pcm([256, 512, 1024], 2))[:-1])[0] == [256, 512]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a WAV file of PCM"),
        (b"ID3 this is no WAV", "not a WAV file of PCM"),
        (b"RIFF\x04\x00\x00\x00WAVE", "not a WAV file of PCM"),
        (wav(pcm(LEVELS, 2)).replace(b"\x10\x00\x00\x00\x01\x00", b"\x10\x00\x00\x00\x07\x00"), "not a WAV file"),
        (wav(b""), "holds no audio"),
        (wav(pcm(LEVELS, 2), rate_hz=7999), "7999 samples a second, expected 8000 to 48000"),
        (wav(pcm(LEVELS, 2), rate_hz=48001), "48001 samples a second, expected 8000 to 48000"),
    ],
    ids=["empty", "mp3", "no chunks", "mu-law", "no audio", "rate too low", "rate too high"],
)
def test_a_file_that_cannot_be_used_is_told_by_name_and_reason(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(AudioFileError, match=complaint) as raised:
        read(tmp_path, content)
    assert "a.wav" in str(raised.value)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"nowhere\.wav"):
        read_wav(tmp_path / "nowhere.wav")


@given(st.integers(20, 32), st.binary(max_size=4), st.integers(0, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_damaged_or_cut_file_is_audio_or_an_error_of_one_kind(
    tmp_path: Path, at: int, damage: bytes, length: int
) -> None:
    whole = wav(pcm(LEVELS, 2))
    try:
        levels, rate_hz = read(tmp_path, (whole[:at] + damage + whole[at + len(damage) :])[:length])
    except AudioFileError:
        return
    assert levels and 8000 <= rate_hz <= 48000


def test_a_chunk_that_ends_beyond_the_file_is_an_error_of_the_same_kind(tmp_path: Path) -> None:
    whole = wav(pcm(LEVELS, 2))
    with pytest.raises(AudioFileError):
        read(tmp_path, whole[:12] + b"LIST\xff\xff\xff\x7f" + whole[12:])


@pytest.mark.parametrize(
    "audio_format",
    [
        AudioFormat(Encoding.MULAW, 8000),
        AudioFormat(Encoding.ALAW, 8000),
        AudioFormat(Encoding.PCM16, 16000),
        AudioFormat(Encoding.PCM16, 11025),
        AudioFormat(Encoding.PCM16, 48000),
    ],
    ids=str,
)
def test_the_built_in_sentence_is_two_seconds_of_speech_in_every_format(audio_format: AudioFormat) -> None:
    said = spoken(audio_format)
    assert 1500 < audio_format.duration_ms(len(said)) < 3000
    assert loudness(samples(said, audio_format)) > 10 * AUDIBLE_RMS


PIECES = st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=8)


@given(PIECES, st.sampled_from([8000, 11025, 48000]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_turn_has_all_that_is_said_and_no_long_pause(
    tmp_path: Path, pieces: list[tuple[bool, int]], rate_hz: int
) -> None:
    tone = (8000 * np.sin(np.arange(rate_hz) * 2 * np.pi * 440 / rate_hz)).astype("<i2")
    # Whole windows, so that what is loud in the file is loud in the turn.
    window = rate_hz // 50
    whole = b"".join((tone if loud else 0 * tone)[: ms // 20 * window].tobytes() for loud, ms in pieces)
    path = tmp_path / "turn.wav"
    path.write_bytes(wav(whole or b"\0\0", rate_hz=rate_hz))
    if sum(ms // 20 for loud, ms in pieces if loud) < 15:
        with pytest.raises(AudioFileError, match=r"s that can be heard, expected 0\.3 at the least"):
            read_turn(path)
        return
    said = np.frombuffer(read_turn(path)[0], "<i2")
    assert np.count_nonzero(said) == np.count_nonzero(np.frombuffer(whole, "<i2"))
    heard = np.flatnonzero(said)
    assert max(np.diff(heard), default=0) <= 0.2 * rate_hz + 2
    assert heard[0] <= 0.1 * rate_hz + 2 and len(said) - heard[-1] <= 0.1 * rate_hz + window


def test_a_turn_that_is_too_long_is_told_by_its_length(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(wav(np.full(8000 * 11, 8000, "<i2").tobytes()))
    with pytest.raises(AudioFileError, match=r"long\.wav: 11\.0 s of speech, expected 10 at the most"):
        read_turn(path)


def test_a_click_beside_quiet_speech_is_not_all_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "click.wav"
    quiet = np.frombuffer(spoken(AudioFormat(Encoding.PCM16, 16000)), "<i2") // 25
    path.write_bytes(wav(np.full(640, 30000, "<i2").tobytes() + quiet.astype("<i2").tobytes(), rate_hz=16000))
    assert len(read_turn(path)[0]) > 0.7 * 2 * len(quiet)


@pytest.mark.alone
def test_a_caller_who_pauses_accuses_no_agent(mock: RunningMock, tmp_path: Path) -> None:
    sentence, pause = spoken(AudioFormat(Encoding.PCM16, 16000)), bytes(2 * 19200)
    path = tmp_path / "two.wav"
    path.write_bytes(wav(pause + sentence + pause + sentence + pause, rate_hz=16000))
    finding = finding_of(mock.base_url, job_named("media.interruptible[websocket]"), caller_audio=path)
    assert finding.verdict is Verdict.PASSED, finding


def test_a_file_of_another_rate_keeps_its_length(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    tone = (8000 * np.sin(np.arange(22050) * 2 * np.pi * 440 / 22050)).astype("<i2")
    path.write_bytes(wav(tone.tobytes(), rate_hz=22050))
    assert len(spoken(AudioFormat(Encoding.MULAW, 8000), path)) == 8000


def test_comfort_noise_is_not_heard() -> None:
    hiss = np.random.default_rng(1).standard_normal(8000) * 32768 * 10 ** (-51 / 20)
    coded = bytes(encode(hiss.astype(np.int16), Encoding.MULAW))
    assert loudness(samples(coded, AudioFormat(Encoding.MULAW, 8000))) < AUDIBLE_RMS
