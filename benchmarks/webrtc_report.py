"""What `benchmarks.webrtc` says of its measurements: the section of the report, the line of the history."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks import history, machine, media_report, report
from benchmarks.peers.servers import ROOT
from benchmarks.samples import QUIET_BELOW_CORES, Spread
from benchmarks.webrtc_trials import (
    FEWEST_PACKETS_A_SECOND,
    LATEST_CALLERS_MS,
    MOST_BUSY_CALLERS,
    MOST_CONCEALED,
    OTHERS_TOO_BUSY,
    TWILIO_CALLS,
    WINDOW_S,
    AtLimit,
    Measured,
    Trial,
)

NAME = "webrtc"
PACKAGES = ("aiortc", "aioice", "av", "pylibsrtp", "livekit", "uvloop")

PARTS = {
    "aiortc/codecs/opus.py": "Opus",
    "mockserver/webrtc/opus.py": "Opus",
    "aiortc/rtcdtlstransport.py": "DTLS and SRTP",
    "pylibsrtp/__init__.py": "DTLS and SRTP",
    "OpenSSL/SSL.py": "DTLS and SRTP",
    "aiortc/rtp.py": "RTP and RTCP: aiortc",
    "aiortc/clock.py": "RTP and RTCP: aiortc",
    "aiortc/rtcrtpsender.py": "RTP and RTCP: aiortc",
    "aiortc/rtcrtpreceiver.py": "RTP and RTCP: aiortc",
    "aiortc/jitterbuffer.py": "jitter buffer: aiortc",
    "aiortc/rtcsctptransport.py": "data channels: aiortc's SCTP",
    "aiortc/rtcdatachannel.py": "data channels: aiortc's SCTP",
    "aioice/ice.py": "ICE and UDP: aioice",
    "concurrent/futures/thread.py": "work handed to threads",
    "threading.py": "work handed to threads",
    "queue.py": "work handed to threads",
    "mockserver/webrtc/sound.py": "the room's sound, in and out",
    "mockserver/webrtc/peers.py": "the room's sound, in and out",
    **{module: part for module, part in media_report.PARTS.items() if module.startswith("mockserver/")},
    "mockserver/webrtc/line.py": "sessions and the ticker",
    "mockserver/webrtc/participant.py": "sessions and the ticker",
    "mockserver/websocket.py": "signalling",
    "asyncio/runners.py": "event loop, sockets and the kernel: uvloop",
    "uvloop/__init__.py": "event loop, sockets and the kernel: uvloop",
}
"""What a module does for a call."""

METHOD = f"""\
webrtc calls with a parrot in the middle of a long greeting. Each caller is LiveKit's own client, on libwebrtc: it
speaks for two seconds and pauses for one, Opus in both directions, fifty frames a second. Mock and callers have a core
each. **mock, core** is the mock's CPU time as a share of its core, **a call** that divided by the calls. **concealed**
is what libwebrtc had to make up because it came too late or not at all, as a share of {WINDOW_S:g} s of what all
callers heard (`concealedSamples` of `totalSamplesReceived`); **buffer** is how long it held back sound so as to need
that seldom, in milliseconds. Frames are late where more than {MOST_CONCEALED:.0%} is concealed, or less came than
{FEWEST_PACKETS_A_SECOND:g} frames a second. A step that is late while the callers themselves used more than
{MOST_BUSY_CALLERS:.0%} of their core, or came to their own beats more than {LATEST_CALLERS_MS:g} ms late (**own p99**),
or while other processes used {QUIET_BELOW_CORES:g} of the two cores, says nothing of the mock. A late step is tried
again, and ends the ladder when it is late again."""


def row(trial: Trial) -> list[str]:
    """One trial, while it goes on."""
    numbers = f"{trial.calls} {trial.core:.2f} {trial.percent_a_call:.2f} {trial.concealed:.3%}"
    more = f"{trial.worst_concealed:.3%} {trial.buffer_ms:.0f} {trial.packets_a_second:.1f} {trial.deaf}"
    rest = f"{trial.callers_core:.2f} {trial.own_p99_ms:.1f} {trial.mb_a_call:.1f} {trial.kept_mb:.1f}"
    return [*numbers.split(), *more.split(), *rest.split(), f"{trial.foreign_cores:.2f}", trial.verdict]


def section(measured: Measured) -> str:
    """The report: what was measured how, the table, and where the time goes."""
    foreign = Spread.of(each.foreign_cores for each in measured.trials)
    head = ["calls", "mock, core", "a call", "concealed", "buffer", "callers, core", "own p99", "on time"]
    parts = [
        "## WebRTC: calls in one process",
        report.paragraph(
            f"`python -m benchmarks.webrtc`, {datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}.",
            f"{machine.processor()}; {machine.system()}; {', '.join(machine.versions(PACKAGES))}.",
        ),
        report.paragraph(METHOD, f"Other processes used {report.spread(foreign, 2)} of the two cores."),
        report.table(head, _by_calls(measured.trials)),
        report.paragraph(*_summary(measured)),
        report.paragraph(*_turnover(measured)),
        report.paragraph(_limit(measured.at_limit)),
        *_profile(measured.stacks),
    ]
    return "\n\n".join(parts)


def _by_calls(trials: Sequence[Trial]) -> Iterator[list[str]]:
    for calls in sorted({each.calls for each in trials}):
        some = [each for each in trials if each.calls == calls]
        yield [
            str(calls),
            report.spread(Spread.of(each.core * 100 for each in some)) + " %",
            report.spread(Spread.of(each.percent_a_call for each in some), 1) + " %",
            report.spread(Spread.of(each.concealed * 100 for each in some), 1) + " %",
            report.spread(Spread.of(each.buffer_ms for each in some)),
            report.spread(Spread.of(each.callers_core * 100 for each in some)) + " %",
            report.spread(Spread.of(each.own_p99_ms for each in some), 1),
            ", ".join(dict.fromkeys(each.verdict for each in some)),
        ]


def _summary(measured: Measured) -> Iterator[str]:
    ratio = f"{measured.ratio:.0f}" if measured.ratio else "-"
    yield f"On time, on one core: up to {report.spread(measured.most_on_time)} calls."
    late = [each for each in measured.trials if not each.on_time]
    if any(each.callers_too_busy for each in late):
        yield "What ended the ladder may have been the callers' core, not the mock's."
    elif any(each.verdict == OTHERS_TOO_BUSY for each in late):
        yield "Other processes were in the way: on a quiet machine it may be more."
    yield f"A call takes {report.spread(measured.percent_a_call, 1)} % of a core; a Twilio call of the same mock takes"
    yield f"{report.spread(measured.twilio_percent_a_call, 2)} % ({TWILIO_CALLS} at once): one webrtc call costs as"
    yield f"much as {ratio} of them. It holds {report.spread(measured.mb_a_call, 1)} MB."


def _turnover(measured: Measured) -> Iterator[str]:
    turnover = measured.turnover
    kept = Spread.of(each.kept_mb for each in measured.trials if each.on_time)
    yield f"To join and to leave costs {turnover.cpu_ms:.0f} ms of CPU time. When all had left, the process held"
    yield f"{report.spread(kept, 1)} MB more than before they came, which later calls take again: of"
    yield f"{turnover.calls} calls, after as many others, {max(0.0, turnover.kept_kb):.0f} KB were left in all when"
    yield "garbage was collected."


def _limit(at_limit: AtLimit | None) -> str:
    if at_limit is None:
        return "As many calls as `--max-webrtc-calls` allows could not be placed here."
    named = "which names the option" if at_limit.names_option else "which does not name the option"
    later = "was heard" if at_limit.heard_later else "was not heard"
    return (
        f"At `--max-webrtc-calls {at_limit.limit}`, with as many calls in progress, a further dial was answered with "
        f"{at_limit.status}, `Retry-After: {at_limit.retry_after}` and a text {named}; of what the others heard "
        f"{at_limit.concealed:.1%} was concealed, and other processes used {at_limit.foreign_cores:.2f} of the cores. "
        f"When one of them had ended, the same URL was dialled, and its agent {later}."
    )


def _profile(stacks: Mapping[str, int] | None) -> Iterator[str]:
    found: Counter[str] = Counter()
    for stack, count in (stacks or {}).items():
        if part := part_of(stack):
            found[part] += count
    if not found:
        yield "Where the time goes was not looked at: py-spy is not installed, or may not look."
        return
    total = sum(found.values())
    yield report.paragraph(
        "Where the mock's time goes, as [py-spy](https://github.com/benfred/py-spy) finds it 200 times a second. What",
        "libraries in C and the kernel do counts for the Python code that called them:",
    )
    yield report.table(
        ["part", "share"],
        ([part, f"{count / total:.0%}"] for part, count in found.most_common() if count > total / 100),
    )


def part_of(stack: str) -> str | None:
    """What a stack is at work on, `outermost (file:line);…;innermost (file:line)`.

    None for the start, for what only waits, and for HTTP.
    """
    places = [_file_of(place) for place in stack.split(";")]
    if places[-1].endswith(("threading.py", "queue.py")) and "Condition.wait" in stack.rpartition(";")[2]:
        return None
    if "importlib" in stack or "mockserver/app.py" in stack or "mockserver/http.py" in stack:
        return None
    return next(filter(None, map(_part_in, reversed(places))), None)


def _part_in(file: str) -> str | None:
    return next((part for module, part in PARTS.items() if file.endswith(module)), None)


def _file_of(place: str) -> str:
    return place.rpartition(" (")[2].rpartition(":")[0]


def record(measured: Measured) -> history.Run:
    """The run as the history keeps it."""
    known: Iterable[tuple[str, float | None, int]] = [
        ("calls on time", _median(measured.most_on_time), 0),
        ("webrtc call, % of a core", _median(measured.percent_a_call), 2),
        ("Twilio call, % of a core", _median(measured.twilio_percent_a_call), 3),
        ("ratio", measured.ratio, 1),
        ("MB a call", _median(measured.mb_a_call), 2),
        ("join and leave, CPU ms", measured.turnover.cpu_ms, 1),
        ("left behind, KB a call", max(0.0, measured.turnover.kept_kb) / measured.turnover.calls, 1),
    ]
    medians = {name: round(value, digits) for name, value, digits in known if value is not None}
    foreign = _median(Spread.of(each.foreign_cores for each in measured.trials))
    return history.of(
        NAME, PACKAGES, medians, foreign_cores=None if foreign is None else round(foreign, 2), failures={}
    )


def _median(spread: Spread | None) -> float | None:
    return spread.median if spread else None
