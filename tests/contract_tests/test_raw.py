"""Bare connections: what is taken for the answer, and what for a refusal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from contract_tests.raw import Answer, plain_request, raced
from contract_tests.settings import TargetSettings

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SETTINGS = TargetSettings(url="http://127.0.0.1", api_keys=("ck_test_abcdef",))
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
NOT_ALLOWED = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def _served(handler: Handler) -> AsyncIterator[str]:
    """The host and port where a handler is given each connection, once it has read a request's head."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _answer(sent: bytes) -> Answer:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)

    async def run() -> Answer:
        async with _served(handler) as host:
            return await plain_request("HEAD", f"http://{host}/calls/inline", SETTINGS)

    return asyncio.run(run())


@pytest.mark.parametrize("interim", [EARLY_HINTS, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 100\r\n\r\n" * 3])
def test_an_interim_answer_is_not_the_answer(interim: bytes) -> None:
    assert _answer(interim + NOT_ALLOWED) == _answer(NOT_ALLOWED)
    assert _answer(interim + NOT_ALLOWED).status == 405
    assert _answer(interim + NOT_ALLOWED + b"a body").body == "a body"
    assert _answer(interim).status is None


def test_a_switch_of_protocols_is_an_answer() -> None:
    assert _answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + NOT_ALLOWED).status == 101


def test_interim_answers_without_end_are_no_answer() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(EARLY_HINTS)
            await writer.drain()

    async def run() -> Answer:
        async with _served(handler) as host:
            return await plain_request("HEAD", f"http://{host}/calls/inline", SETTINGS)

    began = time.monotonic()
    assert asyncio.run(run()).status is None
    assert time.monotonic() - began < 4


SWITCHES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
PING, PONG, TEXT = b"\x89\x05hello", b"\x8a\x00", b"\x81\x02hi"
CLOSE = b"\x88\x02" + (1008).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("first", "opened"),
    [
        (CLOSE, 0),
        (PING + CLOSE, 0),
        (PONG + PING + CLOSE, 0),
        (PING * 30_000 + CLOSE, 0),
        (PING, 3),
        (PING + TEXT + CLOSE, 3),
        (TEXT + CLOSE, 3),
        (b"", 3),
    ],
)
def test_a_close_that_only_pings_come_before_is_a_refusal(first: bytes, opened: int) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCHES + first)
        await reader.read()

    async def run() -> int:
        async with _served(handler) as host:
            return await raced(f"ws://{host}/x", SETTINGS, 3, within_s=2.0, refused_within_s=0.5)

    assert asyncio.run(run()) == opened


def test_pings_without_end_are_no_close() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCHES)
        while not writer.is_closing():
            writer.write(PING * 100)
            await writer.drain()

    async def run() -> int:
        async with _served(handler) as host:
            return await raced(f"ws://{host}/x", SETTINGS, 3, within_s=2.0, refused_within_s=0.5)

    began = time.monotonic()
    assert asyncio.run(run()) == 3
    assert time.monotonic() - began < 4
