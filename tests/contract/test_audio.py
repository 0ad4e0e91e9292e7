"""Formats and their lengths, the codings' exact values, and conversion from one format to another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.audio import AudioFormat, Converter, Encoding, decode, encode, mono, rms, sample_count
from contract.errors import PeerError, UsageError

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_BYTE = bytes(range(256))
RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 44100, 48000)
RATE_PAIRS = [(source, target) for source in RATES_HZ for target in RATES_HZ if source != target]
OTHER_RATE_PAIRS = [(8000, 8001), (8001, 8000), (47999, 48000), (12345, 34567), (34567, 12345)]
FORMATS = st.builds(AudioFormat, st.sampled_from(Encoding), st.integers(8000, 48000))


def pcm(rate_hz: int) -> AudioFormat:
    return AudioFormat(Encoding.PCM16, rate_hz)


def spoken_in_frames(converter: Converter, audio: bytes, source: AudioFormat) -> list[bytes]:
    """What comes out for each frame of 20 ms, and after the last."""
    out, at, index = [], 0, 0
    while at < len(audio):
        end = at + source.frame_bytes(index)
        out.append(converter.convert(audio[at:end]))
        at, index = end, index + 1
    return [*out, converter.flush()]


def sweep(rate_hz: int, seconds: float, up_to_hz: float) -> npt.NDArray[np.float64]:
    """A tone rising from 100 Hz, at half of full scale, with soft ends."""
    time_s = np.arange(math.ceil(rate_hz * seconds)) / rate_hz
    phase = 2 * np.pi * (100 * time_s + (up_to_hz - 100) * time_s**2 / (2 * seconds))
    swell = np.minimum(1, np.minimum(time_s, seconds - time_s) / 0.05).clip(0)
    wave: npt.NDArray[np.float64] = 16384 * swell * np.sin(phase)
    return wave


def as_pcm(wave: npt.NDArray[np.float64]) -> bytes:
    return encode(np.rint(wave).astype(np.int16), Encoding.PCM16)


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "expected"),
    [
        (Encoding.MULAW, 8000, 160),
        (Encoding.ALAW, 8000, 160),
        (Encoding.PCM16, 8000, 320),
        (Encoding.PCM16, 16000, 640),
        (Encoding.PCM16, 22050, 882),
        (Encoding.PCM16, 24000, 960),
        (Encoding.PCM16, 44100, 1764),
        (Encoding.PCM16, 48000, 1920),
    ],
)
def test_a_frame_of_20_ms_has_its_known_length(encoding: Encoding, rate_hz: int, expected: int) -> None:
    audio_format = AudioFormat(encoding, rate_hz)
    assert audio_format.frame_bytes(0) == expected
    assert audio_format.frame_bytes(1) == expected
    assert audio_format.bytes_in(20) == expected
    assert audio_format.duration_ms(expected) == 20


def test_frames_alternate_where_20_ms_are_no_whole_number_of_samples() -> None:
    assert [AudioFormat(Encoding.MULAW, 11025).frame_bytes(index) for index in range(4)] == [220, 221, 220, 221]


@given(FORMATS, st.integers(0, 200), st.integers(1, 60))
def test_frames_cover_the_stream_without_a_gap(audio_format: AudioFormat, count: int, frame_ms: int) -> None:
    frames = sum(audio_format.frame_bytes(index, frame_ms) for index in range(count))
    assert frames == audio_format.bytes_in(count * frame_ms)
    assert count * frame_ms - 1 < audio_format.duration_ms(frames) <= count * frame_ms


@pytest.mark.parametrize("rate_hz", [-1, 0, 7999, 48001])
def test_a_rate_outside_the_contract_is_our_own_fault(rate_hz: int) -> None:
    with pytest.raises(UsageError, match="8000 to 48000"):
        AudioFormat(Encoding.PCM16, rate_hz)


@pytest.mark.parametrize(
    ("encoding", "silence", "level"),
    [(Encoding.MULAW, b"\xff", 0), (Encoding.ALAW, b"\xd5", 8), (Encoding.PCM16, b"\0\0", 0)],
)
def test_silence_is_the_quietest_sample(encoding: Encoding, silence: bytes, level: int) -> None:
    assert AudioFormat(encoding, 8000).silence == silence
    assert decode(silence, encoding).tolist() == [level]
    assert encode(np.zeros(1, np.int16), encoding) == silence


def test_mulaw_bytes_stand_for_their_known_samples() -> None:
    assert decode(b"\xff\x7f\x00\x80\xd5", Encoding.MULAW).tolist() == [0, 0, -32124, 32124, 716]


def test_alaw_bytes_stand_for_their_known_samples() -> None:
    assert decode(b"\xd5\x55\x2a\xaa\xff", Encoding.ALAW).tolist() == [8, -8, -32256, 32256, 848]


def test_mulaw_survives_decoding_but_for_its_second_zero() -> None:
    survived = encode(decode(EVERY_BYTE, Encoding.MULAW), Encoding.MULAW)
    assert survived == EVERY_BYTE.replace(b"\x7f", b"\xff")


def test_alaw_survives_decoding() -> None:
    assert encode(decode(EVERY_BYTE, Encoding.ALAW), Encoding.ALAW) == EVERY_BYTE


def test_pcm16_survives_decoding_and_is_little_endian() -> None:
    assert np.array_equal(decode(encode(EVERY_SAMPLE, Encoding.PCM16), Encoding.PCM16), EVERY_SAMPLE)
    assert decode(b"\x01\x02", Encoding.PCM16).tolist() == [0x0201]


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")
def test_every_sample_and_every_byte_is_that_of_audioop() -> None:
    audioop = pytest.importorskip("audioop", reason="CPython had it until 3.12")
    samples = EVERY_SAMPLE.tobytes()
    assert encode(EVERY_SAMPLE, Encoding.MULAW) == audioop.lin2ulaw(samples, 2)
    assert encode(EVERY_SAMPLE, Encoding.ALAW) == audioop.lin2alaw(samples, 2)
    assert decode(EVERY_BYTE, Encoding.MULAW).tobytes() == audioop.ulaw2lin(EVERY_BYTE, 2)
    assert decode(EVERY_BYTE, Encoding.ALAW).tobytes() == audioop.alaw2lin(EVERY_BYTE, 2)


@pytest.mark.parametrize(
    ("law", "peaks"), [(Encoding.MULAW, b"\x00\x00\x80\x80"), (Encoding.ALAW, b"\x2a\x2a\xaa\xaa")]
)
def test_what_a_law_cannot_say_becomes_its_peak(law: Encoding, peaks: bytes) -> None:
    assert encode(np.array([-32768, -32700, 32700, 32767], np.int16), law) == peaks


@pytest.mark.parametrize("law", [Encoding.MULAW, Encoding.ALAW])
def test_a_law_errs_by_less_than_a_sixteenth_and_its_smallest_step(law: Encoding) -> None:
    reachable = EVERY_SAMPLE[np.abs(EVERY_SAMPLE.astype(int)) <= 32124].astype(int)
    error = np.abs(decode(encode(reachable.astype(np.int16), law), law).astype(int) - reachable)
    assert (error <= np.abs(reachable) // 16 + 16).all()


def test_half_a_sample_is_the_peers_fault() -> None:
    with pytest.raises(PeerError, match="3 bytes are not a whole number of 16-bit samples") as caught:
        decode(b"abc", Encoding.PCM16)
    assert (caught.value.message_name, caught.value.path) == (None, "$")
    assert sample_count(b"abc", Encoding.MULAW) == 3


@pytest.mark.parametrize("target", [pcm(8000), pcm(16000), AudioFormat(Encoding.MULAW, 8000)])
def test_a_converter_refuses_half_a_sample_and_goes_on(target: AudioFormat) -> None:
    converter = Converter(pcm(8000), target)
    with pytest.raises(PeerError):
        converter.convert(b"abc")
    converted = converter.convert(bytes(320)) + converter.flush()
    assert len(converted) == target.bytes_in(20)


def test_two_channels_become_their_mean_and_one_stays() -> None:
    left, right = EVERY_SAMPLE.astype(np.int32), np.random.default_rng(0).permutation(EVERY_SAMPLE).astype(np.int32)
    interleaved = np.stack([left, right], axis=1).astype(np.int16).tobytes()
    mean = ((left + right) // 2).astype("<i2").tobytes()
    assert mono(interleaved, 2) == mono(memoryview(interleaved), 2) == mean
    assert mono(interleaved, 1) == np.frombuffer(interleaved, np.int16).astype("<i2").tobytes()


def test_loudness_is_the_root_of_the_mean_square() -> None:
    assert rms(np.array([[3, -4, 0, 0], [0, 0, 0, 0], [-32768] * 4], np.int16)).tolist() == [2.5, 0, 32768]
    assert rms(np.empty((0, 160), np.int16)).tolist() == []


def test_the_same_format_is_passed_on_untouched() -> None:
    audio = bytes(320)
    converter = Converter(pcm(16000), pcm(16000))
    assert converter.convert(audio) is audio
    assert converter.flush() == b""


def test_at_the_same_rate_only_the_coding_changes() -> None:
    converter = Converter(AudioFormat(Encoding.ALAW, 8000), AudioFormat(Encoding.MULAW, 8000))
    assert converter.convert(b"\xd5\x55\x2a\xaa") == encode(np.array([8, -8, -32256, 32256], np.int16), Encoding.MULAW)
    assert converter.flush() == b""


@pytest.mark.parametrize(("source_hz", "target_hz"), RATE_PAIRS + OTHER_RATE_PAIRS)
def test_a_sweep_in_frames_comes_out_clean_and_in_time(source_hz: int, target_hz: int) -> None:
    """Frame by frame, at most 5 ms behind, and 80 dB above all error: clicks, delay, noise, false pitch."""
    # To 70 per cent of what both rates can carry the filter is flat; it falls off from there.
    up_to_hz = 0.7 * min(source_hz, target_hz) / 2
    source, target = pcm(source_hz), pcm(target_hz)
    frames = spoken_in_frames(Converter(source, target), as_pcm(sweep(source_hz, 0.5, up_to_hz)), source)
    heard_ms = [target.duration_ms(len(b"".join(frames[: index + 1]))) for index in range(len(frames) - 1)]
    assert all(20 * (index + 1) - 5 < ms <= 20 * (index + 1) + 1 for index, ms in enumerate(heard_ms[:-1]))
    heard = decode(b"".join(frames), Encoding.PCM16).astype(float)
    ideal = sweep(target_hz, 0.5, up_to_hz)
    assert abs(len(heard) - len(ideal)) <= math.ceil(target_hz / source_hz)
    length = min(len(heard), len(ideal))
    error = heard[:length] - ideal[:length]
    assert 10 * math.log10(np.mean(ideal**2) / np.mean(error**2)) > 80


@pytest.mark.parametrize(("source_hz", "target_hz"), [(48000, 8000), (16000, 8000), (44100, 11025), (24000, 16000)])
def test_what_the_lower_rate_cannot_carry_is_filtered_out(source_hz: int, target_hz: int) -> None:
    """Unfiltered, a tone above half the target's rate would come back as a lower one, just as loud."""
    tone = 16384 * np.sin(2 * np.pi * 0.65 * target_hz * np.arange(source_hz) / source_hz)
    converted = Converter(pcm(source_hz), pcm(target_hz)).convert(as_pcm(tone))
    inner = decode(converted, Encoding.PCM16)[target_hz // 10 :]
    assert rms(inner[np.newaxis]).item() < 16384 / 1000


def test_a_step_to_full_scale_does_not_wrap_round() -> None:
    step = np.repeat(np.array([-32768, 32767], np.int16), 200)
    converter = Converter(pcm(8000), pcm(48000))
    samples = decode(converter.convert(encode(step, Encoding.PCM16)) + converter.flush(), Encoding.PCM16)
    middle = len(samples) // 2
    assert samples[100 : middle - 60].max() < -30000
    assert samples[middle + 60 : -100].min() > 30000


@given(st.data(), FORMATS, FORMATS)
def test_the_output_does_not_depend_on_where_the_input_is_cut(
    data: st.DataObject, source: AudioFormat, target: AudioFormat
) -> None:
    count = data.draw(st.integers(0, 1500))
    noise = np.random.default_rng(count).integers(-20000, 20000, count).astype(np.int16)
    audio = encode(noise, source.encoding)
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=8)))
    ends = [cut * source.bytes_per_sample for cut in [*cuts, count]]
    whole = Converter(source, target)
    pieces = Converter(source, target)
    expected = whole.convert(audio) + whole.flush()
    parts = [pieces.convert(audio[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    assert b"".join(parts) + pieces.flush() == expected
    assert len(expected) == math.ceil(count * target.rate_hz / source.rate_hz) * target.bytes_per_sample


@given(FORMATS, FORMATS)
def test_after_a_flush_a_new_stream_begins(source: AudioFormat, target: AudioFormat) -> None:
    noise = np.random.default_rng(0).integers(-20000, 20000, 700).astype(np.int16)
    audio = encode(noise, source.encoding)
    converter = Converter(source, target)
    first = converter.convert(audio) + converter.flush()
    assert converter.convert(audio) + converter.flush() == first
    assert converter.flush() == b""
