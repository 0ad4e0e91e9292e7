from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.codec import Codec, Message, Role
from contract.documents import asyncapi, connection_types
from contract.errors import DocumentError, PeerError, UsageError
from contract.events import Audio, Clear, Event, Mark, RoomOffered, Started, TextMessage, ToolResult, Transcript
from contract_tests.damage import damaged
from tests.contract.messages import bodies

CHANNELS = [(kind, channel) for kind in connection_types() for channel in asyncapi(kind)["channels"]]
CODECS = {(kind, channel, role): Codec(asyncapi(kind), role, channel) for kind, channel in CHANNELS for role in Role}
MESSAGES = [
    pytest.param(key, message, id=f"{key[0]}-{key[1]}-{key[2].name.lower()}-{message.name}")
    for key, codec in CODECS.items()
    for message in codec.sent
]
TEXT_MESSAGES = [case for case in MESSAGES if not case.values[1].binary]  # type: ignore[union-attr]

LONG_NAMES = {
    "type": "object",
    "properties": {"start": {"properties": {"customParameters": {"additionalProperties": {"type": "string"}}}}},
}

Key = tuple[str, str, Role]


def peers(key: Key) -> tuple[Codec, Codec]:
    """The codec of the end that speaks, and of the end that listens."""
    kind, channel, role = key
    return CODECS[key], CODECS[kind, channel, role.peer]


@pytest.mark.parametrize(("key", "message"), TEXT_MESSAGES)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_event_of_every_document_survives_encode_then_decode(key: Key, message: Message, data: Any) -> None:
    speaker, listener = peers(key)
    body = data.draw(bodies(message.schema))
    event = listener.decode(json.dumps(body))
    assert listener.decode(speaker.encode(event)) == event


@pytest.mark.parametrize(("key", "message"), TEXT_MESSAGES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_damaged_message_is_refused_with_its_name_the_path_and_a_reason(
    key: Key, message: Message, data: Any
) -> None:
    _, listener = peers(key)
    body = data.draw(bodies(message.schema))
    cases = [case for case in damaged(message.schema, body) if not others_fit(listener, message, case[2])]
    for what, path, broken in cases:
        with pytest.raises(PeerError) as refusal:
            listener.decode(json.dumps(broken))
        alike = {other.name for other in listener.received if other.constants == message.constants}
        assert refusal.value.message_name in alike, what
        assert refusal.value.path.startswith("$"), what
        assert refusal.value.reason, what
        if alike == {message.name}:
            assert refusal.value.path == "$" + "".join(f".{step}" for step in path), what


def others_fit(listener: Codec, message: Message, body: dict[str, Any]) -> bool:
    """Whether a damaged message happens to be another legal one."""
    return any(other.fits(body) for other in listener.received if not other.binary and other is not message)


@pytest.mark.parametrize(("kind", "channel"), CHANNELS)
@pytest.mark.parametrize("role", Role)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_but_peer_error_ever_comes_out_of_decode(kind: str, channel: str, role: Role, data: Any) -> None:
    codec = CODECS[kind, channel, role]
    tags = st.sampled_from([tag for message in codec.received for tag in message.constants.items()] or [("a", "b")])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400)
    anything = st.recursive(leaves, lambda part: st.lists(part) | st.dictionaries(st.text(max_size=8), part))
    words = st.sampled_from(
        ["media", "start", "payload", "streamSid", "stream_id", "text", "mark", "dtmf", "timestamp"]
    )
    objects = st.dictionaries(words | st.text(max_size=8), anything)
    tagged = st.tuples(tags, objects).map(lambda pair: {**pair[1], pair[0][0]: pair[0][1]})
    wire = data.draw(st.text() | st.binary() | (objects | tagged | anything).map(json.dumps))
    try:
        assert isinstance(codec.decode(wire), Event)
    except PeerError as error:
        assert error.reason


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "null",
        "[]",
        "{",
        '{"event": "media"',
        "NaN",
        '{"event": NaN}',
        '{"a":' * 100_000,
        "[" * 5_000 + "]" * 5_000,
        '{"event": ' + "9" * 5_000 + "}",
        '{"event": 1e999}',
        '"\\ud800"',
        '{"event": "\\ud800"}',
        "\ud800",
        '{"event": "media\\u0000"}',
        '{"event": {"event": "media"}}',
        '{"event": "media", "media": ' + '{"a":' * 400 + "1" + "}" * 400 + "}",
        "\ufeff{}",
    ],
    ids=lambda wire: ascii(wire[:20]),
)
def test_hostile_text_is_a_peer_error(wire: str) -> None:
    with pytest.raises(PeerError):
        CODECS["twilio", "media", Role.AGENT].decode(wire)


def test_a_fault_names_message_path_and_reason() -> None:
    with pytest.raises(PeerError, match=r"^playAudio: \$\.media: \"contentType\" is a required property$"):
        CODECS["plivo", "media", Role.CARRIER].decode(
            '{"event": "playAudio", "media": {"sampleRate": 8000, "payload": ""}}'
        )


def test_of_very_many_faults_the_first_is_told_at_once() -> None:
    start = {"event": "start", "start": {"tracks": [1] * 300_000}}
    with pytest.raises(PeerError, match="^start: "):
        CODECS["twilio", "media", Role.AGENT].decode(json.dumps(start))


def test_an_unknown_event_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PeerError, match="unknown event 'hello', expected one of connected, dtmf, mark, media, start"):
        CODECS["twilio", "media", Role.AGENT].decode('{"event": "hello"}')


def test_what_the_peer_sent_is_not_repeated_in_the_fault() -> None:
    secret = "a-token-of-the-peer"
    with pytest.raises(PeerError) as refusal:
        CODECS["plivo", "media", Role.AGENT].decode(json.dumps({"event": "start", "extra_headers": [secret]}))
    assert secret not in str(refusal.value)


def test_what_the_peer_sent_is_told_whole_or_not_at_all() -> None:
    codec = CODECS["twilio", "media", Role.AGENT]
    token = "t0" * 21 + "t"
    with pytest.raises(PeerError, match=r"unknown event \(43 characters\), expected one of"):
        codec.decode(json.dumps({"event": token}))
    start = {"event": "start", "start": {"customParameters": {token: 1}}}
    with pytest.raises(PeerError, match=r"customParameters\[\(43 characters\)\]"):
        raise Message("start", {"x-event": "Started", "payload": LONG_NAMES}).fault(start)


def test_binary_is_refused_where_there_is_only_text() -> None:
    with pytest.raises(PeerError, match="a binary message, where only text is allowed"):
        CODECS["twilio", "media", Role.AGENT].decode(b"\xff" * 160)


def test_binary_is_audio_where_the_document_says_so() -> None:
    assert CODECS["websocket", "media", Role.AGENT].decode(b"\x01\x02") == Audio(payload=b"\x01\x02")
    assert CODECS["websocket", "media", Role.AGENT].encode(Audio(payload=b"\x01\x02")) == b"\x01\x02"


def test_a_start_message_that_lacks_what_nobody_needs_is_refused_and_still_understood() -> None:
    body = {"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1", "callSid": "CA1"}}
    with pytest.raises(PeerError) as refusal:
        CODECS["twilio", "media", Role.AGENT].decode(json.dumps(body))
    assert refusal.value.event == Started(stream_id="MZ1", call_id="CA1")


def test_audio_whose_payload_is_not_base64_is_refused_and_means_nothing() -> None:
    body = {"event": "media", "streamSid": "MZ1", "media": {"payload": "???"}}
    with pytest.raises(PeerError) as refusal:
        CODECS["twilio", "media", Role.AGENT].decode(json.dumps(body))
    assert refusal.value.event is None


def test_a_number_where_twilio_writes_digits_is_refused_and_still_understood() -> None:
    body = {
        "event": "mark",
        "sequenceNumber": 4,
        "streamSid": "MZ" + "0" * 32,
        "mark": {"name": "m"},
    }
    with pytest.raises(PeerError, match=r"^mark: \$\.sequenceNumber: ") as refusal:
        CODECS["twilio", "media", Role.AGENT].decode(json.dumps(body))
    assert refusal.value.event == Mark(name="m", sequence=4, stream_id="MZ" + "0" * 32)


@pytest.mark.parametrize(
    ("role", "body"),
    [
        (Role.AGENT, {"type": "set_output_medium", "medium": "smoke"}),
        (Role.AGENT, {"type": "set_output_medium", "medium": "Voice"}),
        (Role.AGENT, {"type": "set_output_medium", "medium": ""}),
        (Role.AGENT, {"type": "set_output_medium", "medium": ["voice"]}),
        (Role.CARRIER, {"type": "state", "state": "dancing"}),
        (Role.CARRIER, {"type": "transcript", "role": "ghost", "ordinal": 0, "final": True, "text": "boo"}),
    ],
)
def test_a_word_that_is_none_of_those_allowed_is_refused_and_means_nothing(role: Role, body: dict[str, Any]) -> None:
    with pytest.raises(PeerError) as refusal:
        CODECS["websocket", "media", role].decode(json.dumps(body))
    assert refusal.value.event is None


def test_a_word_that_is_allowed_is_understood_beside_what_is_not() -> None:
    body = {"type": "transcript", "role": "agent", "medium": "text", "ordinal": 0, "final": True, "text": 5}
    with pytest.raises(PeerError) as refusal:
        CODECS["websocket", "media", Role.CARRIER].decode(json.dumps(body))
    assert refusal.value.event == Transcript(role="agent", medium="text", ordinal=0, final=True)


def test_plivo_audio_names_its_coding() -> None:
    body = json.loads(CODECS["plivo", "media", Role.AGENT].encode(Audio(payload=b"\xff" * 160)))
    assert body["media"]["contentType"] == "audio/x-mulaw"
    assert body["media"]["sampleRate"] == 8000


def test_twilio_gets_nothing_that_its_page_does_not_name() -> None:
    body = json.loads(CODECS["twilio", "media", Role.AGENT].encode(Audio(payload=b"\xff", stream_id="MZ" + "0" * 32)))
    assert body == {"event": "media", "streamSid": "MZ" + "0" * 32, "media": {"payload": "/w=="}}


def test_twilio_media_without_a_stream_id_is_our_own_fault() -> None:
    with pytest.raises(UsageError, match="streamSid"):
        CODECS["twilio", "media", Role.AGENT].encode(Audio(payload=b"\xff"))


def test_an_event_without_a_message_is_our_own_fault() -> None:
    with pytest.raises(UsageError, match="twilio: this end has no message for Transcript"):
        CODECS["twilio", "media", Role.AGENT].encode(Transcript(role="agent", ordinal=0, final=True, text="hi"))


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        ({"type": "client_tool_result", "invocationId": "i", "result": "4"}, ToolResult(invocation_id="i", result="4")),
        ({"type": "client_tool_result", "invocationId": "i", "error": "no"}, ToolResult(invocation_id="i", error="no")),
        (
            {
                "type": "client_tool_result",
                "invocationId": "i",
                "errorType": "implementation-error",
                "errorMessage": "no",
            },
            ToolResult(invocation_id="i", error="no", error_type="implementation-error"),
        ),
        ({"type": "user_text_message", "text": "hi"}, TextMessage(text="hi")),
        ({"type": "input_text_message", "text": "hi"}, TextMessage(text="hi")),
    ],
    ids=lambda case: "-".join(case) if isinstance(case, dict) else "",
)
def test_both_spellings_of_a_message_are_one_event(wire: dict[str, Any], event: Event) -> None:
    assert CODECS["websocket", "media", Role.AGENT].decode(json.dumps(wire)) == event


def test_of_several_spellings_the_one_that_was_meant_is_blamed() -> None:
    body = {"type": "client_tool_result", "invocationId": "i", "error": 5}
    with pytest.raises(PeerError, match=r"^clientToolError: \$\.error: "):
        CODECS["websocket", "media", Role.AGENT].decode(json.dumps(body))


def test_the_room_offer_has_no_tag_and_is_told_by_its_keys() -> None:
    offered = CODECS["webrtc", "control", Role.CARRIER].decode('{"roomUrl": "wss://room.example", "token": "a.b.c"}')
    assert offered == RoomOffered(room_url="wss://room.example", token="a.b.c")


def test_a_flush_is_spelt_by_each_document_in_its_own_words() -> None:
    assert json.loads(CODECS["telnyx", "media", Role.AGENT].encode(Clear())) == {"event": "clear"}
    assert json.loads(CODECS["websocket", "media", Role.AGENT].encode(Clear()))["type"] == "playback_clear_buffer"


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ({"properties": {"a": {"x-field": "colour"}}}, "x-field 'colour' is not a field of the event"),
        ({"properties": {"name": {"type": "string", "x-field": "name"}}}, "Mark.name is needed"),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, "leads nowhere"),
        ({"properties": {"a": {"$ref": "other.yaml"}}}, "only references within the document"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_at_load(payload: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DocumentError, match=complaint):
        Codec(document(payload), Role.AGENT)


def test_an_unknown_event_name_in_a_document_is_refused_at_load() -> None:
    with pytest.raises(DocumentError, match="x-event 'Nonsense' is not one of Connected, Started"):
        Codec(document({}, event="Nonsense"), Role.AGENT)


def document(payload: dict[str, Any], event: str = "Mark") -> dict[str, Any]:
    reference = {"$ref": "#/components/messages/thing"}
    return {
        "x-connection-type": "trial",
        "channels": {"media": {"messages": {"thing": reference}}},
        "operations": {"says": {"action": "send", "messages": [reference]}},
        "components": {"messages": {"thing": {"x-event": event, "payload": payload}}},
    }


def test_no_infinite_number_reaches_the_wire() -> None:
    from contract.events import Pong

    wire = CODECS["websocket", "media", Role.AGENT].encode(Pong(timestamp=1.5))
    assert json.loads(wire)["timestamp"] == 1.5
    with pytest.raises(UsageError):
        CODECS["websocket", "media", Role.AGENT].encode(Pong(timestamp=math.inf))
