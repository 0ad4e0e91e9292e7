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
    protocol.connection_made(transport)
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
