from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.audio import AudioFormat
from contract.codec import Role
from contract.documents import asyncapi
from contract.errors import PeerError
from contract.events import Audio, Event, Mark, Started
from contract.stream import Stream, Traits
from mockserver.ending import Ending
from mockserver.session import MOST_FAULTS_LOGGED, MOST_UNSENT_BYTES, Session
from mockserver.store import Call, CallSettings, MemoryCallStore
from mockserver.switchboard import Switchboard
from mockserver.ticker import Ticked, Ticker
from tests.mockserver.talk import CODECS

START = '{"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1", "callSid": "CA1"}}'
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)


class Script:
    """A party that answers as it is told to, and notes what it heard."""

    def __init__(self, answer: list[Event] | Exception | None = None) -> None:
        self.ending: Ending | None = None
        self.on_unsaid: Callable[[Event], None] | None = None
        self.heard: list[Event | None] = []
        self.told: list[str] = []
        self.answer = answer

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        self.heard.append(started)
        return []

    def hear(self, event: Event, now: float) -> list[Event]:
        self.heard.append(event)
        return self._answer()

    def object(self, error: PeerError) -> list[Event]:
        self.told.append(str(error))
        return []

    def tick(self, now: float) -> list[Event]:
        return self._answer()

    def speak(self, text: str, now: float) -> list[Event]:
        return []

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        return None

    def _answer(self) -> list[Event]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or []


class Paper:
    """A line that nobody reads: it keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.unsent_bytes = 0

    def send(self, wire: str | bytes) -> None:
        self.sent.append(wire)
        self.unsent_bytes += len(wire)

    def close(self, code: int, reason: str) -> None:
        self.sent.append((code, reason))

    def drop(self) -> None:
        self.sent.append("cut")

    def freeze(self) -> None:
        self.sent.append("frozen")

    def notice_end(self) -> None:
        pass


def created() -> Call:
    return Call(
        id="c1",
        token="not shown",
        kind="create",
        settings=CallSettings(connection_type="twilio"),
        created_at=CREATED_AT,
        expires_at=CREATED_AT + timedelta(seconds=60),
    )


def agent_stream() -> Stream:
    return Stream(CODECS["twilio"], Role.AGENT, Traits.of(asyncapi("twilio")))


def session(party: Script) -> tuple[Session, Paper]:
    """A session and its line."""
    talked = Session(created(), agent_stream(), party, lambda: 0.0, NoTicker(), lambda over: None)
    line = Paper()
    talked.opened(line)
    return talked, line


class NoTicker(Ticker):
    """Calls nobody: these tests do it themselves."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)

    def add(self, ticked: Ticked) -> None:
        pass


def written(talked: Session, line: Paper) -> list[Any]:
    """What the session writes, once it is closed."""
    talked.close(Ending(1000, "the test is over"))
    return line.sent


def test_what_the_party_says_goes_out_in_order_and_then_the_close() -> None:
    talked, line = session(Script([Audio(payload=b"\xff"), Mark(name="m")]))
    talked.receive(START)
    talked.tick(0.02)
    audio, mark, close = written(talked, line)
    assert '"media"' in audio
    assert '"mark"' in mark
    assert close == (1000, "the test is over")


@pytest.mark.parametrize("where", ["tick", "receive"])
def test_a_fault_of_ours_ends_the_call_with_1011(where: str, caplog: pytest.LogCaptureFixture) -> None:
    talked, line = session(Script(RuntimeError("on purpose")))
    talked.receive(START)
    if where == "tick":
        talked.tick(0.02)
    else:
        talked.receive('{"event": "mark", "sequenceNumber": "2", "streamSid": "MZ1", "mark": {"name": "m"}}')
    assert written(talked, line) == [(1011, "the mock failed; its log says more")]
    assert "the mock failed" in caplog.text


def test_a_message_that_is_not_allowed_is_logged_and_understood_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    party = Script()
    talked, _ = session(party)
    talked.receive(START)
    assert party.heard == [Started(stream_id="MZ1", call_id="CA1")]
    assert "not allowed by the contract: start: " in caplog.text
    assert "understood all the same" in caplog.text


def test_a_message_without_meaning_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    party = Script()
    talked, line = session(party)
    talked.receive("nonsense")
    talked.receive('{"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": {"payload": "AA=="}}')
    assert party.heard == []
    assert "not JSON" in caplog.text
    assert "came before the start message" in caplog.text


@pytest.mark.parametrize("secret", ["ck_mock_valid", "Zm9v0" * 8 + "bar", "not shown"])
def test_a_secret_that_the_peer_sends_is_not_told_to_it_or_to_the_log(
    secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    party = Script()
    talked, _ = session(party)
    talked.receive(START)
    talked.receive(f'{{"event": "{secret}"}}')
    talked.receive(f'{{"event": "{"long " * 90 + secret}"}}')
    talked.receive(f'{{"event": "mark", "{secret}": 1, "mark": {{"{secret}": 1}}}}')
    assert len(party.told) == 3
    for said in (*party.told, caplog.text):
        assert not [start for start in range(len(secret) - 7) if secret[start : start + 8] in said]


def test_a_flood_of_faults_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    talked, line = session(Script())
    with caplog.at_level(logging.WARNING):
        for _ in range(MOST_FAULTS_LOGGED * 10):
            talked.receive("nonsense")
    assert len(caplog.records) == MOST_FAULTS_LOGGED


def test_a_peer_that_does_not_read_is_dropped_before_memory_fills() -> None:
    talked, line = session(Script([Audio(payload=b"\xff" * 100_000)]))
    talked.receive(START)
    for _ in range(MOST_UNSENT_BYTES // 100_000):
        talked.tick(0.02)
    *audio, close = written(talked, line)
    assert close == (1008, "this end reads too slowly")
    assert sum(map(len, audio)) < MOST_UNSENT_BYTES + len(audio[-1])


def test_what_our_own_contract_forbids_is_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    talked, line = session(Script([Started(stream_id="MZ1"), Mark(name="m")]))
    talked.receive(START)
    talked.tick(0.02)
    talked.tick(0.04)
    assert len(written(talked, line)) == 3
    assert caplog.text.count("what its contract forbids") == 1


def test_after_the_end_nothing_more_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    talked, line = session(Script(RuntimeError("on purpose")))
    talked.receive(START)
    for _ in range(10):
        talked.receive('{"event": "mark", "sequenceNumber": "2", "streamSid": "MZ1", "mark": {"name": "m"}}')
    assert caplog.text.count("the mock failed") == 1


@pytest.mark.parametrize("told", ["", ', "streamSid": ""', ', "streamSid": null'])
def test_a_carrier_that_tells_no_stream_id_is_answered_all_the_same(told: str) -> None:
    talked, line = session(Script([Mark(name="m")]))
    talked.receive('{"event": "start", "start": {}' + told + "}")
    talked.tick(0.02)
    assert '"streamSid":"unknown"' in written(talked, line)[0]


def unanswered(session: Session) -> None:
    """An upgrade that fails."""
    raise ConnectionError("gone")


def test_an_upgrade_that_fails_does_not_use_the_url_up() -> None:
    store = MemoryCallStore()
    now = CREATED_AT
    store.add(created())
    switchboard = Switchboard(
        store, Ticker(lambda: 0.0), lambda call, at: (agent_stream(), Script()), now=lambda: now, clock=lambda: 0.0
    )
    with pytest.raises(ConnectionError):
        switchboard.dial("not shown", unanswered)
    assert len(switchboard) == 0
    assert store.take("not shown", now) is not None


def test_who_answered_is_told_that_a_call_is_over_also_where_the_upgrade_fails() -> None:
    over: list[str] = []
    store = MemoryCallStore()
    store.add(created())
    switchboard = Switchboard(
        store,
        NoTicker(),
        lambda call, at: (agent_stream(), Script()),
        now=lambda: CREATED_AT,
        clock=lambda: 0.0,
        over=lambda call: over.append(call.id),
    )
    with pytest.raises(ConnectionError):
        switchboard.dial("not shown", unanswered)
    assert over == ["c1"]
    assert switchboard.dial("not shown", lambda session: session.opened(Paper()))
    assert over == ["c1"]
    (session,) = switchboard._sessions
    session.lost("hung up")
    assert over == ["c1", "c1"]


def test_a_call_that_cannot_be_answered_is_not_left_behind() -> None:
    def fail(call: Call, at: float) -> tuple[Stream, Script]:
        raise RuntimeError("on purpose")

    store = MemoryCallStore()
    store.add(created())
    switchboard = Switchboard(store, Ticker(lambda: 0.0), fail, now=lambda: CREATED_AT, clock=lambda: 0.0)
    with pytest.raises(RuntimeError):
        switchboard.dial("not shown", unanswered)
    assert len(switchboard) == 0
    assert store.take("not shown", CREATED_AT + timedelta(seconds=61)) is None
    assert len(store) == 0
