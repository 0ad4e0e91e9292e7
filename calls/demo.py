"""`calls demo`: judges the mock, and a twin of it that misbehaves, so that one can see what a verdict looks like."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from calls.arguments import Parser

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from contract_tests.findings import Run
    from mockserver.server import Server

TIME_SCALE = 20.0
URL_TTL_S = 5.0
MAX_TIME_S = 80.0

MISBEHAVIOUR = """\
  - it takes the API key from the query as well
  - it takes numbers in quotes for numbers
  - it forgets the header Location
  - its URLs can be dialled again and again
  - it goes on with its greeting without telling Twilio to clear what was queued
"""


def main(argv: Sequence[str]) -> int:
    """Judge both.  Returns 0 if the mock conforms and its twin does not."""
    parser = Parser(
        prog="calls demo",
        description=(
            "Starts the mock server and a twin of it that misbehaves, judges both as `calls verify` does, and\n"
            "shows one green and one red table.  Takes about two minutes; nothing leaves this machine."
        ),
    )
    parser.add_argument("--seed", type=int, default=1, help="what random choices are made from; default 1")
    given = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    print("1. The mock, which keeps to the contract.\n", flush=True)
    with served(misbehave=False) as url:
        good = asyncio.run(_judge(url, given.seed))
    _show(good)
    print("\n2. Its twin, which breaks the contract in five ways:\n\n" + MISBEHAVIOUR, flush=True)
    with served(misbehave=True) as url:
        bad = asyncio.run(_judge(url, given.seed))
    _show(bad)
    print("\nNow your own: calls verify URL --api-key KEY --agent ID   (`calls verify --help` says more)")
    return 0 if (good.exit_code, bad.exit_code) == (0, 1) else 1


async def _judge(url: str, seed: int) -> Run:
    from contract_tests.engine import Selection
    from contract_tests.run import judge
    from contract_tests.settings import TargetSettings
    from mockserver.settings import DEMO_AGENT, MOCK_KEYS

    valid, no_credit, limited = MOCK_KEYS
    settings = TargetSettings(
        url=f"{url}/api/v1",
        api_keys=(valid,),
        agent=DEMO_AGENT,
        unfunded_key=no_credit,
        limited_key=limited,
        seed=seed,
        time_scale=TIME_SCALE,
        url_ttl_s=URL_TTL_S,
        max_time_s=MAX_TIME_S,
    )
    return await judge(settings, Selection(), today=datetime.date.today())


def _show(run: Run) -> None:
    from rich.console import Console

    from contract_tests.reports import console

    console.show(run, Console())
    sys.stdout.flush()


@contextmanager
def served(*, misbehave: bool) -> Iterator[str]:
    """A mock in a thread on a free port; its base URL."""
    from mockserver.server import Server
    from mockserver.settings import Settings
    from mockserver.webrtc.rooms import NEEDED_FOR_ROOMS, are_installed

    settings = Settings(port=0, voice_output="tones", time_scale=TIME_SCALE, url_ttl_s=URL_TTL_S)
    if not are_installed(NEEDED_FOR_ROOMS):
        # A room is offered all the same, on a server that is not there.
        secret = "a secret for a demonstration, known to all"
        settings = replace(settings, livekit_url="ws://127.0.0.1:7880", livekit_key="demo", livekit_secret=secret)
    server = Server(settings)
    if misbehave:
        _corrupt(server)
    ready = threading.Event()
    server.on_ready = lambda base_url: ready.set()
    thread = threading.Thread(target=server.serve_until_stopped)
    thread.start()
    try:
        if not ready.wait(20):
            raise RuntimeError("the mock did not start")
        yield server.base_url
    finally:
        server.stop()
        thread.join(10)


def _corrupt(server: Server) -> None:
    """Make the twin of a mock that has not started yet."""
    take, taken = server.mock.store.take, dict[str, Any]()

    def take_again(token: str, now: datetime.datetime) -> Any:
        call = take(token, now) or taken.get(token)
        taken[token] = call
        return call

    server.mock.store.take = take_again  # type: ignore[method-assign]  # that is the misbehaviour
    switchboard = server.mock.switchboard
    dial = switchboard.dial

    def dial_clearless(token: str, open_line: Callable[[Any], None]) -> bool:
        return dial(token, lambda session: open_line(_Clearless(session)))

    switchboard.dial = dial_clearless  # type: ignore[method-assign]
    server.config.app = _Twin(server.mock.app)


class _Clearless:
    """A call, and then its line, that no clear gets through."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def opened(self, line: Any) -> None:
        self._real.opened(_Clearless(line))

    def send(self, wire: str | bytes) -> None:
        if isinstance(wire, bytes) or '"event":"clear"' not in wire:
            self._real.send(wire)


class _Twin:
    """ASGI application: the mock, with its manners changed on the way in and out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0] != b"location"]
                message = {**message, "headers": headers}
            await send(message)

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                return {**message, "body": _unquoted(message.get("body", b""))}
            return message

        scope = {**scope, "headers": [*scope["headers"], *_key_in(scope["query_string"])]}
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
        await self._app(scope, received, sent)


def _key_in(query: bytes) -> list[tuple[bytes, bytes]]:
    name, _, key = query.partition(b"=")
    return [(b"x-api-key", key)] if name.lower() in (b"x-api-key", b"api_key") else []


def _unquoted(body: bytes) -> bytes:
    """A body with the numbers in quotes that a lenient parser takes for numbers."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(fields, dict) or not re.fullmatch("[0-9]{1,9}", str(fields.get("maxDuration"))):
        return body
    return json.dumps({**fields, "maxDuration": int(fields["maxDuration"])}).encode()
