"""What is left of a room of the mock's when its call is over, however that came about: nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import SHUT_RDWR

import aioice.ice
import pytest
from livekit import rtc as livekit
from livekit.protocol import rtc
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from tests.running import RunningMock, running_mock


class Sockets:
    """The UDP sockets of this process's rooms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = self.closed = 0
        made, lost = aioice.ice.StunProtocol.connection_made, aioice.ice.StunProtocol.connection_lost

        def count_made(protocol: aioice.ice.StunProtocol, transport: object) -> None:
            self.opened += 1
            made(protocol, transport)  # type: ignore[arg-type]

        def count_lost(protocol: aioice.ice.StunProtocol, error: Exception | None) -> None:
            self.closed += 1
            lost(protocol, error)

        monkeypatch.setattr(aioice.ice.StunProtocol, "connection_made", count_made)
        monkeypatch.setattr(aioice.ice.StunProtocol, "connection_lost", count_lost)

    @property
    def are_closed(self) -> bool:
        return 0 < self.opened == self.closed


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    return Sockets(monkeypatch)


@contextmanager
def dialled(mock: RunningMock) -> Iterator[tuple[ClientConnection, str]]:
    """The control socket of a new call, and where its room is joined."""
    with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as control:
        offer = json.loads(control.recv(timeout=10))
        yield control, f"{offer['roomUrl']}/rtc?access_token={offer['token']}"


def response(signalling: ClientConnection) -> str | None:
    wire = signalling.recv(timeout=5)
    assert isinstance(wire, bytes)
    message: str | None = rtc.SignalResponse.FromString(wire).WhichOneof("message")
    return message


def until(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    end = time.monotonic() + within_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_callers_who_go_away_at_once_leave_no_socket(sockets: Sockets) -> None:
    with running_mock() as mock:
        for _ in range(20):
            with dialled(mock) as (_, room), connect(room) as signalling:
                signalling.socket.shutdown(SHUT_RDWR)
        assert until(lambda: len(mock.mock.switchboard) == 0 and sockets.are_closed)


def test_a_client_that_leaves_ends_the_call_and_nothing_is_to_be_warned_of(
    sockets: Sockets, caplog: pytest.LogCaptureFixture
) -> None:
    async def visit(room_url: str, token: str) -> None:
        told = asyncio.Event()
        room = livekit.Room()
        room.on("data_received", lambda packet: told.set())
        await room.connect(room_url, token)
        await asyncio.wait_for(told.wait(), 10)
        await room.disconnect()

    with running_mock() as mock, dialled(mock) as (control, room):
        asyncio.run(visit(*room.split("/rtc?access_token=")))
        with pytest.raises(ConnectionClosed, match="the caller left the room"):
            control.recv(timeout=5)
        assert until(lambda: sockets.are_closed)
    said = [record for record in caplog.records if record.name.startswith(("calls", "aio"))]
    assert [record.getMessage() for record in said if record.levelno >= logging.WARNING] == []


def test_who_never_answers_the_offer_is_told_why_the_call_ends(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.webrtc.participant.CONNECT_WITHIN_S", 0.3)
    with running_mock() as mock, dialled(mock) as (control, room), connect(room) as signalling:
        assert [response(signalling) for _ in range(3)] == ["join", "offer", "leave"]
        with pytest.raises(ConnectionClosed, match="UDP"):
            control.recv(timeout=5)
        assert until(lambda: sockets.are_closed)


def test_who_sends_and_never_reads_is_dropped() -> None:
    track = rtc.AddTrackRequest(cid="c" * 500_000)
    with running_mock() as mock, dialled(mock) as (control, room), connect(room, max_size=None) as signalling:
        with pytest.raises((ConnectionClosed, OSError)):
            for _ in range(200):
                signalling.send(rtc.SignalRequest(add_track=track).SerializeToString())
        with pytest.raises(ConnectionClosed, match="too slowly"):
            control.recv(timeout=5)


def test_a_mock_that_stops_tells_the_caller_and_leaves_no_socket(
    sockets: Sockets, caplog: pytest.LogCaptureFixture
) -> None:
    with running_mock() as mock, dialled(mock) as (control, room), connect(room) as signalling:
        assert [response(signalling), response(signalling)] == ["join", "offer"]
        mock.stop()
        assert response(signalling) == "leave"
        with pytest.raises(ConnectionClosed, match="shutting down"):
            control.recv(timeout=5)
        assert mock.wait_until_stopped(10)
    assert sockets.are_closed
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_dial_that_fails_at_the_last_moment_leaves_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **more: object) -> None:
        raise ConnectionError

    with running_mock() as mock:
        url = mock.create_inline(connectionType="webrtc")["websocketUrl"]
        with monkeypatch.context() as patched:
            patched.setattr("mockserver.handover.hand_over", fail)
            with pytest.raises(InvalidMessage), connect(url):
                pass
        assert mock.mock.rooms()._lines == {}  # type: ignore[attr-defined]
        with connect(url) as control:
            assert "roomUrl" in json.loads(control.recv(timeout=10))
