from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from contract.codec import Role
from contract.documents import asyncapi
from contract.errors import PeerError
from contract.events import Audio, Event, Mark, Started
from contract.stream import Stream, Traits
from mockserver.conversation import Ending
from mockserver.media import MOST_FAULTS_LOGGED, MOST_UNSENT_BYTES, Session
from mockserver.store import Call, CallSettings
from tests.mockserver.talk import CODECS

START = '{"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1", "callSid": "CA1"}}'
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class Script:
    """A party that answers as it is told to, and notes what it heard."""

    def __init__(self, answer: list[Event] | Exception | None = None) -> None:
        self.ending: Ending | None = None
        self.heard: list[Event | None] = []
        self.answer = answer

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        self.heard.append(started)
        return []

    def hear(self, event: Event, now: float) -> list[Event]:
        self.heard.append(event)
        return self._answer()

    def object(self, error: PeerError) -> list[Event]:
        return []

    def tick(self, now: float) -> list[Event]:
        return self._answer()

    def _answer(self) -> list[Event]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or []


class Wire:
    """The socket's writing side."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send_text(self, text: str) -> None:
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.sent.append((code, reason))


def session(party: Script) -> Session:
    call = Call(
        id="c1",
        token="not shown",
        kind="create",
        settings=CallSettings(connection_type="twilio"),
        created_at=CREATED_AT,
        expires_at=CREATED_AT + timedelta(seconds=60),
    )
    stream = Stream(CODECS["twilio"], Role.AGENT, Traits.of(asyncapi("twilio")))
    return Session(call, stream, party, lambda: 0.0, lambda at: None)


def written(talked: Session) -> list[Any]:
    """What the session writes, once it is closed."""
    talked.close(Ending(1000, "the test is over"))
    wire = Wire()
    asyncio.run(talked.write(cast(WebSocket, wire)))
    return wire.sent


def test_what_the_party_says_goes_out_in_order_and_then_the_close() -> None:
    talked = session(Script([Audio(payload=b"\xff"), Mark(name="m")]))
    talked.receive(START)
    talked.tick(0.02)
    audio, mark, close = written(talked)
    assert '"media"' in audio
    assert '"mark"' in mark
    assert close == (1000, "the test is over")


@pytest.mark.parametrize("where", ["tick", "receive"])
def test_a_fault_of_ours_ends_the_call_with_1011(where: str, caplog: pytest.LogCaptureFixture) -> None:
    talked = session(Script(RuntimeError("on purpose")))
    talked.receive(START)
    if where == "tick":
        talked.tick(0.02)
    else:
        talked.receive('{"event": "mark", "sequenceNumber": "2", "streamSid": "MZ1", "mark": {"name": "m"}}')
    assert written(talked) == [(1011, "the mock failed; its log says more")]
    assert "the mock failed" in caplog.text


def test_a_message_that_is_not_allowed_is_logged_and_understood_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    party = Script()
    session(party).receive(START)
    assert party.heard == [Started(stream_id="MZ1", call_id="CA1")]
    assert "not allowed by the contract: start: " in caplog.text
    assert "understood all the same" in caplog.text


def test_a_message_without_meaning_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    party = Script()
    talked = session(party)
    talked.receive("nonsense")
    talked.receive('{"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": {"payload": "AA=="}}')
    assert party.heard == []
    assert "not JSON" in caplog.text
    assert "came before the start message" in caplog.text


def test_a_flood_of_faults_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    talked = session(Script())
    with caplog.at_level(logging.WARNING):
        for _ in range(MOST_FAULTS_LOGGED * 10):
            talked.receive("nonsense")
    assert len(caplog.records) == MOST_FAULTS_LOGGED


def test_a_peer_that_does_not_read_is_dropped_before_memory_fills() -> None:
    talked = session(Script([Audio(payload=b"\xff" * 100_000)]))
    talked.receive(START)
    for _ in range(MOST_UNSENT_BYTES // 100_000):
        talked.tick(0.02)
    assert written(talked) == [(1008, "this end reads too slowly")]


def test_what_our_own_contract_forbids_is_logged_and_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    talked = session(Script([Started(stream_id="MZ1"), Mark(name="m")]))
    talked.receive(START)
    talked.tick(0.02)
    assert len(written(talked)) == 2
    assert "what its own contract forbids" in caplog.text


def test_a_close_reason_is_cut_to_what_a_frame_can_hold() -> None:
    talked = session(Script())
    talked.close(Ending(1008, "é" * 100))
    assert written(talked) == [(1008, "é" * 61)]
