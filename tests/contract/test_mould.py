"""Moulds spare work, and change nothing: what goes through one is what the codec would have made of it."""

from __future__ import annotations

import json

import pytest

from contract.codec import Codec, Role
from contract.documents import asyncapi
from contract.errors import PeerError
from contract.events import Audio, Started
from contract.mould import LONGEST_AROUND
from contract.stream import Stream, Traits

KINDS = ("twilio", "telnyx", "plivo")
ENCODINGS = {"telnyx": "PCMU"}
SOUND = bytes(range(160))


def pair(kind: str) -> tuple[Stream, Stream, Codec]:
    """Both ends of a running stream, and the agent's codec, which knows no moulds."""
    document = asyncapi(kind)
    codec = Codec(document, Role.AGENT)
    carrier = Stream(Codec(document, Role.CARRIER), Role.CARRIER, Traits.of(document))
    agent = Stream(codec, Role.AGENT, Traits.of(document))
    while carrier.phase.value != "running":
        started = Started(
            stream_id="MZ1",
            call_id="C1",
            account_id="A1",
            encoding=ENCODINGS.get(kind, "audio/x-mulaw"),
            rate_hz=8000,
            channels=1,
            tracks=["inbound"],
            parameters={},
        )
        agent.receive(carrier.send(started))
    return agent, carrier, codec


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_heard_through_a_mould_is_what_the_codec_hears(kind: str) -> None:
    agent, carrier, codec = pair(kind)
    for number in range(200):
        wire = carrier.send(Audio(payload=SOUND[number % 7 :] + SOUND[: number % 7], track="inbound"))
        assert agent.receive(wire) == codec.decode(wire)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_through_a_mould_is_what_the_codec_says(kind: str) -> None:
    agent, _, codec = pair(kind)
    for length in (160, 160, 80, 160, 160, 0, 160):
        payload = SOUND[:length]
        said = agent.send(Audio(payload=payload))
        assert said == codec.encode(Audio(payload=payload, stream_id=agent.stream_id))


WRONG = {
    "base64 that is none": ("payload", "=" * 216),
    "a number of words": ("chunk", "many"),
    "a number with a nought before it": ("chunk", "012"),
    "a number in figures of another script": ("chunk", "१२"),
    "a timestamp below nothing": ("timestamp", "-20"),
}


@pytest.mark.parametrize(("key", "value"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_schema_is_refused_after_a_hundred_good_frames(key: str, value: str) -> None:
    agent, carrier, codec = pair("twilio")
    for _ in range(100):
        wire = carrier.send(Audio(payload=SOUND, track="inbound"))
        agent.receive(wire)
    body = json.loads(wire)
    body["media"][key] = value
    wrong = json.dumps(body, separators=(",", ":"))
    with pytest.raises(PeerError):
        codec.decode(wrong)
    with pytest.raises(PeerError):
        agent.receive(wrong)


@pytest.mark.parametrize(("padding", "moulded"), [(0, True), (1000, True), (LONGEST_AROUND, False), (1_000_000, False)])
def test_no_mould_is_made_of_a_message_with_much_around_its_audio(padding: int, moulded: bool) -> None:
    agent, carrier, codec = pair("twilio")
    audio = Audio(payload=SOUND, track="inbound")
    wire = carrier.send(audio)
    assert isinstance(wire, str)
    wire = wire[:-1] + " " * padding + "}"
    assert (codec.template(wire, audio) is not None) == moulded
    for _ in range(2):
        assert agent.receive(wire) == codec.decode(wire)


def test_a_field_more_is_not_overlooked() -> None:
    agent, carrier, codec = pair("twilio")
    for _ in range(100):
        wire = carrier.send(Audio(payload=SOUND, track="inbound"))
        agent.receive(wire)
    body = json.loads(wire)
    body["media"]["track"] = "outbound"
    wire = json.dumps(body)
    assert agent.receive(wire) == codec.decode(wire)
    assert agent.receive(wire) != Audio(payload=SOUND, track="inbound")
