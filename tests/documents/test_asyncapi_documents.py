"""The AsyncAPI documents hold together: references, directions, events, extension keywords, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from contract.documents import asyncapi, connection_types, openapi
from contract.events import EVENTS
from tests.documents.payloads import ACTIONS, Json, document, faults, is_binary, leaves, message, said_on

MESSAGES = [(kind, name) for kind in connection_types() for name in asyncapi(kind)["components"]["messages"]]

EXTENSIONS = {"x-connection-type", "x-stream", "x-event", "x-field", "x-spelling", "x-unsure"}
STREAM_FACTS: dict[str, list[Any]] = {
    "begins": ["start", "open"],
    "order": ["promised", "not-promised"],
    "timestamps": ["stream", "epoch"],
    "marksAfterClear": ["returned", "unsure", "none"],
    "stop": ["sent", "unsure", "none"],
    "audio": [{"encoding": "mulaw", "sampleRate": 8000}, {"encoding": "requested"}, {"encoding": "room"}],
    "binary": ["refused", "audio"],
}
FIRST_NUMBERS = {"firstTimestampMs", "firstSequence", "firstChunk"}
EVERY_STREAM_STATES = {"begins", "order", "marksAfterClear", "stop", "audio", "binary"}

every_document = pytest.mark.parametrize("kind", connection_types())
every_message = pytest.mark.parametrize(("kind", "name"), MESSAGES)


def extensions(node: Any) -> Iterator[str]:
    """Every extension keyword; names of properties and what stands in examples and defaults are none."""
    if isinstance(node, dict):
        for key, part in node.items():
            if key == "properties":
                yield from (word for schema in part.values() for word in extensions(schema))
            elif key not in ("examples", "default"):
                yield from [key] if key.startswith("x-") else []
                yield from extensions(part)
    elif isinstance(node, list):
        yield from (word for part in node for word in extensions(part))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        yield from (found for part in node.values() for found in references(part))
    elif isinstance(node, list):
        yield from (found for part in node for found in references(part))


def objects(schema: Json) -> Iterator[Json]:
    """A payload and every object with properties inside it."""
    if "properties" in schema:
        yield schema
        yield from (inner for part in schema["properties"].values() for inner in objects(part))


def carried(kind: str, event: str, action: str) -> set[str]:
    """The fields of an event that one end's messages carry."""
    return {
        leaf["x-field"]
        for channel in asyncapi(kind)["channels"]
        for name in said_on(kind, action, channel)
        if message(kind, name)["x-event"] == event
        for _, leaf in leaves(message(kind, name)["payload"])
        if "x-field" in leaf
    }


def test_each_connection_type_of_the_api_has_a_document_and_no_other_has() -> None:
    inline = openapi()["components"]["schemas"]["CreateInlineCallRequest"]
    assert set(connection_types()) == set(inline["properties"]["connectionType"]["enum"])


@every_document
def test_a_document_is_asyncapi_3_and_says_what_readers_need(kind: str) -> None:
    content = document(kind)
    assert content["asyncapi"] == "3.0.0"
    assert content["x-connection-type"] == kind
    assert content["defaultContentType"] == "application/json"
    assert {"title", "version", "description", "license", "contact", "tags"} <= set(content["info"])
    assert all({"host", "protocol", "description"} <= set(server) for server in content["servers"].values())
    assert all(part["summary"] and part["description"] for part in content["channels"].values())
    assert all(part["summary"] and part["description"] for part in content["operations"].values())


@every_document
def test_every_reference_leads_to_a_place_in_the_same_document(kind: str) -> None:
    for reference in references(asyncapi(kind)):
        place: Any = asyncapi(kind)
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            assert step in place, reference
            place = place[step]


@every_document
def test_a_document_uses_only_the_known_extension_keywords(kind: str) -> None:
    assert set(extensions(document(kind))) <= EXTENSIONS


@every_document
def test_the_channels_have_the_keys_that_programs_ask_for_and_the_token_in_the_path(kind: str) -> None:
    channels = document(kind)["channels"]
    assert list(channels) == (["control", "room"] if kind == "webrtc" else ["media"])
    dialled = [channel for channel in channels.values() if channel["address"] is not None]
    assert [(channel["address"], list(channel["parameters"])) for channel in dialled] == [("/media/{token}", ["token"])]


@every_document
def test_every_message_of_a_channel_is_said_by_one_end_in_one_operation(kind: str) -> None:
    content = asyncapi(kind)
    for operation in content["operations"].values():
        assert operation["action"] in ACTIONS.values()
        prefix = operation["channel"]["$ref"] + "/messages/"
        assert all(reference["$ref"].startswith(prefix) for reference in operation["messages"])
    for key, channel in content["channels"].items():
        said = [name for action in ACTIONS.values() for name in said_on(kind, action, key)]
        assert sorted(said) == sorted(channel["messages"])
        assert all(part["$ref"] == f"#/components/messages/{name}" for name, part in channel["messages"].items())
    used = {name for channel in content["channels"].values() for name in channel["messages"]}
    assert used == set(content["components"]["messages"])


@every_document
def test_a_stream_states_known_facts_with_legal_values(kind: str) -> None:
    stream = document(kind)["x-stream"]
    unsure = stream.get("x-unsure", {})
    assert EVERY_STREAM_STATES <= set(stream) <= set(STREAM_FACTS) | FIRST_NUMBERS | {"x-unsure"}
    assert all(stream[fact] in values for fact, values in STREAM_FACTS.items() if fact in stream)
    assert all(type(stream[first]) is int for first in FIRST_NUMBERS & set(stream))
    assert set(unsure) <= set(stream)
    assert {fact for fact, value in stream.items() if value == "unsure"} <= set(unsure)


@every_document
def test_what_a_stream_states_agrees_with_its_messages(kind: str) -> None:
    stream = document(kind)["x-stream"]
    events = {message(kind, name)["x-event"] for name in document(kind)["components"]["messages"]}
    heard = carried(kind, "Audio", "receive")
    assert (stream["begins"] == "start") == ("Started" in events)
    assert (stream["stop"] != "none") == ("Stopped" in events)
    assert (stream["marksAfterClear"] != "none") == ("Mark" in events)
    assert ("timestamps" in stream) == ("at_ms" in heard)
    assert ("firstSequence" in stream) == ("sequence" in heard)
    assert ("firstChunk" in stream) == ("chunk" in heard)
    binary = {name for name in document(kind)["components"]["messages"] if is_binary(message(kind, name))}
    assert (stream["binary"] == "audio") == bool(binary)


@every_message
def test_a_message_is_named_described_and_shown(kind: str, name: str) -> None:
    definition = message(kind, name)
    assert definition["name"] == name
    assert all(definition[part].strip() for part in ("title", "summary", "description"))
    assert is_binary(definition) or definition["examples"]


@every_message
def test_a_message_stands_for_a_known_event_and_can_be_read_into_it(kind: str, name: str) -> None:
    definition = message(kind, name)
    fields = {field.name: field for field in msgspec.structs.fields(EVENTS[definition["x-event"]])}
    read = {leaf["x-field"] for _, leaf in leaves(definition["payload"]) if "x-field" in leaf}
    assert read <= set(fields)
    assert {field for field, each in fields.items() if each.required} <= read


@every_message
def test_everything_that_a_message_requires_can_be_written(kind: str, name: str) -> None:
    for each in objects(message(kind, name)["payload"]):
        for key in each.get("required", ()):
            assert {"const", "default", "x-field", "properties"} & set(each["properties"][key]), key


@every_message
def test_the_payload_and_its_examples_are_sound(kind: str, name: str) -> None:
    definition = message(kind, name)
    Draft7Validator.check_schema(definition["payload"])
    for example in definition.get("examples", ()):
        assert not faults(definition["payload"], example["payload"])


@pytest.mark.parametrize("name", said_on("twilio", "send", "media"))
def test_nothing_may_be_added_to_what_twilio_is_sent(name: str) -> None:
    assert all(each["additionalProperties"] is False for each in objects(message("twilio", name)["payload"]))
