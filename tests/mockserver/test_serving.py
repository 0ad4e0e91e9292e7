"""What needs a real socket: HTTP as it comes over the wire."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.mockserver.mock import mock
from tests.mockserver.serving import Client, served

KEY = b"X-API-Key: ck_mock_valid\r\n"
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"agentId": "agent_demo"}'


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(mock(rate_limit_per_hour=0, max_body_bytes=10_000, read_within_s=0.3).app) as number:
        yield number


def request(head: bytes, body: bytes = b"", *, method: bytes = b"POST", path: bytes = b"/calls/create") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n" + body


def sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def code(answer: bytes) -> str:
    text: str = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"]
    return text


def test_one_connection_serves_many_requests(port: int) -> None:
    with Client(port) as client:
        for head, expected in ((KEY + JSON, 201), (JSON, 401), (KEY, 415), (KEY + JSON, 201)):
            client.send(request(head + sized(BODY), BODY))
            assert status(client.answer()) == expected


def test_a_chunked_body_is_read(port: int) -> None:
    with Client(port) as client:
        client.send(request(KEY + JSON + b"Transfer-Encoding: chunked\r\n", b"19\r\n" + BODY + b"\r\n0\r\n\r\n"))
        assert status(client.answer()) == 201


def test_too_large_a_body_is_refused_before_it_is_sent(port: int) -> None:
    with Client(port) as client:
        client.send(request(KEY + JSON + b"Content-Length: 10001\r\nExpect: 100-continue\r\n"))
        answer = client.rest()
    assert (status(answer), code(answer)) == (413, "PAYLOAD_TOO_LARGE")
    assert b"connection: close" in answer


def test_a_body_without_end_is_cut_off(port: int) -> None:
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    with Client(port) as client:
        client.send(request(KEY + JSON + b"Transfer-Encoding: chunked\r\n"))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 100_000_000:
                client.send(chunk * 10)
                sent += len(chunk) * 10
        answer = client.rest()
    assert sent < 100_000_000, "the mock went on reading"
    assert not answer or status(answer) == 413


def test_a_body_that_stops_coming_is_400(port: int) -> None:
    with Client(port) as client:
        client.send(request(KEY + JSON + b"Content-Length: 100\r\n", b'{"agentId'))
        answer = client.rest()
    assert (status(answer), code(answer)) == (400, "BAD_REQUEST")


def test_a_client_that_leaves_in_the_middle_does_no_harm(port: int) -> None:
    with Client(port) as client:
        client.send(request(KEY + JSON + b"Content-Length: 100\r\n", b'{"agentId'))
    with Client(port) as client:
        client.send(request(KEY + JSON + sized(BODY), BODY))
        assert status(client.answer()) == 201


@pytest.mark.parametrize("method", [b"TRACE", b"OPTIONS", b"GET", b"PURGE"])
def test_other_methods_are_405_on_the_wire(port: int, method: bytes) -> None:
    with Client(port) as client:
        client.send(request(KEY, method=method))
        answer = client.answer()
    assert status(answer) == 405 and b"allow: POST\r\n" in answer


def test_head_is_answered_without_a_body(port: int) -> None:
    with Client(port) as client:
        client.send(request(KEY + b"Connection: close\r\n", method=b"HEAD"))
        answer = client.rest()
    assert status(answer) == 405 and answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "path", [b"*", b"/%", b"/%zz", b"/\xff", b"http://attacker.example/calls/create", b"//", b"/?" + b"a" * 9000]
)
def test_odd_targets_get_an_answer_below_500(port: int, path: bytes) -> None:
    with Client(port) as client:
        client.send(request(KEY + JSON + sized(BODY) + b"Connection: close\r\n", BODY, path=path))
        assert 200 <= status(client.rest()) < 500


def test_bytes_that_are_no_text_are_no_key(port: int) -> None:
    with Client(port) as client:
        client.send(request(b"X-API-Key: \xff\xfe\r\n" + JSON + sized(BODY), BODY))
        assert status(client.answer()) == 401


def test_many_at_once_get_calls_of_their_own(port: int) -> None:
    clients = [Client(port) for _ in range(50)]
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
            client.send(request(KEY + JSON + sized(BODY), BODY))
        answers = [client.answer() for client in clients]
    urls = {json.loads(answer.partition(b"\r\n\r\n")[2])["websocketUrl"] for answer in answers}
    assert len(urls) == 50
