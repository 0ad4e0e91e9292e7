"""`connectionType: webrtc`: the socket offers a LiveKit room and the key to it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import jwt

from contract.errors import PeerError
from contract.events import Event, HangUp, RoomOffered, Started
from mockserver.ending import Ending

TOKEN_LIFE_S = 6 * 3600
"""How long a join token is good for, in seconds: LiveKit's own default."""

NOT_CONFIGURED = Ending(
    1011, "webrtc needs a LiveKit server: give the mock --livekit-url, --livekit-key, --livekit-secret"
)


@dataclass(frozen=True, slots=True)
class LiveKit:
    """A LiveKit server and the key pair that its tokens are signed with."""

    url: str
    key: str
    secret: str

    def access_token(self, *, room: str, identity: str, now_s: float) -> str:
        """A LiveKit access token that lets one participant join one room; `now_s` is in Unix seconds.

        Source: docs.livekit.io, "Tokens & grants".
        """
        grants = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True}
        claims = {
            "iss": self.key,
            "sub": identity,
            "nbf": int(now_s),
            "exp": int(now_s) + TOKEN_LIFE_S,
            "video": grants,
        }
        with warnings.catch_warnings():
            # LiveKit's own development server has a secret of six letters.
            warnings.simplefilter("ignore")
            return jwt.encode(claims, self.secret, algorithm="HS256")


class RoomOffer:
    """Answers the control socket of one webrtc call.

    Args:
        livekit: where the room is; None if no server was configured, which the close reason then says.
        room: the room's name.
        now_s: the moment of the dial in Unix seconds, for the token.
        deadline: when the call has to end, in seconds of the clock that the methods are given.
    """

    def __init__(self, livekit: LiveKit | None, *, room: str, now_s: float, deadline: float) -> None:
        self.ending: Ending | None = None
        self.on_unsaid: Callable[[Event], None] | None = None
        self._livekit = livekit
        self._room = room
        self._now_s = now_s
        self._deadline = deadline

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The room, at once."""
        if self._livekit is None:
            self.ending = NOT_CONFIGURED
            return []
        token = self._livekit.access_token(room=self._room, identity="caller", now_s=self._now_s)
        return [RoomOffered(room_url=self._livekit.url, token=token)]

    def hear(self, event: Event, now: float) -> list[Event]:
        """Nothing to say: the conversation takes place in the room."""
        if isinstance(event, HangUp):
            self.ending = Ending(1000, "the caller hung up")
        return []

    def object(self, error: PeerError) -> list[Event]:
        """Nothing to say: the log has it."""
        return []

    def tick(self, now: float) -> list[Event]:
        """The end of the call, when it is due."""
        if self.ending is None and now >= self._deadline:
            self.ending = Ending(1000, "maxDuration is over")
        return []

    def speak(self, text: str, now: float) -> list[Event]:
        """Nothing to say: what is said is said in the room."""
        return []

    def audio_formats(self) -> None:
        """No audio here."""
