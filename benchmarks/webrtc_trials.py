"""What `benchmarks.webrtc` measures, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import media_report
from benchmarks.samples import QUIET_BELOW_CORES, Spread

SETTLE_S = 3.0
"""From the last join to the measurement: who joins disturbs the others, and libwebrtc finds its delay meanwhile."""

WINDOW_S = 6.0
MOST_CONCEALED = 0.01
FEWEST_PACKETS_A_SECOND = 49.0
MOST_BUSY_CALLERS = 0.9
LATEST_CALLERS_MS = 20.0
TWILIO_CALLS = 100
FRAMES_A_SECOND = 50

CALLERS_TOO_BUSY, OTHERS_TOO_BUSY = "callers too busy", "others too busy"
"""Why a step that is late says nothing of the mock."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one load showed.

    Attributes:
        calls: how many at once.
        round: in which round, from 0.
        core: how much of its core the mock used.
        callers_core: the same of the callers.
        mb_a_call: memory, when all had joined.
        kept_mb: what the process held more than before, when all had left.
        foreign_cores: what others used of both cores, 1.0 being one of them.
        concealed: the share that libwebrtc made up of what all callers heard.
        worst_concealed: that of the caller who had most of it.
        buffer_ms: how long libwebrtc held back what it had.
        packets_a_second: that came to a caller.
        deaf: callers who heard nothing but silence.
        own_p99_ms: how late the callers were themselves.
    """

    calls: int
    round: int
    core: float
    callers_core: float
    mb_a_call: float
    kept_mb: float
    foreign_cores: float
    concealed: float
    worst_concealed: float
    buffer_ms: float
    packets_a_second: float
    deaf: int
    own_p99_ms: float

    @property
    def on_time(self) -> bool:
        """Whether all of what the agents had to say came, and in time."""
        came = self.packets_a_second > FEWEST_PACKETS_A_SECOND and not self.deaf
        return came and self.concealed <= MOST_CONCEALED

    @property
    def callers_too_busy(self) -> bool:
        """Whether it may be the callers who were late."""
        return self.callers_core > MOST_BUSY_CALLERS or self.own_p99_ms > LATEST_CALLERS_MS

    @property
    def verdict(self) -> str:
        """Whether frames came on time, as a word."""
        if self.on_time:
            return "yes"
        if self.foreign_cores >= QUIET_BELOW_CORES:
            return OTHERS_TOO_BUSY
        return CALLERS_TOO_BUSY if self.callers_too_busy else "no"

    @property
    def percent_a_call(self) -> float:
        """What a call takes of a core."""
        return self.core / self.calls * 100


@dataclass(frozen=True, kw_only=True)
class Turnover:
    """What calls that join and leave at once cost.

    Attributes:
        calls: how many, one after the other.
        cpu_ms: the mock's CPU time for one.
        kept_kb: memory that the process did not have before, of all, in a mock that collects garbage at once.
    """

    calls: int
    cpu_ms: float
    kept_kb: float


@dataclass(frozen=True, kw_only=True)
class AtLimit:
    """What happens at `--max-webrtc-calls`.

    Attributes:
        limit: its value, and as many calls are in progress.
        status, retry_after: of the answer to a further dial.
        names_option: whether that answer says which option it is.
        concealed: of what the callers in progress heard.
        foreign_cores: what others used of both cores meanwhile.
        heard_later: whether the same URL gave a call with a voice when one of the others had ended.
    """

    limit: int
    status: int
    retry_after: str
    names_option: bool
    concealed: float
    foreign_cores: float
    heard_later: bool


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All of a run.

    Attributes:
        trials: steps of the ladder.
        twilio: Twilio calls beside them.
        turnover, at_limit: see there; None where so many calls could not be placed at all.
        stacks: py-spy's samples by stack; None without py-spy.
    """

    trials: Sequence[Trial]
    twilio: Sequence[media_report.Trial]
    turnover: Turnover
    at_limit: AtLimit | None
    stacks: Mapping[str, int] | None

    @property
    def percent_a_call(self) -> Spread | None:
        """What a webrtc call takes of a core, wherever frames were on time."""
        return Spread.of(each.percent_a_call for each in self.trials if each.on_time)

    @property
    def twilio_percent_a_call(self) -> Spread | None:
        """What a Twilio call takes of a core."""
        return Spread.of(each.cpu_us * FRAMES_A_SECOND / 1e4 for each in self.twilio)

    @property
    def ratio(self) -> float | None:
        """How many Twilio calls a webrtc call costs."""
        webrtc, twilio = self.percent_a_call, self.twilio_percent_a_call
        return webrtc.median / twilio.median if webrtc and twilio else None

    @property
    def most_on_time(self) -> Spread | None:
        """The most calls on time in each round."""
        best: dict[int, int] = {}
        for each in self.trials:
            if each.on_time:
                best[each.round] = max(best.get(each.round, 0), each.calls)
        return Spread.of(best.values())

    @property
    def mb_a_call(self) -> Spread | None:
        """Memory of a call, wherever frames were on time: late ones pile up."""
        return Spread.of(each.mb_a_call for each in self.trials if each.on_time)
