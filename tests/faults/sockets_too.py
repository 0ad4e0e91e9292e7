"""The mock as one ASGI application, its sockets included: what the faults, which sit between, are put around.

The mock itself has no ASGI application for sockets.  Here uvicorn's own WebSockets carry them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from mockserver.app import Mock
from mockserver.connection import JOIN_PATH, REFUSAL, HttpConnection
from mockserver.errors import ApiError
from mockserver.server import Server
from mockserver.websocket import LET_GO_WITHIN_S


class WebSocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's end of a WebSocket, which also lets go of the peers that uvicorn holds on to."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a handshake too large to be read is answered (431, 414) and hung up on."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_ping(self) -> None:
        """Answer; a peer that pings and does not read the answers is let go."""
        super().handle_ping()
        if not self.writable.is_set():
            self.transport.abort()

    def handle_cont(self, event: Frame) -> None:
        """Take in a fragment; those that bring nothing are no use but to fill memory."""
        if event.data or event.fin:
            super().handle_cont(event)

    def keepalive_timeout(self) -> None:
        """The peer does not answer a ping: it is gone, and will not read what is still under way to it."""
        super().keepalive_timeout()
        self.loop.call_later(LET_GO_WITHIN_S, self.transport.abort)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The call is over; who does not read is not waited for, as a mere close of the connection would do."""
        super().on_task_complete(task)
        self.loop.call_later(LET_GO_WITHIN_S, self.transport.abort)


def sockets_too(server: Server) -> ASGIApp:
    """The whole mock as an application; the server is told to leave its sockets to uvicorn."""
    server.config.http = HttpConnection
    server.config.ws = WebSocketConnection
    server.config.ws_max_size = server.settings.max_body_bytes
    server.config.ws_per_message_deflate = False
    logging.getLogger("uvicorn.error").addFilter(_is_a_fault)
    mock = server.mock

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _answer_dial(mock, scope, receive, send)
        else:
            await mock.app(scope, receive, send)

    return app


class _Line:
    """A line whose messages wait until the application sends them."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.unsent_bytes = 0

    def send(self, wire: str | bytes) -> None:
        key = "text" if isinstance(wire, str) else "bytes"
        self.messages.put_nowait({"type": "websocket.send", key: wire})

    def close(self, code: int, reason: str) -> None:
        self.messages.put_nowait({"type": "websocket.close", "code": code, "reason": reason})

    def drop(self) -> None:
        self.close(1001, "")

    def notice_end(self) -> None:
        pass


async def _answer_dial(mock: Mock, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    try:
        receiver = _receiver(mock, scope)
    except ApiError as refusal:
        await _refuse(mock.app, {**scope, REFUSAL: refusal}, send)
        return
    if receiver is None:
        await _refuse(mock.app, scope, send)
        return
    line = _Line()
    await send({"type": "websocket.accept"})
    receiver.opened(line)
    writer = asyncio.create_task(_write(line, send))
    peer_said = "the connection was lost"
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            receiver.receive(message["bytes"] if text is None else text)
        peer_said = f"closed by the caller ({message.get('code')})"
    finally:
        receiver.lost(peer_said)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


def _receiver(mock: Mock, scope: Scope) -> Any:
    """What is told of what comes on a WebSocket; None where there is none to be had.  Raises ApiError."""
    if scope["path"] == JOIN_PATH:
        return mock.rooms().join(scope["query_string"], dict(scope["headers"]).get(b"authorization", b""))
    start, _, token = scope["path"].rpartition("/")
    receivers: list[Any] = []
    if start == "/media":
        mock.switchboard.dial(token, lambda session: receivers.append(mock.rooms().receiver_of(session)))
    return receivers[0] if receivers else None


async def _write(line: _Line, send: Send) -> None:
    message: Message = {"type": ""}
    while message["type"] != "websocket.close":
        message = await line.messages.get()
        await send(message)


async def _refuse(http: ASGIApp, scope: Scope, send: Send) -> None:
    """Answer an upgrade as the same GET is answered."""

    async def receive() -> Message:
        return {"type": "http.request"}

    async def sent(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    await http({**scope, "type": "http", "method": "GET"}, receive, sent)


def _is_a_fault(record: logging.LogRecord) -> bool:
    """Whether what uvicorn reports is a fault of the server: bad UTF-8 is the peer's, a refused dial is nobody's."""
    return not re.search("without completing handshake|Invalid UTF-8 sequence", record.getMessage())
