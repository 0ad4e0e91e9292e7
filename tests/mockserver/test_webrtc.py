from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from contract.events import HangUp, RoomOffered
from mockserver.webrtc import TOKEN_LIFE_S, LiveKit, RoomOffer
from tests.running import RunningMock, running_mock

SECRET = "not-a-secret-but-long-enough-for-one"
LIVEKIT = LiveKit("wss://livekit.example", "devkey", SECRET)


def offer(livekit: LiveKit | None = LIVEKIT) -> RoomOffer:
    return RoomOffer(livekit, room="call-1", now_s=1_800_000_000.0, deadline=60.0)


def test_the_room_and_a_token_for_it_are_offered_at_once() -> None:
    (offered,) = offer().begin(0.0)
    assert isinstance(offered, RoomOffered)
    assert offered.room_url == "wss://livekit.example"
    claims = jwt.decode(offered.token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
    assert claims["iss"] == "devkey"
    assert claims["sub"] == "caller"
    assert claims["exp"] == 1_800_000_000 + TOKEN_LIFE_S
    assert claims["video"] == {
        "roomJoin": True,
        "room": "call-1",
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }


def test_livekits_short_development_secret_will_do() -> None:
    assert LiveKit("ws://127.0.0.1:7880", "devkey", "secret").access_token(room="r", identity="caller", now_s=0.0)


def test_the_call_ends_when_its_duration_is_over() -> None:
    room = offer()
    room.begin(0.0)
    room.tick(59.9)
    assert room.ending is None
    room.tick(60.0)
    assert room.ending is not None
    assert room.ending.code == 1000


def test_the_callers_hang_up_ends_the_call() -> None:
    room = offer()
    room.hear(HangUp(), 1.0)
    assert room.ending is not None


def test_a_dialled_webrtc_url_offers_a_room() -> None:
    with running_mock(livekit_url="wss://livekit.example", livekit_key="devkey", livekit_secret=SECRET) as mock:
        with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as socket:
            offered = json.loads(socket.recv(timeout=5))
    claims = jwt.decode(offered["token"], SECRET, algorithms=["HS256"])
    assert set(offered) == {"roomUrl", "token"}
    assert claims["exp"] > time.time()


def test_the_time_scale_shortens_a_webrtc_call() -> None:
    livekit: dict[str, Any] = {
        "livekit_url": "wss://livekit.example",
        "livekit_key": "devkey",
        "livekit_secret": SECRET,
    }
    with running_mock(time_scale=1000, **livekit) as mock:
        with connect(mock.create_inline(connectionType="webrtc", maxDuration=60)["websocketUrl"]) as socket:
            socket.recv(timeout=5)
            with pytest.raises(ConnectionClosed, match="maxDuration is over"):
                socket.recv(timeout=5)


def test_without_a_livekit_server_the_close_says_what_to_configure(mock: RunningMock) -> None:
    with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as socket:
        with pytest.raises(ConnectionClosed, match="--livekit-url, --livekit-key, --livekit-secret") as closed:
            socket.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
