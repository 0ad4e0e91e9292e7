"""What a webrtc call costs the mock, and how many of them one core carries.

Scenario: N callers, each LiveKit's own client (libwebrtc), in the rooms of as many webrtc calls; each speaks for two of
three seconds, and each agent, a parrot in the middle of a long greeting, speaks all the time.  The mock runs in a
process of its own on one core, the callers in one on another.  libwebrtc's own statistics tell whether the agents were
on time.  Beside it stand Twilio calls of the same mock.  Linux only.

    python -m benchmarks.webrtc --help
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from benchmarks import history, media, processes, report
from benchmarks.media import CALLERS_CORE, SERVER_CORE, created, serving
from benchmarks.media_report import MOCK
from benchmarks.startup import free_port
from benchmarks.webrtc_report import NAME, record, row, section
from benchmarks.webrtc_trials import SETTLE_S, TWILIO_CALLS, WINDOW_S, AtLimit, Measured, Trial, Turnover
from mockserver.settings import Settings

LADDER = (5, 10, 15, 20, 25, 30, 40, 60)
PROFILED_CALLS, PROFILED_S = 8, 10
TURNED_OVER_CALLS = 15
LET_GO_S = 1.5
"""How long calls that ended have to let go of what they held, in seconds."""

COLLECTING = """
import gc, sys, threading, time
from calls.__main__ import main
def collect():
    while True:
        time.sleep(1)
        gc.collect()
threading.Thread(target=collect, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""

Ask = Callable[..., dict[str, Any]]
"""Tells the callers to do something, named as in `benchmarks.webrtc_callers`, and returns their answer."""


class CallersFailed(RuntimeError):
    """The callers could not do what they were told; the text says what."""


def command(port: int, limit: int = 0, *, collecting: bool = False) -> list[str]:
    """Starts a mock that takes so many webrtc calls at once; 0 sets no limit.

    One that is `collecting` keeps no garbage for longer than a second.
    """
    python, *module = media.command(MOCK, port)
    started = ["-c", COLLECTING, *module[2:]] if collecting else module
    return [python, *started, "--max-webrtc-calls", str(limit)]


@contextlib.contextmanager
def calling() -> Iterator[tuple[Ask, int]]:
    """The callers, who have no calls yet, and their process."""
    with processes.started_on(CALLERS_CORE):
        callers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.webrtc_callers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(**command: Any) -> dict[str, Any]:
        assert callers.stdin and callers.stdout
        callers.stdin.write(json.dumps(command) + "\n")
        callers.stdin.flush()
        told: dict[str, Any] = json.loads(callers.stdout.readline() or '{"failed": "they ended"}')
        if "failed" in told:
            raise CallersFailed(f"the callers could not {next(iter(command))}: {told['failed']}")
        return told

    try:
        yield ask, callers.pid
    finally:
        callers.kill()
        callers.wait()


@contextlib.contextmanager
def prepared(limit: int = 0, *, collecting: bool = False) -> Iterator[tuple[int, int, Ask, int]]:
    """A mock's port and process, and callers and theirs; a first call is over, so all libraries are loaded."""
    port = free_port()
    with serving(command(port, limit, collecting=collecting), port) as pid, calling() as (ask, callers_pid):
        ask(join=urls(port, 1))
        ask(leave=1)
        time.sleep(LET_GO_S)
        yield port, pid, ask, callers_pid


def urls(port: int, calls: int) -> list[str]:
    """Where as many new calls are dialled."""
    return [f"ws://127.0.0.1:{port}{path}" for path in created(port, calls, "webrtc")]


def listened(ask: Ask, pid: int, callers_pid: int) -> dict[str, Any]:
    """What the callers heard, and what of the cores the mock, they and others used meanwhile."""
    both = (SERVER_CORE, CALLERS_CORE)

    def used() -> list[float]:
        return [*(processes.cpu_s(processes.tree(each)) for each in (pid, callers_pid)), processes.busy_s(both)]

    began, before = time.monotonic(), used()
    told = ask(listen=WINDOW_S)
    took, after = time.monotonic() - began, used()
    core, callers_core, busy = ((now - then) / took for now, then in zip(after, before, strict=True))
    foreign_cores = max(0.0, busy - core - callers_core)
    return {**told, "core": core, "callers_core": callers_core, "foreign_cores": foreign_cores}


def tried(calls: int, number: int) -> Trial:
    """One load of a mock, which is started for it and stopped after it."""
    with prepared() as (port, pid, ask, callers_pid):
        before_mb = processes.rss_mb(processes.tree(pid))
        ask(join=urls(port, calls))
        held_mb = processes.rss_mb(processes.tree(pid)) - before_mb
        time.sleep(SETTLE_S)
        heard = listened(ask, pid, callers_pid)
        ask(leave=calls)
        time.sleep(LET_GO_S)
        kept_mb = processes.rss_mb(processes.tree(pid)) - before_mb
    return Trial(calls=calls, round=number, mb_a_call=held_mb / calls, kept_mb=kept_mb, **heard)


def turned_over() -> Turnover:
    """Calls that join and leave, one after the other: what they cost, and what is left of them."""
    cpu_s, _ = left_behind(collecting=False)
    _, kept_mb = left_behind(collecting=True)
    return Turnover(calls=TURNED_OVER_CALLS, cpu_ms=cpu_s / TURNED_OVER_CALLS * 1e3, kept_kb=kept_mb * 1e3)


def left_behind(*, collecting: bool) -> tuple[float, float]:
    """The CPU time in seconds, and the memory in MB, of calls that come after as many others."""
    with prepared(collecting=collecting) as (port, pid, ask, _):
        marks = []
        for _ in range(2):
            for url in urls(port, TURNED_OVER_CALLS):
                ask(join=[url])
                ask(leave=1)
            time.sleep(LET_GO_S)
            mock = processes.tree(pid)
            marks.append((processes.cpu_s(mock), processes.rss_mb(mock)))
    (cpu_s, rss_mb), (later_cpu_s, later_rss_mb) = marks
    return later_cpu_s - cpu_s, later_rss_mb - rss_mb


def at_limit(limit: int) -> AtLimit:
    """As many calls as the limit allows, one more, and the same again when another has ended.  Raises CallersFailed."""
    with prepared(limit) as (port, pid, ask, callers_pid):
        ask(join=urls(port, limit))
        (further,) = urls(port, 1)
        time.sleep(SETTLE_S)
        status, retry_after, text = refusal(further)
        heard = listened(ask, pid, callers_pid)
        ask(leave=1)
        time.sleep(LET_GO_S)
        try:
            ask(join=[further])
            heard_later = not ask(listen=1.0)["deaf"]
        except CallersFailed:
            heard_later = False
    return AtLimit(
        limit=limit,
        status=status,
        retry_after=retry_after,
        names_option="--max-webrtc-calls" in text,
        concealed=heard["concealed"],
        foreign_cores=heard["foreign_cores"],
        heard_later=heard_later,
    )


def refusal(url: str) -> tuple[int, str, str]:
    """The status, the header Retry-After and the text with which a dial is refused; 101 where it is not."""
    try:
        with connect(url):
            return 101, "", ""
    except InvalidStatus as refused:
        answer = refused.response
        return answer.status_code, answer.headers.get("Retry-After", ""), (answer.body or b"").decode()


def profiled() -> dict[str, int] | None:
    """Samples of the mock under load by the stack that they found, as py-spy writes them; None without py-spy."""
    spy = Path(sys.executable).with_name("py-spy")
    if not spy.exists():
        return None
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder, "stacks")
        recording = [str(spy), "record", "--format", "raw", "--rate", "200", "--output", str(stacks)]
        with serving([*recording, "--", *command(port)], port), calling() as (ask, _):
            ask(join=urls(port, PROFILED_CALLS))
            ask(listen=PROFILED_S)
        if not stacks.exists():
            return None
        lines = (line.rpartition(" ") for line in stacks.read_text().splitlines())
        return {stack: int(count) for stack, _, count in lines}


def climbed(ladder: Sequence[int], number: int) -> list[Trial]:
    """Up the ladder until the agents are late on a step, twice: once may be somebody else's doing."""
    trials: list[Trial] = []
    for calls in ladder:
        for _ in range(2):
            try:
                trials.append(tried(calls, number))
            except CallersFailed as failure:
                print(f"{calls} calls: {failure}", flush=True)
                continue
            print("| " + " | ".join(row(trials[-1])) + " |", flush=True)
            if trials[-1].on_time:
                break
        else:
            break
    return trials


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="*", type=int, metavar="CALLS", help=f"steps of the ladder; default {LADDER}")
    parser.add_argument("--rounds", type=int, default=1, help="how often the ladder is gone up; default 1")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a section of this page")
    parser.add_argument("--history", type=Path, metavar="FILE", help="add the medians to this file, and compare")
    given = parser.parse_args(argv)
    trials = [trial for number in range(given.rounds) for trial in climbed(given.calls or LADDER, number)]
    try:
        limited = at_limit(Settings().max_webrtc_calls or 1)
    except CallersFailed:
        limited = None
    measured = Measured(
        trials=trials,
        twilio=[media.tried(MOCK, TWILIO_CALLS, number) for number in range(given.rounds)],
        turnover=turned_over(),
        at_limit=limited,
        stacks=profiled(),
    )
    text = section(measured)
    print(text)
    if given.markdown:
        report.put_section(given.markdown, NAME, text)
    if given.history:
        run = record(measured)
        print(*history.compared(run, history.last(given.history, NAME)), sep="\n")
        history.append(given.history, run)


if __name__ == "__main__":
    main(sys.argv[1:])
