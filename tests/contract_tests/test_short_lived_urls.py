"""A URL that expires while the judge waits for an answer accuses nobody."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import time

import pytest
from aiohttp import web

from contract_tests.engine import Selection
from contract_tests.findings import Finding, Verdict
from contract_tests.run import judge
from contract_tests.settings import TargetSettings

pytestmark = pytest.mark.alone

LIVES_S = 1.0
GET = "websocket-url.only-an-upgrade-uses-it-up[get]"


def _found(*, late_s: float, uses_up: bool, url_ttl_s: float | None) -> Finding:
    """What is found of GET where a plain request is answered so late, and takes the token or leaves it."""
    created_at: dict[str, float] = {}
    numbers = itertools.count()

    async def create(request: web.Request) -> web.Response:
        token = f"token-token-token-{next(numbers):04}"
        created_at[token] = time.monotonic()
        url = f"ws://{request.host}/media/{token}"
        return web.json_response({"id": token, "websocketUrl": url}, status=201)

    async def media(request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        if "Upgrade" not in request.headers:
            if uses_up:
                created_at.pop(token, None)
            await asyncio.sleep(late_s)
            return web.Response(status=404)
        if time.monotonic() - created_at.pop(token, 0.0) > LIVES_S:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    async def run() -> Finding:
        app = web.Application()
        app.router.add_post("/calls/inline", create)
        app.router.add_route("*", "/media/{token}", media)
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            settings = TargetSettings(url=url, api_keys=("ck_test_abcdef",), url_ttl_s=url_ttl_s)
            return (await judge(settings, Selection(only=(GET,)), today=datetime.date.today())).findings[0]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


@pytest.mark.parametrize("url_ttl_s", [LIVES_S, None])
def test_a_url_that_has_expired_by_the_dial_was_not_used_up(
    url_ttl_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is five seconds where nobody says how long.
    monkeypatch.setattr(TargetSettings, "url_lives_s", LIVES_S)
    found = _found(late_s=LIVES_S + 0.2, uses_up=False, url_ttl_s=url_ttl_s)
    assert found.verdict is Verdict.NOT_CHECKED, found
    assert "may have expired" in found.reason and "--url-ttl" in found.reason


@pytest.mark.parametrize("url_ttl_s", [6.0, None])
def test_a_url_that_is_still_alive_at_the_dial_was_used_up(url_ttl_s: float | None) -> None:
    found = _found(late_s=0.1, uses_up=True, url_ttl_s=url_ttl_s)
    assert found.verdict is Verdict.VIOLATED, found
