"""The client of `benchmarks.http`: the same request again and again on keep-alive connections, for a fixed time.

It runs as a process of its own, on a core of its own: `python -m benchmarks.load`, with a Load as JSON on its standard
input.  It prints a Measured as JSON.  It is as cheap as Python allows (the request is made once, the answer is searched
for its length and its status only), so that even a server that does nothing is kept busy.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from benchmarks import processes
from benchmarks.samples import percentile

RECONNECT_AFTER_S = 0.01


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to send, where and for how long.

    Attributes:
        port: the server's, on 127.0.0.1.
        request: the whole request, as it goes over the wire.
        connections: how many are open, each with one request under way.
        warm_up_s: how long to send before measuring.
        seconds: how long to measure.
        server: the process id whose tree is the server.
        cores: the cores that server and client have for themselves.
    """

    port: int
    request: str
    connections: int
    warm_up_s: float
    seconds: float
    server: int
    cores: list[int]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of it, all within the measured time.

    Attributes:
        seconds: how long that was.
        statuses: answers by status.
        dropped: connections that ended or could not be made, and answers that were none.
        p50_ms: the median latency; None without answers.
        p99_ms: the 99th percentile.
        server_cpu_s: CPU time of the server's processes.
        client_cpu_s: CPU time of this one.
        busy_s: time for which the cores were not idle, whoever used them.
        server_rss_mb: the server's memory at the end.
    """

    seconds: float
    statuses: dict[str, int]
    dropped: int
    p50_ms: float | None
    p99_ms: float | None
    server_cpu_s: float
    client_cpu_s: float
    busy_s: float
    server_rss_mb: float


@dataclass(slots=True)
class Tally:
    """What was counted since measuring began."""

    statuses: Counter[bytes] = field(default_factory=Counter)
    latencies_s: array[float] = field(default_factory=lambda: array("d"))
    dropped: int = 0


def answer_end(data: bytes) -> int | None:
    """Where the first answer in `data` ends; None if it has not come whole.

    Understands a length and chunks; an answer with neither has no body.
    """
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = data[:head_end].lower() + b"\r\n"
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        end = head_end + 4 + int(head[at + 17 : head.index(b"\r\n", at + 17)])
        return end if len(data) >= end else None
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        # The last chunk is empty. JSON holds no line break followed by a bare 0 in any of the servers measured.
        last = data.find(b"\r\n0\r\n\r\n", head_end + 2)
        return None if last < 0 else last + 7
    return head_end + 4


class _Connection(asyncio.Protocol):
    __slots__ = ("_load", "_lost", "_rest", "_sent_at", "_transport")

    def __init__(self, load: _Running, lost: Callable[[], None]) -> None:
        self._load = load
        self._lost = lost
        self._rest = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._load.transports.add(self._transport)
        if self._load.goes_on:
            self._send(self._transport)
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        end = answer_end(data)
        if end is None:
            self._rest = data
            return
        self._rest = b""
        transport = self._transport
        assert transport is not None
        tally = self._load.tally
        if end != len(data):
            transport.abort()
            return
        tally.latencies_s.append(time.perf_counter() - self._sent_at)
        tally.statuses[data[9:12]] += 1
        if self._load.goes_on:
            self._send(transport)

    def connection_lost(self, error: Exception | None) -> None:
        assert self._transport is not None
        self._load.transports.discard(self._transport)
        self._load.tally.dropped += 1
        self._lost()

    def _send(self, transport: asyncio.Transport) -> None:
        self._sent_at = time.perf_counter()
        transport.write(self._load.request)


class _Running:
    """A load while it runs."""

    def __init__(self, load: Load) -> None:
        self.request = load.request.encode()
        self.tally = Tally()
        self.goes_on = True
        self.transports: set[asyncio.Transport] = set()
        self._port = load.port
        self._tasks: set[asyncio.Task[None]] = set()

    def connect(self) -> None:
        """Open a connection, which sends at once; one that is lost is opened again."""
        if not self.goes_on:
            return
        task = asyncio.ensure_future(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Send no more, and let go of every connection."""
        self.goes_on = False
        for task in self._tasks:
            task.cancel()
        for transport in self.transports:
            transport.abort()
        # The loop closes them in rounds of its own.
        await asyncio.sleep(0.01)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _Connection(self, self._again), "127.0.0.1", self._port)
        except OSError:
            self.tally.dropped += 1
            self._again()

    def _again(self) -> None:
        asyncio.get_running_loop().call_later(RECONNECT_AFTER_S, self.connect)


@dataclass(frozen=True, slots=True)
class _Instant:
    at: float
    server: list[processes.Process]
    own_s: float
    busy_s: float

    @classmethod
    def now(cls, load: Load) -> _Instant:
        return cls(time.perf_counter(), processes.tree(load.server), time.process_time(), processes.busy_s(load.cores))


async def run(load: Load) -> Measured:
    """Put the load on, and measure."""
    running = _Running(load)
    for _ in range(load.connections):
        running.connect()
    await asyncio.sleep(load.warm_up_s)
    begin = _Instant.now(load)
    running.tally = tally = Tally()
    await asyncio.sleep(load.seconds)
    running.tally = Tally()
    end = _Instant.now(load)
    await running.close()
    latencies_ms = sorted(each * 1000 for each in tally.latencies_s)
    return Measured(
        seconds=end.at - begin.at,
        statuses={status.decode("latin-1"): count for status, count in tally.statuses.items()},
        dropped=tally.dropped,
        p50_ms=percentile(latencies_ms, 50) if latencies_ms else None,
        p99_ms=percentile(latencies_ms, 99) if latencies_ms else None,
        server_cpu_s=processes.cpu_s(end.server) - processes.cpu_s(begin.server),
        client_cpu_s=end.own_s - begin.own_s,
        busy_s=end.busy_s - begin.busy_s,
        server_rss_mb=processes.rss_mb(end.server),
    )


def main() -> None:
    load = Load(**cast(dict[str, Any], json.load(sys.stdin)))
    os.sched_setaffinity(0, {load.cores[-1]})
    try:
        import uvloop
    except ImportError:
        measured = asyncio.run(run(load))
    else:
        measured = uvloop.run(run(load))
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
