"""How many calls one process of the mock carries, against a bare echo of the same WebSocket library.

Scenario: N Twilio calls; each caller sends a 20 ms frame fifty times a second (two seconds of speech, one of line
noise), and each agent, a parrot in the middle of a long greeting, says fifty frames a second at its own pace while it
listens.  The mock does all that it always does; the echo sends each message back; the least reads it first.  All run in
a process of their own on one core, in turn, and the callers in one on another.  Linux only.

    python -m benchmarks.media --help
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import msgspec
import pybase64
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from benchmarks import history, processes, report
from benchmarks.callers import WARM_UP_S, WINDOW_S
from benchmarks.media_report import ECHO, LEAST, MOCK, NAME, SERVERS, Trial, record, row, section
from benchmarks.startup import free_port
from contract.audio import Encoding, level_meter
from mockserver.hearing import SPEECH_RMS

LADDER = (100, 200, 300, 400, 500, 600, 800, 1000, 1300, 1600)
SERVER_CORE, CALLERS_CORE = 0, 1
GREETING = " ".join(["This agent has a great deal to say and will not be kept from saying all of it."] * 16)
PROFILED_CALLS = 200


class Echo(WSListener):
    """Sends every message back."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send it back."""
        transport.send(frame.msg_type, frame.get_payload_as_memoryview())


class Said(msgspec.Struct):
    """What the media object of a Twilio frame holds."""

    payload: str


class Frame(msgspec.Struct):
    """A Twilio frame as far as it is read."""

    event: str
    streamSid: str = ""  # its name on the wire
    media: Said | None = None


class Least(WSListener):
    """Reads each frame, and says one of its own for it, by hand: the least that an agent of Python's does."""

    def __init__(self) -> None:
        super().__init__()
        self._read = msgspec.json.Decoder(Frame).decode
        self._level = level_meter(Encoding.MULAW)
        self._spoken_at = 0.0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hear it, and answer it."""
        heard = self._read(frame.get_payload_as_memoryview())
        if heard.media is None:
            return
        sound = pybase64.b64decode(heard.media.payload, validate=True)
        if self._level(sound) > SPEECH_RMS:
            self._spoken_at = time.monotonic()
        said = b'{"event":"media","streamSid":"%b","media":{"payload":"%b"}}'
        transport.send(WSMsgType.TEXT, said % (heard.streamSid.encode(), pybase64.b64encode(sound)))


async def serve(listener: Callable[[], WSListener], port: int) -> None:
    server = await ws_create_server(lambda request: listener(), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


def command(server: str, port: int) -> list[str]:
    if server != MOCK:
        return [sys.executable, "-m", "benchmarks.media", "--serve", server, str(port)]
    options = ["--port", str(port), "--rate-limit", "0", "--url-ttl", "600", "--behaviour", "parrot"]
    options += ["--voice-output", "tones", "--inspector", "off"]
    return [sys.executable, "-m", "calls", "mock", *options]


def created(port: int, calls: int, connection_type: str = "twilio") -> list[str]:
    """The paths of as many new calls."""
    body = {"systemPrompt": "Talk.", "voice": "Mark", "language": "en", "greeting": GREETING}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": "ck_mock_valid"}) as client:
        answers = (client.post("/calls/inline", json={**body, "connectionType": connection_type}) for _ in range(calls))
        return ["/media/" + answer.json()["websocketUrl"].rpartition("/")[2] for answer in answers]


def wait_until_open(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


@contextlib.contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[int]:
    """A server while it is needed: its process."""
    quiet = subprocess.DEVNULL
    with processes.started_on(SERVER_CORE):
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        wait_until_open(port)
        yield process.pid
    finally:
        # A profiler writes down what it found when what it looks at has ended.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def calling(port: int, paths: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The callers, who all have their calls."""
    with processes.started_on(CALLERS_CORE):
        callers = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.callers", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert callers.stdin and callers.stdout
        callers.stdin.write(json.dumps(paths))
        callers.stdin.close()
        if callers.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{len(paths)} calls could not be placed")
        yield callers
    finally:
        callers.kill()
        callers.wait()


def tried(server: str, calls: int, number: int) -> Trial:
    """One load of one server, which is started for it and stopped after it."""
    port = free_port()
    both = (SERVER_CORE, CALLERS_CORE)
    with serving(command(server, port), port) as pid:
        paths = created(port, calls) if server == MOCK else ["/"] * calls
        before_mb = processes.rss_mb(processes.tree(pid))
        with calling(port, paths) as callers:
            held_mb = processes.rss_mb(processes.tree(pid)) - before_mb
            time.sleep(WARM_UP_S)
            began, used, busy = time.monotonic(), processes.cpu_s(processes.tree(pid)), processes.busy_s(both)
            callers_used = processes.cpu_s(processes.tree(callers.pid))
            time.sleep(WINDOW_S - 0.3)
            took = time.monotonic() - began
            used = processes.cpu_s(processes.tree(pid)) - used
            others = processes.busy_s(both) - busy - used
            others -= processes.cpu_s(processes.tree(callers.pid)) - callers_used
            assert callers.stdout
            told = json.loads(callers.stdout.readline())
    return Trial(
        server=server,
        calls=calls,
        round=number,
        cpu_us=used / took / told["frames_a_second"] / calls * 1e6,
        core=used / took,
        kb_a_call=held_mb * 1e3 / calls,
        foreign_cores=max(0.0, others / took),
        **told,
    )


def profiled() -> dict[str, int] | None:
    """Samples of the mock under load by the stack that they found, as py-spy writes them; None without py-spy."""
    spy = Path(sys.executable).with_name("py-spy")
    if not spy.exists():
        return None
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder, "stacks")
        recording = [str(spy), "record", "--format", "raw", "--rate", "500", "--output", str(stacks)]
        with serving([*recording, "--", *command(MOCK, port)], port):
            with calling(port, created(port, PROFILED_CALLS)) as callers:
                assert callers.stdout
                callers.stdout.readline()
        if not stacks.exists():
            return None
        lines = (line.rpartition(" ") for line in stacks.read_text().splitlines())
        return {stack: int(count) for stack, _, count in lines}


def measured(ladder: Sequence[int], rounds: int) -> list[Trial]:
    """Each round goes up the ladder, with all servers on each step, until none is on time."""
    trials: list[Trial] = []
    for number in range(rounds):
        going = dict.fromkeys(SERVERS, True)
        for calls in ladder:
            for server in SERVERS:
                if going[server]:
                    trials.append(tried(server, calls, number))
                    going[server] = trials[-1].on_time
                    print("| " + " | ".join(row(trials[-1])) + " |", flush=True)
    return trials


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", nargs="*", type=int, metavar="CALLS", help=f"steps of the ladder; default {LADDER}")
    parser.add_argument("--rounds", type=int, default=3, help="how often the ladder is gone up; default 3")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a section of this page")
    parser.add_argument("--history", type=Path, metavar="FILE", help="add the medians to this file, and compare")
    given = parser.parse_args(argv)
    trials = measured(given.calls or LADDER, given.rounds)
    text = section(trials, profiled())
    print(text)
    if given.markdown:
        report.put_section(given.markdown, NAME, text)
    if given.history:
        run = record(trials)
        print(*history.compared(run, history.last(given.history, NAME)), sep="\n")
        history.append(given.history, run)


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if sys.argv[1:2] == ["--serve"]:
        uvloop.run(serve({ECHO: Echo, LEAST: Least}[sys.argv[2]], int(sys.argv[3])))
    else:
        main(sys.argv[1:])
