"""uvicorn's WebSocket connections, where they hold on to a peer that is gone; only this module knows their insides."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

LET_GO_WITHIN_S = 2.0
"""How long after the end of its call a peer may take to read what is still under way to it, in seconds."""


class Connection(WebSocketsSansIOProtocol):
    """uvicorn's end of a WebSocket, which also lets go of the peers that uvicorn holds on to."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a handshake too large to be read is answered (431, 414) and hung up on."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def keepalive_timeout(self) -> None:
        """The peer does not answer a ping: it is gone, and will not read what is still under way to it."""
        super().keepalive_timeout()
        self.loop.call_later(LET_GO_WITHIN_S, self.transport.abort)

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The call is over; who does not read is not waited for, as a mere close of the connection would do."""
        super().on_task_complete(task)
        self.loop.call_later(LET_GO_WITHIN_S, self.transport.abort)
