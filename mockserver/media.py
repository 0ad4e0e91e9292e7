"""The socket that a `websocketUrl` opens: WebSocket messages ⇄ stream ⇄ conversation."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Protocol

from starlette.types import Message
from starlette.websockets import WebSocket

from contract.codec import Wire
from contract.errors import PeerError, UsageError
from contract.events import Event, Started
from contract.stream import Phase, Stream
from mockserver.conversation import Ending
from mockserver.store import Call, CallStore
from mockserver.ticker import Ticker

MOST_UNSENT_BYTES = 4 * 1024 * 1024
"""How much may wait for a peer that reads too slowly before the call is dropped; a minute of the widest audio."""

MOST_FAULTS_LOGGED = 20
"""How many of one call's faults are logged; a flood of them must not fill a disk."""

CLOSE_WITHIN_S = 2.0
"""How long the other end may take to answer a close, in seconds, before the connection is dropped."""

LONGEST_REASON_BYTES = 123
"""What a WebSocket close frame can hold (RFC 6455, 5.5)."""

logger = logging.getLogger("calls")


class Party(Protocol):
    """What answers a dialled URL: a conversation, or the offer of a room."""

    ending: Ending | None

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs."""

    def hear(self, event: Event, now: float) -> list[Event]:
        """The other end said this."""

    def object(self, error: PeerError) -> list[Event]:
        """The other end said what it must not."""

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""


class Session:
    """One dialled call: takes what the socket brings, queues what is to be sent.

    Args:
        call: the call.
        stream: its stream, our end of it.
        party: what answers.
        clock: the event loop's clock, in seconds.
        drop_in: has the connection dropped in so many seconds, should it still be there.
    """

    def __init__(
        self, call: Call, stream: Stream, party: Party, clock: Callable[[], float], drop_in: Callable[[float], None]
    ) -> None:
        self._call = call
        self._stream = stream
        self._party = party
        self._clock = clock
        self._drop_in = drop_in
        self._unsent: deque[Wire] = deque()
        self._unsent_bytes = 0
        self._wanted = asyncio.Event()
        self._ending: Ending | None = None
        self._faults = 0
        self._misspoken = False
        self._heard = 0
        self._said = 0
        self._opened_at = clock()

    def open(self) -> None:
        """The socket is open."""
        if self._stream.phase is Phase.RUNNING:
            self._send(self._party.begin(self._clock()))
        logger.info("call %s: dialled as %s", self._call.id, self._call.settings.connection_type)

    def receive(self, wire: Wire) -> None:
        """The socket brought a message."""
        if self._ending is not None:
            return
        self._heard += 1
        try:
            event = self._understood(wire)
            if event is not None:
                self._react(event, self._clock())
        except Exception:
            self._fail()

    def tick(self, now: float) -> None:
        """Twenty milliseconds have passed."""
        if self._ending is not None:
            return
        try:
            self._send(self._party.tick(now))
        except Exception:
            self._fail()

    def close(self, ending: Ending) -> None:
        """End the call from our side, once what is queued has been sent."""
        if self._ending is None:
            self._ending = ending
            self._wanted.set()
            self._drop_in(CLOSE_WITHIN_S)

    async def write(self, websocket: WebSocket) -> None:
        """Send what is queued, as it comes, until our end closes the socket."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._unsent:
                wire = self._unsent.popleft()
                self._unsent_bytes -= len(wire)
                await (websocket.send_text(wire) if isinstance(wire, str) else websocket.send_bytes(wire))
            if self._ending is not None:
                await websocket.close(self._ending.code, _short(self._ending.reason))
                return

    def log_end(self, peer_said: str) -> None:
        """One line about the whole call."""
        ending = self._ending
        logger.info(
            "call %s: ended after %.1f s, %s; %d messages in, %d out, %d not allowed by the contract",
            self._call.id,
            self._clock() - self._opened_at,
            f"closed by the mock: {ending.reason}" if ending else peer_said,
            self._heard,
            self._said,
            self._faults,
        )

    def _understood(self, wire: Wire) -> Event | None:
        """What a message means; None for one that means nothing, or means something out of place."""
        try:
            return self._stream.receive(wire)
        except PeerError as error:
            self._object(error)
            meant = error.event
        if meant is None:
            return None
        # The mock has said what is wrong, and goes on with what was meant, as real agents do.
        try:
            self._stream.accept(meant)
        except PeerError as error:
            self._object(error)
            return None
        return meant

    def _react(self, event: Event, now: float) -> None:
        try:
            self._send(self._party.begin(now, event) if isinstance(event, Started) else self._party.hear(event, now))
        except PeerError as error:
            self._object(error)

    def _fail(self) -> None:
        """A fault of ours ends this call, with a close that says so, and no other."""
        logger.exception("call %s: the mock failed", self._call.id)
        self.close(Ending(1011, "the mock failed; its log says more"))

    def _object(self, error: PeerError) -> None:
        self._faults += 1
        if self._faults <= MOST_FAULTS_LOGGED:
            went_on = "; understood all the same" if error.event is not None else ""
            # As text: a log record that is kept must not keep the call alive.
            logger.warning("call %s: not allowed by the contract: %s%s", self._call.id, str(error), went_on)
        if self._stream.phase is Phase.RUNNING:
            self._send(self._party.object(error))

    def _send(self, events: list[Event]) -> None:
        for event in events:
            try:
                wire = self._stream.send(event)
            except UsageError as error:
                if not self._misspoken:
                    logger.error("call %s: the mock left out what its contract forbids: %s", self._call.id, str(error))
                self._misspoken = True
                continue
            self._unsent.append(wire)
            self._unsent_bytes += len(wire)
            self._said += 1
        if self._party.ending is not None:
            self.close(self._party.ending)
        elif self._unsent_bytes > MOST_UNSENT_BYTES:
            self._unsent.clear()
            self._unsent_bytes = 0
            self.close(Ending(1008, "this end reads too slowly"))
        if self._unsent:
            self._wanted.set()


class Switchboard:
    """Answers the URLs that the mock handed out, and knows the calls in progress.

    Args:
        store: where the calls are.
        ticker: the process's pacer.
        answer: makes the stream and the party of a call that was dialled at this moment of `clock`.
        now: the time that the store counts in.
        clock: the event loop's clock, in seconds.
    """

    def __init__(
        self,
        store: CallStore,
        ticker: Ticker,
        answer: Callable[[Call, float], tuple[Stream, Party]],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._ticker = ticker
        self._answer = answer
        self._now = now
        self._clock = clock
        self._sessions: set[Session] = set()
        self._closing = False

    def __len__(self) -> int:
        """How many calls are in progress."""
        return len(self._sessions)

    async def dial(self, websocket: WebSocket, token: str) -> bool:
        """Serve one dial of one URL, from the handshake to the close.

        False, with nothing answered yet, if the token opens nothing: it is unknown, used, or late.
        """
        call = None if self._closing else self._store.take(token, self._now())
        if call is None:
            return False
        try:
            stream, party = self._answer(call, self._clock())
            await websocket.accept()
        except Exception:
            # Only a completed upgrade uses the token up.
            self._store.restore(token)
            raise
        # The other end does not read, so the close could not even be sent: the connection is dropped instead.
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as patience:
                session = Session(call, stream, party, self._clock, partial(_reschedule, patience))
                await self._serve(websocket, session, call)
        return True

    def close_all(self) -> None:
        """The server is going down: tell every caller, and refuse new ones."""
        self._closing = True
        for session in self._sessions:
            session.close(Ending(1001, "the mock server is shutting down"))

    async def _serve(self, websocket: WebSocket, session: Session, call: Call) -> None:
        peer_said = "the connection was lost"
        writer = asyncio.create_task(session.write(websocket))
        self._sessions.add(session)
        self._ticker.add(session)
        try:
            session.open()
            while (message := await websocket.receive())["type"] == "websocket.receive":
                session.receive(_wire(message))
            peer_said = f"closed by the caller ({message.get('code')})"
        finally:
            self._ticker.discard(session)
            self._sessions.discard(session)
            self._store.finish(call.id)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            session.log_end(peer_said)


def _reschedule(patience: asyncio.Timeout, seconds: float) -> None:
    patience.reschedule(asyncio.get_running_loop().time() + seconds)


def _wire(message: Message) -> Wire:
    text: str | None = message.get("text")
    return message["bytes"] if text is None else text


def _short(reason: str) -> str:
    return reason.encode()[:LONGEST_REASON_BYTES].decode(errors="ignore")
