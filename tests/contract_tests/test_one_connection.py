"""Servers by hand that do as they like with a connection once they have answered a request on it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from contract_tests import engine
from contract_tests.findings import Finding, Verdict
from contract_tests.judge import Judge
from contract_tests.settings import TargetSettings
from tests.contract_tests.targets import job_named

KEY = "ck_test_abcdef"
PATIENCE_S = 0.5


class _Server:
    """Answers 201, 401 and 400 as it should; what it does with a connection is `does`'s to say.

    That is called with how many requests came on a connection before, whenever one begins to come: it `answers`, is
    `slow` or `deaf`, `closes` the connection, answers and `says` that it does, or answers what has no key `unread`.
    """

    def __init__(self, does: Callable[[int], str]) -> None:
        self._does = does
        self.most = 0
        self.serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer_all(reader, writer)
        finally:
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if not head.startswith(b"POST /"):
                    writer.write(_answer(b"400 Bad Request"))
                    break
                does = self._does(before)
                before += 1
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                known = lines.get(b"x-api-key") == KEY.encode()
                unread = does == "unread" and not known
                body = b"" if unread else await reader.readexactly(int(lines[b"content-length"]))
                if does == "closes":
                    break
                self.most = max(self.most, before)
                if does == "slow":
                    await asyncio.sleep(1.4 * PATIENCE_S)
                status = b"201 Created" if body.endswith(b"}") else b"400 Bad Request"
                if does != "deaf":
                    writer.write(_answer(status if known else b"401 Unauthorized", says_close=does == "says"))
                if does == "says":
                    break


def _answer(status: bytes, *, says_close: bool = False) -> bytes:
    content = b'{"error": {"message": "no", "code": "NO"}}'
    if status.startswith(b"201"):
        content = b'{"id": "c1", "websocketUrl": "ws://127.0.0.1:1/calls/0123456789abcdef"}'
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
    return head % (status, len(content), b"Connection: Close\r\n" if says_close else b"") + content


@asynccontextmanager
async def _served(server: _Server) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.begin, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    for serving in server.serving:
        serving.cancel()
    await asyncio.gather(*server.serving, return_exceptions=True)


def _found(server: _Server) -> Finding:
    async def run() -> Finding:
        async with _served(server) as url:
            it = Judge(TargetSettings(url=url, api_keys=(KEY,), request_timeout_s=PATIENCE_S))
            try:
                (finding,) = await engine.run(it, [job_named("answers.one-connection[inline]")])
                return finding
            finally:
                await it.close()

    return asyncio.run(run())


def test_a_connection_may_be_used_again() -> None:
    server = _Server(lambda before: "answers")
    assert _found(server).verdict is Verdict.PASSED
    assert server.most == 4


@pytest.mark.parametrize("requests", [1, 2])
def test_a_connection_may_be_closed_at_any_time_between_requests(requests: int) -> None:
    server = _Server(lambda before: "closes" if before == requests else "answers")
    assert _found(server).verdict is Verdict.PASSED
    assert server.most == requests


@pytest.mark.parametrize("does", ["answers", "says"])
def test_a_server_that_is_slow_at_times_is_right(does: str) -> None:
    at_times = itertools.cycle(["slow", does, does])
    server = _Server(lambda before: next(at_times))
    assert _found(server).verdict is Verdict.PASSED


def test_who_says_to_close_shares_no_connection() -> None:
    server = _Server(lambda before: "says")
    assert _found(server).verdict is Verdict.PASSED
    assert server.most == 1


def test_who_is_deaf_to_a_second_request_is_told() -> None:
    finding = _found(_Server(lambda before: "deaf" if before else "answers"))
    assert finding.verdict is Verdict.VIOLATED
    assert "201: a plain request, as on a connection of its own" in finding.cases[0].expected
    assert "no answer" in finding.cases[0].received
    assert any("on the same connection" in line for line in finding.cases[0].reproduce)
    assert KEY not in json.dumps([list(case.reproduce) for case in finding.cases])


def test_who_takes_an_unread_body_for_a_request_is_told() -> None:
    finding = _found(_Server(lambda before: "unread"))
    assert finding.verdict is Verdict.VIOLATED
    assert "201: a plain request, as on a connection of its own" in finding.cases[0].expected
    assert finding.cases[0].received.startswith("400")
