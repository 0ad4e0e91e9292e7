"""Medians with the range that they come from, percentiles, and ratios of what was measured in the same round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

QUIET_BELOW_CORES = 0.15
"""A sample is quiet if others used less than this of the cores meanwhile: only then latencies mean something."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, the smallest and the largest."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """The spread of values; None if there are none."""
        known = sorted(values)
        return cls(statistics.median(known), known[0], known[-1], len(known)) if known else None


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One server under load for some seconds.

    Attributes:
        server: its name.
        operation: `create` or `inline`.
        round: in which round, from 0.
        seconds: how long it was measured.
        created: answers with 201.
        others: everything else that came of a request, by name: statuses, and "dropped" connections.
        p50_ms: the median latency; None without answers.
        p99_ms: the 99th percentile.
        server_cpu_s: CPU time of the server's processes.
        foreign_cores: what others used of the two cores, 1.0 being one of them.
        rss_mb: the server's memory at the end.
    """

    server: str
    operation: str
    round: int
    seconds: float
    created: int
    others: Mapping[str, int]
    p50_ms: float | None
    p99_ms: float | None
    server_cpu_s: float
    foreign_cores: float
    rss_mb: float

    @property
    def is_quiet(self) -> bool:
        """Whether others left the cores alone."""
        return self.foreign_cores < QUIET_BELOW_CORES

    @property
    def requests_per_s(self) -> float:
        """Calls created in a second."""
        return self.created / self.seconds

    @property
    def cpu_us(self) -> float | None:
        """The server's CPU time for one call in microseconds; None if it created none.

        Whatever else was answered took part of that time, so a server with other answers is not cheaper for it.
        """
        return self.server_cpu_s / self.created * 1e6 if self.created else None


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ordered values that at least `percent` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def foreign_cores(*, busy_s: float, own_s: float, seconds: float) -> float:
    """What others used of the cores: they were busy for `busy_s`, of which `own_s` were ours.

    The kernel counts both in its own steps, so a little less than nothing can come out; it counts as nothing.
    """
    return max(0.0, (busy_s - own_s) / seconds)


def cpu_us(samples: Iterable[Sample], server: str, operation: str) -> Spread | None:
    """The spread of a server's CPU time for one call."""
    return Spread.of(_by_round(samples, server, operation).values())


def ratio(samples: Sequence[Sample], server: str, base: str, operation: str) -> Spread | None:
    """How many times the CPU of `base` a server takes for one call: each round is compared in itself."""
    theirs, ours = (_by_round(samples, name, operation) for name in (server, base))
    return Spread.of(theirs[each] / ours[each] for each in theirs.keys() & ours.keys() if ours[each])


def _by_round(samples: Iterable[Sample], server: str, operation: str) -> dict[int, float]:
    return {
        each.round: each.cpu_us
        for each in samples
        if (each.server, each.operation) == (server, operation) and each.cpu_us is not None
    }
