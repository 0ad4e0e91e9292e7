"""Upgrades, on a real socket: which become calls, and how the others are refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from mockserver.ending import Ending
from mockserver.server import Server
from mockserver.session import Session
from tests.clients.raw_socket import RawSocket, handshake
from tests.running import VALID_KEY, RunningMock, running_mock


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


@pytest.mark.parametrize("key", ["dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="])
def test_a_dial_of_a_host_without_a_path_is_400(mock: RunningMock, key: str) -> None:
    live = url(mock)
    _, rest = handshake(live, Sec_WebSocket_Key=key).split(b"\r\n", 1)
    status, headers, code = refused(b"GET http://localhost HTTP/1.1\r\n" + rest, live)
    assert (status, code, headers["connection"]) == (400, "BAD_REQUEST", "close")


def test_an_answer_without_a_body_comes_at_once_and_the_connection_goes_on(mock: RunningMock) -> None:
    live = url(mock)
    request = b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with RawSocket.connect(live) as raw:
        for _ in range(2):
            raw.send(request)
            assert raw.read_head().startswith(b"HTTP/1.1 200 ")
        raw.send(handshake(live))
        assert raw.read_status() == 101


def test_a_page_that_calls_the_mock_by_a_name_that_anybody_could_own_is_refused(
    mock: RunningMock, caplog: pytest.LogCaptureFixture
) -> None:
    live = url(mock)
    request = handshake(live, Host="evil.example:8080", Origin="http://evil.example:8080")
    status, headers, code = refused(request, live)
    assert (status, code) == (403, "FORBIDDEN")
    assert "x-request-id" in headers
    assert "dial refused: pages may not call this mock evil.example:8080" in caplog.text
    assert live.rpartition("/")[2] not in caplog.text
    with RawSocket.connect(live) as raw:
        raw.send(handshake(live, Origin="http://app.localhost:3000"))
        assert raw.read_status() == 101


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example", None),
        ("abc.tunnel.example", "https://abc.tunnel.example"),
        ("10.1.2.3:90", "http://10.1.2.3:90"),
    ],
)
def test_who_is_no_page_may_call_it_anything_and_its_own_pages_what_it_is_called(host: str, origin: str | None) -> None:
    addresses: list[str] = []

    def note_address(server: Server) -> None:
        addresses.append(f"127.0.0.1:{server.listener.getsockname()[1]}")

    with running_mock(note_address, public_url="https://abc.tunnel.example"):
        created = httpx.post(f"http://{addresses[0]}/calls/create", json={"agentId": "agent_demo"}, headers=VALID_KEY)
        own = f"ws://{addresses[0]}{urlsplit(created.json()['websocketUrl']).path}"
        with RawSocket.connect(own) as raw:
            raw.send(handshake(own, Host=host, Origin=origin))
            assert raw.read_status() == 101


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
