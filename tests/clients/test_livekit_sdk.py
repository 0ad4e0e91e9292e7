"""LiveKit's own SDK for Python on webrtc calls, without a browser: native WebRTC, written by neither of us."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect

from mockserver.control.shapes import Call, Event
from mockserver.testing import RunningMock, running_mock
from mockserver.voice import PITCHES_HZ
from tests.clients.held import watching
from tests.clients.room_caller import SECOND_BYTES, Caller, joined, loudest_hz, refusal, tone_ms
from tests.clients.webrtc_page import MOCK_URL, heard_tone_ms, programs
from tests.running import INLINE

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

LEAST_TONE_MS = 400
"""Of the tone, when it is heard: half of it, since coders take its edges and a busy machine some of the rest."""


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


@dataclass(frozen=True)
class Seen:
    """One call, and what the mock knows of it.

    Attributes:
        call: as the mock has it at the end.
        events: what happened, by the mock.
        caller: who called.
        heard_greeting: what was heard in the first second, of which the greeting takes more.
        more_on_control: what else came on the control socket.
        second_join: why a second participant with the same token was refused.
        caller_audio: what the mock heard, as WAV.
        still_held: what the mock held for it afterwards.
    """

    call: Call
    events: list[Event]
    caller: Caller
    heard_greeting: bytes
    more_on_control: list[Any]
    second_join: str
    caller_audio: bytes
    still_held: list[str]


@pytest.fixture(scope="module")
def seen(mock: RunningMock) -> Iterator[Seen]:
    with watching() as held:
        call_id, url = create(mock, selectedTools=[{"temporaryTool": TOOL}])
        caller, heard_greeting, more, second_join = asyncio.run(asyncio.wait_for(talk(url), PATIENCE_S))
        call = mock.wait_for(call_id, "ended", within_s=FREE_WITHIN_S)
        yield Seen(
            call=call,
            events=mock.events(call_id),
            caller=caller,
            heard_greeting=heard_greeting,
            more_on_control=more,
            second_join=second_join,
            caller_audio=mock.audio(call_id, "caller"),
            still_held=held.left(FREE_WITHIN_S),
        )


async def talk(url: str) -> tuple[Caller, bytes, list[Any], str]:
    """One call in which everything is done that can be."""
    async with joined(url) as (control, caller, offered):
        await caller.until(lambda: ("voice", GREETING) in caller.finals("agent"))
        # Words and sound come by different ways, and on a busy machine one of them is late.
        await caller.until(lambda: len(caller.heard) >= SECOND_BYTES)
        greeting = bytes(caller.heard[:SECOND_BYTES])
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
        quiet_until = len(caller.heard)
        caller.speak()
        await caller.until(lambda: tone_ms(caller.heard[quiet_until:]) >= LEAST_TONE_MS)
        await caller.room.disconnect()
        more = [message async for message in control]
        return caller, greeting, more, second_join


def said(seen: Seen, side: str, kind: str) -> list[dict[str, Any]]:
    return [event.detail or {} for event in seen.events if (event.side, event.kind) == (side, kind)]


def test_the_control_socket_offers_the_room_and_says_no_more(seen: Seen) -> None:
    assert seen.more_on_control == []


def test_the_agent_is_heard_by_the_tones_of_its_voice(seen: Seen) -> None:
    assert min(abs(loudest_hz(seen.heard_greeting) - pitch_hz) for pitch_hz in PITCHES_HZ) < 10


def test_the_agent_hears_the_microphone_and_repeats_it(seen: Seen) -> None:
    assert heard_tone_ms(seen.caller_audio) >= LEAST_TONE_MS
    assert tone_ms(seen.caller.heard) >= LEAST_TONE_MS


def test_texts_go_by_both_ways_and_come_back_in_the_transcript(seen: Seen) -> None:
    assert seen.caller.finals("user")[:2] == [("text", "please openPage now"), ("text", LONG)]
    assert ("text", f"You wrote: {LONG}") in seen.caller.finals("agent")


def test_states_come_as_they_change(seen: Seen) -> None:
    states = [message["state"] for message in seen.caller.of("state")]
    assert {"listening", "speaking"} <= set(states) <= {"idle", "listening", "thinking", "speaking"}


def test_a_client_tool_is_answered_and_the_agent_goes_on_with_its_result(seen: Seen) -> None:
    (invoked,) = seen.caller.of("client_tool_invocation")
    assert (invoked["toolName"], invoked["parameters"]) == ("openPage", {"page": "sample"})
    assert [result["result"] for result in said(seen, "caller", "ToolResult")] == ["opened it"]


def test_one_token_lets_one_caller_in(seen: Seen) -> None:
    assert "401" in seen.second_join


def test_leaving_the_room_ends_the_call_and_frees_all_that_it_held(seen: Seen) -> None:
    assert seen.call.ending is not None and seen.call.ending.reason == "the caller left the room"
    assert [event.detail for event in seen.events if event.kind == "NotAllowed"] == []
    assert seen.still_held == []


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
    printed = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert any(message["type"] == "transcript" and message.get("text") == "Hello!" for message in printed)
