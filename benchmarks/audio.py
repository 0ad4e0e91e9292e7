"""One 20 ms frame of audio coded, brought to another rate and listened to, against CPython's `audioop` if it exists.

Both sides run in turn, round after round, so that what else the machine does falls on both.  Prints microseconds a
frame (median of the rounds) and the ratio.  `audioop.ratecv` has no filter: cheaper and rougher.
Targets on a quiet machine: hearing < 10 us; conversion < 30 us between 8 and 16 kHz.

    python -m benchmarks.audio [ROUNDS]
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import side_by_side
from benchmarks.side_by_side import Work
from contract.audio import AudioFormat, Converter, Encoding, decode, encode
from mockserver.hearing import Ear
from mockserver.voice import say

FRAMES = 500
MULAW = AudioFormat(Encoding.MULAW, 8000)
RATE_PAIRS = [(8000, 16000), (16000, 8000), (24000, 8000), (16000, 24000), (44100, 8000), (8000, 48000), (48000, 8000)]


def main(rounds: int) -> None:
    audioop = standard_audioop()
    samples = speech(160)
    wide, narrow = samples.tobytes(), encode(samples, Encoding.MULAW)
    report(
        "mu-law decode",
        rounds,
        lambda: decode(narrow, Encoding.MULAW),
        audioop and (lambda: audioop.ulaw2lin(narrow, 2)),
    )
    report(
        "mu-law encode",
        rounds,
        lambda: encode(samples, Encoding.MULAW),
        audioop and (lambda: audioop.lin2ulaw(wide, 2)),
    )
    for source_hz, target_hz in RATE_PAIRS:
        report_conversion(rounds, source_hz, target_hz, audioop)
    report("hear silence", rounds, listening(MULAW.silence * 160), audioop and (lambda: loudness(audioop, narrow)))
    report("hear speech", rounds, listening(narrow), audioop and (lambda: loudness(audioop, narrow)))
    spoken = say("word " * 1_000_000, MULAW)
    report("speak", rounds, lambda: spoken.read(160), None)


def report_conversion(rounds: int, source_hz: int, target_hz: int, audioop: Any) -> None:
    converter = Converter(AudioFormat(Encoding.PCM16, source_hz), AudioFormat(Encoding.PCM16, target_hz))
    frame = speech(source_hz // 50).tobytes()
    state = None

    def interpolate() -> bytes:
        nonlocal state
        interpolated: bytes
        interpolated, state = audioop.ratecv(frame, 2, 1, source_hz, target_hz, state)
        return interpolated

    report(f"{source_hz} to {target_hz} Hz", rounds, lambda: converter.convert(frame), audioop and interpolate)


def listening(frame: bytes) -> Callable[[], object]:
    """Hear the frame, in real time, and ask for the turn, as a call does."""
    ear, now = Ear(MULAW, MULAW), 0.0

    def listen() -> object:
        nonlocal now
        now += 0.02
        ear.hear(frame, now)
        return ear.turn_over(now)

    return listen


def loudness(audioop: Any, frame: bytes) -> int:
    level: int = audioop.rms(audioop.ulaw2lin(frame, 2), 2)
    return level


def speech(count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise as loud as a voice."""
    return (np.random.default_rng(count).standard_normal(count) * 3000).astype(np.int16)


def standard_audioop() -> Any:
    """The module, None from Python 3.13 on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module("audioop")
        except ImportError:
            return None


def report(name: str, rounds: int, ours: Work, theirs: Work | None) -> None:
    side_by_side.report(name, rounds, ours, theirs, their_name="audioop", repeat=FRAMES)


if __name__ == "__main__":
    main(side_by_side.rounds())
