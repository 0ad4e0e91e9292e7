from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import processes
from benchmarks.peers.servers import ROOT, Launch
from benchmarks.serving import NotServing, end, serving

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


def test_a_process_is_ended_with_children_that_do_not_want_to() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = processes.tree(process.pid)
        assert len(found) == 2
        end(process)
        assert not any(processes.is_running(each) for each in found)


def test_a_server_that_ends_instead_of_starting_is_said_to(tmp_path: Path) -> None:
    launch = Launch(command=lambda port: [sys.executable, "-c", "raise SystemExit(3)"], folder=tmp_path)
    core = min(os.sched_getaffinity(0))
    with pytest.raises(NotServing, match="it ended with code 3 instead of starting"):
        with serving(launch, "/", b"", core=core, log=tmp_path / "log"):
            raise AssertionError("it cannot serve")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_benchmark_that_is_stopped_leaves_no_process_behind(sent: signal.Signals) -> None:
    command = [sys.executable, "-u", "-m", "benchmarks.http", "--only", "calls", "--seconds", "30"]

    def heed_interrupts() -> None:
        # A shell that runs the tests in its background has them ignored.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts
    ) as process:
        deadline = time.monotonic() + 30
        while len(found := processes.tree(process.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) == 3, "the benchmark, its server, its client"
        process.send_signal(sent)
        assert process.wait(20) in (130, 128 + signal.SIGTERM)
        assert not any(processes.is_running(each) for each in found)
