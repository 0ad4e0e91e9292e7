"""How many calls one process of the mock carries, against a bare echo of the same WebSocket library.

Scenario: N Twilio calls; each caller sends a 20 ms frame fifty times a second (two seconds of speech, one of line
noise), and each agent, a parrot in the middle of a long greeting, says fifty frames a second at its own pace while it
listens.  The mock does all that it always does; the echo sends each message back.  Both run in a process of their own
on core 0, in turn, and the callers in one on core 1.  Lateness is each connection's own: by how much a frame came later
than the best line of one frame in 20 ms that fits the connection.  Linux only; takes three minutes at most.

    python -m benchmarks.media [CALLS ...]
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import socket
import subprocess
import sys
import time
from array import array
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import httpx
import numpy as np
import uvloop
from picows import WSFrame, WSListener, WSTransport, ws_create_server

from contract.audio import Encoding, encode

LADDER = (300, 600, 900, 1100, 1300, 1500, 1700, 1900)
FRAME_S = 0.02
SLOTS = 20
WARM_UP_S = 2.0
WINDOW_S = 4.0
WITHIN_S = 170.0
LATEST_MS = 20.0
SERVERS = ("picows echo", "mock")
GREETING = " ".join(["This agent has a great deal to say and will not be kept from saying all of it."] * 16)


@dataclass(frozen=True)
class Trial:
    """What one load of one server showed; times in milliseconds, CPU in seconds."""

    server: str
    calls: int
    cpu_per_call_s: float
    load: float
    p50_ms: float
    p99_ms: float
    sent_p99_ms: float
    frames_a_second: float
    kb_a_call: float
    foreign_cores: float

    @property
    def passed(self) -> bool:
        """Whether the agents were on time, and all of what they had to say came."""
        return self.p99_ms < LATEST_MS and self.frames_a_second > 49


# The callers: frames are made beforehand, so that the callers cost less than what they measure.


def caller_frames() -> list[bytes]:
    """Three seconds of a caller, as WebSocket frames; their mask is zero, which any server takes."""
    samples = np.random.default_rng(0).normal(0, 3276, (150, 160))
    samples[100:] /= 100
    frames = []
    for number, frame in enumerate(samples.astype(np.int16), 1):
        payload = base64.b64encode(encode(frame, Encoding.MULAW)).decode()
        media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20), "payload": payload}
        frames.append(masked({"event": "media", "sequenceNumber": str(number + 1), "media": media, **STREAM}))
    return frames


STREAM = {"streamSid": "MZ" + "0123456789abcdef" * 2}


def masked(message: dict[str, Any]) -> bytes:
    body = json.dumps(message).encode()
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


def start_frame() -> bytes:
    described = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start: dict[str, Any] = {"accountSid": "AC" + "0" * 32, "callSid": "CA" + "0" * 32, "tracks": ["inbound"], **STREAM}
    start |= {"customParameters": {}, "mediaFormat": described}
    return masked({"event": "start", "sequenceNumber": "1", "start": start, **STREAM})


class Caller(asyncio.Protocol):
    """One connection: notes when frames of audio come."""

    measuring: ClassVar[bool] = False

    def __init__(self, path: str, opened: asyncio.Future[None]) -> None:
        self.path = path
        self.opened = opened
        self.arrivals = array("d")
        self.sendings = array("d")
        self.rest = b""
        self.receive = self.read_head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Dial."""
        # uvloop's are none by inheritance.
        self.transport = transport = cast(asyncio.Transport, transport)
        head = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self.receive(data)

    def read_head(self, data: bytes) -> None:
        """Read the answer to the dial."""
        head, end, frames = (self.rest + data).partition(b"\r\n\r\n")
        if not end:
            self.rest = head
            return
        assert b" 101 " in head, head
        self.rest, self.receive = b"", self.read_frames
        self.opened.set_result(None)
        if frames:
            self.read_frames(frames)

    def read_frames(self, data: bytes) -> None:
        """Count the frames of audio."""
        if self.rest:
            data = self.rest + data
        at, end, audio = 0, len(data), 0
        while at + 4 <= end:
            length = data[at + 1] & 127
            # Only audio is longer than 125 bytes.
            size = 4 + (data[at + 2] << 8 | data[at + 3]) if length == 126 else 2 + length
            if at + size > end:
                break
            audio += length == 126
            at += size
        self.rest = data[at:]
        if self.measuring:
            now = time.monotonic()
            for _ in range(audio):
                self.arrivals.append(now)


async def call(port: int, paths: list[str]) -> None:
    """The callers' process: places the calls, says when it is ready, tells what it saw."""
    loop = asyncio.get_running_loop()
    callers = []
    for path in paths:
        opened = loop.create_future()
        _, caller = await loop.create_connection(partial(Caller, path, opened), "127.0.0.1", port)
        await opened
        caller.transport.write(start_frame())
        callers.append(caller)
    frames = caller_frames()
    slots = [callers[first::SLOTS] for first in range(SLOTS)]
    began, number = loop.time() + 0.1, 0
    late = array("d")
    print("ready", flush=True)
    while (due := began + number * FRAME_S / SLOTS) < began + WARM_UP_S + WINDOW_S:
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        Caller.measuring = due > began + WARM_UP_S
        if Caller.measuring:
            late.append(loop.time() - due)
        for place, caller in enumerate(slots[number % SLOTS]):
            # Callers do not all speak at the same time.
            caller.transport.write(frames[(number // SLOTS + place * 7) % len(frames)])
        number += 1
    lateness, count = [], 0
    for caller in callers:
        count += len(caller.arrivals)
        if caller.arrivals:
            line = np.array(caller.arrivals) - np.arange(len(caller.arrivals)) * FRAME_S
            lateness.append(line - line.min())
    seen = np.concatenate(lateness) * 1000
    told = {"p50_ms": float(np.percentile(seen, 50)), "p99_ms": float(np.percentile(seen, 99))}
    told |= {"sent_p99_ms": float(np.percentile(np.array(late) * 1000, 99))}
    print(json.dumps({**told, "frames_a_second": count / len(callers) / WINDOW_S}), flush=True)


# The servers.


class Echo(WSListener):
    """Sends every message back."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send it back."""
        transport.send(frame.msg_type, frame.get_payload_as_memoryview())


async def serve_echo(port: int) -> None:
    server = await ws_create_server(lambda request: Echo(), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def command(server: str, port: int) -> list[str]:
    if server == "picows echo":
        return [sys.executable, "-m", "benchmarks.media", "--echo", str(port)]
    options = ["--port", str(port), "--rate-limit", "0", "--url-ttl", "600", "--behaviour", "parrot"]
    return [sys.executable, "-m", "calls", "mock", *options]


def created(port: int, calls: int) -> list[str]:
    """The paths of as many new calls."""
    body = {"systemPrompt": "Talk.", "voice": "Mark", "language": "en", "greeting": GREETING}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": "ck_mock_valid"}) as client:
        answers = (client.post("/calls/inline", json={**body, "connectionType": "twilio"}) for _ in range(calls))
        return ["/media/" + answer.json()["websocketUrl"].rpartition("/")[2] for answer in answers]


# What Linux counts.


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


def cpu_s(pid: int) -> float:
    """CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_cpu_s() -> float:
    """CPU that all cores have used."""
    fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def tried(server: str, calls: int) -> Trial:
    """One load of one server, which is started for it and stopped after it."""
    port = free_port()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command(server, port), preexec_fn=lambda: pin(0), stdout=quiet, stderr=quiet)
    try:
        wait_until_open(port)
        paths = created(port, calls) if server == "mock" else ["/"] * calls
        before_kb = resident_kb(process.pid)
        callers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.media", "--call", str(port)],
            preexec_fn=lambda: pin(1),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert callers.stdin and callers.stdout
            callers.stdin.write(json.dumps(paths))
            callers.stdin.close()
            if callers.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{server}: {calls} calls could not be placed")
            kb = (resident_kb(process.pid) - before_kb) / calls
            time.sleep(WARM_UP_S)
            began, used, all_used = time.monotonic(), cpu_s(process.pid), machine_cpu_s()
            callers_used = cpu_s(callers.pid)
            time.sleep(WINDOW_S - 0.3)
            took = time.monotonic() - began
            used = cpu_s(process.pid) - used
            foreign = (machine_cpu_s() - all_used - used - (cpu_s(callers.pid) - callers_used)) / took
            told = json.loads(callers.stdout.readline())
        finally:
            callers.kill()
            callers.wait()
    finally:
        process.kill()
        process.wait()
    return Trial(
        server, calls, used / took / calls, load=used / took, kb_a_call=kb, foreign_cores=max(0.0, foreign), **told
    )


def row(trial: Trial) -> str:
    return (
        f"| {trial.server} | {trial.calls} | {trial.cpu_per_call_s * 1e6:.0f} | {trial.load:.2f} "
        f"| {trial.p50_ms:.1f} | {trial.p99_ms:.1f} | {trial.sent_p99_ms:.1f} | {trial.frames_a_second:.1f} "
        f"| {trial.kb_a_call:.0f} | {trial.foreign_cores:.2f} | {'yes' if trial.passed else 'no'} |"
    )


def main(ladder: tuple[int, ...]) -> None:
    began = time.monotonic()
    going = dict.fromkeys(SERVERS, True)
    trials: list[Trial] = []
    print(
        "| server | calls | CPU us a call-second | of a core | p50 ms | p99 ms | callers' p99 ms | frames/s "
        "| KB a call | foreign cores | on time |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for calls in ladder:
        for server in SERVERS:
            if going[server] and time.monotonic() - began < WITHIN_S - 20:
                trials.append(tried(server, calls))
                going[server] = trials[-1].passed
                print(row(trials[-1]), flush=True)
    most = {s: max((t.calls for t in trials if t.server == s and t.passed), default=0) for s in SERVERS}
    costs = {(t.server, t.calls): t.cpu_per_call_s for t in trials}
    ratios = [costs[SERVERS[0], n] / costs[SERVERS[1], n] for n in ladder if all((s, n) in costs for s in SERVERS)]
    print(f"\nLargest N on time: {', '.join(f'{server} {calls}' for server, calls in most.items())}.")
    print(f"Calls a CPU-second, mock to echo: {np.median(ratios):.2f} (median of {len(ratios)} pairs).")


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    match sys.argv[1:]:
        case ["--echo", port]:
            uvloop.run(serve_echo(int(port)))
        case ["--call", port]:
            uvloop.run(call(int(port), json.load(sys.stdin)))
        case numbers:
            main(tuple(map(int, numbers)) or LADDER)
