"""Targets that mean harm: the judge stays bounded, says what it found, and dials nothing outside the target's host."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from contract_tests import scenarios
from contract_tests.context import Context, audio_settings
from contract_tests.engine import Selection
from contract_tests.findings import Finding, Run, Verdict
from contract_tests.judge import Judge
from contract_tests.reports.json_report import render
from contract_tests.run import judge
from contract_tests.schemathesis_run import run_schemathesis
from contract_tests.settings import REQUESTS_PER_KEY, Profile, TargetSettings

pytestmark = pytest.mark.alone

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ONLY = ("create.valid", "inline.valid", "answers.json", "websocket-url.dialable", "media.greeting", "bodies.odd")


@asynccontextmanager
async def _served(handler: Handler) -> AsyncIterator[str]:
    """The URL where a handler answers everything."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _settings(url: str, **options: Any) -> TargetSettings:
    options = {"max_time_s": 25, "request_timeout_s": 1.0} | options
    return TargetSettings(url=url, api_keys=("ck_test_abcdef",), agent="agent_test", **options)


def _judged(handler: Handler, *, only: tuple[str, ...] = ONLY, **options: Any) -> tuple[Run, float]:
    async def run() -> Run:
        async with _served(handler) as url:
            return await judge(_settings(url, **options), Selection(only=only), today=datetime.date.today())

    began = time.monotonic()
    return asyncio.run(run()), time.monotonic() - began


def _created(url: str) -> web.Response:
    body = {
        "id": "call1",
        "websocketUrl": url,
        "status": "created",
        "connectionType": "twilio",
        "agent": {"id": "agent_test", "name": "Test"},
        "createdAt": datetime.datetime.now(datetime.UTC).isoformat(),
    }
    return web.json_response(body, status=201, headers={"Location": "/calls/call1"})


async def endless_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=201)
    await response.prepare(request)
    try:
        while True:
            await response.write(b" " * 65536)
    except (ConnectionError, asyncio.CancelledError):
        return response


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=201)
    await response.prepare(request)
    try:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.2)
    except (ConnectionError, asyncio.CancelledError):
        return response


async def redirects_for_ever(request: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": str(request.rel_url)})


async def control_characters(request: web.Request) -> web.StreamResponse:
    return web.Response(status=201, text="\x1b[31mred\x07", headers={"X-Odd": "\x1b[2J", "Location": "\x1b]0;x"})


@pytest.mark.parametrize("handler", [endless_body, trickle, redirects_for_ever, control_characters])
def test_the_judge_stays_bounded_and_reports(handler: Handler) -> None:
    run, took_s = _judged(handler)
    assert run.exit_code in (1, 2) and took_s < 40
    assert run.problems or any(finding.verdict is Verdict.VIOLATED for finding in run.findings)


@pytest.mark.parametrize(("hangs", "statuses", "made"), [(1, [201, 201], 3), (99, [None, None], 4)])
def test_a_request_that_is_not_answered_in_time_is_made_once_more(
    hangs: int, statuses: list[int | None], made: int
) -> None:
    came = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal came
        came += 1
        if came <= hangs:
            await asyncio.sleep(30)
        return _created("ws://127.0.0.1/x")

    async def run() -> list[int | None]:
        async with _served(handler) as url:
            it = Judge(_settings(url, request_timeout_s=0.2))
            try:
                return [(await Context(it, "inline").post("inline", {})).status for _ in statuses]
            finally:
                await it.close()

    assert asyncio.run(run()) == statuses
    assert came == made


@pytest.mark.parametrize("handler", [endless_body, trickle])
def test_schemathesis_stays_bounded_and_reports(handler: Handler) -> None:
    async def run() -> list[str]:
        async with _served(handler) as url:
            it = Context(Judge(_settings(url, max_time_s=120)), "inline")
            try:
                await run_schemathesis(it, "inline", valid=True, websocket=False)
            finally:
                await it.judge.close()
            return [case.received for case in it.cases]

    began = time.monotonic()
    received = asyncio.run(run())
    assert received and time.monotonic() - began < 30, received


@pytest.mark.parametrize(
    "url",
    [
        "ws://169.254.169.254/latest/meta-data",
        "ws://[::ffff:169.254.169.254]/x",
        "ws://2852039166/x",
        "ws://127.0.0.1.evil.example/x",
        "http://127.0.0.1/x",
        "ws://user@evil.example/x",
    ],
)
def test_nothing_outside_the_targets_host_is_dialled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []

    async def open_socket(address: str, *_: Any, **__: Any) -> Any:
        dialled.append(address)
        raise OSError("not dialled in this test")

    monkeypatch.setattr("contract_tests.context.open_socket", open_socket)

    async def handler(request: web.Request) -> web.StreamResponse:
        return _created(url)

    only = ("media.greeting", "websocket-url.dialable", "survival.service", "survival.reconnect")
    run, _ = _judged(handler, only=only)
    assert dialled == []
    assert run.exit_code == 2
    assert all(finding.verdict is Verdict.NOT_CHECKED for finding in run.findings)


@pytest.mark.parametrize("url", ["ws://[x", "ws://", "ws://{host}", "", "ws://{host}:x/y"])
def test_a_url_that_is_none_is_a_violation_and_no_end_of_the_judge(url: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return _created(url.format(host=request.host))

    run, _ = _judged(handler, only=("answers", "websocket-url", "errors.shape"), url_ttl_s=1.0)
    violated = {finding.requirement.name for finding in run.findings if finding.verdict is Verdict.VIOLATED}
    assert "answers.websocket-url" in violated
    assert not any("judge itself failed" in problem for problem in run.problems), run.problems


@pytest.mark.parametrize("levels", [200, 900, 100_000])
def test_an_answer_of_any_depth_is_read(levels: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        deep = b'{"a":' * levels + b"1" + b"}" * levels
        return web.Response(status=201, body=deep, content_type="application/json")

    run, _ = _judged(handler, only=("answers", "errors"))
    assert run.exit_code == 1
    assert not any("judge itself failed" in problem for problem in run.problems), run.problems


def test_no_more_requests_are_made_with_a_key_than_the_profile_allows() -> None:
    made = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal made
        made += request.headers.get("X-API-Key") == "ck_test_abcdef"
        if made % 3:
            return _created("ws://elsewhere.example/token-token-token-token")
        return web.json_response({"error": {"message": "no", "code": "NO"}}, status=400)

    run, _ = _judged(handler, only=("bodies", "inline", "websocket", "methods"), profile=Profile.SMOKE)
    assert made == REQUESTS_PER_KEY[Profile.SMOKE]
    assert any("budget of requests" in finding.reason for finding in run.findings)


def test_a_redirected_dial_is_not_followed() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path.startswith("/media"):
            return web.Response(status=302, headers={"Location": f"ws://{request.host}/elsewhere"})
        return _created(f"ws://{request.host}/media/token-token-token-token")

    run, _ = _judged(handler, only=("websocket-url.dialable",))
    assert "/elsewhere" not in asked
    assert run.exit_code == 1


def test_a_socket_that_floods_for_ever_is_left() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/media"):
            return _created(f"ws://{request.host}/media/token-token-token-token")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            while True:
                await socket.send_str('{"event": "garbage"}')
                await asyncio.sleep(0)
        except (ConnectionError, asyncio.CancelledError):
            return socket

    run, took_s = _judged(handler, only=("media.greeting[twilio]", "media.messages[twilio]"))
    assert run.exit_code == 1 and took_s < 40


def test_keys_and_tokens_show_nowhere() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": f"no {dict(request.headers)}", "code": "X"}}, status=400)

    run, _ = _judged(handler, only=("authentication", "create"))
    assert run.exit_code == 1
    assert "ck_test_abcdef" not in render(run)


def test_a_token_that_is_handed_out_where_none_should_be_shows_nowhere() -> None:
    numbers = itertools.count()

    async def handler(request: web.Request) -> web.StreamResponse:
        return _created(f"ws://{request.host}/media/zAKL8El-token-of-call-{next(numbers)}")

    run, _ = _judged(handler, only=("methods",))
    assert run.exit_code == 1
    assert "zAKL8El" not in render(run)


@pytest.mark.parametrize("before", [180, 190, 280, 290, 380, 390])
def test_no_part_of_a_token_shows_where_an_answer_is_cut(before: int) -> None:
    token = "zAKL8El-3fT0ken9of4a7call"

    async def handler(request: web.Request) -> web.StreamResponse:
        # The note is so long that the token stands across one of the places where reports cut an answer.
        body = {"note": "", "websocketUrl": f"ws://{request.host}/{token}", "connectionType": "twilio"}
        body["note"] = "." * (before - len(json.dumps(body).partition(token)[0]))
        return web.json_response(body, status=201)

    run, _ = _judged(handler, only=("methods.not-allowed", "methods.unknown-paths", "authentication.missing-key"))
    assert run.exit_code == 1
    report = render(run)
    assert not [part for at in range(len(token) - 7) if (part := token[at : at + 8]) in report]


def _talks(on_socket: Callable[[web.WebSocketResponse], Awaitable[None]]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/media"):
            return _created(f"ws://{request.host}/media/token-token-token-token")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await on_socket(socket)
        return socket

    return handler


def test_messages_that_were_never_sent_are_said_to_be() -> None:
    async def leave_at_what_is_bad(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if '"media"' not in str(message.data) or '"payload"' not in str(message.data):
                await socket.close(code=1008)

    run, _ = _judged(_talks(leave_at_what_is_bad), only=("fuzz.messages[twilio]",))
    (finding,) = run.findings
    assert finding.verdict is Verdict.NOT_CHECKED and "were not sent" in finding.reason


def test_a_last_message_that_crashes_is_named_by_itself() -> None:
    text = '{"event": "dtmf"}'

    async def crash_a_little_later(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if isinstance(message.data, bytes):
                await socket.close(code=1000)
            elif message.data == text:
                await asyncio.sleep(0.2)
                await socket.close(code=1011)

    run, _ = _judged(_talks(crash_a_little_later), only=("survival.garbage-does-no-harm[twilio]",))
    (finding,) = run.findings
    assert finding.verdict is Verdict.VIOLATED
    assert finding.cases[0].received == f"1011 after {text!r}"


def test_what_the_contract_leaves_free_makes_no_line_hang_up() -> None:
    async def chatter(socket: web.WebSocketResponse) -> None:
        for number in range(300):
            await socket.send_str(f'{{"type": "mood", "number": {number}}}')
        async for _ in socket:
            pass

    async def stays() -> bool:
        async with _served(_talks(chatter)) as url:
            it = Judge(_settings(url))
            try:
                context = Context(it, "websocket")
                async with context.line(await context.call(**audio_settings("websocket"))) as line:
                    await line.until(lambda: len(line.heard) >= 300 or not line.alive, 5)
                    await asyncio.sleep(0.1)
                    return line.alive and len(line.heard) == 300 and line.faults == 0
            finally:
                await it.close()

    assert asyncio.run(stays())


def test_what_is_plain_is_shown_ahead_and_completed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "ANSWER_WITHIN_S", 1.0)
    wrong = itertools.cycle(['{"event": "medium"}', '{"event": "media", "media": {}}'])
    told: list[Finding] = []

    async def say_something_wrong(socket: web.WebSocketResponse) -> None:
        await socket.send_str(next(wrong))
        async for _ in socket:
            pass

    async def run() -> Run:
        async with _served(_talks(say_something_wrong)) as url:
            selection = Selection(only=("media.greeting[twilio]", "media.messages[twilio]"))
            today = datetime.date.today()
            return await judge(_settings(url, max_time_s=60), selection, today=today, on_finding=told.append)

    greeting, messages = asyncio.run(run()).findings
    assert [finding.name for finding in told] == [messages.name, greeting.name]
    assert len(told[0].cases) == 1 and len(messages.cases) == 2


def test_a_close_frame_that_is_lost_because_frames_go_on_is_no_crash() -> None:
    async def closes_and_drops(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            try:
                json.loads(message.data)
            except (ValueError, TypeError, RecursionError):
                # What comes now resets the connection, and the Close frame that went before is not read.
                with suppress(TimeoutError):
                    await socket.receive(0.2)
                    assert socket._req is not None and socket._req.transport is not None
                    socket._req.transport.abort()
                    return
                await socket.close(code=1000)

    run, _ = _judged(_talks(closes_and_drops), only=("survival.garbage-does-no-harm[twilio]",), max_time_s=60)
    (finding,) = run.findings
    assert finding.verdict is not Verdict.VIOLATED, finding
