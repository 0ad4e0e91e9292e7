"""Callers on each connection type, who say what was recorded from the carriers' pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.documents.payloads import recorded

CARRIERS = ("twilio", "telnyx", "plivo")
KINDS = (*CARRIERS, "websocket")


def said(kind: str, event: str) -> dict[str, Any]:
    """The first recorded message of a carrier that stands for an event."""
    lines = (line for line in recorded(kind) if line["from"] == "carrier" and line["event"] == event)
    found: dict[str, Any] = next(lines)["message"]
    return found


def last_key(kind: str) -> str:
    """The key that ends what the caller types."""
    digit = said(kind, "Digit")
    return json.dumps({**digit, "dtmf": {**digit["dtmf"], "digit": "#"}})


START = {kind: json.dumps(said(kind, "Started")) for kind in CARRIERS}
"""Begins a call; a custom client's call begins by itself."""

STOP = {kind: json.dumps(said(kind, "Stopped")) for kind in CARRIERS} | {"websocket": '{"type": "hang_up"}'}
"""Ends a call; the agent closes the socket then."""

QUESTION = {kind: last_key(kind) for kind in CARRIERS} | {"websocket": '{"type": "ping", "timestamp": 1.5}'}
"""Is answered by the agent at once."""

PATIENCE_S = 10.0
"""How long an answer may take before a test fails."""


@contextmanager
def dialled(url: str) -> Iterator[ClientConnection]:
    """A WebSocket on a call that has not begun."""
    with connect(url, proxy=None, compression=None, max_size=None) as socket:
        yield socket


@contextmanager
def begun(url: str, kind: str) -> Iterator[ClientConnection]:
    """A WebSocket on a call that has begun."""
    with dialled(url) as socket:
        if kind in START:
            socket.send(START[kind])
        yield socket


def ask(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """Ask the agent something that it answers; what it said before that."""
    socket.send(QUESTION[kind])
    before: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        wire = socket.recv(timeout=PATIENCE_S)
        if isinstance(wire, bytes):
            continue
        heard = json.loads(wire)
        if heard.get("event") in ("media", "playAudio") or heard.get("type") == "pong":
            return before
        before.append(heard)
    raise AssertionError("the agent did not answer")


def close_code(socket: ClientConnection) -> tuple[int, str]:
    """How the agent closes the socket: code and reason."""
    deadline = time.monotonic() + PATIENCE_S
    with pytest.raises(ConnectionClosed) as closed:
        while time.monotonic() < deadline:
            socket.recv(timeout=PATIENCE_S)
    assert closed.value.rcvd, "the connection ended without a close"
    return closed.value.rcvd.code, closed.value.rcvd.reason
