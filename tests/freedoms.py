"""The mock made otherwise, within what the contract leaves free: no check may accuse it.

Each is what a team's server does that somebody wrote without having seen this one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import string
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.server import Server
from tests.faults.answers import LIMITED, VALID
from tests.faults.fault import (
    Apply,
    Change,
    Close,
    Hooks,
    Reply,
    Request,
    Socket,
    Wires,
    after,
    before,
    created,
    hooked,
    says,
)
from tests.faults.media import payload, with_payload
from tests.faults.sockets_too import WebSocketConnection, sockets_too


@dataclass(frozen=True, kw_only=True)
class Freedom(Change):
    """Something that the contract leaves free.

    Attributes:
        near: the requirements that it comes near to, in the variants in which they are judged (`name[variant]`), or in
            all of them.
    """

    near: tuple[str, ...]


class _Unnested:
    """ASGI application: the mock, whose URLs have more in their paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and "/line/" in scope["path"]:
            path = "/media/" + scope["path"].rpartition("/")[2]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


def _nested(server: Server) -> None:
    """URLs hold a long name that all have, and the call's id, before a shorter token."""

    def change(request: Request, body: dict[str, Any], reply: Reply) -> None:
        call_id = body["id"]
        body["id"] = f"call_{call_id}{call_id[::-1]}"
        reply.headers["location"] = reply.headers["location"].replace(call_id, body["id"])
        parts = urlsplit(body["websocketUrl"])
        token = parts.path.rpartition("/")[2]
        workspace = "workspace_of_everybody_who_has_a_key_here_and_is_not_over_a_limit"
        path = f"/{workspace}/calls/{body['id']}/line/{token}"
        body["websocketUrl"] = parts._replace(path=path).geturl()

    created(change)(server)
    server.config.app = _Unnested(cast(ASGIApp, server.config.app))


class _InLines:
    """ASGI application: the mock, whose headers that are lists have a line for each member."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_lines(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [line for header in message["headers"] for line in _in_lines(*header)]
            await send(message)

        await self._app(scope, receive, send_in_lines)


def _in_lines(name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    members = {b"allow": (b"OPTIONS", value), b"cache-control": (b"private", value)}
    return [(name, member) for member in members.get(name.lower(), (value,))]


def _lists_in_lines(server: Server) -> None:
    """Allow and Cache-Control come in two lines; OPTIONS is answered."""

    def answered(request: Request) -> Reply | None:
        return Reply(204) if request.method == "OPTIONS" else None

    before(answered)(server)
    server.config.app = _InLines(cast(ASGIApp, server.config.app))


def _is_call(message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "client_tool_invocation"


def _chained(server: Server) -> None:
    """What follows a tool's first result is a second call of it."""

    def heard(socket: Socket, message: Any) -> Wires:
        is_result = isinstance(message, dict) and message.get("type") == "client_tool_result"
        if is_result and message["invocationId"] == getattr(socket.state, "awaited", ""):
            socket.state.call["invocationId"] += "2"
            # The mock has its result; its answer waits until the second one comes.
            return [message] if socket.count("told") == 1 else []
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        state = socket.state
        if _is_call(message):
            state.call, state.awaited, state.held = dict(message), message["invocationId"], []
        told = getattr(state, "told", 0)
        if told == 0:
            return [message]
        state.held.append(message)
        if told > 1:
            held, state.held = state.held, []
            return list(held)
        if state.awaited == state.call["invocationId"]:
            return []
        state.awaited = state.call["invocationId"]
        return [state.call]

    hooked(Hooks(hears=heard, says=said))(server)


def _gives_up(server: Server) -> None:
    """The agent waits 2.5 s for a tool's result, then says that it has none."""

    def said(socket: Socket, message: Any) -> Wires:
        if _is_call(message):
            socket.state.awaited = message["invocationId"]
            given_up = {"type": "client_tool_result", "invocationId": socket.state.awaited, "error": "it took too long"}
            asyncio.get_running_loop().call_later(2.5, socket.tell, given_up)
        return [message]

    hooked(Hooks(says=said))(server)


def _pauses(socket: Socket, message: Any) -> Wires:
    """Between two sentences nothing is sent for 0.8 s."""
    if payload(message) is None:
        return [message]
    return [] if 60 < socket.count("audio") <= 100 else [message]


def _pauses_longer(socket: Socket, message: Any) -> Wires:
    """After its first words the agent is silent for more than a second."""
    if payload(message) is None:
        return [message]
    return [] if 20 < socket.count("audio") <= 73 else [message]


def _clears_first(socket: Socket, message: Any) -> Wires:
    """What the carrier may still have is withdrawn before the first word."""
    if payload(message) is None or not socket.once("spoke"):
        return [message]
    return [{key: value for key, value in message.items() if key != "media"} | {"event": "clear"}, message]


def _begins_like_a_file(socket: Socket, message: Any) -> Wires:
    """The first samples happen to be the letters that MP3 files begin with."""
    audio = payload(message)
    return [message if audio is None or not socket.once("spoke") else with_payload(message, b"ID3" + audio[3:])]


class _Apologetic:
    """ASGI application: the mock, whose agents say a few words when they have been interrupted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said: list[Message] = []
        sorry: list[asyncio.Task[None]] = []

        async def apologise() -> None:
            await asyncio.sleep(0.6)
            for message in said[:40]:
                await send(message)
                await asyncio.sleep(0.02)

        async def send_and_be_sorry(message: Message) -> None:
            await send(message)
            wire = json.loads(message.get("text") or "{}")
            if payload(wire) is not None:
                said.append(message)
            elif wire.get("event") == "clear" and not sorry:
                sorry.append(asyncio.create_task(apologise()))

        try:
            await self._app(scope, receive, send_and_be_sorry)
        finally:
            for task in sorry:
                task.cancel()


def _apologises(server: Server) -> None:
    server.config.app = _Apologetic(sockets_too(server))


def _looks_up_the_caller(socket: Socket, message: Any) -> Wires:
    """A tool is called before anybody has asked for it, and never again; what it gives is not spoken of."""
    if _is_call(message):
        # The mock is to answer without it.
        socket.tell({"type": "client_tool_result", "invocationId": message["invocationId"], "result": "12 euros"})
        return []
    if socket.kind != "websocket" or not socket.asked.get("selectedTools") or not socket.once("looked_up"):
        return [message]
    name = socket.asked["selectedTools"][0]["temporaryTool"]["modelToolName"]
    unasked = {"type": "client_tool_invocation", "invocationId": "the-first", "toolName": name, "parameters": {}}
    return [unasked, message]


def _hears_noise(socket: Socket, message: Any) -> Wires:
    """The line's first crackle is a transcript."""
    if not isinstance(message, dict):
        return [message]
    if message.get("type") == "transcript":
        message = {**message, "ordinal": message["ordinal"] + 1}
    noise = {"type": "transcript", "role": "user", "medium": "voice", "ordinal": 0, "text": "[noise]", "final": True}
    return [noise, message] if socket.once("crackled") else [message]


def _escapes(socket: Socket, message: Any) -> Wires:
    """Every letter of a hangup is escaped."""
    if not isinstance(message, dict) or message.get("type") != "hangup":
        return [message]
    key, value = ("".join(f"\\u{ord(letter):04x}" for letter in word) for word in ("type", "hangup"))
    return [f'{{"{key}": "{value}"}}']


def _tells_afterwards(socket: Socket, message: Any) -> Wires:
    """What the agent says comes as text when it has been said."""
    if not isinstance(message, dict):
        return [message]
    held: list[Any] = getattr(socket.state, "held", [])
    if message.get("type") == "transcript" and message["role"] == "agent":
        socket.state.held = [*held, message]
        return []
    if message.get("state") != "listening":
        return [message]
    socket.state.held = []
    return [*held, message]


def _hears_two_turns(socket: Socket, message: Any) -> Wires:
    """The beginning of a sentence is taken for a turn, and so is the rest; each is answered."""
    if not isinstance(message, dict) or message.get("type") != "transcript":
        return [message]
    one = {**message, "ordinal": 4 * message["ordinal"]}
    if message["role"] == "agent" or message.get("medium") == "text":
        return [one]
    answer = {**one, "role": "agent", "ordinal": one["ordinal"] + 1, "text": "Mm-hm."}
    return [one, answer, {**one, "ordinal": one["ordinal"] + 2}]


def _hangs_up(socket: Socket, message: Any) -> Wires:
    """A custom client's call ends when the agent has answered two turns."""
    if not isinstance(message, dict):
        return [message]
    if message.get("type") == "transcript" and message["role"] == "user":
        socket.count("turns")
    over = message.get("state") == "listening" and getattr(socket.state, "turns", 0) > 1
    return [message, {"type": "hangup"}, Close()] if over else [message]


class _Lingering(WebSocketConnection):
    """Leaves the end of TCP to the client, after its Close frame."""

    def connection_made(self, transport: Any) -> None:
        """Take a transport that is not closed soon."""
        super().connection_made(transport)
        close, aborted = transport.close, transport.abort
        transport = mock.Mock(wraps=transport)
        transport.close = lambda: self.loop.call_later(8.0, close)
        transport.abort = lambda: self.loop.call_later(8.0, aborted)
        self.transport = transport


def _lingers(server: Server) -> None:
    server.config.app = sockets_too(server)
    server.config.ws = _Lingering


def _slow_clock(server: Server) -> None:
    """The clock is four minutes behind, and limits end by that clock."""

    def change(request: Request, reply: Reply) -> None:
        behind = datetime.now(UTC) - timedelta(minutes=4)
        if "x-ratelimit-reset" in reply.headers:
            reply.headers["x-ratelimit-reset"] = str(int(behind.timestamp()) + 60)
        if reply.status == 201:
            reply.put(reply.json() | {"createdAt": behind.isoformat()})

    after(change)(server)


def _on_dial_urls(change: Callable[[Reply], None]) -> Apply:
    """Refusals and plain requests are answered otherwise, whatever the URL."""

    def answered(request: Request, reply: Reply) -> None:
        if "/media/" in request.path:
            change(reply)

    return hooked(Hooks(refused=lambda socket, reply: change(reply), after=answered))


def _request_id() -> str:
    """Of the look of a ULID, a cuid or a nanoid."""
    size, letters = random.choice(((26, string.digits + string.ascii_uppercase), (21, string.ascii_letters + "-_")))
    return "".join(random.choices(letters, k=size))


def _with_id(reply: Reply) -> None:
    reply.put({"error": {"message": f"nothing is here (request {_request_id()})", "code": "NOT_FOUND"}})


def _as_page(reply: Reply) -> None:
    """A page with a stylesheet's nonce, and sometimes with an advice."""
    advice = random.choice(("", "<p>Try again later, please.</p>"))
    reply.headers["content-type"] = "text/html"
    reply.body = f"<html nonce={_request_id()}><p>Nothing is here: {_request_id()}</p>{advice}</html>".encode()


def _at_times_with_header(reply: Reply) -> None:
    if random.random() < 0.5:
        reply.headers["x-served-by"] = "edge-seven"


REFUSALS = ("websocket-url.refused-alike", "websocket-url.plain-get")


def _words(request: Request, reply: Reply) -> None:
    """An error that says what the key may be."""
    if reply.status == 401:
        reply.put({"error": {"message": "the API key is undefined or not known", "code": "UNAUTHORIZED"}})


def _clock(moved: Callable[[datetime], datetime]) -> Apply:
    """createdAt is by another clock."""

    def change(request: Request, body: dict[str, Any], reply: Reply) -> None:
        body["createdAt"] = moved(datetime.now(UTC)).isoformat()

    return created(change)


def _of_two_nodes(server: Server) -> None:
    """The clocks of the two that answer in turn are five seconds apart."""
    behind = itertools.cycle((timedelta(seconds=5), timedelta(0)))
    _clock(lambda now: now - next(behind))(server)


def _set_back(server: Server) -> None:
    """After three seconds the clock is set back, by four."""
    began = time.monotonic()
    _clock(lambda now: now - timedelta(seconds=4 if time.monotonic() > began + 3 else 0))(server)


def lets_in(left: Iterable[int | None]) -> Apply:
    """What remains to the limited key after each of its requests, None for 429; in the end it stays refused."""

    def apply(server: Server) -> None:
        answers = itertools.chain(left, itertools.repeat(None))

        def rates(remaining: int) -> dict[str, str]:
            reset = str(int(time.time()) + 3000)
            return {
                "x-ratelimit-limit": "1000",
                "x-ratelimit-remaining": str(remaining),
                "x-ratelimit-reset": reset,
            }

        def ask(request: Request) -> Reply | None:
            if request.headers.get("x-api-key") != LIMITED or not request.operation:
                return None
            remaining = next(answers)
            if remaining is None:
                reply = Reply.error(429, "RATE_LIMIT_EXCEEDED", "too many requests")
                reply.headers |= rates(0) | {"retry-after": "1"}
                return reply
            request.headers |= {"x-api-key": VALID, "x-remaining": str(remaining)}
            return None

        def answer(request: Request, reply: Reply) -> None:
            if "x-remaining" in request.headers:
                reply.headers |= rates(int(request.headers["x-remaining"]))

        hooked(Hooks(before=ask, after=answer))(server)

    return apply


def balance_of(calls: int) -> Apply:
    """The working key's balance is enough for so many calls; then what is valid is answered with 402."""

    def apply(server: Server) -> None:
        numbers = itertools.count(1)

        def change(request: Request, reply: Reply) -> None:
            if reply.status == 201 and next(numbers) > calls:
                refusal = Reply.error(402, "PAYMENT_REQUIRED", "the balance is used up")
                reply.status, reply.headers, reply.body = 402, refusal.headers, refusal.body

        after(change)(server)

    return apply


FREEDOMS = (
    Freedom(
        name="the URL holds more than the token",
        apply=_nested,
        near=(
            "websocket-url.unguessable",
            "websocket-url.never-echoed",
            "websocket-url.exact",
            "websocket-url.refused-alike",
            "websocket-url.plain-get",
        ),
    ),
    Freedom(
        name="tools are called in a row",
        apply=_chained,
        near=("client-tools.waits", "client-tools.error", "client-tools.other-turns"),
    ),
    Freedom(
        name="the agent gives up waiting for a tool",
        apply=_gives_up,
        near=("client-tools.waits", "client-tools.error", "client-tools.other-turns"),
    ),
    Freedom(name="no frames are sent in a pause", apply=says(_pauses), near=("media.pacing[twilio]",)),
    Freedom(
        name="the clock is four minutes behind",
        apply=_slow_clock,
        near=("rate-limit.truthful", "rate-limit.too-many-requests", "answers.created-at"),
        settings={"rate_limit_per_hour": 100_000},
    ),
    Freedom(
        name="texts come when they have been said",
        apply=says(_tells_afterwards),
        near=("transcripts",),
    ),
    Freedom(
        name="two turns are heard in a sentence, and both are answered",
        apply=says(_hears_two_turns),
        near=("transcripts",),
    ),
    Freedom(
        name="agents greet after three seconds and a half",
        apply=lambda server: None,
        near=("media.calls-apart", "media.greeting-without-audio", "survival.fragments", "media.start-parameters"),
        settings={"first_audio_delay_ms": (3500, 3500)},
    ),
    Freedom(
        name="a saved agent hangs up after its second answer",
        apply=says(_hangs_up),
        near=("media.agent-call[websocket]", "media.every-turn[websocket]", "transcripts.every-turn"),
    ),
    Freedom(
        name="headers that are lists come in lines",
        apply=_lists_in_lines,
        near=("methods.allow", "answers.no-store", "answers.fit-the-document"),
    ),
    Freedom(
        name="after its first words the agent pauses",
        apply=says(_pauses_longer),
        near=("media.output-rate", "media.carrier-rate[twilio]"),
    ),
    Freedom(
        name="the first word comes after a clear",
        apply=says(_clears_first),
        near=(
            "media.not-interruptible[twilio]",
            "media.answer-after-first-message[twilio]",
            "media.interruptible[telnyx]",
        ),
    ),
    Freedom(
        name="who was interrupted says sorry",
        apply=_apologises,
        near=("media.interruptible[twilio]", "media.answer-after-interruption[twilio]"),
    ),
    Freedom(
        name="a tool is called unasked",
        apply=says(_looks_up_the_caller),
        near=("client-tools", "tools.full"),
    ),
    Freedom(
        name="noise is a transcript",
        apply=says(_hears_noise),
        near=("transcripts.user", "transcripts.ordinals"),
    ),
    Freedom(
        name="the first samples are letters",
        apply=says(_begins_like_a_file),
        near=("media.no-file-header[twilio]", "media.no-file-header[websocket]"),
    ),
    Freedom(name="a hangup is escaped", apply=says(_escapes), near=("media.max-duration[websocket]",)),
    Freedom(
        name="two clocks are five seconds apart",
        apply=_of_two_nodes,
        near=("answers.created-at", "answers.created-at-advances"),
    ),
    Freedom(
        name="the clock is set back by four seconds",
        apply=_set_back,
        near=("answers.created-at", "answers.created-at-advances"),
    ),
    Freedom(
        name="createdAt is in whole minutes",
        apply=_clock(lambda now: now.replace(second=0, microsecond=0)),
        near=("answers.created-at", "answers.created-at-advances"),
    ),
    Freedom(
        name="the limit ends between two requests",
        apply=lets_in([2, 1, 0, 1, 0]),
        near=("rate-limit.too-many-requests",),
        settings={"rate_limit_per_hour": 100_000},
    ),
    Freedom(
        name="a limited key is let in once more",
        apply=lets_in([0, 0, None, 0]),
        near=("rate-limit.too-many-requests",),
        settings={"rate_limit_per_hour": 100_000},
    ),
    Freedom(
        name="the balance is used up after twenty calls",
        apply=balance_of(20),
        near=("authentication", "create", "inline", "bodies", "answers", "errors", "rate-limit", "websocket"),
        settings={"rate_limit_per_hour": 100_000},
    ),
    Freedom(
        name="a refusal says that the key is undefined",
        apply=after(_words),
        near=("authentication.wrong-key", "authentication.never-echoed"),
    ),
    Freedom(name="TCP stays open after a Close frame", apply=_lingers, near=("media.stop", "websocket-url.single-use")),
    Freedom(name="a refusal names its request", apply=_on_dial_urls(_with_id), near=REFUSALS),
    Freedom(name="a refusal is a page that is made for it", apply=_on_dial_urls(_as_page), near=REFUSALS),
    Freedom(name="a header comes and goes", apply=_on_dial_urls(_at_times_with_header), near=REFUSALS),
)
