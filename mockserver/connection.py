"""uvicorn's HTTP connections: what they would refuse or drop is put right, and a good dial becomes a WebSocket.

Only this module knows uvicorn's insides.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
import re
from base64 import b64decode
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockserver.errors import (
    ApiError,
    BadRequest,
    HeadTooLarge,
    PageRefused,
    TooManyCalls,
    Unavailable,
    UpgradeRequired,
    answer,
    api_error,
)
from mockserver.origins import Origins
from mockserver.staging import NO_ANSWER_FOR_S, TRANSPORT, reset
from mockserver.switchboard import DialMishap, Switchboard
from mockserver.webrtc.refusals import RoomRefused

if TYPE_CHECKING:
    from mockserver.webrtc.rooms import Rooms
    from mockserver.websocket import Receiver

log = logging.getLogger("calls")

JOIN_PATH = "/rtc"
"""Where LiveKit's clients join a room."""

REFUSAL = "calls.refusal"
"""The key of an ASGI scope under which stands the ApiError that answers it, where its head is refused."""

MOST_DIAL_HEADERS = 128
"""How many header fields a dial may have."""

LONGEST_DIAL_HEADER_BYTES = 8192
"""How long each may be."""

LINGER_S = 2.0
"""How long what still comes of a request is read and dropped after its answer, before the connection is closed."""

LINGER_BYTES = 64 * 1024 * 1024
"""How much of it is."""

_CONTINUE = b"HTTP/1.1 100 "
_HOST = re.compile(rb"(\[[0-9A-Za-z:.%_~-]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")
_METHOD = re.compile(rb"(?:\r\n)*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})(?= )")
_BEGUN_METHOD = re.compile(rb"(?:\r\n)*(?:\r|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})?")
_PARSED_METHODS = frozenset(b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PURGE".split())
_PARSED_BEGINNINGS = tuple(method + b" " for method in sorted(_PARSED_METHODS))


class _OneWrite:
    """A transport that sends the head of an answer with the beginning of its body: uvicorn writes them one by one.

    As a head is held back until more is written, or the answer is whole, nothing waits for a timer.

    Args:
        beneath: the connection's own transport.
        linger: asked at the first close; True if it sees to the end of the connection itself.
    """

    __slots__ = ("_closing", "_head", "_linger", "beneath")

    def __init__(self, beneath: asyncio.Transport, linger: Callable[[], bool]) -> None:
        self.beneath = beneath
        self._linger = linger
        self._closing = False
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)

    def write(self, data: bytes) -> None:
        """Send, or hold back."""
        if self._head:
            self.beneath.write(self._head + data)
            self._head = b""
        elif data.endswith(b"\r\n\r\n") and data.startswith(b"HTTP/1.1 ") and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self.beneath.write(data)

    def flush(self) -> None:
        """Send what is held back."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what is held back, and close."""
        self.flush()
        if self.is_closing() or not self._linger():
            self.beneath.close()
        self._closing = True

    def is_closing(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._closing or self.beneath.is_closing()


class HttpConnection(HttpToolsProtocol):
    """uvicorn's end of an HTTP connection.

    Its parser knows a fixed list of methods, and takes an offer to upgrade for an upgrade: it would drop the body of a
    request that offers HTTP/2, as some clients do with each.  So another method is put in the place of one that it does
    not know, and it is given the head of such a request once more, without the offer.  (Where a request with such a
    method begins in the middle of a piece, that is not seen: it is a 400.)
    """

    _between_requests = True
    _begun = b""
    """What has come of a request whose method is not whole yet."""
    _method: bytes | None = None
    """The method in whose place another one was parsed."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes, in whatever pieces they come."""
        if self._between_requests and (self._begun or not data.startswith(_PARSED_BEGINNINGS)):
            data = self._begun + data
            if _BEGUN_METHOD.fullmatch(data):
                self._begun = data
                return
            self._begun = b""
            data = self._with_parsed_method(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between_requests = False
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[TRANSPORT] = self.transport

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; the white space that may stand around a value is no part of it (RFC 9112, 5)."""
        # As uvicorn's own does, which is not called: there are many headers.
        name, value = name.lower(), value.strip(b" \t")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A head is whole; one that offers an upgrade is not served before it is known whether it is a dial."""
        if self.parser.should_upgrade() and self._should_upgrade():
            super().on_headers_complete()
            return
        if fault := self._fault_of_host():
            cast(dict[str, Any], self.scope)[REFUSAL] = BadRequest(fault)
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            # Its client would take the interim answer for the answer (RFC 9110, 10.1.1).
            self.expect_100_continue = False
        super().on_headers_complete()
        if self._method is not None:
            self.scope["method"] = self._method.decode("ascii")
            self._method = None

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._between_requests = True
        super().on_message_complete()

    def _parse(self, data: bytes) -> None:
        """Take in bytes.  Raises HttpParserError."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if self._is_dial():
                    self.handle_websocket_upgrade()
                    return
                # The parser stands behind the head, wherever that began.  It reads no further if it is the last one's.
                data = self._head_without_offer() + data[offer.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            else:
                return

    def _fault_of_host(self) -> str:
        """What is wrong with the Host of a request (RFC 9112, 3.2); empty where it is good."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) == 1:
            return "" if _HOST.fullmatch(hosts[0]) else "Host: is no name or address with perhaps a port"
        if hosts:
            return "Host: came more than once"
        return "" if self.parser.get_http_version() == "1.0" else "Host: is required"

    def _is_dial(self) -> bool:
        """Whether a head asks for a WebSocket (RFC 6455, 4.2.1); the parser has found an offer to upgrade in it."""
        return (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and any(
                protocol.strip().lower() == b"websocket"
                for name, value in self.headers
                if name == b"upgrade"
                for protocol in value.split(b",")
            )
        )

    def _should_upgrade(self) -> bool:
        """Whether an offer to upgrade, which the parser has found, is still to be answered."""
        return True

    def _head_without_offer(self) -> bytes:
        """The head of a request that is to be served as if it offered no upgrade (RFC 9110, 7.8)."""
        # CONNECT is one to the parser, without a header.
        method = self.parser.get_method()
        if method not in _PARSED_METHODS:
            self._method, method = method, b"PURGE"
        headers = (
            b"%s: %s\r\n" % (b"x-upgrade" if name == b"upgrade" else name, value) for name, value in self.headers
        )
        version = self.parser.get_http_version().encode()
        return b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(headers))

    def _with_parsed_method(self, data: bytes) -> bytes:
        """The beginning of a request with a method that the parser knows."""
        method = _METHOD.match(data)
        if method is None or method[1] in _PARSED_METHODS:
            return data
        self._method = method[1]
        # No method of the contract, like PURGE, and answered like it.
        return b"PURGE" + data[method.end() :]

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, in the contract's shape, and hang up."""
        reply = answer(BadRequest("this cannot be read as an HTTP/1.1 request", {"Connection": "close"}))
        status = HTTPStatus(reply.status)
        head = b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode())
        lines = b"".join(b"%s: %s\r\n" % header for header in reply.headers)
        self.transport.write(head + lines + b"\r\n" + reply.body)
        self.transport.close()


class Doorway(HttpConnection):
    """A connection whose good dials become calls; others are answered as the same GET is, or told what is wrong.

    Args:
        switchboard: answers the URLs.
        max_message_bytes: how long a message on a WebSocket may be.
        origins: which pages may dial.
        rooms: gives the place of webrtc calls; not to be asked before a dial, as it takes long to load.
        more: what uvicorn gives every connection.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        max_message_bytes: int,
        origins: Origins,
        rooms: Callable[[], Rooms],
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._rooms = rooms
        self._origins = origins
        self._switchboard = switchboard
        self._max_message_bytes = max_message_bytes
        self._refused = False
        self._refusal: ApiError | None = None
        self._next: Callable[[], None] | None = None
        self._unparsed = False
        self._going_down = False
        self._to_drop_bytes: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own says so
        """A connection is there."""
        super().connection_made(_OneWrite(transport, self._linger))  # type: ignore[arg-type]  # it has all that is used of one

    def data_received(self, data: bytes) -> None:
        """Take in bytes; behind a dial, and what cannot be parsed, there is nothing that could be read."""
        if self._to_drop_bytes is not None:
            self._to_drop_bytes -= len(data)
            if self._to_drop_bytes < 0:
                self.transport.close()
        elif self._next is None:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._refused = False
        self._refusal = None
        super().on_message_begin()

    def on_response_complete(self) -> None:
        """An answer is whole; one without a body, as to HEAD, is a head alone."""
        cast(_OneWrite, self.transport).flush()
        super().on_response_complete()
        if self._next is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            answer_next, self._next = self._next, None
            answer_next()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, once what was asked before it on the connection is answered, and hang up."""
        if self._is_answering() and not self.cycle.more_body:
            self._next = lambda: self.send_400_response(msg)
        else:
            self._unparsed = True
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """Answer a dial, once what was asked before it on its connection is answered."""
        if self._is_answering():
            self._next = self.handle_websocket_upgrade
            return
        try:
            if fault := self._fault_of_host():
                raise BadRequest(fault)
            if not self._dial():
                self._answer_as_request()
        except (ApiError, RoomRefused) as refusal:
            self._refusal = api_error(refusal)
            self._answer_as_request()
        except httptools.HttpParserError:
            self.send_400_response("no URL")

    def _should_upgrade(self) -> bool:
        return not self._refused

    def shutdown(self) -> None:
        """The server goes down, and with it every connection that it does not answer on."""
        self._going_down = True
        super().shutdown()

    def _linger(self) -> bool:
        """Close in stages after the answer to a request that was not read to its end (RFC 9112, 9.6); False for others.

        Were the connection closed with something unread in it, its peer would be told of a reset instead of the answer.
        """
        answered = self.cycle is not None and self.cycle.response_complete and self.cycle.more_body
        if self._going_down or not (answered or self._unparsed):
            return False
        self._to_drop_bytes = LINGER_BYTES
        self.flow.resume_reading()
        beneath = cast(_OneWrite, self.transport).beneath
        if beneath.can_write_eof():
            beneath.write_eof()
        self.loop.call_later(LINGER_S, beneath.close)
        return True

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _dial(self) -> bool:
        """Let a dial become a call; False if its URL opens nothing.

        Raises ApiError and RoomRefused, and HttpParserError for what is not to be answered as a request either.
        """
        url = httptools.parse_url(self.url)
        if url.path is None:
            # `GET http://localhost`: uvicorn cannot make a request of it.
            raise httptools.HttpParserInvalidURLError("no path")
        key = _key_of(self.headers)
        path = unquote(url.path.decode("ascii"))
        start, _, token = path.rpartition("/")
        if start != "/media" and path != JOIN_PATH:
            return False
        self._admit_page()
        try:
            if path == JOIN_PATH:
                return self._join(url.query or b"", key)
            if self._switchboard.full:
                raise TooManyCalls()
            dialled = self._switchboard.dial(token, lambda session: self._open(self._rooms().receiver_of(session), key))
        except DialMishap as mishap:
            self._go_wrong(str(mishap))
            return True
        except ConnectionError:
            # The peer is gone, and with it whoever could be answered.
            self.transport.abort()
            return True
        if dialled:
            self.connections.discard(self)
        return dialled

    def _join(self, query: bytes, key: str) -> bool:
        """Let a caller into the room of a webrtc call; False where rooms are elsewhere.  Raises RoomRefused."""
        authorization = dict(self.headers).get(b"authorization", b"")
        participant = self._rooms().join(query, authorization)
        if participant is None:
            return False
        try:
            self._open(participant, key)
        except ConnectionError:
            participant.lost("the connection was lost")
            raise
        self.connections.discard(self)
        return True

    def _open(self, receiver: Receiver, key: str) -> None:
        """Open a WebSocket, and have what comes on it told.  Raises ConnectionError."""
        # The server is there before it can be dialled, and this is loaded by then: half a second is worth it.
        from mockserver.handover import hand_over
        from mockserver.websocket import Limits, WebSocket

        limits = Limits(self._max_message_bytes, self.config.ws_ping_interval, self.config.ws_ping_timeout)
        transport = cast(_OneWrite, self.transport).beneath
        hand_over(transport, WebSocket(receiver, limits), key=key, max_message_bytes=limits.max_message_bytes)

    def _go_wrong(self, how: str) -> None:
        """Spoil a dial that is to be spoilt.  Raises ApiError."""
        if how == "unavailable":
            raise Unavailable()
        if how == "reset":
            reset(self.transport)
        else:
            # Nothing is answered; who does not give up is dropped after a while.
            self.timeout_keep_alive_task = self.loop.call_later(NO_ANSWER_FOR_S, self.transport.abort)

    def _admit_page(self) -> None:
        """Raise PageRefused where a browser dials for a page that may not; whoever sends no Origin is no browser."""
        headers = dict(reversed(self.headers))  # the first of two headers counts
        if b"origin" not in headers:
            return
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        reason = self._origins.refusal_of_dial(origin, host)
        if reason is not None:
            # Scripts are told no more than that the dial failed.
            log.warning("dial refused: %s", reason)
            raise PageRefused(reason)

    def _answer_as_request(self) -> None:
        """Have the application answer; what comes after an upgrade cannot be told from the next request."""
        self._refused = True
        if self._refusal is not None:
            cast(dict[str, Any], self.scope)[REFUSAL] = self._refusal
        self.on_headers_complete()
        self.cycle.keep_alive = False
        self.on_message_complete()


def _key_of(headers: list[tuple[bytes, bytes]]) -> str:
    """The Sec-WebSocket-Key of a good handshake (RFC 6455, 4.2.1).  Raises ApiError for any other."""
    if len(headers) > MOST_DIAL_HEADERS or any(len(value) > LONGEST_DIAL_HEADER_BYTES for _, value in headers):
        raise HeadTooLarge()
    versions, keys = (
        [value for name, value in headers if name == wanted]
        for wanted in (b"sec-websocket-version", b"sec-websocket-key")
    )
    lengths = [value for name, value in headers if name == b"content-length"]
    if any(name == b"transfer-encoding" for name, _ in headers) or any(length.strip(b"0 ") for length in lengths):
        raise BadRequest("a request for a WebSocket has no body")
    if versions != [b"13"]:
        raise UpgradeRequired("this is a WebSocket of version 13; Sec-WebSocket-Version must say so")
    try:
        good = len(keys) == 1 and len(b64decode(keys[0], validate=True)) == 16
    except binascii.Error:
        good = False
    if not good:
        raise BadRequest("Sec-WebSocket-Key must be 16 bytes in base64")
    return keys[0].decode("ascii")
