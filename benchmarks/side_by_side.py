"""Two ways to do the same work, timed in turn, so that what else the machine does falls on both."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

Work = Callable[[], object]


def rounds(default: int = 21) -> int:
    """How many rounds the command line asks for."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default


def report(name: str, rounds: int, ours: Work, theirs: Work | None, *, their_name: str, repeat: int) -> None:
    """Print the median microseconds of CPU that one piece of work takes, of both sides, and the median ratio.

    Each side does its work `repeat` times a round.
    """
    times = [(cost_us(ours, repeat), cost_us(theirs, repeat) if theirs else None) for _ in range(rounds)]
    best_us = min(our_us for our_us, _ in times)
    line = f"{name}: {statistics.median(our_us for our_us, _ in times):.2f} us (best round {best_us:.2f})"
    pairs = [(our_us, their_us) for our_us, their_us in times if their_us is not None]
    if pairs:
        ratio = statistics.median(our_us / their_us for our_us, their_us in pairs)
        line += f", {their_name} {statistics.median(their_us for _, their_us in pairs):.2f} us, ratio {ratio:.2f}"
    print(line)


def cost_us(work: Work, repeat: int) -> float:
    """Microseconds of CPU that one piece of work takes, on average."""
    started = time.process_time()
    for _ in range(repeat):
        work()
    return (time.process_time() - started) / repeat * 1e6
