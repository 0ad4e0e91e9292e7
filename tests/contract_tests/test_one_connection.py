"""Servers by hand that do as they like with a connection once they have answered a request on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from contract_tests import engine
from contract_tests.findings import Finding, Verdict
from contract_tests.judge import Judge
from contract_tests.settings import TargetSettings
from tests.contract_tests.targets import job_named

KEY = "ck_test_abcdef"


class _Server:
    """Answers 201, 401 and 400 as it should; what it does with a connection then is `on_next`'s to say.

    That is called with how many requests came on a connection before, whenever one begins to come: `answers` it,
    `closes`, or is `deaf`.
    """

    def __init__(self, on_next: Callable[[int], str]) -> None:
        self._on_next = on_next
        self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                body = await reader.readexactly(int(lines[b"content-length"]))
                does = self._on_next(before)
                if does == "closes":
                    return
                if does == "answers":
                    writer.write(_answer(lines.get(b"x-api-key") == KEY.encode(), body))
                before += 1
                self.most = max(self.most, before)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def _answer(known: bool, body: bytes) -> bytes:
    status, content = b"201 Created", b'{"id": "c1", "websocketUrl": "ws://127.0.0.1:1/calls/0123456789abcdef"}'
    if not known:
        status, content = b"401 Unauthorized", b'{"error": {"message": "no", "code": "NO"}}'
    elif not body.endswith(b"}"):
        status, content = b"400 Bad Request", b'{"error": {"message": "no", "code": "NO"}}'
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(content)) + content


@asynccontextmanager
async def _served(server: _Server) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def _found(server: _Server) -> Finding:
    async def run() -> Finding:
        async with _served(server) as url:
            it = Judge(TargetSettings(url=url, api_keys=(KEY,), request_timeout_s=1.0))
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


def test_who_is_deaf_to_a_second_request_is_told() -> None:
    finding = _found(_Server(lambda before: "deaf" if before else "answers"))
    assert finding.verdict is Verdict.VIOLATED
    assert "401: no key was sent, as on a connection of its own" in finding.cases[0].expected
    assert "no answer" in finding.cases[0].received
    assert any("on the same connection" in line for line in finding.cases[0].reproduce)
    assert KEY not in json.dumps([list(case.reproduce) for case in finding.cases])
