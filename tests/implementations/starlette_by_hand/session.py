"""One conversation on one dialled socket: reads, sends when the conversation says so, and ends in time."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time

from starlette.websockets import WebSocket, WebSocketDisconnect

from .conversation import Conversation
from .lines import Line, line_for
from .store import Call

CROWDED_OUTBOX = 500
CLOSE_PATIENCE = 2.0
NEVER_UPGRADED = 1006


class NotUpgraded(Exception):
    """The client went away before the upgrade reached it."""


class Session:
    """Holds one call from its dial to its end."""

    def __init__(self, socket: WebSocket, call: Call, time_scale: float) -> None:
        self._socket = socket
        self._line: Line = line_for(call.settings.connection_type, call.settings.socket, call.id)
        self._woken = asyncio.Event()
        self._drained = asyncio.Event()
        self._conversation = Conversation(call.settings, self._line, time_scale, time.monotonic, self._woken.set)
        self._seconds = call.settings.max_duration / time_scale

    async def run(self) -> None:
        """Accept the dial and hold the call; both tasks are gone when this returns, however it ends."""
        deadline = time.monotonic() + self._seconds
        try:
            await self._socket.accept()
        except OSError:
            raise NotUpgraded from None
        opening = self._line.opening()
        if opening is not None:
            self._conversation.outbox.append(opening)
        if self._line.begins_at_once:
            self._conversation.begin()
        reader = asyncio.create_task(self._read())
        talker = asyncio.create_task(self._talk())
        try:
            left = deadline - time.monotonic()
            await asyncio.wait((reader, talker), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, talker):
                task.cancel()
            await asyncio.gather(reader, talker, return_exceptions=True)
        if not reader.cancelled() and reader.exception() is None:
            if reader.result() == NEVER_UPGRADED:
                raise NotUpgraded
            return  # The other side has closed.
        await self._hang_up()
        for task in (reader, talker):
            if not task.cancelled():
                task.result()

    async def _read(self) -> int:
        """Hand on what comes, until the other side closes: its close code."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005)
            if len(self._conversation.outbox) > CROWDED_OUTBOX:
                self._drained.clear()
                self._woken.set()
                await self._drained.wait()
            text, data = message.get("text"), message.get("bytes")
            if text is not None:
                self._line.receive_text(text, self._conversation)
            elif data is not None:
                self._line.receive_bytes(data, self._conversation)

    async def _talk(self) -> None:
        """Send what is due when it is due, until the conversation ends."""
        conversation = self._conversation
        while True:
            self._woken.clear()
            conversation.advance()
            while conversation.outbox:
                await self._send(conversation.outbox.popleft())
            self._drained.set()
            if conversation.ended:
                return
            wait = conversation.due_at() - time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), None if math.isinf(wait) else max(0.001, wait))

    async def _send(self, message: str | bytes) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # The reader learns of it as well.
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)

    async def _hang_up(self) -> None:
        """Say so where the protocol can, then close; a client that has stopped reading is not waited for."""
        farewell = self._line.note({"type": "hangup"})
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_PATIENCE):
                if farewell is not None:
                    await self._socket.send_text(farewell)
                await self._socket.close(1000)
