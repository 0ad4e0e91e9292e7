"""What a fault is, and where it can be put in: around the mock, between it and whoever calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.connection import JOIN_PATH
from mockserver.server import Server
from tests.faults.sockets_too import sockets_too

Apply = Callable[[Server], None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What makes another server of the mock.

    Attributes:
        name: what is other about it, in words.
        apply: puts it into a server that has not begun to serve.
        settings: what the mock is started with, beside what all are.
    """

    name: str
    apply: Apply
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fault(Change):
    """A mistake that a team may make, put into a mock.

    Attributes:
        breaks: the requirement that it breaks.
        variant: the variant in which it must be seen; empty for any one.
        says: a regular expression that the report of it must match.
        missed: why the judge does not see it; empty for one that it must see.
    """

    breaks: str
    variant: str = ""
    says: str = ""
    missed: str = ""


@dataclass
class Request:
    """An HTTP request on its way in; may be changed.  `connection` tells those apart that came on different ones."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    connection: str

    @property
    def operation(self) -> str:
        """`create` or `inline`; empty for anything else."""
        last = self.path.rpartition("/calls/")[2]
        return last if self.method == "POST" and last in ("create", "inline") else ""

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the query."""
        return dict(parse_qsl(self.query))

    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass
class Reply:
    """An HTTP answer on its way out; may be changed."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def error(cls, status: int, code: str = "BAD_REQUEST", message: str = "this is refused") -> Reply:
        """An error in the contract's shape."""
        body = json.dumps({"error": {"message": message, "code": code}}).encode()
        return cls(status, {"content-type": "application/json", "x-request-id": "0" * 24}, body)

    def json(self) -> Any:
        """The body; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def put(self, body: Any) -> None:
        """Another body."""
        self.body = json.dumps(body).encode()


@dataclass(frozen=True)
class Close:
    """In the place of a message: the end of the call."""

    code: int = 1000


@dataclass
class Socket:
    """One dial, and what the hooks keep of it.

    Attributes:
        asked: the request that the call was created with; empty for an unknown URL.
        operation: the operation that created it.
        token: the end of its URL.
        query: of the dial.
        headers: of the dial.
        dials: how often this URL was dialled before.
        tell: passes a message on to the mock as if it had come in.
        close: ends the call with a close code.
        state: whatever a hook keeps.
    """

    asked: dict[str, Any]
    operation: str
    token: str
    query: str
    headers: dict[str, str]
    dials: int
    tell: Callable[[Any], None]
    close: Callable[[int], Awaitable[None]]
    state: SimpleNamespace = field(default_factory=SimpleNamespace)

    @property
    def kind(self) -> str:
        """The call's connection type."""
        return str(self.asked.get("connectionType", "twilio"))

    def once(self, name: str) -> bool:
        """True the first time."""
        first = not hasattr(self.state, name)
        setattr(self.state, name, True)
        return first

    def count(self, name: str) -> int:
        """1, 2, 3..."""
        number: int = getattr(self.state, name, 0) + 1
        setattr(self.state, name, number)
        return number


Wires = Iterable[Any]
"""Messages: a dict (JSON), text, bytes, or Close."""


@dataclass(kw_only=True)
class Hooks:
    """Where a fault may reach in; what is None is left alone.

    Attributes:
        before: sees each HTTP request; an answer that it returns is given in the mock's place.
        after: sees each HTTP request and its answer.
        dial: sees each dial; an answer that it returns refuses it.
        opened: what is sent as soon as the socket is open.
        hears: what the mock is given for each message of the caller's.
        says: what the caller is given for each message of the mock's.
        closes: whether the mock's close goes out.
        refused: sees the mock's own refusal of a dial.
        ended: told of the close code with which the caller went.
    """

    before: Callable[[Request], Reply | None] | None = None
    after: Callable[[Request, Reply], None] | None = None
    dial: Callable[[Socket], Awaitable[Reply | None]] | None = None
    opened: Callable[[Socket], Wires] | None = None
    hears: Callable[[Socket, Any], Wires] | None = None
    says: Callable[[Socket, Any], Wires] | None = None
    closes: Callable[[Socket], bool] | None = None
    refused: Callable[[Socket, Reply], None] | None = None
    ended: Callable[[Socket, int], None] | None = None


class Faulty:
    """ASGI middleware with a fault in it."""

    def __init__(self, app: ASGIApp, hooks: Hooks) -> None:
        self._app = app
        self._hooks = hooks
        self._asked: dict[str, tuple[str, dict[str, Any]]] = {}
        self._dials: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["path"] == JOIN_PATH:
            # What is said in a room is reached in tests/faults/room.py.
            await self._app(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _request(scope, receive)
        reply = self._hooks.before(request) if self._hooks.before else None
        if reply is None:
            reply = await _answered(self._app, scope, request, receive)
        created = reply.json() if reply.status == 201 else None
        asked = request.json()
        if self._hooks.after:
            self._hooks.after(request, reply)
        if isinstance(created, dict) and isinstance(asked, dict):
            self._asked[created["websocketUrl"].rpartition("/")[2]] = (request.operation, asked)
        if scope["method"] != "HEAD":
            reply.headers["content-length"] = str(len(reply.body))
        for message in _messages(reply):
            await send(message)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        hooks = self._hooks
        incoming: asyncio.Queue[Message] = asyncio.Queue()
        token = scope["path"].rpartition("/")[2]
        operation, asked = self._asked.get(token, ("", {}))
        over = asyncio.Event()

        async def end(code: int) -> None:
            if not over.is_set():
                over.set()
                await send({"type": "websocket.close", "code": code})

        socket = Socket(
            asked=asked,
            operation=operation,
            token=token,
            query=scope["query_string"].decode(),
            headers=_headers(scope),
            dials=self._dials.get(token, 0),
            tell=lambda message: incoming.put_nowait(_message("websocket.receive", message)),
            close=end,
        )
        self._dials[token] = socket.dials + 1

        async def pump() -> None:
            while True:
                message = await receive()
                if message["type"] == "websocket.receive" and hooks.hears:
                    for wire in hooks.hears(socket, _wire(message)):
                        if isinstance(wire, Close):
                            await end(wire.code)
                        else:
                            socket.tell(wire)
                    continue
                if message["type"] == "websocket.disconnect":
                    over.set()
                    if hooks.ended:
                        hooks.ended(socket, message.get("code", 1005))
                incoming.put_nowait(message)
                if over.is_set():
                    return

        async def passed_on(message: Message) -> None:
            if over.is_set():
                return
            match message["type"]:
                case "websocket.close":
                    if hooks.closes is None or hooks.closes(socket):
                        await end(message.get("code", 1000))
                case "websocket.send":
                    for wire in hooks.says(socket, _wire(message)) if hooks.says else (_wire(message),):
                        if over.is_set():
                            return
                        if isinstance(wire, Close):
                            await end(wire.code)
                        else:
                            await send(_message("websocket.send", wire))
                case "websocket.accept":
                    await send(message)
                    for wire in hooks.opened(socket) if hooks.opened else ():
                        await send(_message("websocket.send", wire))
                case _:
                    await send(message)

        refusal = await hooks.dial(socket) if hooks.dial else None
        if refusal is not None:
            await _refuse(refusal, send)
            return
        sent: Send = _refusals(socket, hooks.refused, passed_on, send) if hooks.refused else passed_on
        pumping = asyncio.create_task(pump())
        try:
            await self._app(scope, incoming.get, sent)
            if hooks.closes and not over.is_set():
                await over.wait()
        finally:
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping


def hooked(hooks: Hooks) -> Apply:
    """Put hooks around a mock."""

    def apply(server: Server) -> None:
        server.config.app = Faulty(sockets_too(server), hooks)

    return apply


def before(change: Callable[[Request], Reply | None]) -> Apply:
    """See each HTTP request."""
    return hooked(Hooks(before=change))


def after(change: Callable[[Request, Reply], None]) -> Apply:
    """See each HTTP request and its answer."""
    return hooked(Hooks(after=change))


def asks(change: Callable[[str, dict[str, Any]], Any]) -> Apply:
    """Change the JSON object that an operation is sent; a Reply that comes back is the answer."""

    def look(request: Request) -> Reply | None:
        body = request.json() if request.operation else None
        if not isinstance(body, dict):
            return None
        changed = change(request.operation, body)
        if isinstance(changed, Reply):
            return changed
        request.body = json.dumps(body).encode()
        return None

    return before(look)


def created(change: Callable[[Request, dict[str, Any], Reply], None]) -> Apply:
    """Change the answer 201: its JSON, which is written back, and its headers."""

    def look(request: Request, reply: Reply) -> None:
        body = reply.json() if reply.status == 201 else None
        if isinstance(body, dict):
            change(request, body, reply)
            reply.put(body)

    return after(look)


def says(change: Callable[[Socket, Any], Wires]) -> Apply:
    """Change what the mock says on a socket."""
    return hooked(Hooks(says=change))


def hears(change: Callable[[Socket, Any], Wires]) -> Apply:
    """Change what the mock hears on a socket."""
    return hooked(Hooks(hears=change))


async def _request(scope: Scope, receive: Receive) -> Request:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"].decode(),
        _headers(scope),
        bytes(body),
        str(scope["client"]),
    )


async def _answered(app: ASGIApp, scope: Scope, request: Request, receive: Receive) -> Reply:
    reply = Reply(500)
    waiting: list[Message] = [{"type": "http.request", "body": request.body}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            reply.body += message.get("body", b"")

    if "content-length" in request.headers:
        request.headers["content-length"] = str(len(request.body))
    headers = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    changed = {**scope, "method": request.method, "path": request.path, "raw_path": request.path.encode()}
    await app({**changed, "query_string": request.query.encode(), "headers": headers}, replayed, collect)
    return reply


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _messages(reply: Reply, prefix: str = "http") -> list[Message]:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
    return [
        {"type": f"{prefix}.response.start", "status": reply.status, "headers": headers},
        {"type": f"{prefix}.response.body", "body": reply.body},
    ]


async def _refuse(reply: Reply, send: Send) -> None:
    reply.headers["content-length"] = str(len(reply.body))
    for message in _messages(reply, "websocket.http"):
        await send(message)


def _refusals(socket: Socket, change: Callable[[Socket, Reply], None], sent: Send, send: Send) -> Send:
    reply = Reply(500)

    async def collected(message: Message) -> None:
        if message["type"] == "websocket.http.response.start":
            reply.status = message["status"]
            reply.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "websocket.http.response.body":
            reply.body += message.get("body", b"")
            change(socket, reply)
            await _refuse(reply, send)
        else:
            await sent(message)

    return collected


def _wire(message: Message) -> Any:
    """A dict for a JSON object, else text or bytes."""
    text = message.get("text")
    if text is None:
        return message["bytes"]
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return body if isinstance(body, dict) else text


def _message(kind: str, wire: Any) -> Message:
    if isinstance(wire, bytes):
        return {"type": kind, "bytes": wire}
    return {"type": kind, "text": wire if isinstance(wire, str) else json.dumps(wire)}
