"""A mock server on a free port, in a thread of the tests' own process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from mockserver.app import Mock
from mockserver.server import Server
from mockserver.settings import Settings

VALID_KEY = {"X-API-Key": "ck_mock_valid"}

INLINE: dict[str, Any] = {"systemPrompt": "Be brief.", "voice": "Mark", "language": "en", "greeting": "Hello there"}


@dataclass(frozen=True)
class RunningMock:
    """A mock that answers.

    Attributes:
        base_url: where it does, without a slash at the end.
        mock: its parts, to be looked at.
        stop: tells it to end.
        wait_until_stopped: whether it has ended after so many seconds at the most.
    """

    base_url: str
    mock: Mock
    stop: Callable[[], None]
    wait_until_stopped: Callable[[float], bool]

    def create(self, **body: Any) -> dict[str, Any]:
        """The answer to a POST /calls/create with the demo agent."""
        return self._post("/api/v1/calls/create", {"agentId": "agent_demo", **body})

    def create_inline(self, **body: Any) -> dict[str, Any]:
        """The answer to a POST /calls/inline."""
        return self._post("/api/v1/calls/inline", {**INLINE, **body})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(self.base_url + path, json=body, headers=VALID_KEY)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created


@contextmanager
def running_mock(prepare: Callable[[Server], None] = lambda server: None, **options: Any) -> Iterator[RunningMock]:
    """A mock with these settings (text, as on a command line, or values), stopped at the end.

    It has tones unless it is told to speak, so that it does the same on each machine.  `prepare` may change the server
    before it starts.
    """
    server = Server(Settings.from_environment({}, **{"port": 0, "voice_output": "tones", **options}))
    prepare(server)
    ready = threading.Event()
    server.on_ready = lambda base_url: ready.set()
    thread = threading.Thread(target=server.serve_until_stopped)

    def wait_until_stopped(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    thread.start()
    try:
        assert ready.wait(10), "the mock did not start"
        yield RunningMock(server.base_url, server.mock, server.stop, wait_until_stopped)
    finally:
        server.stop()
        assert wait_until_stopped(10), "the mock did not stop"
