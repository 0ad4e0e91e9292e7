"""What the clients here need beside a mock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.running import INLINE, VALID_KEY, RunningMock

ROOT = Path(__file__).resolve().parents[2]

NodePackage = Callable[[str], Path]
NewCall = Callable[..., str]


@pytest.fixture(scope="session")
def node_with() -> NodePackage:
    """Finds Node and a package of `package-lock.json`; where one is missing the test is skipped, in CI it fails."""

    def find(package: str) -> Path:
        node = shutil.which("node")
        if node and (ROOT / "node_modules" / package / "package.json").exists():
            return Path(node)
        if os.environ.get("CI"):
            pytest.fail(f"Node or its package {package} is missing in CI: install Node, then run `npm ci`")
        pytest.skip(f"needs Node and its package {package}: install Node, then run `npm ci`")

    return find


@pytest.fixture(scope="session")
def client(mock: RunningMock) -> Iterator[httpx.Client]:
    """A client of the mock; faster for many requests than a new one for each."""
    with httpx.Client(base_url=mock.base_url, headers=VALID_KEY) as opened:
        yield opened


@pytest.fixture
def new_call(client: httpx.Client) -> NewCall:
    """Creates an inline call of a connection type, without a greeting unless one is given, and gives its URL."""
    return lambda kind, **body: create(client, connectionType=kind, **body)


@pytest.fixture
def the_server_goes_on(client: httpx.Client, new_call: NewCall) -> Iterator[None]:
    """Checks, after a test, that the mock still answers requests and dials."""
    yield
    assert client.get("/healthz").status_code == 200
    with connect(new_call("websocket"), proxy=None) as socket:
        assert socket.recv(timeout=10) == '{"type":"state","state":"listening"}'


def create(client: httpx.Client, **body: Any) -> str:
    """The URL of a new inline call, 8000 Hz pcm where it is for a custom client, without a greeting."""
    rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
    answer = client.post("/calls/inline", json={**INLINE, "greeting": "", "websocket": rates, **body})
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["websocketUrl"]
    return url
