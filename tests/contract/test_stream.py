from __future__ import annotations

import json

import pytest

from contract.codec import Codec, Role
from contract.documents import asyncapi, connection_types
from contract.errors import DocumentError, PeerError, UsageError
from contract.events import Audio, Clear, Connected, Digit, Mark, Started, Stopped
from contract.stream import Phase, Stream, Traits

CARRIERS = [kind for kind in connection_types() if Traits.of(asyncapi(kind)).begins == "start"]
STREAM_ID = {"twilio": "MZ" + "0" * 32}
CALL_ID = {"twilio": "CA" + "0" * 32, "telnyx": "v3:abc"}
UUID = "12345678-1234-1234-1234-123456789abc"


def stream(kind: str, role: Role, epoch_ms: int = 0) -> Stream:
    document = asyncapi(kind)
    return Stream(Codec(document, role, next(iter(document["channels"]))), role, Traits.of(document), epoch_ms=epoch_ms)


def started(kind: str) -> Started:
    return Started(
        stream_id=STREAM_ID.get(kind, UUID),
        call_id=CALL_ID.get(kind, UUID),
        account_id="AC" + "0" * 32 if kind == "twilio" else UUID,
        encoding="PCMU" if kind == "telnyx" else "audio/x-mulaw",
        rate_hz=8000,
        channels=1,
        tracks=["inbound"],
        parameters={},
    )


def running(kind: str) -> tuple[Stream, Stream]:
    """Both ends of a stream that has started."""
    carrier, agent = stream(kind, Role.CARRIER), stream(kind, Role.AGENT)
    agent.receive(carrier.send(started(kind)))
    return carrier, agent


def test_the_carriers_are_the_three_we_know() -> None:
    assert CARRIERS == ["plivo", "telnyx", "twilio"]


@pytest.mark.parametrize("kind", CARRIERS)
def test_what_the_carrier_says_the_agent_hears(kind: str) -> None:
    carrier, agent = running(kind)
    heard = agent.receive(carrier.send(Audio(payload=b"\xff" * 160, track="inbound")))
    assert isinstance(heard, Audio)
    assert heard.payload == b"\xff" * 160
    pressed = agent.receive(
        carrier.send(Digit(digit="5", track="inbound", at_ms=0, occurred_at="2026-01-01T00:00:00Z"))
    )
    assert isinstance(pressed, Digit)
    assert pressed.digit == "5"


@pytest.mark.parametrize("kind", CARRIERS)
def test_what_the_agent_says_the_carrier_hears(kind: str) -> None:
    carrier, agent = running(kind)
    for event in (Audio(payload=b"\x00" * 160), Mark(name="m"), Clear()):
        heard = carrier.receive(agent.send(event))
        assert type(heard) is type(event)


@pytest.mark.parametrize("kind", CARRIERS)
def test_the_agent_puts_the_streams_id_where_the_document_wants_it(kind: str) -> None:
    _, agent = running(kind)
    assert agent.stream_id == STREAM_ID.get(kind, UUID)
    said = json.loads(agent.send(Mark(name="m")))
    if kind == "twilio":
        assert said["streamSid"] == agent.stream_id
    if kind == "plivo":
        assert said["streamId"] == agent.stream_id


def test_twilio_numbers_rise_as_decimal_strings_and_chunks_count_audio_only() -> None:
    carrier = stream("twilio", Role.CARRIER)
    bodies = [
        json.loads(carrier.send(event))
        for event in (
            Connected(),
            started("twilio"),
            Audio(payload=b"\xff" * 160, track="inbound"),
            Mark(name="m"),
            Audio(payload=b"\xff" * 160, track="inbound"),
        )
    ]
    assert [body.get("sequenceNumber") for body in bodies] == [None, "1", "2", "3", "4"]
    assert [body["media"]["chunk"] for body in bodies if "media" in body] == ["1", "2"]
    assert [body["media"]["timestamp"] for body in bodies if "media" in body] == ["0", "20"]


def test_plivo_numbers_are_numbers_and_its_time_counts_from_1970() -> None:
    carrier = stream("plivo", Role.CARRIER, epoch_ms=1_700_000_000_000)
    carrier.send(started("plivo"))
    body = json.loads(carrier.send(Audio(payload=b"\xff" * 160, track="inbound")))
    assert body["sequenceNumber"] == 2
    assert body["media"]["chunk"] == 1
    assert body["media"]["timestamp"] == "1700000000000"


@pytest.mark.parametrize("kind", CARRIERS)
def test_audio_before_the_start_message_is_out_of_place_and_changes_nothing(kind: str) -> None:
    carrier, _ = running(kind)
    agent = stream(kind, Role.AGENT)
    with pytest.raises(PeerError, match="Audio: came before the start message"):
        agent.receive(carrier.send(Audio(payload=b"\xff", track="inbound")))
    assert agent.phase is Phase.OPENING


@pytest.mark.parametrize("kind", CARRIERS)
def test_a_second_start_is_out_of_place(kind: str) -> None:
    _, agent = running(kind)
    with pytest.raises(PeerError, match="Started: came while the stream was running"):
        agent.receive(stream(kind, Role.CARRIER).send(started(kind)))
    assert agent.phase is Phase.RUNNING


@pytest.mark.parametrize("kind", CARRIERS)
def test_nothing_comes_after_the_stop_message(kind: str) -> None:
    _, agent = running(kind)
    agent.accept(Stopped())
    with pytest.raises(PeerError, match="came after the stop message"):
        agent.accept(Audio(payload=b"\xff"))


@pytest.mark.parametrize("kind", CARRIERS)
def test_the_agent_may_not_speak_before_the_start_message(kind: str) -> None:
    with pytest.raises(UsageError, match="Audio on a stream that is opening"):
        stream(kind, Role.AGENT).send(Audio(payload=b"\xff"))


def test_a_carrier_that_speaks_out_of_turn_is_our_own_fault() -> None:
    with pytest.raises(UsageError, match="came before the start message"):
        stream("twilio", Role.CARRIER).send(Audio(payload=b"\xff"))


def test_a_websocket_stream_runs_as_soon_as_it_is_open() -> None:
    agent = stream("websocket", Role.AGENT)
    assert agent.phase is Phase.RUNNING
    assert agent.send(Audio(payload=b"\x00\x00")) == b"\x00\x00"


def test_a_document_without_the_facts_that_code_asks_for_is_refused() -> None:
    with pytest.raises(DocumentError, match="trial: x-stream must say begins"):
        Traits.of({"x-connection-type": "trial", "x-stream": {"audio": {"encoding": "mulaw"}}})
