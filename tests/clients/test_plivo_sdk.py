"""Plivo's official SDK for agents: its models read what our agent says, and our codec reads what they say.

The SDK is an agent, as the mock is.  Its models are stricter than Plivo's page in what must be there, and do not know
`stop`, `error`, `playFailed` and `sendDTMF`, which Plivo's own transport speaks.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.sync.client import ClientConnection

from contract.codec import Codec, Role
from contract.documents import asyncapi
from contract.errors import PeerError
from contract.events import Audio, Clear, Cleared, Digit, Event, Mark, Started
from contract.stream import Stream, Traits
from tests.clients.carrier import Body
from tests.clients.carriers import Plivo
from tests.clients.speech import mulaw, speech
from tests.documents.payloads import recorded
from tests.running import RunningMock

with warnings.catch_warnings():
    # The SDK's models are written in an older pydantic's way, which warns.
    warnings.simplefilter("ignore")
    import plivo_stream as sdk  # type: ignore[import-untyped]  # ships no types

OUR_WORDS = {"playAudio": sdk.PlayAudioEvent, "checkpoint": sdk.CheckpointEvent, "clearAudio": sdk.ClearAudioEvent}
PLIVOS_WORDS = {
    "start": sdk.StartEvent,
    "media": sdk.MediaEvent,
    "dtmf": sdk.DtmfEvent,
    "playedStream": sdk.PlayedStreamEvent,
    "clearedAudio": sdk.ClearedAudioEvent,
}

STREAM = "b77e037d-4119-44b5-902d-25826b654539"
CALL = "7c4b5f3e-6f5d-4d3c-9692-02420aeffb1f"
ACCOUNT = "MA" + "X" * 18
FRAME = b"\xff" * 160

DOCUMENT = asyncapi("plivo")
AGENT = Codec(DOCUMENT, Role.AGENT)

FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000}
START = {"callId": CALL, "streamId": STREAM, "accountId": ACCOUNT, "tracks": ["inbound"], "mediaFormat": FORMAT}
MEDIA = {"track": "inbound", "timestamp": "1705312200000", "chunk": 1, "payload": "//8="}
DTMF = {"track": "inbound", "digit": "#", "timestamp": "1705312250000"}
HEARD = {"extra_headers": "{}", "streamId": STREAM}

SAID_BY_THE_SDK: list[tuple[Any, Event]] = [
    (
        sdk.StartEvent(event="start", sequenceNumber=1, start=START, extra_headers='{"userId": "7"}'),
        Started(
            stream_id=STREAM,
            sequence=1,
            call_id=CALL,
            account_id=ACCOUNT,
            encoding="audio/x-mulaw",
            rate_hz=8000,
            tracks=["inbound"],
            parameters={"userId": "7"},
        ),
    ),
    (
        sdk.MediaEvent(event="media", sequenceNumber=2, media=MEDIA, **HEARD),
        Audio(stream_id=STREAM, sequence=2, payload=b"\xff\xff", chunk=1, at_ms=1705312200000, track="inbound"),
    ),
    (
        sdk.DtmfEvent(event="dtmf", sequenceNumber=3, dtmf=DTMF, **HEARD),
        Digit(stream_id=STREAM, sequence=3, digit="#", track="inbound", at_ms=1705312250000),
    ),
    (
        sdk.PlayedStreamEvent(event="playedStream", sequenceNumber=4, streamId=STREAM, name="greeting"),
        Mark(stream_id=STREAM, sequence=4, name="greeting"),
    ),
    (
        sdk.ClearedAudioEvent(event="clearedAudio", sequenceNumber=5, streamId=STREAM),
        Cleared(stream_id=STREAM, sequence=5),
    ),
]


class Recorder(Plivo):
    """Plivo's end of a call, which keeps what it hears."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.heard: list[Body] = []

    def _read(self, message: Body) -> bool:
        self.heard.append(dict(message))
        return super()._read(message)


@pytest.fixture(scope="module")
def said_on_a_call(mock: RunningMock) -> list[Body]:
    """What the mock's agent said on a call whose greeting was interrupted."""
    created = mock.create_inline(connectionType="plivo", greeting="One, two, three. " * 9, interruptible=True)
    with Recorder.dial(created["websocketUrl"]) as carrier:
        carrier.start()
        carrier.speak(mulaw(speech(0.6)))
        carrier.hear_out()
        return carrier.heard


def assert_the_sdk_says_the_same(message: Body) -> None:
    understood = OUR_WORDS[message["event"]].model_validate(message)
    # The page leaves streamId on playAudio open, and the SDK leaves it out.
    optional = {"streamId"} if message["event"] == "playAudio" else set()
    assert understood.model_dump(by_alias=True) == {key: message[key] for key in message if key not in optional}


def test_the_sdk_knows_every_message_of_a_real_call(said_on_a_call: list[Body]) -> None:
    assert {message["event"] for message in said_on_a_call} == set(OUR_WORDS)
    for message in said_on_a_call:
        assert_the_sdk_says_the_same(message)


@pytest.mark.parametrize(
    "event", (Audio(payload=FRAME), Mark(name="greeting"), Clear()), ids=lambda event: type(event).__name__
)
def test_the_sdk_knows_every_message_that_our_codec_writes(event: Event) -> None:
    stream = Stream(AGENT, Role.AGENT, Traits.of(DOCUMENT))
    stream.receive(json.dumps({"event": "start", "sequenceNumber": 1, "start": START, "extra_headers": ""}))
    assert_the_sdk_says_the_same(json.loads(stream.send(event)))


@pytest.mark.parametrize(("model", "event"), SAID_BY_THE_SDK, ids=lambda part: type(part).__name__)
def test_our_codec_reads_what_the_sdk_takes_for_plivos_words(model: Any, event: Event) -> None:
    assert AGENT.decode(model.model_dump_json(by_alias=True)) == event


@pytest.mark.parametrize(("model", "event"), SAID_BY_THE_SDK[:3], ids=lambda part: type(part).__name__)
def test_headers_that_only_the_sdk_lets_plivo_leave_out_are_objected_to_and_not_missed(model: Any, event: Any) -> None:
    with pytest.raises(PeerError, match='"extra_headers" is a required property') as objected:
        AGENT.decode(model.model_dump_json(by_alias=True, exclude={"extra_headers"}))
    expected = msgspec.structs.replace(event, parameters=None) if isinstance(event, Started) else event
    assert objected.value.event == expected


@pytest.mark.parametrize("event", PLIVOS_WORDS)
def test_the_sdk_reads_the_recorded_messages_of_plivo(event: str) -> None:
    messages = [line["message"] for line in recorded("plivo") if line["from"] == "carrier"]
    messages = [message for message in messages if message["event"] == event]
    assert messages
    for message in messages:
        said = PLIVOS_WORDS[event].model_validate(message).model_dump(by_alias=True)
        assert AGENT.decode(json.dumps(said)) == AGENT.decode(json.dumps(message))


def test_an_agent_made_with_the_sdk_understands_our_carrier_side_and_is_understood() -> None:
    happened: list[str] = []
    said = asyncio.run(asyncio.wait_for(call_an_agent_made_with_the_sdk(happened), timeout=10))
    assert happened == ["start", "media", "media", "played greeting", "dtmf 5", "cleared"]
    assert [type(event) for event in said] == [Audio, Mark, Clear]
    assert said[0] == Audio(payload=FRAME)
    assert said[1] == Mark(stream_id=STREAM, name="greeting")


async def call_an_agent_made_with_the_sdk(happened: list[str]) -> list[Event]:
    """What such an agent says on a call of our carrier side; `happened` is what it was told."""
    handler = agent_made_with_the_sdk(happened)
    said: list[Event] = []
    carrier = Stream(Codec(DOCUMENT, Role.CARRIER), Role.CARRIER, Traits.of(DOCUMENT), epoch_ms=1705312200000)
    start = Started(
        stream_id=STREAM, call_id=CALL, account_id=ACCOUNT, encoding="audio/x-mulaw", rate_hz=8000, tracks=["inbound"]
    )
    async with serve(handler.handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
            for event in (start, Audio(payload=FRAME, track="inbound"), Audio(payload=FRAME, track="inbound")):
                await socket.send(carrier.send(event))
            said += [carrier.receive(await socket.recv()) for _ in range(2)]
            await socket.send(carrier.send(Mark(name="greeting")))
            await socket.send(carrier.send(Digit(digit="5", track="inbound", at_ms=1705312250000)))
            said.append(carrier.receive(await socket.recv()))
            await socket.send(carrier.send(Cleared()))
    return said


def agent_made_with_the_sdk(happened: list[str]) -> Any:
    """Plays 20 ms and a checkpoint at the start, clears when a key is pressed, writes down what it is told."""
    handler = sdk.PlivoWebsocketStreamingHandler()

    async def started(event: Any) -> None:
        happened.append(event.event)
        await handler.send_media(FRAME)
        await handler.send_checkpoint("greeting")

    async def heard(event: Any) -> None:
        happened.append(event.event if event.get_raw_media() == FRAME else "other audio")

    async def played(event: Any) -> None:
        happened.append(f"played {event.name}")

    async def pressed(event: Any) -> None:
        happened.append(f"dtmf {event.dtmf.digit}")
        await handler.send_clear_audio()

    async def cleared(event: Any) -> None:
        happened.append("cleared")

    async def failed(error: Exception) -> None:
        happened.append(f"error: {error}")

    handler.on_start(started)
    handler.on_media(heard)
    handler.on_played_stream(played)
    handler.on_dtmf(pressed)
    handler.on_cleared_audio(cleared)
    handler.on_error(failed)
    return handler
