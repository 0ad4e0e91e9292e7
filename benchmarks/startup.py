"""From the start of `calls mock` to its first answer, against an empty application and connexion's own, in turn.

python -m benchmarks.startup --help
"""

from __future__ import annotations

import argparse
import datetime
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import history, machine, report
from benchmarks.peers.servers import ROOT
from benchmarks.samples import Spread

NAME = "startup"
PACKAGES = ("connexion", "starlette", "uvicorn", "picows")
EMPTY = """
import sys, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="error")
"""
PLAIN = """
import sys, uvicorn
from benchmarks.peers.connexion_plain import app
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="error")
"""

MOCK, EMPTY_APP, PLAIN_CONNEXION, HELP = "calls mock", "empty ASGI application", "connexion, plain", "calls --help"


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often each is started; default 11")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a section of this page")
    parser.add_argument("--history", type=Path, metavar="FILE", help="add the medians to this file, and compare")
    given = parser.parse_args(argv)
    seconds: dict[str, list[float]] = {MOCK: [], EMPTY_APP: [], PLAIN_CONNEXION: [], HELP: []}
    for _ in range(given.rounds):
        seconds[MOCK].append(answered_after_s("-m", "calls", "mock", "--voice-output", "tones", "--port"))
        seconds[EMPTY_APP].append(answered_after_s("-c", EMPTY))
        seconds[PLAIN_CONNEXION].append(answered_after_s("-c", PLAIN))
        seconds[HELP].append(done_after_s("-m", "calls", "--help"))
    text = section(seconds)
    print(text)
    if given.markdown:
        report.put_section(given.markdown, NAME, text)
    if given.history:
        run = record(seconds)
        print(*history.compared(run, history.last(given.history, NAME)), sep="\n")
        history.append(given.history, run)


def section(seconds: Mapping[str, Sequence[float]]) -> str:
    """The report."""
    ratio, to_connexion = (
        Spread.of(mock / other for mock, other in zip(seconds[MOCK], seconds[name], strict=True))
        for name in (EMPTY_APP, PLAIN_CONNEXION)
    )
    head = [
        f"`python -m benchmarks.startup`, {datetime.date.today().isoformat()}, commit {machine.commit(ROOT)}.",
        f"{machine.processor()}; {machine.system()}; {', '.join(machine.versions(PACKAGES))}.",
        "Seconds from the start of the process to its first answer over HTTP, or to its end; medians [least-most] of",
        f"{len(seconds[MOCK])} starts, in turn. The mock takes {report.spread(ratio, 2)} times as long as uvicorn with",
        f"an application that answers nothing, and {report.spread(to_connexion, 2)} times as long as connexion with",
        "the same document and plain functions behind it: no start takes less time than connexion does to load and to",
        "check a document, as long as connexion serves it.",
    ]
    rows = ([name, report.spread(Spread.of(each), 2)] for name, each in seconds.items())
    return "\n\n".join(["## Start", report.paragraph(*head), report.table(["command", "seconds"], rows)])


def record(seconds: Mapping[str, Sequence[float]]) -> history.Run:
    """The run as the history keeps it."""
    medians = {f"{name}, seconds": round(statistics.median(each), 3) for name, each in seconds.items()}
    return history.of(NAME, PACKAGES, medians, failures={})


def done_after_s(*command: str) -> float:
    """Run a command to its end."""
    started_at = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True, timeout=60)
    return time.perf_counter() - started_at


def answered_after_s(*command: str) -> float:
    """Start a server, whose last argument is its port, and end it again once it has answered."""
    port = free_port()
    started_at = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - started_at < 30:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                return time.perf_counter() - started_at
            except urllib.error.HTTPError:
                return time.perf_counter() - started_at
            except OSError:
                time.sleep(0.005)
        raise TimeoutError(f"no answer from {command}")
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    main(sys.argv[1:])
