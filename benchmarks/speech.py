"""How late the pacer of calls comes while speech is made without a pause, against no speech; how soon speech begins.

Both sides run in turn, round after round.  Prints milliseconds by which a call's tick came later or sooner than 20 ms
after the one before, and milliseconds until the first audio of a text that nobody has said before.
Targets on a quiet machine: the 99th percentile grows by less than 2 ms; the first audio of any text within 50 ms.

    python -m benchmarks.speech [ROUNDS]
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from contract.audio import AudioFormat, Encoding
from mockserver.espeak import Voice, espeak
from mockserver.synthesis import Synthesiser
from mockserver.ticker import PERIOD_S, Ticker

CALLS = 50
SECONDS = 4.0
PCM = AudioFormat(Encoding.PCM16, 16000)
VOICE = Voice("gmw/en+f2")
SENTENCE = "This is sentence number {}, in which the agent talks about bicycles, tyres and the weather of today."


class Call:
    """A call that only notes when it is ticked."""

    def __init__(self) -> None:
        self.at_s: list[float] = []

    def tick(self, now: float) -> None:
        """Note it."""
        self.at_s.append(time.perf_counter())


def main(rounds: int) -> None:
    texts = (SENTENCE.format(number) for number in itertools.count())
    for number in range(rounds):
        quiet = asyncio.run(ticked_off_ms())
        with busy(texts) as made:
            loud = asyncio.run(ticked_off_ms())
        synthesiser = Synthesiser(espeak().speak)
        first = sorted(first_audio_ms(synthesiser, next(texts)) for _ in range(20))
        synthesiser.close()
        print(f"round {number + 1}: ticks off by  {told(quiet)} without speech")
        print(f"         ticks off by  {told(loud)} while {sum(made) / SECONDS:.0f} s of speech were made a second")
        print(f"         first audio after {told(first)}")


async def ticked_off_ms() -> list[float]:
    """By how much each tick missed its moment, in order of size."""
    ticker, calls = Ticker(asyncio.get_running_loop().time), [Call() for _ in range(CALLS)]
    for call in calls:
        ticker.add(call)
    await asyncio.sleep(SECONDS)
    for call in calls:
        ticker.discard(call)
    gaps = (after - before for call in calls for before, after in itertools.pairwise(call.at_s))
    return sorted(abs(gap - PERIOD_S) * 1000 for gap in gaps)


@contextmanager
def busy(texts: Iterator[str]) -> Iterator[list[float]]:
    """Keep a worker at work; gives the seconds of speech that it has made by the end."""
    made: list[float] = []
    synthesiser = Synthesiser(espeak().speak)
    wanted = [synthesiser.say(next(texts), PCM, VOICE) for _ in range(80)]
    yield made
    for speech in wanted:
        while speech.read(PCM.frame_bytes(0)):
            made.append(0.02)
    synthesiser.close()


def first_audio_ms(synthesiser: Synthesiser, text: str) -> float:
    """From the wish to the sound."""
    asked_at = time.perf_counter()
    speech = synthesiser.say(text, PCM, VOICE)
    while not speech.read(PCM.frame_bytes(0)):
        time.sleep(0.0005)
    return (time.perf_counter() - asked_at) * 1000


def told(values: list[float]) -> str:
    p50, p99 = values[len(values) // 2], values[len(values) * 99 // 100]
    return f"{p50:.2f} ms p50, {p99:.2f} ms p99, {values[-1]:.2f} ms at most"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
