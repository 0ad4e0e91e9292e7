"""`calls verify` on the mock: time and memory of its profiles, how soon it shows a violation, how fast it fuzzes.

python -m benchmarks.judge --help
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from schemathesis import GenerationMode

from benchmarks import history, judge_report, processes, report
from benchmarks.faulty import URL_TTL_S, faulty_mock
from benchmarks.judge_report import PLANS, First, Fuzz, Plan, Sample
from benchmarks.peers.servers import ROOT
from benchmarks.samples import foreign_cores
from benchmarks.serving import end
from benchmarks.verdict_tools import BODIES as PLAIN
from benchmarks.verdict_tools import KEY, LIMITED_KEY, NO_CREDIT_KEY, pinned
from contract_tests import odd_bodies, odd_messages
from contract_tests.checks.fuzz import MESSAGES
from contract_tests.connection_types import TALKING
from contract_tests.context import audio_settings
from contract_tests.fuzzing import BODIES
from contract_tests.settings import Profile
from contract_tests.target import PATHS
from mockserver.settings import DEMO_AGENT
from tests.faults import FAULTS

NAME = "judge"
PACKAGES = ("schemathesis", "hypothesis", "openapi-core", "httpx", "picows")
WITHIN_S = 180.0
"""Only a run that hangs takes longer."""
LOOKS_EVERY_S = 0.1
SEED = 1
FIRST_SCALE = 10.0


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each profile is run, in turn; default 3")
    parser.add_argument("--every", type=int, default=40, help="show a first violation of every Nth fault; default 40")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a section of this page")
    parser.add_argument("--history", type=Path, metavar="FILE", help="add the medians to this file, and compare")
    given = parser.parse_args(argv)
    samples = [_sample(plan) for _ in range(given.rounds) for plan in PLANS]
    firsts = [_first(fault.name, fault.breaks) for fault in FAULTS[:: given.every]]
    fuzz = [each for _ in range(given.rounds) for each in _fuzz()]
    text = judge_report.section(samples, firsts, fuzz, PACKAGES)
    print(text)
    if given.markdown:
        report.put_section(given.markdown, NAME, text)
    if given.history:
        run = history.of(NAME, PACKAGES, judge_report.medians(samples, firsts, fuzz), failures={})
        print(*history.compared(run, history.last(given.history, NAME)), sep="\n")
        history.append(given.history, run)


# whole runs


def _sample(plan: Plan) -> Sample:
    """One run of a profile on the mock without a fault, each in a process of its own."""
    cores = range(os.cpu_count() or 1)
    began, busy_s, own_s = time.perf_counter(), processes.busy_s(cores), _own_cpu_s()
    with faulty_mock("", plan.time_scale) as url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        started = time.perf_counter()
        process = _verify(url, plan, "--report", f"json={path}")
        try:
            memory_mb = _watched(process)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            end(process)
        seconds = time.perf_counter() - started
        said = json.loads(path.read_text(encoding="utf-8"))
    foreign = foreign_cores(
        busy_s=processes.busy_s(cores) - busy_s,
        own_s=_own_cpu_s() - own_s,
        seconds=time.perf_counter() - began,
    )
    sample = Sample(
        plan=plan.name,
        seconds=seconds,
        foreign_cores=foreign,
        cpu_s=usage.ru_utime + usage.ru_stime,
        memory_mb=memory_mb,
        requests=said["requests"],
        dials=said["dials"],
        verdicts=tuple(finding["verdict"] for finding in said["findings"]),
    )
    print(f"{plan.name}: {sample.seconds:.1f} s, {sample.cpu_s:.1f} s of CPU, {memory_mb:.0f} MB", flush=True)
    return sample


def _own_cpu_s() -> float:
    """CPU seconds of this process and of all that it has ended."""
    return sum(os.times()[:4])


def _verify(url: str, plan: Plan, *more: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    keys = {"CALLS_API_KEYS": KEY, "CALLS_UNFUNDED_KEY": NO_CREDIT_KEY, "CALLS_LIMITED_KEY": LIMITED_KEY}
    options = ["--agent", DEMO_AGENT, "--seed", str(SEED), "--url-ttl", f"{URL_TTL_S:g}", *plan.options, *more]
    if plan.time_scale != 1:
        options += ["--time-scale", f"{plan.time_scale:g}"]
    return subprocess.Popen(
        [sys.executable, "-m", "calls", "verify", f"{url}/api/v1", *options],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("CALLS_")} | keys,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        # Ctrl-C is for the benchmark, which then ends the judge.
        start_new_session=True,
    )


def _watched(process: subprocess.Popen[bytes]) -> float:
    """The most memory in MB that a process and its descendants held together, once it has ended."""
    most, until = 0.0, time.monotonic() + WITHIN_S
    # Without reaping it, so that its CPU time can be asked for.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > until:
            raise TimeoutError(f"calls verify did not end within {WITHIN_S:.0f} s")
        most = max(most, processes.rss_mb(processes.begun(processes.tree(process.pid))))
        time.sleep(LOOKS_EVERY_S)
    return most


# the first violation


def _first(fault: str, requirement: str) -> First:
    """How long a mock with one fault is judged until a first violation is shown, in a whole run and alone."""
    by, seconds = _shown(fault)
    alone, alone_s = _shown(fault, "--only", requirement)
    print(f"{fault}: first {by or 'nothing'} after {seconds:.1f} s, alone after {alone_s:.1f} s", flush=True)
    return First(fault=fault, breaks=requirement, by=by, seconds=seconds, alone_s=alone_s if alone else None)


def _shown(fault: str, *more: str) -> tuple[str, float]:
    """The requirement of the first violation or warning that is shown, empty where none is, and after how long."""
    plan = Plan(name="", options=more, time_scale=FIRST_SCALE, within_s=0)
    with faulty_mock(fault, FIRST_SCALE) as url:
        began = time.perf_counter()
        process = _verify(url, plan, stderr=subprocess.PIPE)
        timer = threading.Timer(WITHIN_S, process.kill)
        timer.start()
        try:
            assert process.stderr is not None
            shown = next((line for line in process.stderr if line.startswith((b"violated ", b"warned "))), b"")
            seconds = time.perf_counter() - began
        finally:
            timer.cancel()
            end(process)
    return shown.decode().split()[1].rstrip(":") if shown else "", seconds


# fuzzing


def _fuzz() -> Iterator[Fuzz]:
    """Cases for each second of CPU time: as many as the deep profile makes, and schemathesis' own generators."""
    audio = audio_settings("websocket")

    def bodies() -> int:
        return sum(map(len, odd_bodies.made(PLAIN, audio, SEED, BODIES[Profile.DEEP]).values()))

    def messages() -> int:
        return sum(len(odd_messages.made(kind, SEED, MESSAGES[Profile.DEEP])) for kind in TALKING)

    made = [_timed("requests, decided twice", bodies), _timed("messages on the socket", messages)]
    yield from made
    yield Fuzz(name="all of these", cases=sum(each.cases for each in made), cpu_s=sum(each.cpu_s for each in made))
    yield _timed("schemathesis alone", lambda: sum(map(_generated, GenerationMode)))


def _timed(name: str, make: Callable[[], int]) -> Fuzz:
    began = time.process_time()
    cases = make()
    return Fuzz(name=name, cases=cases, cpu_s=time.process_time() - began)


def _generated(mode: GenerationMode) -> int:
    """How many cases schemathesis made for both operations."""
    cases = (odd_bodies.generated(pinned(), path, mode, SEED, BODIES[Profile.DEEP]) for path in PATHS.values())
    return sum(map(len, cases))


if __name__ == "__main__":
    main(sys.argv[1:])
