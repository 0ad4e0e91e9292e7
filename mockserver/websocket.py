"""One WebSocket: frames ⇄ messages, keep-alive and the closing handshake, without a task.  Knows nothing of calls."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from picows import WSFrame, WSListener, WSMsgType, WSTransport

CLOSE_WITHIN_S = 2.0
"""How long the other end may take to answer a close, in seconds, before the connection is dropped."""

LET_GO_WITHIN_S = 2.0
"""How long after the end of its call a peer may take to read what is still under way to it, in seconds."""

DEAD_FOR_S = 300.0
"""How long a line that was left dead on purpose stays open, in seconds."""

LONGEST_REASON_BYTES = 123
"""What a WebSocket close frame can hold (RFC 6455, 5.5)."""

_PROTOCOL_ERROR, _NO_CODE, _INVALID_TEXT, _TOO_BIG, _INTERNAL_ERROR = 1002, 1005, 1007, 1009, 1011
_NEVER_SENT = frozenset((0, 1004, 1005, 1006, 1015))
_HIGHEST_CODE = 4999

# Bound here: an enumeration's members are slow to look up, and this happens with each frame.
_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_PING, _PONG, _CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE


class Receiver(Protocol):
    """What a WebSocket tells of what happens on it."""

    def opened(self, socket: WebSocket) -> None:
        """The socket is open."""

    def receive(self, wire: str | bytes) -> None:
        """A message came."""

    def lost(self, peer_said: str) -> None:
        """The socket is gone; the text says how, as far as the other end said anything."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may do.

    Attributes:
        max_message_bytes: how long a message may be.
        ping_interval_s: how long after the last answer a ping goes out, in seconds; None for never.
        ping_timeout_s: how long it may take to be answered, in seconds; None for as long as it likes.
    """

    max_message_bytes: int
    ping_interval_s: float | None = 20.0
    ping_timeout_s: float | None = 20.0


class WebSocket(WSListener):
    """Our end of one WebSocket.

    Args:
        receiver: is told what happens.
        limits: what the peer may do.
    """

    __slots__ = (
        "_fragments",
        "_fragments_are_text",
        "_letting_go",
        "_limits",
        "_paused",
        "_peer_said",
        "_ping",
        "_receiver",
        "_timer",
        "_transport",
    )

    def __init__(self, receiver: Receiver, limits: Limits) -> None:
        super().__init__()
        self._receiver = receiver
        self._limits = limits
        self._transport: WSTransport | None = None
        self._paused = False
        self._letting_go = False
        self._peer_said = "the connection was lost"
        # What has come of a message in fragments; None between messages.
        self._fragments: bytearray | None = None
        self._fragments_are_text = False
        # What is waited for, one thing at a time: the moment to ping, the answer to a ping, the end.
        self._timer: asyncio.TimerHandle | None = None
        self._ping: bytes | None = None

    # What the call wants of it.

    def send(self, wire: str | bytes) -> None:
        """Send a message: text, or binary.  After a close, from whichever end, nothing is sent."""
        if self._transport is not None:
            self._transport.send(_TEXT if type(wire) is str else _BINARY, wire)

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the peer to read; 0 as long as that is little."""
        if not self._paused or self._transport is None:
            return 0
        return self._transport.underlying_transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; who does not answer it in time is dropped."""
        if self._transport is not None and not self._letting_go:
            self._letting_go = True
            self._say_close(code, reason)
            self._wait(CLOSE_WITHIN_S, self.drop)

    def drop(self) -> None:
        """End the connection, whatever is still under way."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def freeze(self) -> None:
        """Read and send no more, and leave the connection open: it is dropped after a while."""
        if self._transport is not None:
            self._letting_go = True
            self._transport.underlying_transport.pause_reading()
            self._wait(DEAD_FOR_S, self.drop)

    def notice_end(self) -> None:
        """Let go of a peer whose frames picows could not read, which it tells the peer and not us."""
        if not self._letting_go and self._transport is not None and self._transport.is_close_frame_sent:
            self._let_go("broke the WebSocket protocol")

    # What picows tells.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is complete."""
        self._transport = transport
        self._wait_to_ping()
        self._receiver.opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame came, of any kind."""
        if self._letting_go or transport.is_close_frame_sent:
            # picows goes on with the frames of a peer that it has failed, until it hangs up.
            self.notice_end()
            if frame.msg_type is _CLOSE:
                self._take_close(frame)
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail(_PROTOCOL_ERROR, "a reserved bit is set")
            return
        kind = frame.msg_type
        if kind is _TEXT and frame.fin and self._fragments is None:
            try:
                text = frame.get_payload_as_utf8_text()
            except UnicodeDecodeError:
                self._fail(_INVALID_TEXT, "text that is not UTF-8")
                return
            self._receiver.receive(text)
        elif kind is _PING:
            self._answer_ping(frame.get_payload_as_bytes())
        elif kind is _PONG:
            # Pongs that nobody asked for are allowed, and mean nothing.
            if self._ping is not None and frame.get_payload_as_bytes() == self._ping:
                self._wait_to_ping()
        elif kind is _CLOSE:
            self._take_close(frame)
        else:
            self._take_piece(kind, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone."""
        self.notice_end()
        self._transport = None
        self._letting_go = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._receiver.lost(self._peer_said)

    def pause_writing(self) -> None:
        """The peer does not keep up."""
        self._paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False

    def _take_piece(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Take in a binary message, or one in fragments."""
        if (kind is _CONTINUATION) is (self._fragments is None):
            self._fail(_PROTOCOL_ERROR, "fragments of messages are out of order")
            return
        payload = frame.get_payload_as_bytes()
        if self._fragments is None:
            if frame.fin:
                self._receiver.receive(payload)
                return
            self._fragments = bytearray()
            self._fragments_are_text = kind is _TEXT
        self._fragments += payload
        if len(self._fragments) > self._limits.max_message_bytes:
            self._fragments = None
            self._fail(_TOO_BIG, "the message is too long")
        elif frame.fin:
            whole, self._fragments = bytes(self._fragments), None
            try:
                self._receiver.receive(whole.decode() if self._fragments_are_text else whole)
            except UnicodeDecodeError:
                self._fail(_INVALID_TEXT, "text that is not UTF-8")

    def _answer_ping(self, payload: bytes) -> None:
        """Answer; a peer that pings and does not read the answers is let go."""
        if self._transport is not None:
            self._transport.send_pong(payload)
            if self._paused:
                self.drop()

    def _take_close(self, frame: WSFrame) -> None:
        code = frame.get_payload_as_bytes()[:2]
        number = int.from_bytes(code, "big") if code else _NO_CODE
        if code and (number in _NEVER_SENT or number > _HIGHEST_CODE):
            self._fail(_PROTOCOL_ERROR, "a close code that must not be sent")
        elif self._transport is not None:
            if not self._transport.is_close_frame_sent:
                self._say_close(number if code else 1000, "")
            self._let_go(f"closed by the caller ({number})")

    def _fail(self, code: int, reason: str) -> None:
        """The peer broke the protocol: tell it, and hang up."""
        if not self._letting_go:
            self._say_close(code, reason)
            self._let_go(f"broke the WebSocket protocol: {reason}")

    def _let_go(self, peer_said: str) -> None:
        """Nothing more is expected of the peer but that it reads what is still under way to it."""
        if not self._letting_go:
            self._letting_go = True
            self._peer_said = peer_said
        if self._transport is not None:
            self._transport.disconnect()
            self._wait(LET_GO_WITHIN_S, self.drop)

    def _say_close(self, code: int, reason: str) -> None:
        if self._transport is not None:
            self._transport.send_close(code, _short(reason))  # type: ignore[arg-type]  # any code may be sent

    def _wait_to_ping(self) -> None:
        self._ping = None
        if self._limits.ping_interval_s:
            self._wait(self._limits.ping_interval_s, self._send_ping)

    def _send_ping(self) -> None:
        if self._transport is None:
            return
        if self._limits.ping_timeout_s is None:
            self._transport.send_ping()
            self._wait_to_ping()
        else:
            self._ping = secrets.token_bytes(4)
            self._transport.send_ping(self._ping)
            self._wait(self._limits.ping_timeout_s, self._give_up)

    def _give_up(self) -> None:
        """The peer does not answer a ping: it is gone, and will not read what is still under way to it."""
        self._fail(_INTERNAL_ERROR, "keepalive ping timeout")

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)


def _short(reason: str) -> bytes:
    return reason.encode()[:LONGEST_REASON_BYTES].decode(errors="ignore").encode()
