"""Starts servers on free ports of this machine, and ends every process of theirs by its id, come what may."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.peers.servers import Launch

STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 5.0
_LOOKS_EVERY_S = 0.005


class NotServing(Exception):
    """A server does not come up; the text says what it did instead."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A server that answers.

    Attributes:
        pid: its process's id.
        port: where it answers, on 127.0.0.1.
        start_s: seconds from its start to its first 201.
    """

    pid: int
    port: int
    start_s: float


@contextmanager
def serving(launch: Launch, path: str, body: bytes, *, core: int, log: Path) -> Iterator[Serving]:
    """A server on one core, from its first 201 to a POST until the end of the block.  Raises NotServing.

    What it prints goes to the file `log`.
    """
    port = free_port()
    with log.open("wb") as output, processes.started_on(core):
        began = time.perf_counter()
        process = subprocess.Popen(
            launch.command(port),
            cwd=launch.folder,
            env=launch.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the benchmark, which then ends the server.
            start_new_session=True,
        )
    try:
        _await_answer(process, port, path, body, began + STARTS_WITHIN_S)
        yield Serving(pid=process.pid, port=port, start_s=time.perf_counter() - began)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and what is left of its descendants after a while without."""
    descendants = processes.tree(process.pid)
    try:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN_S)
    finally:
        # Also after a second Ctrl-C, which comes to whoever waits above.
        for each in descendants:
            if processes.is_running(each):
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
        process.wait()
        _await_end(descendants)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_end(killed: Sequence[processes.Process]) -> None:
    """Wait until killed processes are gone: until then they take time from whoever is next."""
    until = time.perf_counter() + ENDS_WITHIN_S
    while any(processes.is_running(each) for each in killed) and time.perf_counter() < until:
        time.sleep(_LOOKS_EVERY_S)


def _await_answer(process: subprocess.Popen[bytes], port: int, path: str, body: bytes, until: float) -> None:
    came = "nothing"
    while time.perf_counter() < until:
        if (code := process.poll()) is not None:
            raise NotServing(f"it ended with code {code} instead of starting")
        try:
            status = _status(port, path, body)
        except (OSError, http.client.HTTPException):
            time.sleep(_LOOKS_EVERY_S)
            continue
        if status == 201:
            return
        came = str(status)
        time.sleep(_LOOKS_EVERY_S)
    raise NotServing(f"it answered {came}, not 201, within {STARTS_WITHIN_S:.0f} s")


def _status(port: int, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", path, body, {"X-API-Key": "ck_mock_valid", "Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()
