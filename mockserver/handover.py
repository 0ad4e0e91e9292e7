"""How an HTTP connection goes on as a WebSocket of picows; only this module knows picows' insides.

picows serves ports of its own; that one of its connections can begin in the middle of another protocol's is not
documented.  `tests/mockserver/test_handover.py` fails where a new picows does not let itself be started like this.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from picows import WSAutoPingStrategy, WSListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # not in its stub, and not documented

READ_BUFFER_BYTES = 2048
"""What picows begins to read into; it grows where messages are larger, or come faster than they are read."""

LINGER_S = 2.0
"""How long a peer that was told to go may take to read that and end the connection, in seconds."""

MOST_DROPPED_BYTES = 64 * 1024 * 1024
"""How much it may send meanwhile."""

# What is read into it is never looked at, so one does for all connections.
_NOWHERE = bytearray(64 * 1024)

# Its own words would hold dial URLs at the finest level, and peers' faults as errors of ours.  An adapter, because
# picows makes a logger of each connection's own out of a plain one, which costs a kilobyte.
_quiet = logging.getLogger("calls.picows")
_quiet.setLevel(logging.CRITICAL)
_LOGGER = logging.LoggerAdapter(_quiet)


def hand_over(transport: asyncio.Transport, listener: WSListener, *, key: str, max_message_bytes: int) -> None:
    """Answer an upgrade (101), and have a listener told of all that comes from now on.

    Args:
        transport: the connection; its request was read, found to be a good handshake, and not answered.
        listener: is told of the open socket before this returns.
        key: the request's Sec-WebSocket-Key.
        max_message_bytes: larger frames are refused with 1009.

    Raises:
        ConnectionError: the socket did not open, and nothing was answered.
    """
    if transport.is_closing():
        raise ConnectionError("the peer is gone")
    protocol: Any = WSProtocol(
        None,  # host and port, of clients
        None,  # path, of clients
        False,  # is a client
        lambda request: listener,
        _LOGGER,
        True,  # disconnect on exception
        None,  # handshake timeout: the request is here
        False,  # pings, their two times and when: ours are in `websocket.py`
        0,
        0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # pongs: who pings and does not read is to be noticed
        max_message_bytes,
        None,  # headers of a client's request
        READ_BUFFER_BYTES,
    )
    # An event loop may choose how to read when reading begins, and picows reads in another way than HTTP.
    transport.pause_reading()
    transport.set_protocol(protocol)
    protocol.connection_made(_Lingering(transport))
    # In the words that picows takes; it refuses "Connection: keep-alive, Upgrade", which browsers send.
    request = (
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()
    protocol.get_buffer(len(request))[: len(request)] = request
    protocol.buffer_updated(len(request))
    if protocol.listener is not listener or protocol.transport.response.status != 101:
        raise ConnectionError("picows did not open the socket")
    transport.resume_reading()


class _Lingering:
    """A transport whose peer gets to read the Close frame even while it still sends (RFC 6455, 7.1.1).

    A connection that is closed with something unread in it is reset, and what the peer has not read yet is lost.  So
    `close` ends only our direction of TCP; what comes is dropped until the peer ends its own, or sent too much, or time
    is up.  TLS has no such half, and a peer that waits for its end would wait for all of that time: there it is closed.
    """

    __slots__ = ("beneath",)

    def __init__(self, beneath: asyncio.Transport) -> None:
        self.beneath = beneath

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)

    def close(self) -> None:
        """Send what is under way, and close."""
        protocol: Any = self.beneath.get_protocol()
        if self.beneath.is_closing() or isinstance(protocol, _Drain):
            return
        closing = protocol.transport.close_handshake
        # A peer that has said Close itself sends nothing more.
        if (closing is not None and closing.recv is not None) or not self.beneath.can_write_eof():
            self.beneath.close()
            return
        self.beneath.pause_reading()
        self.beneath.set_protocol(_Drain(self.beneath, protocol))
        self.beneath.resume_reading()
        self.beneath.write_eof()


class _Drain(asyncio.BufferedProtocol):
    """Drops what a peer sends that was told to go, for as long as it may; then the connection is lost."""

    def __init__(self, transport: asyncio.Transport, protocol: Any) -> None:
        self._transport = transport
        self._left_bytes = MOST_DROPPED_BYTES
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, transport.abort)
        self._protocol = protocol

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where what comes next is read into."""
        return _NOWHERE

    def buffer_updated(self, nbytes: int) -> None:
        """Something came."""
        self._left_bytes -= nbytes
        if self._left_bytes < 0:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The peer does not keep up."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._timer.cancel()
        self._protocol.connection_lost(exc)
