"""uvicorn's connections, where they refuse, drop or hold what they must not; only this module knows their insides."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from mockserver.errors import BadRequest, answer

LET_GO_WITHIN_S = 2.0
"""How long after the end of its call a peer may take to read what is still under way to it, in seconds."""

_UPGRADE = re.compile(rb"^upgrade:", re.IGNORECASE | re.MULTILINE)
_OTHER_UPGRADE = re.compile(rb"^upgrade:(?![ \t]*websocket[ \t]*\r$)", re.IGNORECASE | re.MULTILINE)
_DIAL = re.compile(rb"GET \S+ HTTP/1\.1\r\n")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}(?= )")
_PARSED_METHODS = frozenset(b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PURGE".split())


class HttpConnection(HttpToolsProtocol):
    """uvicorn's end of an HTTP connection.

    Its parser knows a fixed list of methods, and takes an offer to upgrade for an upgrade: it would drop the body of a
    request that offers HTTP/2, as some clients do with each. Both are put right in the head, before it is parsed.
    """

    _between_requests = True

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a head is expected to begin, and its first lines to come, in one piece."""
        super().data_received(_readable(data) if self._between_requests else data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._between_requests = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, in the contract's shape, and hang up."""
        reply = answer(BadRequest("this cannot be read as an HTTP/1.1 request", {"Connection": "close"}))
        status = HTTPStatus(reply.status)
        head = b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode())
        lines = b"".join(b"%s: %s\r\n" % header for header in reply.headers)
        self.transport.write(head + lines + b"\r\n" + reply.body)
        self.transport.close()


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


def _readable(data: bytes) -> bytes:
    """The beginning of a request: no upgrade in it but a dial's (RFC 6455, 4.1), and a method that the parser knows."""
    head, end, rest = data.partition(b"\r\n\r\n")
    method = _METHOD.match(head)
    if method is not None and method[0] not in _PARSED_METHODS:
        # No method of the contract, like PURGE, and answered like it.
        head = b"PURGE" + head[method.end() :]
    unwanted = _OTHER_UPGRADE if _DIAL.match(head) else _UPGRADE
    return unwanted.sub(b"x-upgrade:", head) + end + rest
