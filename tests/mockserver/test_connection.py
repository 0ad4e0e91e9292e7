"""HTTP as it comes to the mock's own connections: in any pieces, with any offers, and closed in good order."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.client import HTTPConnection
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.clients.raw_socket import RawSocket, handshake
from tests.running import RunningMock, running_mock

BODY = b'{"agentId": "agent_demo"}'
PIPELINED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(more: bytes = b"", body: bytes = BODY, *, method: bytes = b"POST", version: bytes = b"1.1") -> bytes:
    """A request to create a call, with more lines in its head."""
    head = b"Host: x\r\nX-API-Key: ck_mock_valid\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(
        body
    )
    return method + b" /calls/create HTTP/" + version + b"\r\n" + head + more + b"\r\n" + body


CHUNKED = post(b"Transfer-Encoding: chunked\r\n", b"").replace(b"Content-Length: 0\r\n", b"") + (
    b"19\r\n" + BODY + b"\r\n0\r\n\r\n"
)
REQUESTS = {
    post(): 201,
    post(H2C): 201,
    post(H2C, PIPELINED): 400,
    post(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"): 201,
    CHUNKED: 201,
    CHUNKED.replace(b"Host: x\r\n", b"Host: x\r\n" + H2C): 201,
    PIPELINED: 200,
    PIPELINED.replace(b"Host: x\r\n", b"Host: x\r\n" + H2C): 200,
}
"""Requests and the status of the answer to each."""


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock(rate_limit_per_hour=0, max_body_bytes=100_000) as running:
        yield running


def connected(mock: RunningMock) -> socket.socket:
    address = urlsplit(mock.base_url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send(connection: socket.socket, data: bytes, cuts: Sequence[int] = ()) -> None:
    """Send bytes in pieces, each of which the other end has the time to read alone."""
    for begin, end in pairwise([0, *sorted(cuts), len(data)]):
        connection.sendall(data[begin:end])
        time.sleep(0.002)


def received(connection: socket.socket) -> bytes:
    """What comes until the other end closes in good order."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def statuses(mock: RunningMock, data: bytes, cuts: Sequence[int] = ()) -> list[int]:
    """The statuses of the answers to requests of which the last closes the connection."""
    with connected(mock) as connection:
        send(connection, data, cuts)
        answers = received(connection)
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def answer(mock: RunningMock, data: bytes) -> tuple[int, str]:
    """Status and code of the answer to one request; the code is empty where there is no error."""
    with RawSocket.connect(mock.base_url) as raw:
        raw.send(data)
        head, _, body = raw.read_answer().partition(b"\r\n\r\n")
    return int(head[9:12]), json.loads(body).get("error", {}).get("code", "")


# In pieces


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=4),
    places=st.lists(st.floats(0, 1), max_size=5),
)
@example(requests=[post(H2C, PIPELINED)], places=[0.1])
@example(requests=[post(H2C)], places=[0.1])
@example(requests=[post(), post(H2C)], places=[])
def test_requests_are_answered_alike_in_whatever_pieces_they_come(
    mock: RunningMock, requests: list[bytes], places: list[float]
) -> None:
    data = b"".join(requests) + LAST
    cuts = [int(place * len(data)) for place in places]
    assert statuses(mock, data, cuts) == [*(REQUESTS[each] for each in requests), 200]


@pytest.mark.parametrize("method", [b"FOO", b"post", b"CONNECT", b"PROPFIND", b"PATCH"])
def test_any_method_is_405_wherever_it_is_cut(mock: RunningMock, method: bytes) -> None:
    data = post(method=method) + LAST
    for cut in range(1, len(method) + 3):
        assert statuses(mock, data, [cut]) == [405, 200]


@pytest.mark.parametrize("request_", [post(H2C + b"Connection: close\r\n"), post(H2C, version=b"1.0")])
def test_an_offer_in_the_last_request_of_a_connection_keeps_its_body(mock: RunningMock, request_: bytes) -> None:
    for cut in (0, 30, len(request_) - 5):
        assert statuses(mock, request_, [cut]) == [201]


@pytest.mark.parametrize("offers", [b"", H2C])
def test_a_tunnel_is_never_opened(mock: RunningMock, offers: bytes) -> None:
    tunnel = b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n" + offers + b"\r\n"
    assert statuses(mock, tunnel) == [400]
    assert statuses(mock, PIPELINED + tunnel) == [200, 400]


def test_a_dial_is_answered_wherever_it_is_cut(mock: RunningMock) -> None:
    with RawSocket.connect(mock.base_url) as raw:
        for cut in range(1, len(handshake(str(mock.create()["websocketUrl"])))):
            raw.send(post())
            url = json.loads(raw.read_answer().partition(b"\r\n\r\n")[2])["websocketUrl"]
            with connected(mock) as connection:
                send(connection, handshake(url), [cut])
                assert connection.recv(65536).startswith(b"HTTP/1.1 101 "), cut


def test_a_dial_right_behind_a_request_is_answered_after_it(mock: RunningMock) -> None:
    url = str(mock.create()["websocketUrl"])
    with RawSocket.connect(url) as raw:
        raw.send(post() + handshake(url))
        assert (raw.read_status(), raw.read_status()) == (201, 101)


def test_what_cannot_be_parsed_takes_no_answer_from_what_came_before(mock: RunningMock) -> None:
    assert statuses(mock, post(body=BODY + b" ").replace(b": 26", b": 25") + LAST) == [201, 400]


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"hello\r\n\r\n", b"\r\n\r\n/\r\n", b"x" * 65])
def test_what_cannot_begin_a_request_is_400_at_once(mock: RunningMock, garbage: bytes) -> None:
    assert statuses(mock, garbage) == [400]


def test_blank_lines_before_a_request_are_skipped(mock: RunningMock) -> None:
    data = b"\r\n\r\n" + post(method=b"FOO") + b"\r\n" + LAST
    for cut in range(6):
        assert statuses(mock, data, [cut]) == [405, 200]


@pytest.mark.parametrize("offers", ["h2c, websocket", "WebSocket,h2c"])
def test_a_dial_may_offer_other_protocols_too(mock: RunningMock, offers: str) -> None:
    url = str(mock.create()["websocketUrl"])
    with RawSocket.connect(url) as raw:
        raw.send(handshake(url, Upgrade=offers))
        assert raw.read_status() == 101


@pytest.mark.parametrize("method", ["FOO", "post", "PROPFIND"])
def test_the_log_names_the_method_that_came(mock: RunningMock, method: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "calls")
    assert statuses(mock, post(H2C, method=method.encode()) + LAST) == [405, 200]
    assert f"{method} /calls/create 405 " in caplog.text


def test_a_coded_body_in_chunks_is_415(mock: RunningMock) -> None:
    assert answer(mock, CHUNKED.replace(b": chunked", b": gzip, chunked")) == (415, "UNSUPPORTED_MEDIA_TYPE")


# White space around values


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t "])
def test_white_space_around_a_value_is_no_part_of_it(mock: RunningMock, space: bytes) -> None:
    head, body = post(b"Expect: 100-continue\r\n").split(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    spaced = b"\r\n".join([first, *(line.replace(b": ", b":" + space) + space for line in lines), b"", body])
    with RawSocket.connect(mock.base_url) as raw:
        raw.send(spaced)
        assert (raw.read_status(), raw.read_status()) == (100, 201)


def test_white_space_around_a_dials_values_is_no_part_of_them(mock: RunningMock) -> None:
    url = str(mock.create()["websocketUrl"])
    first, rest = handshake(url, Origin="http://localhost:3000").split(b"\r\n", 1)
    lines = rest.removesuffix(b"\r\n").replace(b"\r\n", b" \t\r\n")
    with RawSocket.connect(url) as raw:
        raw.send(first + b"\r\n" + lines + b"\r\n")
        assert raw.read_status() == 101


# Hosts


@pytest.mark.parametrize(
    "hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: a b/c@\r\n", b"Host: x:y\r\n", b"Host: \xff\r\n"]
)
def test_without_one_good_host_a_request_and_a_dial_are_400(mock: RunningMock, hosts: bytes) -> None:
    url = str(mock.create()["websocketUrl"])
    netloc = urlsplit(url).netloc.encode()
    assert answer(mock, post().replace(b"Host: x\r\n", hosts)) == (400, "BAD_REQUEST")
    assert answer(mock, handshake(url).replace(b"Host: %s\r\n" % netloc, hosts)) == (400, "BAD_REQUEST")
    with RawSocket.dial(url):
        pass


@pytest.mark.parametrize(
    "host", [b"", b"x", b"x:", b"127.0.0.1:8080", b"[::1]", b"[fe80::1%25eth0]:80", b"a_b.example"]
)
def test_any_good_host_will_do(mock: RunningMock, host: bytes) -> None:
    assert answer(mock, post().replace(b"Host: x", b"Host: " + host)) == (201, "")


def test_a_request_without_a_host_leaves_its_connection_in_order(mock: RunningMock) -> None:
    assert statuses(mock, post().replace(b"Host: x\r\n", b"") + post() + LAST) == [400, 201, 200]


def test_http_1_0_needs_no_host_and_is_never_told_to_continue(mock: RunningMock) -> None:
    old = post(b"Expect: 100-continue\r\n", version=b"1.0").replace(b"Host: x\r\n", b"")
    assert statuses(mock, old) == [201]


# Bodies that are not read to their end


def pieces(number: int) -> Iterator[bytes]:
    """A body of so many pieces of 64 KiB."""
    return (b" " * 65536 for _ in range(number))


@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_too_large_a_body_to_its_end_reads_the_413(mock: RunningMock, chunked: bool) -> None:
    headers = {"X-API-Key": "ck_mock_valid", "Content-Type": "application/json"}
    for _ in range(5):
        with closing(HTTPConnection(urlsplit(mock.base_url).netloc, timeout=10)) as client:
            if chunked:
                client.request("POST", "/calls/create", pieces(50), headers, encode_chunked=True)
            else:
                client.request("POST", "/calls/create", b"".join(pieces(50)), headers)
            assert client.getresponse().status == 413


def test_who_is_to_hang_up_reads_another_refusal_too(mock: RunningMock) -> None:
    body = b"".join(pieces(50))
    assert statuses(mock, post(b"Connection: close\r\n", body).replace(b"ck_mock_valid", b"sample-key")) == [401]
    assert statuses(mock, b"hello\r\n\r\n" + body) == [400]


def test_a_refused_body_is_not_read_for_ever(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.connection.LINGER_BYTES", 1_000_000)
    with connected(mock) as connection:
        connection.sendall(post(b"", b"").replace(b"Content-Length: 0", b"Content-Length: 900000000"))
        with pytest.raises(ConnectionError):
            for piece in pieces(10_000):
                connection.sendall(piece)


def test_who_reads_a_refusal_and_does_not_hang_up_is_let_go(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.connection.LINGER_S", 0.05)
    with RawSocket.connect(mock.base_url) as raw:
        raw.send(post(b"", b"").replace(b"Content-Length: 0", b"Content-Length: 900000"))
        assert raw.read_status() == 413
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                raw.send(b" ")
                time.sleep(0.01)
