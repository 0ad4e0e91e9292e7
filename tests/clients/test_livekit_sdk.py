"""LiveKit's own SDK for Python on webrtc calls, without a browser: native WebRTC, written by neither of us."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import numpy as np
import pytest
from livekit import rtc
from websockets.asyncio.client import ClientConnection, connect

from mockserver.control.shapes import Call, Event
from mockserver.testing import RunningMock, running_mock
from mockserver.voice import PITCHES_HZ
from tests.clients.browser_example import TONE_HZ
from tests.clients.webrtc_page import MOCK_URL, heard_tone_ms, programs, unfinished
from tests.running import INLINE

RATE_HZ = 48_000
FRAME = RATE_HZ // 50
TONE_S = 0.8

GREETING = "Hello! Say something."
LONG = "How much is a bicycle? " * 50
"""More than clients send as the room's data."""

TOOL = {
    "modelToolName": "openPage",
    "description": "Opens a page.",
    "dynamicParameters": [
        {"name": "page", "location": "PARAMETER_LOCATION_BODY", "schema": {"type": "string"}, "required": True}
    ],
    "client": {},
}

PATIENCE_S = 60
"""How long a call may take until a test fails, in seconds: far above what it needs, so that nothing hangs."""

FREE_WITHIN_S = 5.0
"""How soon after the end a call holds nothing any more, in seconds, on a very busy machine."""

LEAST_TONE_MS = 600
"""Of the tone, when it comes back: less than it lasts, because coders take some of its edges."""


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock(voice_output="tones", rate_limit_per_hour=0) as running:
        yield running


def create(mock: RunningMock, **body: Any) -> tuple[str, str]:
    """Id and URL of a new webrtc call."""
    answer = httpx.post(
        f"{mock.base_url}/api/v1/calls/inline",
        json={**INLINE, "greeting": GREETING, "connectionType": "webrtc", **body},
        headers={"X-API-Key": mock.api_key},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["websocketUrl"]


@dataclass
class Caller:
    """Somebody in a room: speaks, types, and keeps all that comes.

    Attributes:
        room: the room.
        heard: the agent's voice, 16-bit samples at RATE_HZ.
        messages: the room's data.
        tone_left: how many frames of the tone are yet to be said; silence follows.
    """

    room: rtc.Room = field(default_factory=rtc.Room)
    heard: bytearray = field(default_factory=bytearray)
    messages: list[dict[str, Any]] = field(default_factory=list)
    tone_left: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.room.on("data_received", self._on_data)
        self.room.on("track_subscribed", self._on_track)

    async def join(self, offered: dict[str, Any]) -> None:
        """Join, and publish a microphone."""
        await self.room.connect(offered["roomUrl"], offered["token"], rtc.RoomOptions(connect_timeout=5))
        source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("audio", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._speak(source)))

    async def say(self, **message: Any) -> None:
        """Send a message as the room's data."""
        await self.room.local_participant.publish_data(json.dumps(message))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds of what came."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def leave(self) -> None:
        """Leave the room; nothing of this caller runs any more."""
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        self.messages.append(json.loads(packet.data))
        self._news.set()

    def _on_track(self, track: rtc.Track, *_: Any) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=100)
        try:
            async for event in stream:
                self.heard += bytes(event.frame.data)
                self._news.set()
        finally:
            await stream.aclose()

    async def _speak(self, source: rtc.AudioSource) -> None:
        times_s = np.arange(int(TONE_S * RATE_HZ)) / RATE_HZ
        tone = (16_000 * np.sin(2 * np.pi * TONE_HZ * times_s)).astype("<i2").reshape(-1, FRAME)
        try:
            while True:
                samples = tone[-self.tone_left].tobytes() if self.tone_left else bytes(2 * FRAME)
                self.tone_left = max(0, self.tone_left - 1)
                await source.capture_frame(rtc.AudioFrame(samples, RATE_HZ, 1, FRAME))
        finally:
            await source.aclose()

    def finals(self, role: str) -> list[tuple[str, str]]:
        """Medium and text of the utterances of a side that are final."""
        said = (each for each in self.messages if each["type"] == "transcript" and each["final"])
        return [(each["medium"], each["text"]) for each in said if each["role"] == role]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a type."""
        return [each for each in self.messages if each["type"] == kind]


@asynccontextmanager
async def joined(url: str) -> AsyncIterator[tuple[ClientConnection, Caller, dict[str, Any]]]:
    """The control socket of a call, somebody in its room, and what was offered."""
    async with connect(url, proxy=None) as control:
        offered = json.loads(await control.recv())
        caller = Caller()
        await caller.join(offered)
        try:
            yield control, caller, offered
        finally:
            await caller.leave()


@dataclass(frozen=True)
class Seen:
    """One call, and what the mock knows of it.

    Attributes:
        call: as the mock has it at the end.
        events: what happened, by the mock.
        caller: who called.
        heard_greeting: what was heard until the first word of the caller.
        more_on_control: what else came on the control socket.
        second_join: why a second participant with the same token was refused.
        caller_audio: what the mock heard, as WAV.
        left_running: what the mock's loop ran afterwards and did not run before.
    """

    call: Call
    events: list[Event]
    caller: Caller
    heard_greeting: bytes
    more_on_control: list[Any]
    second_join: str
    caller_audio: bytes
    left_running: Counter[str]


@pytest.fixture(scope="module")
def seen(mock: RunningMock) -> Seen:
    before = unfinished()
    call_id, url = create(mock, selectedTools=[{"temporaryTool": TOOL}])
    caller, heard_greeting, more, second_join = asyncio.run(asyncio.wait_for(talk(url), PATIENCE_S))
    call = mock.wait_for(call_id, "ended", within_s=FREE_WITHIN_S)
    deadline = time.monotonic() + FREE_WITHIN_S
    while (left := unfinished() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return Seen(
        call=call,
        events=mock.events(call_id),
        caller=caller,
        heard_greeting=heard_greeting,
        more_on_control=more,
        second_join=second_join,
        caller_audio=mock.audio(call_id, "caller"),
        left_running=left,
    )


async def talk(url: str) -> tuple[Caller, bytes, list[Any], str]:
    """One call in which everything is done that can be."""
    async with joined(url) as (control, caller, offered):
        await caller.until(lambda: ("voice", GREETING) in caller.finals("agent"))
        greeting = bytes(caller.heard)
        await caller.say(type="user_text_message", text="please openPage now")
        await caller.until(lambda: caller.of("client_tool_invocation"))
        invocation = caller.of("client_tool_invocation")[0]
        await caller.say(type="set_output_medium", medium="text")
        await caller.say(type="client_tool_result", invocationId=invocation["invocationId"], result="opened it")
        await caller.until(lambda: ("text", "The tool openPage answered: opened it") in caller.finals("agent"))
        await control.send(json.dumps({"type": "input_text_message", "text": LONG}))
        await caller.until(lambda: ("text", f"You wrote: {LONG}") in caller.finals("agent"))
        second_join = await refusal(offered)
        await caller.say(type="set_output_medium", medium="voice")
        caller.tone_left = int(TONE_S * 50)
        quiet_until = len(caller.heard)
        await caller.until(lambda: tone_ms(bytes(caller.heard[quiet_until:])) >= LEAST_TONE_MS)
        await caller.room.disconnect()
        more = [message async for message in control]
        return caller, greeting, more, second_join


async def refusal(offered: dict[str, Any]) -> str:
    """Why somebody is not let into a room, as the SDK says it; empty if he is."""
    room = rtc.Room()
    try:
        await room.connect(offered["roomUrl"], offered["token"], rtc.RoomOptions(connect_timeout=5))
    except rtc.ConnectError as error:
        return str(error)
    await room.disconnect()
    return ""


def tone_ms(heard: bytes) -> int:
    """For how many milliseconds the tone is in what was heard."""
    return heard_tone_ms(wav(heard))


def wav(samples: bytes) -> bytes:
    """A WAV file of samples at RATE_HZ."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE_HZ)
        written.writeframes(samples)
    return file.getvalue()


def loudest_hz(samples: bytes) -> float:
    """The loudest tone of what was heard."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(samples, "<i2").astype(float)))
    return float(spectrum.argmax()) * RATE_HZ / (len(samples) // 2)


def said(seen: Seen, side: str, kind: str) -> list[dict[str, Any]]:
    return [event.detail or {} for event in seen.events if (event.side, event.kind) == (side, kind)]


def test_the_control_socket_offers_the_room_and_says_no_more(seen: Seen) -> None:
    assert seen.more_on_control == []


def test_the_agent_is_heard_by_the_tones_of_its_voice(seen: Seen) -> None:
    assert min(abs(loudest_hz(seen.heard_greeting) - pitch_hz) for pitch_hz in PITCHES_HZ) < 10


def test_the_agent_hears_the_microphone_and_repeats_it(seen: Seen) -> None:
    assert heard_tone_ms(seen.caller_audio) >= LEAST_TONE_MS
    assert tone_ms(bytes(seen.caller.heard)) >= LEAST_TONE_MS


def test_texts_go_by_both_ways_and_come_back_in_the_transcript(seen: Seen) -> None:
    assert seen.caller.finals("user")[:2] == [("text", "please openPage now"), ("text", LONG)]
    assert ("text", f"You wrote: {LONG}") in seen.caller.finals("agent")


def test_states_come_as_they_change(seen: Seen) -> None:
    states = [message["state"] for message in seen.caller.of("state")]
    assert states[0] == "listening" or states[0] == "speaking"
    assert {"listening", "speaking"} <= set(states)


def test_a_client_tool_is_answered_and_the_agent_goes_on_with_its_result(seen: Seen) -> None:
    (invoked,) = seen.caller.of("client_tool_invocation")
    assert (invoked["toolName"], invoked["parameters"]) == ("openPage", {"page": "sample"})
    assert [result["result"] for result in said(seen, "caller", "ToolResult")] == ["opened it"]


def test_one_token_lets_one_caller_in(seen: Seen) -> None:
    assert "401" in seen.second_join


def test_leaving_the_room_ends_the_call_and_frees_all_that_it_held(seen: Seen) -> None:
    assert seen.call.ending is not None and seen.call.ending.reason == "the caller hung up"
    assert [event.detail for event in seen.events if event.kind == "NotAllowed"] == []
    assert seen.left_running == Counter()


async def refusals(url: str) -> list[str]:
    """Why tokens that are not the room's own are refused, and then the one that is."""
    async with connect(url, proxy=None) as control:
        offered = json.loads(await control.recv())
        claims = jwt.decode(offered["token"], options={"verify_signature": False})
        foreign = jwt.encode(claims, "a secret that is not the room's own", algorithm="HS256")
        return [await refusal({**offered, "token": token}) for token in (foreign, "no token", offered["token"])]


def test_a_foreign_token_is_refused_and_the_room_s_own_stays_good(mock: RunningMock) -> None:
    call_id, url = create(mock)
    foreign, none, own = asyncio.run(asyncio.wait_for(refusals(url), PATIENCE_S))
    assert "401" in foreign and "401" in none
    assert own == ""
    mock.wait_for(call_id, "ended", within_s=FREE_WITHIN_S)


def test_an_expired_token_is_refused(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.webrtc.tokens.TOKEN_LIFE_S", -120)
    _, _, own = asyncio.run(asyncio.wait_for(refusals(create(mock)[1]), PATIENCE_S))
    assert "401" in own


def test_the_program_in_the_documentation_hears_the_greeting(mock: RunningMock) -> None:
    (program,) = programs("python")
    done = subprocess.run(
        (sys.executable, "-c", program.replace(MOCK_URL, mock.base_url)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert "'text': 'Hello!', 'final': True" in done.stdout or "Hello!" in done.stdout
