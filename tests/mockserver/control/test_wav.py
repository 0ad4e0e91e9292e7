from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
import pytest

from contract.audio import AudioFormat, Encoding, decode
from mockserver.control.wav import LONGEST_MS, Recorded, wav_of

PCM = AudioFormat(Encoding.PCM16, 8000)
MULAW = AudioFormat(Encoding.MULAW, 8000)
FRAME_MS = 20


def frame(value: int) -> bytes:
    """Twenty milliseconds of one sample."""
    return np.full(160, value, "<i2").tobytes()


def samples(*sides: Recorded | None, rate_hz: int = 8000) -> Any:
    with wave.open(io.BytesIO(wav_of(sides))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (len(sides), 2, rate_hz)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, len(sides))


def runs(channel: Any) -> list[tuple[int, int]]:
    """The values of a channel, each with the milliseconds for which it stays."""
    edges = [0, *(np.flatnonzero(np.diff(channel)) + 1), len(channel)]
    return [(int(channel[at]), (to - at) // 8) for at, to in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize("late_ms", [0, 5, 90])
def test_pieces_that_come_unevenly_join_without_a_gap(late_ms: int) -> None:
    pieces = [(0.0, frame(1)), (20.0 + late_ms, frame(2)), (40.0, frame(3))]
    assert runs(samples(Recorded(PCM, pieces))[:, 0]) == [(1, 20), (2, 20), (3, 20)]


def test_a_pause_is_silence_of_its_length() -> None:
    pieces = [(1000.0, frame(1)), (1500.0, frame(2))]
    assert runs(samples(Recorded(PCM, pieces))[:, 0]) == [(1, 20), (0, 480), (2, 20)]


def test_silence_in_mu_law_is_silent() -> None:
    pieces = [(0.0, b"\x00" * 160), (500.0, b"\x00" * 160)]
    channel = samples(Recorded(MULAW, pieces))[:, 0]
    assert not channel[160:4000].any() and (channel[4000:] == decode(b"\x00", Encoding.MULAW)[0]).all()


def test_what_was_cleared_before_it_was_played_is_not_heard() -> None:
    ahead: list[tuple[float, bytes | None]] = [(0.0, frame(value)) for value in (1, 2, 3, 4)]
    assert runs(samples(Recorded(PCM, [*ahead, (30.0, None)]))[:, 0]) == [(1, 20), (2, 10)]
    later = [*ahead, (30.0, None), (40.0, frame(5))]
    assert runs(samples(Recorded(PCM, later))[:, 0]) == [(1, 20), (2, 10), (5, 20)]


def test_both_sides_begin_with_the_first_of_either_and_have_one_rate() -> None:
    wide = AudioFormat(Encoding.PCM16, 16000)
    caller = Recorded(PCM, [(1000.0, frame(4000))])
    agent = Recorded(wide, [(1500.0, frame(8000) * 2)])
    both = samples(caller, agent, rate_hz=16000)
    assert abs(int(both[100, 0]) - 4000) < 400 and not both[400:, 0].any()
    assert not both[:8000, 1].any() and (both[8000:, 1] == 8000).all()


def test_a_side_that_said_nothing_is_silent() -> None:
    both = samples(None, Recorded(PCM, [(0.0, frame(7))]))
    assert not both[:, 0].any() and (both[:, 1] == 7).all()


def test_pauses_of_hours_are_cut_short_and_nothing_else_is() -> None:
    pieces = [(0.0, frame(1)), (1e8, frame(2)), (1.5e8, None), (2e8, frame(3))]
    expected = [(1, 20), (0, LONGEST_MS - 20), (2, 20), (3, 20)]
    assert runs(samples(Recorded(PCM, pieces))[:, 0]) == expected
