"""POST /calls/create and /calls/inline on the mock, on other mock servers, and by hand: CPU time, rate, latency.

Round after round each server is started on a core of its own, warmed up, and kept busy for some seconds by 32
keep-alive connections from a client on another core.  What else the machine does falls on all of them, and is measured
beside them.  What counts is the CPU time of the server's processes for one created call: unlike rates and latencies it
hardly depends on what others do.  Peers are installed into build/bench with npm; nothing leaves this machine while
measuring.

    python -m benchmarks.http [--rounds N] [--seconds S] [--only NAME,...] [--markdown FILE] [--svg FILE]
                              [--history FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from benchmarks import history, processes, report, samples
from benchmarks.http_report import CONNECTIONS, NAME, OPERATIONS, Results, plot, record, section
from benchmarks.load import Load, Measured
from benchmarks.peers.installing import NotInstalled
from benchmarks.peers.servers import OURS, ROOT, SERVERS, Launch, Server
from benchmarks.samples import Sample
from benchmarks.serving import NotServing, serving
from contract import documents

Number = TypeVar("Number", int, float)

BUILD = ROOT / "build" / "bench"

CLIENT_STARTS_WITHIN_S = 30.0

LATER_WARM_UP_S = 1.0
"""How long a server that is warm already gets requests at most, before it is measured for a further operation."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was asked for.  Returns 1 if the mock itself could not be measured."""
    given = _parser().parse_args(argv)
    servers = _chosen(given.only)
    try:
        results = measured(servers, rounds=given.rounds, seconds=given.seconds, build=BUILD)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    text = section(servers, results, rounds=given.rounds, seconds=given.seconds, plot=_link(given.svg, given.markdown))
    print(text)
    if given.svg:
        given.svg.write_text(plot(servers, results), encoding="utf-8")
    if given.markdown:
        report.put_section(given.markdown, NAME, text)
    if given.history:
        run = record(servers, results, rounds=given.rounds, seconds=given.seconds)
        print(*history.compared(run, history.last(given.history, NAME)), sep="\n")
        history.append(given.history, run)
    ours = [each for each in results.samples if each.server == OURS]
    return 1 if OURS in {each.name for each in servers} and not ours else 0


def measured(servers: Sequence[Server], *, rounds: int, seconds: float, build: Path) -> Results:
    """Hold the servers against each other."""
    results = Results()
    launches = dict(_prepared(servers, build, results))
    cores = sorted(os.sched_getaffinity(0))[:2]
    for number in range(rounds):
        # Each is first once, so that what a round begins with falls on none in particular.
        turn = number % len(servers)
        for server in [*servers[turn:], *servers[:turn]]:
            if server.name in launches:
                print(f"round {number + 1} of {rounds}: {server.name}", end="", flush=True)
                _measure(server, launches[server.name], number, seconds, cores, build, results)
    return results


def _prepared(servers: Sequence[Server], build: Path, results: Results) -> Iterator[tuple[str, Launch]]:
    for server in servers:
        try:
            yield server.name, server.prepare(build)
        except NotInstalled as reason:
            results.failures[server.name] = f"not installed: {report.published(str(reason))}"
            print(f"{server.name}: {results.failures[server.name]}")


def _measure(
    server: Server, launch: Launch, number: int, seconds: float, cores: list[int], build: Path, results: Results
) -> None:
    bodies = request_bodies()
    path = f"{server.base_path}/calls/create"
    log = build / f"{server.key}.log"
    try:
        with serving(launch, path, bodies["create"], core=cores[0], log=log) as running:
            results.starts_s[server.name].append(running.start_s)
            warm_up_s = server.warm_up_s
            for operation in OPERATIONS:
                path = f"{server.base_path}/calls/{operation}"
                load = Load(
                    port=running.port,
                    request=request(path, running.port, bodies[operation]),
                    connections=CONNECTIONS,
                    warm_up_s=warm_up_s,
                    seconds=seconds,
                    server=running.pid,
                    cores=cores,
                )
                found = _under(load)
                warm_up_s = min(warm_up_s, LATER_WARM_UP_S)
                if not processes.tree(running.pid):
                    raise NotServing("it ended under load")
                sample = sample_of(server.name, operation, number, found)
                results.samples.append(sample)
                print(f"  {operation} {sample.cpu_us or 0:.0f} us (others {sample.foreign_cores:.2f})", end="")
    except NotServing as reason:
        results.failures[server.name] = f"round {number + 1}: {reason}"
    except subprocess.TimeoutExpired:
        results.failures[server.name] = f"round {number + 1}: the client did not come to an end"
    except subprocess.CalledProcessError as error:
        results.failures[server.name] = f"round {number + 1}: the client ended with code {error.returncode}"
    print(f"  {results.failures[server.name]}" if server.name in results.failures else "", flush=True)


def _under(load: Load) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(load)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=load.warm_up_s + load.seconds + CLIENT_STARTS_WITHIN_S,
    )
    return Measured(**json.loads(done.stdout))


def request_bodies() -> dict[str, bytes]:
    """A body for each operation: the document's own example of a call that Twilio dials."""
    paths = documents.resolved(documents.openapi())["paths"]
    return {
        each: json.dumps(
            paths[f"/calls/{each}"]["post"]["requestBody"]["content"]["application/json"]["examples"]["twilio"]["value"]
        ).encode()
        for each in OPERATIONS
    }


def request(path: str, port: int, body: bytes) -> str:
    """A whole request, as it goes over the wire."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: ck_mock_valid\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body.decode()}"
    )


def sample_of(server: str, operation: str, number: int, found: Measured) -> Sample:
    """What the client measured, judged: 201 is what counts."""
    others = {status: count for status, count in found.statuses.items() if status != "201"}
    if found.dropped:
        others["dropped"] = found.dropped
    return Sample(
        server=server,
        operation=operation,
        round=number,
        seconds=found.seconds,
        created=found.statuses.get("201", 0),
        others=others,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        server_cpu_s=found.server_cpu_s,
        foreign_cores=samples.foreign_cores(
            busy_s=found.busy_s, own_s=found.server_cpu_s + found.client_cpu_s, seconds=found.seconds
        ),
        rss_mb=found.server_rss_mb,
    )


def _link(target: Path | None, page: Path | None) -> str | None:
    if target is None:
        return None
    return os.path.relpath(target, page.parent) if page else str(target)


def _chosen(names: str | None) -> list[Server]:
    if names is None:
        return list(SERVERS)
    wanted = {name.strip().casefold() for name in names.split(",")}
    known = {each.key for each in SERVERS}
    if unknown := wanted - known:
        raise SystemExit(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(sorted(known))}")
    return [each for each in SERVERS if each.key in wanted]


def _positive(number: Callable[[str], Number]) -> Callable[[str], Number]:
    def positive(text: str) -> Number:
        value = number(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"expected a number above 0, not {text}")
        return value

    return positive


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.http", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=_positive(int), default=5, help="how often each server is measured; default 5")
    parser.add_argument(
        "--seconds", type=_positive(float), default=1.5, help="how long, for each operation; default 1.5"
    )
    parser.add_argument("--only", metavar="NAME,...", help=f"only these of {', '.join(each.key for each in SERVERS)}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report as a section of this page")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the plot to this file")
    parser.add_argument("--history", type=Path, metavar="FILE", help="add the medians to this file, and compare")
    return parser


if __name__ == "__main__":
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        sys.exit("this needs Linux and two cores: one for the server, one for its client")
    # Whatever ends the benchmark in this way, too, its servers are ended first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - began:.0f} s")
    sys.exit(code)
