"""Upgrades, on a real socket: which become calls, and how the others are refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mockserver.ending import Ending
from mockserver.media import Session
from tests.clients.raw_socket import RawSocket, handshake
from tests.running import RunningMock, running_mock


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock(rate_limit_per_hour=0) as running:
        yield running


def url(mock: RunningMock) -> str:
    return str(mock.create()["websocketUrl"])


def refused(request: bytes, url: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and error of the answer to a dial."""
    with RawSocket.connect(url) as raw:
        raw.send(request)
        head, _, body = raw.read_answer().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, json.loads(body)["error"]["code"]


def test_a_browsers_dial_keeps_alive_and_upgrades(mock: RunningMock) -> None:
    live = url(mock)
    with RawSocket.connect(live) as raw:
        raw.send(handshake(live, Connection="keep-alive, Upgrade"))
        assert raw.read_status() == 101


def test_the_order_of_a_dials_headers_makes_no_difference(mock: RunningMock) -> None:
    live = url(mock)
    first, *lines = handshake(live).removesuffix(b"\r\n\r\n").split(b"\r\n")
    upgrade_last = sorted(lines, key=lambda line: line.lower().startswith(b"upgrade:"))
    with RawSocket.connect(live) as raw:
        raw.send(b"\r\n".join([first, *upgrade_last, b"", b""]))
        assert raw.read_status() == 101


def test_an_old_version_is_426_and_told_the_right_one(mock: RunningMock) -> None:
    live = url(mock)
    status, headers, code = refused(handshake(live, Sec_WebSocket_Version="8"), live)
    assert (status, code) == (426, "UPGRADE_REQUIRED")
    assert headers["sec-websocket-version"] == "13"
    assert "x-request-id" in headers


def test_a_bad_key_is_400_in_the_contracts_shape(mock: RunningMock) -> None:
    live = url(mock)
    status, headers, code = refused(handshake(live, Sec_WebSocket_Key="c2hvcnQ="), live)
    assert (status, code) == (400, "BAD_REQUEST")
    assert headers["connection"] == "close"


def test_a_dial_with_a_body_is_400(mock: RunningMock) -> None:
    live = url(mock)
    assert refused(handshake(live, Content_Length="2") + b"{}", live)[0] == 400


@pytest.mark.parametrize("path", ["/media", "/media/a/b", "/other", "/media/%zz", "*", "//"])
def test_a_dial_of_nothing_is_refused_like_a_request(mock: RunningMock, path: str) -> None:
    live = url(mock)
    first, rest = handshake(live).split(b"\r\n", 1)
    assert 400 <= refused(b"GET " + path.encode() + b" HTTP/1.1\r\n" + rest, live)[0] < 500


def test_a_close_reason_is_cut_to_what_a_frame_can_hold(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "tick", lambda session, now: session.close(Ending(1008, "é" * 100)))
    with connect(url(mock), proxy=None) as peer, pytest.raises(ConnectionClosed) as closed:
        peer.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "é" * 61


def test_a_dial_over_the_limit_is_503_and_keeps_its_url() -> None:
    with running_mock(rate_limit_per_hour=0, max_calls=1) as mock:
        first, second = url(mock), url(mock)
        with connect(first, proxy=None):
            status, headers, code = refused(handshake(second), second)
            assert (status, code) == (503, "SERVICE_UNAVAILABLE")
            assert int(headers["retry-after"]) > 0
            assert "x-request-id" in headers
        deadline = time.monotonic() + 10
        while len(mock.mock.switchboard) and time.monotonic() < deadline:
            time.sleep(0.01)
        with connect(second, proxy=None), pytest.raises(InvalidStatus):
            connect(first, proxy=None)
