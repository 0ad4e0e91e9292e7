"""One call in progress: messages of a line ⇄ stream ⇄ conversation.  Opens no socket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from contract.codec import Wire
from contract.errors import PeerError, UsageError
from contract.events import Event, Started
from contract.stream import Phase
from mockserver.ending import Ending
from mockserver.redaction import beginning
from mockserver.store import Call
from mockserver.ticker import Ticker

if TYPE_CHECKING:
    from contract.audio import AudioFormat

MOST_UNSENT_BYTES = 4 * 1024 * 1024
"""How much may wait for a peer that reads too slowly before the call is dropped; a minute of the widest audio."""

MOST_FAULTS_LOGGED = 20
"""How many of one call's faults are logged; a flood of them must not fill a disk."""

LONGEST_FAULT = 500
"""How much is told of one, in characters."""

logger = logging.getLogger("calls")


class Line(Protocol):
    """What a call is spoken into: one WebSocket."""

    @property
    def unsent_bytes(self) -> int:
        """How much waits for the other end to read; may be 0 as long as that is little."""

    def send(self, wire: Wire) -> None:
        """Send a message, if the line is still open."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close; messages that were sent go out before it."""

    def drop(self) -> None:
        """Cut the line, whatever is still under way."""

    def freeze(self) -> None:
        """Read and send no more, and leave the line as it is; it is cut after a while."""

    def notice_end(self) -> None:
        """Look whether the line is about to end, for lines that nobody tells."""


class StreamEnd(Protocol):
    """Our end of a stream, as `contract.stream.Stream` is."""

    @property
    def phase(self) -> Phase:
        """How far the stream has come."""

    def receive(self, wire: Wire) -> Event:
        """The event that a message stands for.  Raises PeerError."""

    def accept(self, event: Event) -> None:
        """Let an event take effect that a message means which is not allowed.  Raises PeerError."""

    def send(self, event: Event) -> Wire:
        """The message for an event of ours.  Raises UsageError."""


class Party(Protocol):
    """What answers a dialled URL: a conversation, or the offer of a room.

    Attributes:
        on_unsaid: told of what it would say if its connection type had a message for it.
    """

    on_unsaid: Callable[[Event], None] | None

    @property
    def ending(self) -> Ending | None:
        """How the call is to be closed, once it is over; None while it goes on."""

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs."""

    def hear(self, event: Event, now: float) -> list[Event]:
        """The other end said this."""

    def object(self, error: PeerError) -> list[Event]:
        """The other end said what it must not."""

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""

    def speak(self, text: str, now: float) -> list[Event]:
        """Say this, after what is being said."""

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        """How the caller's audio comes in and the agent's goes out; None before the stream runs, and for no audio."""


class Session:
    """One dialled call: takes what the line brings, sends what the party says.

    Args:
        call: the call.
        stream: its stream, our end of it.
        party: what answers.
        clock: the event loop's clock, in seconds.
        ticker: the process's pacer.
        on_lost: told when the line is gone.
    """

    __slots__ = (
        "_call",
        "_clock",
        "_ending",
        "_faults",
        "_heard",
        "_line",
        "_misspoken",
        "_on_lost",
        "_opened_at",
        "_party",
        "_said",
        "_stream",
        "_ticker",
    )

    def __init__(
        self,
        call: Call,
        stream: StreamEnd,
        party: Party,
        clock: Callable[[], float],
        ticker: Ticker,
        on_lost: Callable[[Session], None],
    ) -> None:
        self._call = call
        self._stream = stream
        self._party = party
        self._clock = clock
        self._ticker = ticker
        self._on_lost = on_lost
        self._line: Line | None = None
        self._ending: Ending | None = None
        self._faults = 0
        self._misspoken = False
        self._heard = 0
        self._said = 0
        self._opened_at = clock()

    @property
    def call(self) -> Call:
        """The call."""
        return self._call

    def opened(self, line: Line) -> None:
        """The line is open."""
        self._line = line
        self._ticker.add(self)
        try:
            if self._stream.phase is Phase.RUNNING:
                self._send(self._party.begin(self._clock()))
        except Exception:
            self._fail()
        logger.info("call %s: dialled as %s", self._call.id, self._call.settings.connection_type)

    def receive(self, wire: Wire) -> None:
        """The line brought a message."""
        now = self._clock()
        # Audio that is due goes out before more is read: a busy process must not fall silent while it listens.
        if now >= self._ticker.due:
            self._ticker.catch_up(now)
        if self._ending is not None:
            return
        self._heard += 1
        try:
            try:
                event: Event | None = self._stream.receive(wire)
            except PeerError as error:
                event = self._meant(error)
            if event is not None:
                self._react(event, now)
        except Exception:
            self._fail()

    def tick(self, now: float) -> None:
        """Twenty milliseconds have passed."""
        if self._ending is not None or self._line is None:
            return
        self._line.notice_end()
        try:
            self._send(self._party.tick(now))
        except Exception:
            self._fail()

    def close(self, ending: Ending) -> None:
        """End the call from our side, once what was said has been sent."""
        if self._ending is None:
            self._ending = ending
            if self._line is None:
                return
            match ending.how:
                case "close":
                    self._line.close(ending.code, ending.reason)
                case "cut":
                    self._line.drop()
                case "freeze":
                    self._line.freeze()

    @property
    def running(self) -> bool:
        """Whether both ends may speak."""
        return self._ending is None and self._line is not None and self._stream.phase is Phase.RUNNING

    @property
    def begun(self) -> bool:
        """Whether the two have met: the agent may begin late, and a room has to be joined."""
        return self._party.audio_formats() is not None

    def inject(self, event: Event) -> None:
        """React to something as if the other end had said it; it is to be asked for while the call is running."""
        try:
            self._react(event, self._clock())
        except Exception:
            self._fail()

    def speak(self, text: str) -> None:
        """Have the party say something; it is to be asked for once the call has begun."""
        try:
            self._send(self._party.speak(text, self._clock()))
        except Exception:
            self._fail()

    def drop(self) -> None:
        """Cut the line."""
        if self._line is not None:
            self._line.drop()

    def lost(self, peer_said: str) -> None:
        """The line is gone."""
        self._line = None
        self._ticker.discard(self)
        self._on_lost(self)
        self._log_end(peer_said)

    def _log_end(self, peer_said: str) -> None:
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

    def _meant(self, error: PeerError) -> Event | None:
        """What a message means that must not be; None for one that means nothing, or means something out of place."""
        self._object(error)
        if error.event is None:
            return None
        # The mock has said what is wrong, and goes on with what was meant, as real agents do.
        try:
            self._stream.accept(error.event)
        except PeerError as out_of_place:
            self._object(out_of_place)
            return None
        return error.event

    def _react(self, event: Event, now: float) -> None:
        try:
            self._send(self._party.begin(now, event) if type(event) is Started else self._party.hear(event, now))
        except PeerError as error:
            self._object(error)

    def _fail(self) -> None:
        """A fault of ours ends this call, with a close that says so, and no other."""
        logger.exception("call %s: the mock failed", self._call.id)
        self.close(Ending(1011, "the mock failed; its log says more"))

    def _object(self, error: PeerError) -> None:
        self._faults += 1
        # What the peer sent may be a secret, and is told to it and to the log.
        words = beginning(str(error), LONGEST_FAULT, key=self._call.token)
        if self._faults <= MOST_FAULTS_LOGGED:
            went_on = "; understood all the same" if error.event is not None else ""
            # As text: a log record that is kept must not keep the call alive.
            logger.warning("call %s: not allowed by the contract: %s%s", self._call.id, words, went_on)
        if self._stream.phase is Phase.RUNNING:
            self._send(self._party.object(PeerError(None, "$", words, error.event)))

    def _send(self, events: list[Event]) -> None:
        if events:
            self._say(events)
        ending = self._party.ending
        if ending is not None:
            self.close(ending)

    def _say(self, events: list[Event]) -> None:
        line = self._line
        if line is None:
            return
        for event in events:
            try:
                wire = self._stream.send(event)
            except UsageError as error:
                if not self._misspoken:
                    logger.error("call %s: the mock left out what its contract forbids: %s", self._call.id, str(error))
                self._misspoken = True
                continue
            line.send(wire)
            self._said += 1
        if line.unsent_bytes > MOST_UNSENT_BYTES:
            self.close(Ending(1008, "this end reads too slowly"))
