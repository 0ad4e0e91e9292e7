"""The rooms of a mock: which call has which, and who may join it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs
from weakref import WeakSet

from contract.events import RoomOffered
from mockserver.session import Session
from mockserver.webrtc.line import Listener, RoomLine, Venue
from mockserver.webrtc.offering import NoRoom
from mockserver.webrtc.refusals import RoomGone, TokenRefused
from mockserver.webrtc.tokens import Admission, LiveKit

if TYPE_CHECKING:
    from mockserver.webrtc.participant import Participant
    from mockserver.websocket import Receiver

CALLER, AGENT = "caller", "agent"
"""Who meets in a room."""

NEEDED_FOR_ROOMS, NEEDED_FOR_VISITS = ("aiortc", "livekit.protocol"), ("livekit.rtc",)
"""What the extras `webrtc` and `livekit` bring."""

NOT_INSTALLED = 'webrtc needs pip install "calls-contract[webrtc]", or --livekit-url, --livekit-key, --livekit-secret'

NO_VISITS = 'no agent joins the LiveKit server\'s room: that needs pip install "calls-contract[livekit]"'

logger = logging.getLogger("calls")


def room_of(call_id: str) -> str:
    """The name of a call's room."""
    return f"call-{call_id}"


class Rooms(Protocol):
    """Where the callers of webrtc calls meet the agent."""

    def offer(self, call_id: str) -> RoomOffered | None:
        """The room of a call that was dialled; None as long as it is not ready.  Raises NoRoom."""

    def receiver_of(self, session: Session) -> Receiver:
        """What is to be told of what comes on a dialled call's socket: of a webrtc call, its room too."""

    def join(self, query: bytes, authorization: bytes) -> Receiver | None:
        """What is to be told of what comes on the socket of a caller who joins; None where rooms are elsewhere.

        Raises RoomRefused.
        """

    def validate(self, query: bytes, authorization: bytes) -> bool:
        """Whether a caller would be let in; False where rooms are elsewhere.  Raises what `join` raises."""

    async def closed(self) -> None:
        """Wait until nothing is left of rooms whose calls are over."""


class OwnRooms:
    """Rooms in this process, one for each call, that speak LiveKit's protocol.

    Args:
        url: where the mock is reached, http or https.
        hosts: the addresses and names at which this machine is sent media.
        now: the time of day in UTC.
    """

    def __init__(self, url: str, hosts: Sequence[str], now: Callable[[], datetime]) -> None:
        self._livekit = LiveKit("ws" + url.removeprefix("http"), "calls-mock", secrets.token_urlsafe(32))
        self._hosts = tuple(hosts)
        self._now = now
        self._lines: dict[str, RoomLine] = {}
        self._venues: WeakSet[Venue] = WeakSet()
        self._loading: threading.Thread | None = None
        self._loaded: Callable[..., Participant] | None = None

    def offer(self, call_id: str) -> RoomOffered | None:
        """The room of a call that was dialled; None as long as it is not ready.  Raises NoRoom."""
        if self._loaded is None:
            self._load()
            return None
        room = room_of(call_id)
        token = self._livekit.access_token(room=room, identity=CALLER, now_s=self._now().timestamp())
        return RoomOffered(room_url=self._livekit.url, token=token)

    def receiver_of(self, session: Session) -> Receiver:
        """What is to be told of what comes on a dialled call's socket: of a webrtc call, its room too."""
        if session.call.settings.connection_type != "webrtc":
            return session
        room = room_of(session.call.id)

        def enter(listener: Listener) -> None:
            self._lines[room] = line

        line = RoomLine(session, enter, on_lost=lambda: self._lines.pop(room, None))
        return line

    def join(self, query: bytes, authorization: bytes) -> Receiver | None:
        """The caller who joins.  Raises RoomRefused."""
        line, admission = self._line_of(query, authorization)
        new_participant = self._loaded
        if new_participant is None:
            raise TokenRefused("the room was not offered yet")
        participant = new_participant(admission, line, hosts=self._hosts)
        line.venue = participant
        self._venues.add(participant)
        return participant

    def validate(self, query: bytes, authorization: bytes) -> bool:
        """Whether a caller would be let in.  Raises what `join` raises."""
        self._line_of(query, authorization)
        return True

    async def closed(self) -> None:
        """Wait until nothing is left of rooms whose calls are over."""
        await _closed(self._venues)

    def _line_of(self, query: bytes, authorization: bytes) -> tuple[RoomLine, Admission]:
        admission = self._livekit.admission(token_of(query, authorization))
        line = self._lines.get(admission.room)
        if line is None:
            raise RoomGone("the room is gone: its call is over, or was never dialled")
        if line.venue is not None:
            raise TokenRefused("the token was used: a room of the mock's has one caller, who joins once")
        return line, admission

    def _load(self) -> None:
        """Begin to load what rooms are made of: it takes a second, in which other calls are to go on."""
        if self._loading is None:
            if not are_installed(NEEDED_FOR_ROOMS):
                raise NoRoom(NOT_INSTALLED)
            self._loading = threading.Thread(target=self._import, name="webrtc", daemon=True)
            self._loading.start()
        elif not self._loading.is_alive() and self._loaded is None:
            raise NoRoom("webrtc cannot be had here; the log says why")

    def _import(self) -> None:
        try:
            self._loaded = importlib.import_module("mockserver.webrtc.participant").Participant
        except Exception:
            logger.exception("the libraries for webrtc cannot be loaded")


class LiveKitRooms:
    """Rooms on a LiveKit server, which the agent joins like anybody else.

    Args:
        livekit: the server, and the key pair that it knows.
        now: the time of day in UTC.
    """

    def __init__(self, livekit: LiveKit, now: Callable[[], datetime]) -> None:
        self._livekit = livekit
        self._now = now
        self._venues: WeakSet[Venue] = WeakSet()

    def offer(self, call_id: str) -> RoomOffered | None:
        """The room of a call that was dialled."""
        return RoomOffered(room_url=self._livekit.url, token=self._token(call_id, CALLER))

    def receiver_of(self, session: Session) -> Receiver:
        """What is to be told of what comes on a dialled call's socket: of a webrtc call, its room too."""
        if session.call.settings.connection_type != "webrtc":
            return session
        if not are_installed(NEEDED_FOR_VISITS):
            logger.warning(NO_VISITS)
            return RoomLine(session)
        # A native library, half a second to load: who has no such call is not to wait for it.
        from mockserver.webrtc.visitor import Visitor

        token = self._token(session.call.id, AGENT)

        def enter(listener: Listener) -> Venue:
            visitor = Visitor(self._livekit.url, token, listener)
            self._venues.add(visitor)
            return visitor

        return RoomLine(session, enter)

    def join(self, query: bytes, authorization: bytes) -> Receiver | None:
        """Nobody joins here."""
        return None

    def validate(self, query: bytes, authorization: bytes) -> bool:
        """Nobody is asked here."""
        return False

    async def closed(self) -> None:
        """Wait until the agent has left rooms whose calls are over."""
        await _closed(self._venues)

    def _token(self, call_id: str, identity: str) -> str:
        now_s, is_agent = self._now().timestamp(), identity == AGENT
        return self._livekit.access_token(room=room_of(call_id), identity=identity, now_s=now_s, is_agent=is_agent)


async def _closed(venues: Iterable[Venue]) -> None:
    await asyncio.gather(*(venue.closed() for venue in list(venues)))


def are_installed(names: Sequence[str]) -> bool:
    """Whether all of these modules can be loaded."""
    try:
        return all(map(importlib.util.find_spec, names))
    except ModuleNotFoundError:
        return False


def rooms_of(url: str, hosts: Sequence[str], now: Callable[[], datetime], livekit: LiveKit | None = None) -> Rooms:
    """Where the webrtc calls of a mock take place: on a LiveKit server, or in the mock that is reached at this URL."""
    return OwnRooms(url, hosts, now) if livekit is None else LiveKitRooms(livekit, now)


def token_of(query: bytes, authorization: bytes) -> str:
    """The access token of a request: browsers send it in the query, other clients in a header; empty for none."""
    given = parse_qs(query.decode("latin-1")).get("access_token", [""])[0]
    return given or authorization.decode("latin-1").removeprefix("Bearer ").strip()
