"""A program: a mock and a thousand calls that come and go in every way, and what they left behind, as one line of JSON.

It has a process of its own, so that nothing else is counted.  Linux only: it asks it for open files and memory.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mockserver.conversation import Conversation
from mockserver.session import Session
from mockserver.websocket import LET_GO_WITHIN_S
from tests.clients.caller import KINDS, QUESTION, START, STOP
from tests.clients.conftest import create
from tests.running import VALID_KEY, RunningMock, running_mock

CALLS = 1000

BATCH = 50
"""How many calls are in progress at once."""

WARM_UP = 500
"""Calls before the first count: caches fill, and the memory of a first rush stays with the process."""

OVER_CAP = 1024 * 1024 + 1
"""A message longer than the mock reads, in bytes."""


@dataclass(frozen=True)
class Left:
    """What calls have left behind.

    `in_progress`, `ticked` and `stored` are what the mock knows of; the others what the process holds, and how much.
    """

    in_progress: int
    ticked: int
    stored: int
    sessions: int
    conversations: int
    unfinished_tasks: int
    open_files: int
    objects: int
    resident_bytes: int


def left_by(mock: RunningMock) -> Left:
    """What is there now."""
    gc.collect()
    objects = gc.get_objects()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Left(
        in_progress=len(mock.mock.switchboard),
        ticked=len(mock.mock.ticker),
        stored=len(mock.mock.store),
        sessions=sum(isinstance(each, Session) for each in objects),
        conversations=sum(isinstance(each, Conversation) for each in objects),
        unfinished_tasks=sum(isinstance(each, asyncio.Task) and not each.done() for each in objects),
        open_files=len(os.listdir("/proc/self/fd")),
        objects=len(objects),
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
    )


async def stops(socket: ClientConnection, kind: str) -> None:
    """The caller's end says that the call is over, and the agent closes."""
    await socket.send(STOP[kind])
    await socket.wait_closed()


async def closes(socket: ClientConnection, kind: str) -> None:
    """The caller's end closes."""
    await socket.close()


async def vanishes(socket: ClientConnection, kind: str) -> None:
    """The caller's end is gone, with audio still under way to it, which TCP answers with a reset."""
    socket.transport.abort()


async def says_rubbish(socket: ClientConnection, kind: str) -> None:
    """The caller's end says what it must not, and closes with a code of its own."""
    for rubbish in ("{", bytes(7), '{"event": "media", "type": "ping"}'):
        await socket.send(rubbish)
    await socket.close(4000, "rubbish")


async def says_too_much(socket: ClientConnection, kind: str) -> None:
    """The caller's end sends a message over the cap, and is hung up on."""
    with suppress(ConnectionClosed):
        await socket.send(bytes(OVER_CAP))
    await socket.wait_closed()


WAYS = tuple(itertools.product(KINDS, (stops, closes, vanishes, says_rubbish, says_too_much)))
"""Every connection type with every ending."""


async def call(url: str, kind: str, end: Callable[[ClientConnection, str], Awaitable[None]]) -> None:
    """One call: it begins, the caller asks something and hears the beginning of an answer, it ends."""
    # A client whose queue is full stops reading, and would never see the end.
    async with connect(url, proxy=None, compression=None, max_size=None, max_queue=None) as socket:
        if kind in START:
            await socket.send(START[kind])
        await socket.send(QUESTION[kind])
        await socket.recv()
        await end(socket, kind)


def drop_calls(client: httpx.Client, count: int) -> None:
    """Open calls and drop them, a batch at a time, in every way, and let the mock let go of the connections."""
    ways = itertools.cycle(WAYS)

    async def drop_batch() -> None:
        batch = list(itertools.islice(ways, BATCH))
        urls = [create(client, connectionType=kind, greeting="Hello, how are you?") for kind, _ in batch]
        calls = (call(url, kind, end) for url, (kind, end) in zip(urls, batch, strict=True))
        await asyncio.wait_for(asyncio.gather(*calls), timeout=30)

    for _ in range(count // BATCH):
        asyncio.run(drop_batch())
    time.sleep(LET_GO_WITHIN_S + 1)


def main() -> None:
    """Drop the calls, and print what was there before and after."""
    logging.getLogger("calls").setLevel(logging.ERROR)
    # What the inspector remembers on purpose has bounds of its own, and fills up meanwhile.
    running = running_mock(rate_limit_per_hour=0, inspector="off")
    with running as mock, httpx.Client(base_url=mock.base_url, headers=VALID_KEY) as client:
        drop_calls(client, WARM_UP)
        before = left_by(mock)
        drop_calls(client, CALLS)
        print(json.dumps({"before": asdict(before), "after": asdict(left_by(mock))}))


if __name__ == "__main__":
    main()
