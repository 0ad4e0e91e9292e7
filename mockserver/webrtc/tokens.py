"""LiveKit access tokens: the keys to rooms, minted and read.  Source: docs.livekit.io, "Tokens & grants"."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import jwt

from mockserver.webrtc.refusals import TokenRefused

TOKEN_LIFE_S = 6 * 3600
"""How long a join token is good for, in seconds: LiveKit's own default."""

CLOCKS_DIFFER_S = 60
"""How far the clocks of who minted a token and who reads it may lie apart, in seconds: LiveKit's own verifier's."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What a token allows.

    Attributes:
        room: the room's name.
        identity: who joins.
        may_publish, may_subscribe, may_send: whether to be heard, to hear, to send data.
    """

    room: str
    identity: str
    may_publish: bool = True
    may_subscribe: bool = True
    may_send: bool = True


@dataclass(frozen=True, slots=True)
class LiveKit:
    """A LiveKit server and the key pair that its tokens are signed with."""

    url: str
    key: str
    secret: str

    def __repr__(self) -> str:
        """The server without its keys."""
        return f"LiveKit({self.url!r})"

    def access_token(self, *, room: str, identity: str, now_s: float, is_agent: bool = False) -> str:
        """A token that lets one participant join one room; `now_s` is in Unix seconds."""
        grants = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True}
        claims: dict[str, Any] = {
            "iss": self.key,
            "sub": identity,
            "nbf": int(now_s),
            "exp": int(now_s) + TOKEN_LIFE_S,
            "video": grants,
        }
        if is_agent:
            claims["kind"] = "agent"
        with warnings.catch_warnings():
            # LiveKit's own development server has a secret of six letters.
            warnings.simplefilter("ignore")
            return jwt.encode(claims, self.secret, algorithm="HS256")

    def admission(self, token: str) -> Admission:
        """What a token allows now.  Raises TokenRefused for one that lets nobody join."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                claims = jwt.decode(
                    token,
                    self.secret,
                    algorithms=["HS256"],
                    issuer=self.key,
                    leeway=CLOCKS_DIFFER_S,
                    options={"require": ["exp", "iss", "sub"], "verify_aud": False},
                )
        except jwt.PyJWTError as error:
            raise TokenRefused(_reason(error)) from None
        video = claims.get("video")
        if not isinstance(video, dict) or video.get("roomJoin") is not True:
            raise TokenRefused("the token has no grant to join a room (video.roomJoin)")
        room = video.get("room")
        if not isinstance(room, str) or not room:
            raise TokenRefused("the token names no room (video.room)")
        # What a token says nothing of is allowed.
        may = (video.get(grant) is not False for grant in ("canPublish", "canSubscribe", "canPublishData"))
        return Admission(room, str(claims["sub"]), *may)


def _reason(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "the token has expired"
        case jwt.ImmatureSignatureError():
            return "the token is not good yet (nbf)"
        case jwt.InvalidSignatureError():
            return "the token was signed with another secret"
        case jwt.InvalidIssuerError():
            return "the token was made with another API key (iss)"
        case jwt.MissingRequiredClaimError(claim=claim):
            return f"the token lacks {claim}"
        case jwt.InvalidAlgorithmError():
            return "the token is not signed with HS256"
    return "no token, or one that cannot be read"
