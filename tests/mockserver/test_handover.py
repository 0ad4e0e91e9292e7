"""picows is started in a way that it does not document: here it shows when a new picows does not have it any more."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from ssl import PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, SSLContext
from typing import cast

import pytest
import trustme
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from mockserver.handover import hand_over

KEY = base64.b64encode(bytes(range(16))).decode()
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
MASKED_HI = b"\x81\x82\0\0\0\0hi"
MASKED_KILOBYTE = b"\x82\xfe\x04\x00\0\0\0\0" + bytes(1024)


class Shouting(WSListener):
    """Sends text back, louder."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        transport.send(WSMsgType.TEXT, frame.get_payload_as_utf8_text().upper())


class Lines(asyncio.Protocol):
    """Any protocol at all, which gives its connection away with the first line that it reads."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none by inheritance.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        hand_over(self.transport, Shouting(), key=KEY, max_message_bytes=1000)


def tls_contexts() -> tuple[SSLContext, SSLContext]:
    """A server's and a client's."""
    ours, theirs, authority = SSLContext(PROTOCOL_TLS_SERVER), SSLContext(PROTOCOL_TLS_CLIENT), trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.configure_trust(theirs)
    return ours, theirs


async def answers(*said: bytes, secure: bool) -> list[bytes]:
    """What is read after each thing that is said on a connection that is handed over with the first."""
    ours, theirs = tls_contexts() if secure else (None, None)
    server = await asyncio.get_running_loop().create_server(Lines, "127.0.0.1", 0, ssl=ours)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=theirs)
        heard = []
        for data in said:
            writer.write(data)
            heard.append(await reader.read(65536))
        writer.close()
    server.close()
    return heard


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_goes_on_as_a_websocket(new_loop: Callable[[], asyncio.AbstractEventLoop], secure: bool) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        head, echo, close = runner.run(answers(b"upgrade\n", MASKED_HI, MASKED_KILOBYTE, secure=secure))
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: " + ACCEPT in head
    assert echo == b"\x81\x02HI"
    assert close[2:] and int.from_bytes(close[2:4], "big") == 1009
