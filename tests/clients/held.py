"""What mocks in this process hold for webrtc calls: peer connections, and the tasks around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiortc import RTCPeerConnection

from mockserver.webrtc import peers

PARTS = ("aiortc", "aioice", "webrtc")
"""What the folders are called whose tasks are counted."""


class Held:
    """Keeps an eye on it."""

    def __init__(self) -> None:
        self._connections: list[RTCPeerConnection] = []
        self._loops: set[asyncio.AbstractEventLoop] = set()

    def open(self, *given: Any) -> RTCPeerConnection:
        """A peer connection that is watched."""
        connection = RTCPeerConnection(*given)
        self._connections.append(connection)
        self._loops.add(asyncio.get_running_loop())
        return connection

    def left(self, within_s: float) -> list[str]:
        """What is still there after so many seconds at the most, by name."""
        assert self._connections
        deadline = time.monotonic() + within_s
        while (left := self._now()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _now(self) -> list[str]:
        # Not by way of the garbage collector: who asks it for all objects breaks what other threads are making.
        running: list[Any] = [task.get_coro() for loop in self._loops for task in asyncio.all_tasks(loop)]
        tasks = [each.__qualname__ for each in running if any(part in each.cr_code.co_filename for part in PARTS)]
        # Only our own close closes the signalling; the connection is also closed where the caller went away.
        return tasks + ["RTCPeerConnection" for each in self._connections if each.signalingState != "closed"]


@contextmanager
def watching() -> Iterator[Held]:
    """Watch all that is opened meanwhile."""
    held = Held()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "RTCPeerConnection", held.open)
        yield held
