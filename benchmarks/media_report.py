"""What `benchmarks.media` says of its measurements: the section of the report, the line of the history."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import history, machine, report
from benchmarks.callers import WINDOW_S
from benchmarks.peers.servers import ROOT
from benchmarks.samples import Spread

NAME = "media"
ECHO, LEAST, MOCK = SERVERS = ("picows echo", "picows, by hand", "mock")
LATEST_MS = 20.0
WANTED = 0.7
"""How much of what the echo carries an agent should, if it could."""

PACKAGES = ("picows", "uvloop", "msgspec", "pybase64")

PARTS = {
    "mockserver/websocket.py": "WebSocket",
    "contract/mould.py": "messages: reading and writing",
    "contract/stream.py": "messages: reading and writing",
    "contract/codec.py": "messages: reading and writing",
    "contract/compiled.py": "messages: reading and writing",
    "contract/spelling.py": "messages: reading and writing",
    "<string>": "messages: reading and writing",  # functions made of the documents
    "contract/audio.py": "hearing: loudness and turns",
    "mockserver/hearing.py": "hearing: loudness and turns",
    "mockserver/speaking.py": "speaking: what is due",
    "mockserver/voice.py": "speaking: what is due",
    "mockserver/conversation.py": "the call's rules",
    "mockserver/agents.py": "the call's rules",
    "mockserver/media.py": "sessions and the ticker",
    "mockserver/ticker.py": "sessions and the ticker",
}
"""What a module does for a frame."""

SENDING = "sending: picows and the kernel"
LOOP = "event loop and receiving: uvloop, picows and the kernel"

METHOD = f"""\
Twilio calls with a parrot in the middle of a long greeting: fifty frames a second in each direction, each heard and
each said at the call's own pace. The echo is a bare picows server that sends each message back: it neither reads nor
paces anything. The server by hand, on picows too, does the least that an agent can do: it reads each frame with
msgspec, decodes its payload, measures its loudness, and says a frame for each that it hears, from a template; there are
no calls, no rules, no checks, and no pace. All take turns, each on a core of its own, with all callers in one process
on another core. **CPU us** is the server's CPU time for one frame in and one out, in microseconds; **ratio** is the
echo's divided by the mock's in the same round, so 1.00 would be an agent for nothing. **p99** is how much later than an
even pace a frame came, in milliseconds, at the 99th percentile of {WINDOW_S:g} s; the callers' own is how late they
were themselves. Values are medians [least-most] over the rounds, each of which goes up until a server's p99 is
{LATEST_MS:g} ms, or frames are missing."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one load of one server showed.

    Attributes:
        server: its name.
        calls: how many at once.
        round: in which round, from 0.
        cpu_us: its CPU time for a frame in and a frame out, in microseconds.
        core: how much of its core that is.
        p50_ms, p99_ms: how late frames came.
        sent_p99_ms: how late callers sent theirs.
        frames_a_second: that came to a caller.
        kb_a_call: memory.
        foreign_cores: what others used of both cores, 1.0 being one of them.
    """

    server: str
    calls: int
    round: int
    cpu_us: float
    core: float
    p50_ms: float
    p99_ms: float
    sent_p99_ms: float
    frames_a_second: float
    kb_a_call: float
    foreign_cores: float

    @property
    def on_time(self) -> bool:
        """Whether the agents were on time, and all of what they had to say came."""
        return self.p99_ms < LATEST_MS and self.frames_a_second > 49


def row(trial: Trial) -> list[str]:
    """One trial, while it goes on."""
    numbers = f"{trial.calls} {trial.cpu_us:.1f} {trial.core:.2f} {trial.p50_ms:.1f} {trial.p99_ms:.1f}"
    more = f"{trial.sent_p99_ms:.1f} {trial.frames_a_second:.1f} {trial.kb_a_call:.0f} {trial.foreign_cores:.2f}"
    return [trial.server, *numbers.split(), *more.split(), "yes" if trial.on_time else "no"]


def section(trials: Sequence[Trial], stacks: Mapping[str, int] | None) -> str:
    """The report: what was measured how, the tables, and where the time goes."""
    foreign = Spread.of(each.foreign_cores for each in trials)
    ratio, least = Spread.of(_ratios(trials)), Spread.of(_ratios(trials, LEAST))
    reached = Spread.of(_ratios(trials, MOCK, LEAST))
    most = {server: Spread.of(_most_on_time(trials, server)) for server in SERVERS}
    kb = Spread.of(each.kb_a_call for each in trials if each.server == MOCK)
    parts = [
        "## Media: calls in one process",
        report.paragraph(
            f"`python -m benchmarks.media`, {datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}.",
            f"{machine.processor()}; {machine.system()}; {', '.join(machine.versions(PACKAGES))}.",
        ),
        report.paragraph(METHOD, f"Other processes used {report.spread(foreign, 2)} of the two cores."),
        report.table(
            [
                *("calls", "echo, CPU us", "by hand, CPU us", "mock, CPU us", "ratio"),
                *("echo, p99", "by hand, p99", "mock, p99", "callers' own"),
            ],
            _by_calls(trials),
        ),
        report.paragraph(
            f"All in all the mock carries {report.spread(ratio, 2)} of the calls that the echo does with the same CPU",
            f"time, and the server by hand {report.spread(least, 2)}, of which the mock reaches",
            f"{report.spread(reached, 2)}. {_left(trials)}On time, on one core:",
            f"the mock up to {report.spread(most[MOCK])} calls, the server by hand up to {report.spread(most[LEAST])},",
            f"the echo up to {report.spread(most[ECHO])}.",
            f"A call takes {report.spread(kb)} KB of memory beside the audio of its turns.",
        ),
        *_profile(stacks),
    ]
    return "\n\n".join(parts)


def _by_calls(trials: Sequence[Trial]) -> Iterator[list[str]]:
    for calls in sorted({each.calls for each in trials}):
        some = [each for each in trials if each.calls == calls]
        own = {server: [each for each in some if each.server == server] for server in SERVERS}
        yield [
            str(calls),
            *(report.spread(Spread.of(each.cpu_us for each in own[server]), 1) for server in SERVERS),
            report.spread(Spread.of(_ratios(some)), 2),
            *(report.spread(Spread.of(each.p99_ms for each in own[server]), 1) for server in SERVERS),
            report.spread(Spread.of(each.sent_p99_ms for each in some), 1),
        ]


def _ratios(trials: Iterable[Trial], of: str = MOCK, to: str = ECHO) -> Iterator[float]:
    """One server's cost to that of another, wherever both were on time in one round with as many calls."""
    costs = {(each.round, each.calls, each.server): each.cpu_us for each in trials if each.on_time}
    for (number, calls, server), cost_us in costs.items():
        if server == of and (number, calls, to) in costs:
            yield costs[number, calls, to] / cost_us


def _left(trials: Iterable[Trial]) -> str:
    """What an agent that carries as much as it should could take, beside what is done by hand."""
    costs = {(each.round, each.calls, each.server): each.cpu_us for each in trials if each.on_time}
    left_us = Spread.of(
        cost_us / WANTED - costs[number, calls, LEAST]
        for (number, calls, server), cost_us in costs.items()
        if server == ECHO and (number, calls, LEAST) in costs
    )
    if left_us is None:
        return ""
    return (
        f"{WANTED:g} would leave {report.spread(left_us, 1)} us for all that makes an agent of the server by hand: "
        "the pace of what it says, turns, interruption, the call's rules, and the check of every message. "
    )


def _most_on_time(trials: Iterable[Trial], server: str) -> Iterator[float]:
    """In each round, the most calls with which a server was on time."""
    own = [each for each in trials if each.server == server]
    for number in {each.round for each in own}:
        yield max((each.calls for each in own if each.round == number and each.on_time), default=0)


def _profile(stacks: Mapping[str, int] | None) -> Iterator[str]:
    if not stacks:
        yield "Where the time goes was not looked at: py-spy is not installed, or may not look."
        return
    found: Counter[str] = Counter()
    for stack, count in stacks.items():
        if part := part_of(stack):
            found[part] += count
    total = sum(found.values())
    yield report.paragraph(
        "Where the mock's time goes, as [py-spy](https://github.com/benfred/py-spy) finds it 500 times a second. What",
        "libraries in C and the kernel do counts for the Python code that called them:",
    )
    yield report.table(
        ["part", "share"],
        ([part, f"{count / total:.0%}"] for part, count in found.most_common() if count > total / 100),
    )


def part_of(stack: str) -> str | None:
    """What a stack is at work on, `outermost (file:line);…;innermost (file:line)`; None for the start and for HTTP."""
    *_, innermost = stack.split(";")
    name, _, place = innermost.partition(" (")
    file = place.rpartition(":")[0]
    if name.rpartition(".")[2] == "send" and file.endswith("mockserver/websocket.py"):
        return SENDING
    for module, part in PARTS.items():
        if file.endswith(module):
            return part
    if file.endswith(("asyncio/runners.py", "uvicorn/server.py", "uvloop/__init__.py")):
        return LOOP
    return "the rest" if "mockserver/ticker.py" in stack or "mockserver/websocket.py" in stack else None


def record(trials: Sequence[Trial]) -> history.Run:
    """The run as the history keeps it."""
    medians: dict[str, float] = {}
    for server in SERVERS:
        if cost := Spread.of(each.cpu_us for each in trials if each.server == server and each.on_time):
            medians[f"{server}, CPU us a frame pair"] = round(cost.median, 1)
        if most := Spread.of(_most_on_time(trials, server)):
            medians[f"{server}, calls on time"] = most.median
    for name, ratios in (("ratio", _ratios(trials)), ("ratio to by hand", _ratios(trials, MOCK, LEAST))):
        if ratio := Spread.of(ratios):
            medians[name] = round(ratio.median, 3)
    foreign = Spread.of(each.foreign_cores for each in trials)
    return history.of(NAME, PACKAGES, medians, foreign_cores=round(foreign.median, 2) if foreign else None, failures={})
