"""What the document accepts and refuses, on both sides of every bound and in every rule between fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents.schemas import OPERATIONS, SCHEMAS, SHORTEST, is_accepted, takes

RATES = {"inputSampleRate": 16000, "outputSampleRate": 24000}
both_operations = pytest.mark.parametrize("operation", OPERATIONS)

ACCEPTED_INLINE: list[tuple[str, list[Any]]] = [
    ("greeting", ["", "Hello"]),
    ("model", ["llama", "gemma", "glm", "another"]),
    ("temperature", [0, 0.3, 1]),
    ("firstSpeaker", ["agent", "user"]),
    ("interruptible", [True, False]),
    ("maxDuration", [60, 7200]),
    ("inactivityTimeout", [10, 300]),
    ("inactivityAction", ["hang_up", "prompt"]),
    ("recordingEnabled", [True, False]),
    ("connectionType", ["webrtc", "twilio", "telnyx", "plivo"]),
    ("selectedTools", [[], [{"toolId": "t"}, {"toolName": "n"}]]),
    ("metadata", [{}, {"any": {"key": [None, 1]}}]),
]
REFUSED_INLINE: list[tuple[str, list[Any]]] = [
    ("systemPrompt", ["", 1]),
    ("voice", ["", 1]),
    ("language", ["", 1]),
    ("greeting", [1]),
    ("model", [1]),
    ("temperature", [-0.1, 1.1, "0.5"]),
    ("firstSpeaker", ["caller", "Agent"]),
    ("interruptible", ["true", 1]),
    ("maxDuration", [59, 7201, 60.5, "300"]),
    ("inactivityTimeout", [9, 301, 10.5, "30"]),
    ("inactivityAction", ["hangup", "end"]),
    ("recordingEnabled", ["false", 0]),
    ("connectionType", ["sip", "Twilio", ""]),
    ("selectedTools", [{}, ["tool"]]),
    ("metadata", [[], "x"]),
]
ACCEPTED_AUDIO = [
    RATES,
    {"inputSampleRate": 8000, "outputSampleRate": 48000},
    {"inputSampleRate": 48000, "outputSampleRate": 8000},
    RATES | {"codec": "pcm"},
    RATES | {"codec": "g711", "enableAudioBuffering": True, "twilioStream": True},
]
REFUSED_AUDIO = [
    RATES | {"inputSampleRate": 7999},
    RATES | {"inputSampleRate": 48001},
    RATES | {"outputSampleRate": 7999},
    RATES | {"outputSampleRate": 48001},
    RATES | {"inputSampleRate": 16000.5},
    RATES | {"outputSampleRate": "16000"},
    RATES | {"codec": "opus"},
    RATES | {"enableAudioBuffering": "yes"},
    RATES | {"twilioStream": 1},
]


def spread(cases: list[tuple[str, list[Any]]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in cases for value in values]


@both_operations
def test_the_shortest_body_is_accepted(operation: str) -> None:
    assert takes(operation)


@pytest.mark.parametrize(
    ("operation", "name"), [(operation, name) for operation, body in SHORTEST.items() for name in body]
)
def test_a_required_field_cannot_be_left_out(operation: str, name: str) -> None:
    body = {key: value for key, value in SHORTEST[operation].items() if key != name}

    assert not is_accepted(OPERATIONS[operation].asks, body)


@pytest.mark.parametrize(("name", "value"), spread(ACCEPTED_INLINE))
def test_a_value_within_the_rules_is_accepted(name: str, value: Any) -> None:
    assert takes("createInlineCall", **{name: value})


@pytest.mark.parametrize(("name", "value"), spread(REFUSED_INLINE))
def test_a_value_against_the_rules_is_refused(name: str, value: Any) -> None:
    assert not takes("createInlineCall", **{name: value})


@pytest.mark.parametrize("agent_id", ["", 1, None])
def test_an_agent_id_is_a_string_that_is_not_empty(agent_id: Any) -> None:
    assert not takes("createCall", agentId=agent_id)


@pytest.mark.parametrize("kind", ["twilio", "telnyx", "plivo"])
def test_a_saved_agent_takes_calls_of_every_carrier(kind: str) -> None:
    assert takes("createCall", connectionType=kind)


def test_a_saved_agent_takes_no_browser_calls() -> None:
    assert not takes("createCall", connectionType="webrtc")


@both_operations
@pytest.mark.parametrize("body", ["text", 1, None, [], True])
def test_a_body_is_an_object(operation: str, body: Any) -> None:
    assert not is_accepted(OPERATIONS[operation].asks, body)


@both_operations
def test_null_is_not_a_value_of_any_known_field(operation: str) -> None:
    fields = SCHEMAS[OPERATIONS[operation].asks]["properties"]

    assert [name for name in fields if takes(operation, **{name: None})] == []


@both_operations
@pytest.mark.parametrize("value", [None, 1, {"deep": []}])
def test_unknown_fields_are_accepted_whatever_they_hold(operation: str, value: Any) -> None:
    assert takes(operation, fieldFromTheFuture=value, metadata={"key": value})
    assert takes(operation, connectionType="websocket", websocket=RATES | {"fieldFromTheFuture": value})


@both_operations
@pytest.mark.parametrize("audio", ACCEPTED_AUDIO)
def test_a_websocket_call_with_both_rates_is_accepted(operation: str, audio: dict[str, Any]) -> None:
    assert takes(operation, connectionType="websocket", websocket=audio)


@both_operations
@pytest.mark.parametrize("audio", REFUSED_AUDIO)
def test_wrong_audio_settings_are_refused(operation: str, audio: dict[str, Any]) -> None:
    assert not takes(operation, connectionType="websocket", websocket=audio)


@both_operations
@pytest.mark.parametrize("rate", RATES)
def test_a_websocket_call_needs_both_rates(operation: str, rate: str) -> None:
    assert not takes(operation, connectionType="websocket")
    assert not takes(operation, connectionType="websocket", websocket={})
    assert not takes(operation, connectionType="websocket", websocket={rate: 16000, "codec": "pcm"})


@both_operations
def test_other_calls_need_no_rates(operation: str) -> None:
    for kind in OPERATIONS[operation].connection_types:
        assert takes(operation, connectionType=kind, websocket={}) == (kind != "websocket")
    assert takes(operation, websocket={"inputSampleRate": 16000})


@both_operations
def test_wrong_audio_settings_are_refused_for_other_calls_too(operation: str) -> None:
    assert not takes(operation, connectionType="twilio", websocket={"inputSampleRate": 7999})
    assert not takes(operation, websocket={"codec": "opus"})


@pytest.mark.parametrize("schema", ["CreateCallRequest", "CreateInlineCallRequest", "SelectedTool", "TemporaryTool"])
def test_a_refused_combination_is_worded_for_people(schema: str) -> None:
    assert SCHEMAS[schema]["not"]["description"].strip()
