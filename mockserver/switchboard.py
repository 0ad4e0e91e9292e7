"""The calls that a `websocketUrl` opens: which dials are answered, and what is in progress.  Opens no socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mockserver.ending import Ending
from mockserver.session import Party, Session, StreamEnd
from mockserver.store import Call, CallStore
from mockserver.ticker import Ticker
from mockserver.webrtc.refusals import TooManyRooms


class DialMishap(Exception):
    """A dial that is to go wrong; the text says how: `unavailable`, `unanswered` or `reset`."""


class Switchboard:
    """Answers the URLs that the mock handed out, and knows the calls in progress.

    Args:
        store: where the calls are.
        ticker: the process's pacer.
        answer: makes the stream and the party of a call that was dialled at this moment of `clock`.
        now: the time that the store counts in.
        clock: the event loop's clock, in seconds.
        most_calls: how many calls may be in progress; 0 for any number.
        most_webrtc_calls: how many of them may be webrtc, which cost much more; 0 for any number.
        new_session: makes the session of a dialled call.
        over: told of each call that was answered and is over, or was not dialled after all.
    """

    def __init__(
        self,
        store: CallStore,
        ticker: Ticker,
        answer: Callable[[Call, float], tuple[StreamEnd, Party]],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        most_calls: int = 0,
        most_webrtc_calls: int = 0,
        new_session: Callable[..., Session] = Session,
        over: Callable[[Call], None] = lambda call: None,
    ) -> None:
        self._store = store
        self._ticker = ticker
        self._answer = answer
        self._now = now
        self._clock = clock
        self._most_calls = most_calls
        self._most_webrtc_calls = most_webrtc_calls
        self._new_session = new_session
        self._over = over
        self._sessions: set[Session] = set()
        self._closing = False

    def __len__(self) -> int:
        """How many calls are in progress."""
        return len(self._sessions)

    @property
    def full(self) -> bool:
        """Whether one more call would be one too many; the calls in progress are not to suffer from it."""
        return 0 < self._most_calls <= len(self._sessions)

    @property
    def _webrtc_full(self) -> bool:
        running = sum(session.call.settings.connection_type == "webrtc" for session in self._sessions)
        return 0 < self._most_webrtc_calls <= running

    def dial(self, token: str, open_line: Callable[[Session], None]) -> bool:
        """Serve one dial; False, with nothing done, if the token opens nothing: it is unknown, used, or late.

        Raises DialMishap where the call was created to go wrong here, and TooManyRooms.

        `open_line` completes the handshake, and has the session told what happens on the line from then on.  What it
        raises is raised here, and the token can be dialled again.
        """
        call = None if self._closing else self._store.take(token, self._now())
        if call is None:
            return False
        if call.mishap.dial != "opens":
            self._store.restore(token)
            raise DialMishap(call.mishap.dial)
        if call.settings.connection_type == "webrtc" and self._webrtc_full:
            self._store.restore(token)
            raise TooManyRooms("as many webrtc calls are in progress as there may be")
        session = None
        try:
            stream, party = self._answer(call, self._clock())
            session = self._new_session(call, stream, party, self._clock, self._ticker, self._lost)
            self._sessions.add(session)
            open_line(session)
        except Exception:
            # Only a completed upgrade uses the token up.
            self._sessions.discard(session)
            self._store.restore(token)
            self._over(call)
            raise
        return True

    def session_of(self, call_id: str) -> Session | None:
        """A call in progress."""
        return next((session for session in self._sessions if session.call.id == call_id), None)

    def hang_up_all(self, ending: Ending) -> None:
        """Close every call in progress."""
        for session in list(self._sessions):
            session.close(ending)

    def close_all(self) -> None:
        """The server is going down: tell every caller, and refuse new ones."""
        self._closing = True
        self.hang_up_all(Ending(1001, "the mock server is shutting down"))

    def drop_all(self) -> None:
        """Cut the lines that are left."""
        for session in list(self._sessions):
            session.drop()

    def _lost(self, session: Session) -> None:
        self._sessions.discard(session)
        self._store.finish(session.call.id)
        self._over(session.call)
