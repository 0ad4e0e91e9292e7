from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import Load, answer_end, run

WITH_LENGTH = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\ncontent-LENGTH: 2\r\nX: y\r\n\r\n{}"
IN_CHUNKS = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
WITHOUT_BODY = b"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"
LENGTH_LAST = b"HTTP/1.1 200 OK\r\nContent-Length:0\r\n\r\n"

ANSWERS = pytest.mark.parametrize("answer", [WITH_LENGTH, IN_CHUNKS, WITHOUT_BODY, LENGTH_LAST])


@ANSWERS
def test_an_answer_ends_where_it_says(answer: bytes) -> None:
    assert answer_end(answer) == len(answer)
    assert answer_end(answer + b"HTTP/1.1 201") == len(answer)


@ANSWERS
def test_an_answer_that_has_not_come_whole_has_no_end(answer: bytes) -> None:
    assert all(answer_end(answer[:length]) is None for length in range(len(answer)))


@given(body=st.binary(max_size=200), cut=st.integers(0, 400))
def test_whatever_the_body_holds_its_length_counts(body: bytes, cut: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    part = answer[:cut]
    assert answer_end(part) == (len(answer) if len(part) == len(answer) else None)


def test_a_load_counts_answers_by_status_and_connections_that_end() -> None:
    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        while await reader.readline():
            seen += 1
            if seen % 50 == 0:
                break
            writer.write(b"HTTP/1.1 402 No\r\nContent-Length: 0\r\n\r\n" if seen % 2 else WITH_LENGTH)
        writer.close()

    async def measured() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            load = Load(
                port=server.sockets[0].getsockname()[1],
                request="GET / HTTP/1.1\n",
                connections=2,
                warm_up_s=0.05,
                seconds=0.3,
                server=os.getpid(),
                cores=[0],
            )
            found = await run(load)
        assert set(found.statuses) == {"201", "402"}
        assert found.dropped
        assert found.seconds >= 0.3
        assert found.p50_ms is not None and found.p99_ms is not None and 0 < found.p50_ms <= found.p99_ms
        assert found.server_rss_mb > 1

    asyncio.run(measured())
