"""webrtc calls in rooms on a LiveKit server, which is another mock here: its room has one place, which our agent takes.

Never seen against LiveKit's own server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mockserver.testing import RunningMock, running_mock
from mockserver.webrtc.tokens import LiveKit
from mockserver.webrtc.visitor import Visitor
from tests.running import INLINE

RATE_HZ = 48000
KEYS = {"livekit_key": "devkey", "livekit_secret": "not-a-secret-but-long-enough-for-one"}


@pytest.fixture
def server() -> Iterator[RunningMock]:
    with running_mock(voice_output="tones") as mock:
        yield mock


def created(mock: RunningMock, **body: object) -> tuple[str, str]:
    """The id and the URL of a new webrtc call."""
    answer = httpx.post(
        f"{mock.base_url}/calls/inline",
        json={**INLINE, "connectionType": "webrtc", **body},
        headers={"X-API-Key": mock.api_key},
    ).json()
    return answer["id"], answer["websocketUrl"]


@dataclass
class Heard:
    """What the agent's end is told of the room."""

    is_joined: asyncio.Event = field(default_factory=asyncio.Event)
    is_answered: asyncio.Event = field(default_factory=asyncio.Event)
    is_left: asyncio.Event = field(default_factory=asyncio.Event)
    audio: bytearray = field(default_factory=bytearray)
    messages: list[dict[str, object]] = field(default_factory=list)

    def joined(self) -> None:
        self.is_joined.set()

    def heard(self, audio: bytes) -> None:
        self.audio += audio

    def said(self, data: bytes) -> None:
        message = json.loads(data)
        self.messages.append(message)
        if message.get("role") == "agent":
            self.is_answered.set()

    def left(self, reason: str) -> None:
        self.is_left.set()


def tone(frequency_hz: float, duration_s: float) -> bytes:
    samples = 8000 * np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * RATE_HZ)) / RATE_HZ)
    return samples.astype("<i2").tobytes()


def strongest_hz(audio: bytes) -> float:
    samples = np.frombuffer(audio, "<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * RATE_HZ / len(samples))


def test_an_agent_in_a_livekit_room_speaks_hears_and_exchanges_messages(server: RunningMock) -> None:
    call_id, url = created(server, firstSpeaker="user")

    async def visit() -> Heard:
        with connect(url) as control:
            offer = json.loads(control.recv(timeout=10))
            heard = Heard()
            visitor = Visitor(offer["roomUrl"], offer["token"], heard)
            async with asyncio.timeout(25):
                await heard.is_joined.wait()
                visitor.play(tone(700, 1.2))
                await heard.is_answered.wait()
                await asyncio.sleep(0.8)
                visitor.send(b'{"type": "hang_up"}')
                await heard.is_left.wait()
                visitor.close()
            return heard

    heard = asyncio.run(visit())
    said = {message["type"] for message in heard.messages}
    assert {"state", "transcript"} <= said
    assert abs(strongest_hz(bytes(heard.audio)) - 700) < 5
    spoken = next(utterance for utterance in server.transcript(call_id) if utterance.role == "user")
    # On a busy machine some of it comes too late to be heard.
    assert 0.5 < float(spoken.text.split()[-2]) < 1.6


def test_what_is_withdrawn_is_not_heard(server: RunningMock) -> None:
    call_id, url = created(server, firstSpeaker="user")

    async def visit() -> None:
        with connect(url) as control:
            offer = json.loads(control.recv(timeout=10))
            heard = Heard()
            visitor = Visitor(offer["roomUrl"], offer["token"], heard)
            async with asyncio.timeout(25):
                await heard.is_joined.wait()
                visitor.play(tone(700, 20.0))
                # On a busy machine the first second may not be heard.
                await asyncio.sleep(2.0)
                visitor.play(b"")
                await heard.is_answered.wait()
                visitor.close()

    asyncio.run(visit())
    (spoken,) = (utterance.text for utterance in server.transcript(call_id) if utterance.role == "user")
    assert float(spoken.split()[-2]) < 8


def test_the_agent_of_a_call_joins_the_room_that_the_caller_is_offered(
    server: RunningMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id, url = created(server, firstSpeaker="user")
    with connect(url) as control:
        offer = json.loads(control.recv(timeout=10))
        mint = LiveKit.access_token

        def minted(self: LiveKit, *, is_agent: bool = False, **told: object) -> str:
            # The other mock has a room for one call, with a name that it chose.
            return offer["token"] if is_agent else mint(self, **told)  # type: ignore[arg-type]

        monkeypatch.setattr(LiveKit, "access_token", minted)
        with running_mock(voice_output="tones", livekit_url=offer["roomUrl"], **KEYS) as mock:
            own_id, own_url = created(mock)
            with connect(own_url) as own_control:
                assert json.loads(own_control.recv(timeout=10))["roomUrl"] == offer["roomUrl"]
                assert hears_a_turn(server, call_id)
                mock.hang_up(own_id)
                with pytest.raises(ConnectionClosed):
                    own_control.recv(timeout=5)
        assert server.wait_for(call_id, "ended").state == "ended"


def hears_a_turn(server: RunningMock, call_id: str) -> bool:
    """Whether the room's agent hears a whole turn of its caller's in time."""
    after = 0
    for _ in range(40):
        if any(utterance.role == "user" for utterance in server.transcript(call_id)):
            return True
        after = server.changes(after, wait_s=1.0).latest
    return False


def test_a_server_that_does_not_answer_leaves_the_call_without_an_agent(caplog: pytest.LogCaptureFixture) -> None:
    with running_mock(livekit_url="ws://127.0.0.1:9", **KEYS) as mock:
        _, url = created(mock)
        with connect(url) as control:
            assert json.loads(control.recv(timeout=10))["roomUrl"] == "ws://127.0.0.1:9"
            for _ in range(100):
                if "could not join" in caplog.text:
                    break
                with pytest.raises(TimeoutError):
                    control.recv(timeout=0.2)
    assert "could not join the room at --livekit-url" in caplog.text
    assert KEYS["livekit_secret"] not in caplog.text
