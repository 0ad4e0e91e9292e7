from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.mockserver.mock import BODIES, CREATE, VALID, Mock, error, message, mock, shared

JSON = {"Content-Type": "application/json"}
BODY = b'{"agentId": "agent_demo"}'

Headers = dict[str, str] | list[tuple[str, str]]


def raw(content: bytes, headers: Headers | None = None, server: Mock | None = None) -> tuple[int, str]:
    """What a body is answered: 201 and nothing, or status and code of an error."""
    response = (server or shared()).post("/calls/create", content=content, headers=JSON if headers is None else headers)
    return (201, "") if response.status_code == 201 else error(response)


@pytest.mark.parametrize(
    "value",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ; charset=utf8 ; boundary=x",
        "application/json;",
        "application/json; x-charset=latin1",
        "application/json; x=y; charset=utf-8",
    ],
)
def test_json_in_utf8_is_taken_however_it_is_announced(value: str) -> None:
    assert raw(BODY, {"Content-Type": value}) == (201, "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": ";charset=utf-8"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; x=y;charset = utf-16"},
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Encoding": "identity, gzip"},
        [*JSON.items(), ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")],
        {**JSON, "Transfer-Encoding": "gzip, chunked"},
        [*JSON.items(), ("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_other_media_types_are_415(headers: Headers) -> None:
    assert raw(BODY, headers) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b'{"agentId": ',
        b'{"agentId": NaN}',
        b'{"agentId": "\xff"}',
        b'{"agentId": "\\ud800"}',
        b'{"agentId": ' + b"1" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"\x00" * 100,
    ],
)
@pytest.mark.parametrize("path", BODIES)
def test_what_is_not_a_json_object_is_400(path: str, content: bytes) -> None:
    assert error(shared().post(path, content=content, headers=JSON)) == (400, "INVALID_BODY")


def test_the_fault_is_found_for_the_developer() -> None:
    response = mock().post("/calls/create", content=b'{\n  "agentId" "agent_demo"}', headers=JSON)
    assert message(response) == "the body is not JSON: expected ':' at line 2, column 13"


def test_the_largest_body_is_taken() -> None:
    assert raw(BODY.ljust(1000), server=mock(max_body_bytes=1000)) == (201, "")


def test_one_byte_more_is_413() -> None:
    response = mock(max_body_bytes=1000).post("/calls/create", content=BODY.ljust(1001), headers=JSON)
    assert error(response) == (413, "PAYLOAD_TOO_LARGE")
    assert message(response) == "the body is larger than 1000 bytes (--max-body)"
    assert response.headers["connection"] == "close"


def test_the_size_counts_without_an_announced_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    response = mock(max_body_bytes=1000).post("/calls/create", content=pieces(), headers=JSON)
    assert error(response) == (413, "PAYLOAD_TOO_LARGE")


def test_a_body_in_pieces_is_one_body() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield BODY[:7]
        yield b""
        yield BODY[7:]

    assert mock().post("/calls/create", content=pieces(), headers=JSON).status_code == 201


def test_a_length_that_is_none_is_400() -> None:
    assert raw(BODY, {**JSON, "Content-Length": "many"}) == (400, "BAD_REQUEST")
    assert raw(BODY, {**JSON, "Content-Length": "-1"}) == (400, "BAD_REQUEST")
    assert raw(BODY, {**JSON, "Content-Length": "9" * 5000}) == (400, "BAD_REQUEST")


def test_the_mock_lives_on_after_everything_odd() -> None:
    server = mock()
    for content in (b"[" * 100_000, b"\xff", b'{"a": 1e999}', b" " * 2_000_000):
        raw(content, server=server)
    assert server.post("/calls/create", CREATE).status_code == 201


# The key is judged first


@pytest.mark.parametrize("key", [None, "", "sample-key"])
@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b" " * 2_000_000])
def test_a_bad_body_with_a_bad_key_is_401(key: str | None, content: bytes) -> None:
    response = shared().post("/calls/create", content=content, headers=JSON, key=key)
    assert error(response) == (401, "UNAUTHORIZED" if key else "MISSING_API_KEY")


def test_a_bad_media_type_with_a_bad_key_is_401() -> None:
    assert mock().post("/calls/create", content=BODY, key="sample-key").status_code == 401


def test_without_a_good_key_the_body_is_not_read() -> None:
    read = []

    async def pieces() -> AsyncIterator[bytes]:
        read.append(1)
        yield BODY

    assert mock().post("/calls/create", content=pieces(), headers=JSON, key=None).status_code == 401
    assert mock().post("/calls/create", content=pieces(), headers=JSON, key="ck_mock_rate_limited").status_code == 429
    assert not read
    assert mock().post("/calls/create", content=pieces(), headers=JSON, key=VALID).status_code == 201
    assert read
