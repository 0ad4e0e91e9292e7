"""A mock for tests, in this process: started on a free port, led and looked at in Python.

    with running_mock(any_agent=True) as mock:
        call = my_client(mock.base_url, mock.api_key).start_a_call()
        mock.press_digits(call.id, "1")
        assert mock.requests()[0].status == 201

For pytest there is `mockserver.pytest_plugin`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mockserver.control.client import ControlClient, ControlError
from mockserver.server import Server
from mockserver.settings import MOCK_KEYS, Settings

__all__ = ["ControlError", "RunningMock", "running_mock"]

STARTS_WITHIN_S = 30.0
"""How long a mock may take to answer, in seconds, on a very busy machine."""

STOPS_WITHIN_S = 10.0
"""How long it may take to let go of everything, in seconds."""


class RunningMock(ControlClient):
    """A mock that answers.

    Attributes:
        base_url: where it does, without a slash at the end; the operations are under `/api/v1` and without it.
        local_url: the same, but for a mock with a `public_url`: where it listens on this machine.
        api_key: a key that works.
        token: what opens its control API.
    """

    def __init__(self, base_url: str, token: str, local_url: str) -> None:
        # It is our own: nobody stands between us and its certificate.
        super().__init__(local_url, token, verify=False)
        self.base_url = base_url
        self.local_url = local_url
        self.api_key = MOCK_KEYS[0]
        self.token = token


@contextmanager
def running_mock(**settings: Any) -> Iterator[RunningMock]:
    """A mock with these settings: those of `mockserver.settings.Settings`, as values or as on a command line.

    It listens on a free port of 127.0.0.1 unless told otherwise, reads no environment, and is stopped at the end, which
    hangs up its calls.

    Raises:
        SettingsError, DocumentError, PortError, ValueError: it cannot be started like this.
    """
    server = Server(Settings.from_environment({}, **{"port": 0, **settings}))
    token = server.mock.control_token
    if token is None:
        server.listener.close()
        raise ValueError("running_mock needs the control API: leave inspector='off' out")
    ready = threading.Event()
    server.on_ready = lambda base_url: ready.set()
    thread = threading.Thread(target=server.serve_until_stopped, name="calls mock", daemon=True)
    thread.start()
    try:
        if not ready.wait(STARTS_WITHIN_S):
            raise RuntimeError(f"the mock did not start within {STARTS_WITHIN_S:g} s")
        local_url = replace(server.settings, public_url=None).base_url(server.listener.getsockname()[1])
        mock = RunningMock(server.base_url, token, local_url)
        try:
            yield mock
        finally:
            mock.close()
    finally:
        server.stop()
        thread.join(STOPS_WITHIN_S)
        if thread.is_alive():
            raise RuntimeError(f"the mock did not stop within {STOPS_WITHIN_S:g} s")
