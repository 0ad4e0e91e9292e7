"""webrtc calls: the offer on the control socket, who may join the room, and what clients of any quality may send it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import jwt
import pytest
from livekit import api
from livekit.protocol import rtc
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from mockserver.app import build
from mockserver.option import SettingsError
from mockserver.settings import Settings
from mockserver.webrtc import rooms
from mockserver.webrtc.refusals import TokenRefused
from mockserver.webrtc.tokens import TOKEN_LIFE_S, LiveKit
from tests.running import RunningMock, running_mock

SECRET = "not-a-secret-but-long-enough-for-one"
LIVEKIT = LiveKit("wss://livekit.example", "devkey", SECRET)
ELSEWHERE: dict[str, Any] = {
    "livekit_url": "wss://livekit.example",
    "livekit_key": "devkey",
    "livekit_secret": SECRET,
}
NOW_S = time.time()
DAY_S = 86_400
"""Far longer than it takes until a test of this file has its turn."""


def token(**changed: Any) -> str:
    """A token that opens room r, but for what is changed; None leaves a claim out."""
    video = {"roomJoin": True, "room": "r"}
    claims = {"iss": "devkey", "sub": "caller", "exp": NOW_S + DAY_S, "video": video, **changed}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, SECRET, algorithm="HS256")


# Tokens.


def test_livekits_own_verifier_takes_our_tokens() -> None:
    read = api.TokenVerifier("devkey", SECRET).verify(
        LIVEKIT.access_token(room="call-1", identity="caller", now_s=NOW_S)
    )
    assert read.identity == "caller"
    assert read.video is not None
    assert (read.video.room, read.video.room_join) == ("call-1", True)
    assert read.video.can_publish and read.video.can_subscribe and read.video.can_publish_data


def test_a_token_is_good_for_six_hours() -> None:
    claims = jwt.decode(LIVEKIT.access_token(room="r", identity="caller", now_s=NOW_S), SECRET, algorithms=["HS256"])
    assert claims["exp"] == int(NOW_S) + TOKEN_LIFE_S


def test_tokens_of_livekits_own_making_are_understood() -> None:
    grants = api.VideoGrants(room_join=True, room="r", can_publish=False)
    made = api.AccessToken("devkey", SECRET).with_identity("somebody").with_grants(grants).to_jwt()
    admission = LIVEKIT.admission(made)
    assert (admission.room, admission.identity) == ("r", "somebody")
    assert (admission.may_publish, admission.may_subscribe, admission.may_send) == (False, True, True)


def test_livekits_short_development_secret_will_do() -> None:
    livekit = LiveKit("ws://127.0.0.1:7880", "devkey", "secret")
    assert livekit.admission(livekit.access_token(room="r", identity="caller", now_s=NOW_S)).room == "r"


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (token(exp=NOW_S - 120), "expired"),
        (token(exp=None), "lacks exp"),
        (token(nbf=NOW_S + DAY_S), "not good yet"),
        (token(iss="another"), "another API key"),
        (token(video=None), "no grant"),
        (token(video={"room": "r"}), "no grant"),
        (token(video={"roomJoin": True}), "names no room"),
        (jwt.encode({"iss": "devkey"}, "another secret, as long as it has to be", algorithm="HS256"), "another secret"),
        (jwt.encode({"iss": "devkey"}, 2 * SECRET, algorithm="HS512"), "HS256"),
        ("", "no token"),
        ("a.b.c", "no token"),
    ],
    ids=range(11),
)
def test_a_token_that_opens_nothing_is_refused_with_its_reason(refused: str, words: str) -> None:
    with pytest.raises(TokenRefused, match=words) as refusal:
        LIVEKIT.admission(refused)
    assert not refused or refused not in str(refusal.value)


def test_clocks_may_differ_by_a_minute() -> None:
    now_s = time.time()
    assert LIVEKIT.admission(token(exp=now_s - 30, nbf=now_s + 30)).room == "r"


# Who may join.


class Offered:
    """A dialled webrtc call: its control socket, and what it offered."""

    def __init__(self, mock: RunningMock, control: ClientConnection) -> None:
        offer = json.loads(control.recv(timeout=10))
        self.mock = mock
        self.control = control
        self.room_url: str = offer["roomUrl"]
        self.token: str = offer["token"]

    def validated(self, token: str | None = None) -> httpx.Response:
        return httpx.get(f"{self.mock.base_url}/rtc/validate", params={"access_token": token or self.token})

    @contextmanager
    def joined(self) -> Iterator[ClientConnection]:
        with connect(f"{self.room_url}/rtc?access_token={self.token}&protocol=16") as signalling:
            yield signalling


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as running:
        yield running


@pytest.fixture
def offered(mock: RunningMock) -> Iterator[Offered]:
    with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as control:
        yield Offered(mock, control)


def response(signalling: ClientConnection) -> rtc.SignalResponse:
    return rtc.SignalResponse.FromString(signalling.recv(timeout=5))  # type: ignore[arg-type]  # all are binary


def test_the_room_is_the_mocks_own(offered: Offered) -> None:
    assert offered.room_url == offered.mock.base_url.replace("http", "ws")


def test_a_client_is_welcomed_by_the_agent_and_its_offer(offered: Offered) -> None:
    with offered.joined() as signalling:
        welcome = response(signalling).join
        assert welcome.room.name.startswith("call-")
        assert welcome.participant.identity == "caller"
        (agent,) = welcome.other_participants
        (track,) = agent.tracks
        assert agent.identity == "agent"
        offer = response(signalling).offer
    assert offer.type == "offer"
    assert f"a=msid:{agent.sid}|{track.sid} {track.sid}" in offer.sdp


def test_a_mock_on_loopback_is_sent_media_on_loopback_alone(offered: Offered) -> None:
    with offered.joined() as signalling:
        assert response(signalling).HasField("join")
        candidates = [line.split() for line in response(signalling).offer.sdp.splitlines() if "candidate:" in line]
    assert {candidate[4] for candidate in candidates} == {"127.0.0.1"}


def test_the_key_may_come_in_a_header(offered: Offered) -> None:
    bearer = {"Authorization": f"Bearer {offered.token}"}
    assert httpx.get(f"{offered.mock.base_url}/rtc/validate", headers=bearer).text == "success"
    with connect(f"{offered.room_url}/rtc", additional_headers=bearer) as signalling:
        assert response(signalling).HasField("join")


def test_a_room_is_joined_once(offered: Offered) -> None:
    assert (offered.validated().status_code, offered.validated().text) == (200, "success")
    with offered.joined() as signalling:
        assert response(signalling).HasField("join")
        with pytest.raises(InvalidStatus) as refused, offered.joined():
            pass
        assert offered.validated().status_code == 401
    assert refused.value.response.status_code == 401
    assert b"was used" in refused.value.response.body


def test_a_key_to_another_room_or_of_another_maker_opens_nothing(offered: Offered) -> None:
    assert offered.validated(LIVEKIT.access_token(room="r", identity="caller", now_s=NOW_S)).status_code == 401
    assert offered.validated("nonsense").status_code == 401


def test_the_room_is_gone_with_its_call(offered: Offered) -> None:
    offered.control.close()
    assert until(lambda: offered.validated().status_code == 404)


def test_a_later_dialect_is_not_spoken(offered: Offered) -> None:
    # Clients take a 404 for the sign to go on in the earlier one.
    for path in ("/rtc/v1", "/rtc/v1/validate"):
        assert httpx.get(offered.mock.base_url + path, params={"access_token": offered.token}).status_code == 404
    with pytest.raises(InvalidStatus) as refused, connect(f"{offered.room_url}/rtc/v1?access_token={offered.token}"):
        pass
    assert refused.value.response.status_code == 404


def test_browsers_are_let_read_why_they_could_not_join(offered: Offered) -> None:
    origin = {"Origin": "http://localhost:5173"}
    refused = httpx.get(f"{offered.mock.base_url}/rtc/validate", params={"access_token": "x"}, headers=origin)
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize(
    "sent",
    [
        "text",
        b"",
        b"\xff" * 100,
        rtc.SignalRequest().SerializeToString(),
        rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit="[]")).SerializeToString(),
        rtc.SignalRequest(trickle=rtc.TrickleRequest(candidateInit='{"candidate": "candidate:x"}')).SerializeToString(),
        rtc.SignalRequest(offer=rtc.SessionDescription(type="offer", sdp="v=9")).SerializeToString(),
        rtc.SignalRequest(answer=rtc.SessionDescription(type="answer", sdp="m=x")).SerializeToString(),
    ],
    ids=["text", "empty", "no protobuf", "nothing", "no candidate", "half a candidate", "no offer", "no answer"],
)
def test_whatever_a_client_sends_the_mock_goes_on(offered: Offered, sent: str | bytes) -> None:
    answers: list[str | None] = []
    with offered.joined() as signalling:
        signalling.send(sent)
        answers += [response(signalling).WhichOneof("message") for _ in range(2)]
        # Who was shown out already can send no more, and can still read why.
        with suppress(ConnectionClosed):
            signalling.send(rtc.SignalRequest(ping=1).SerializeToString())
        while answers[-1] not in ("pong", "leave"):
            answers.append(response(signalling).WhichOneof("message"))
    assert answers[:2] == ["join", "offer"]
    assert offered.mock.create_inline(connectionType="webrtc")["status"] == "created"


def test_leaving_the_room_ends_the_call(offered: Offered) -> None:
    with offered.joined() as signalling:
        signalling.send(rtc.SignalRequest(leave=rtc.LeaveRequest()).SerializeToString())
        with pytest.raises(ConnectionClosed, match="the caller left the room"):
            offered.control.recv(timeout=5)


def test_who_hangs_up_before_the_room_is_joined_ends_the_call(offered: Offered) -> None:
    offered.control.send('{"type": "hang_up"}')
    with pytest.raises(ConnectionClosed, match="hung up"):
        offered.control.recv(timeout=5)


def test_the_time_scale_shortens_a_call_that_nobody_joins() -> None:
    with running_mock(time_scale=100) as mock:
        with connect(mock.create_inline(connectionType="webrtc", maxDuration=60)["websocketUrl"]) as control:
            control.recv(timeout=10)
            with pytest.raises(ConnectionClosed, match="maxDuration is over"):
                control.recv(timeout=10)


def test_more_webrtc_calls_than_there_may_be_are_refused_and_can_be_dialled_later() -> None:
    with running_mock(max_webrtc_calls=1) as mock:
        second = mock.create_inline(connectionType="webrtc")["websocketUrl"]
        with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]):
            with pytest.raises(InvalidStatus) as refused, connect(second):
                pass
            assert refused.value.response.status_code == 503
            assert b"--max-webrtc-calls" in refused.value.response.body
            with connect(mock.create_inline(connectionType="websocket", websocket=PCM)["websocketUrl"]) as other:
                assert other.recv(timeout=5)
        assert until(lambda: opens(second))


def test_a_call_that_is_dialled_while_the_mock_still_starts_gets_a_key_that_opens_its_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slowly(*given: Any) -> rooms.Rooms:
        time.sleep(0.1)
        return rooms_of(*given)

    rooms_of = rooms.rooms_of
    monkeypatch.setattr(rooms, "rooms_of", slowly)
    mock = build(Settings(), base_url="http://127.0.0.1:1")
    with ThreadPoolExecutor(2) as threads:
        # The server asks in a thread of its own, the first dial in the event loop's.
        first, second = threads.map(lambda number: mock.rooms(), range(2))
    assert first is second is mock.rooms()


def test_an_address_that_is_not_this_machines_is_told_at_the_start() -> None:
    # TEST-NET-3 (RFC 5737) is nobody's.
    with pytest.raises(SettingsError, match=r"--webrtc-address: 203\.0\.113\.7 is no address of this machine"):
        with running_mock(webrtc_addresses=("203.0.113.7",)):
            pass


# Rooms elsewhere.


def test_a_livekit_servers_room_is_offered_where_one_is_named() -> None:
    with running_mock(**ELSEWHERE) as mock:
        with connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as control:
            offer = json.loads(control.recv(timeout=5))
        assert httpx.get(f"{mock.base_url}/rtc/validate").status_code == 404
    claims = jwt.decode(offer["token"], SECRET, algorithms=["HS256"])
    assert offer["roomUrl"] == "wss://livekit.example"
    assert claims["iss"] == "devkey" and claims["exp"] > time.time()


def test_without_the_extra_the_close_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.webrtc.rooms.NEEDED_FOR_ROOMS", ("a_library_that_is_not_there",))
    with running_mock() as mock, connect(mock.create_inline(connectionType="webrtc")["websocketUrl"]) as control:
        with pytest.raises(ConnectionClosed, match=r"calls-contract\[webrtc\].*--livekit-url") as closed:
            control.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011


PCM = {"inputSampleRate": 8000, "outputSampleRate": 8000, "codec": "pcm"}


def opens(url: str) -> bool:
    try:
        with connect(url):
            return True
    except InvalidStatus:
        return False


def until(holds: Any, within_s: float = 5.0) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False
