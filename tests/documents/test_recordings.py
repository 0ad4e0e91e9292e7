"""The recorded messages are what the AsyncAPI documents allow, and the documents allow nothing less."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from contract.documents import asyncapi, connection_types
from tests.documents.payloads import ACTIONS, Json, Place, meant, message, recorded, said_on

LINES = [
    pytest.param(kind, line, id=f"{kind}-{number}")
    for kind in connection_types()
    for number, line in enumerate(recorded(kind), 1)
]
TEXT_LINES = [case for case in LINES if "message" in case.values[1]]  # type: ignore[operator]  # a line is a dict


def required_places(schema: Json, body: Json, place: Place = ()) -> Iterator[Place]:
    """Every place in a body that its schema requires."""
    for key in schema.get("required", ()):
        yield (*place, key)
    for key, part in schema.get("properties", {}).items():
        if isinstance(body.get(key), dict):
            yield from required_places(part, body[key], (*place, key))


def without(body: Json, place: Place) -> Json:
    damaged = copy.deepcopy(body)
    parent = damaged
    for key in place[:-1]:
        parent = parent[key]
    del parent[place[-1]]
    return damaged


@pytest.mark.parametrize(("kind", "line"), LINES)
def test_a_recorded_message_is_allowed_and_stands_for_its_event(kind: str, line: Json) -> None:
    name = meant(kind, line)
    assert name is not None
    assert message(kind, name)["x-event"] == line["event"]
    assert line["source"].startswith("https://")


@pytest.mark.parametrize(("kind", "line"), TEXT_LINES)
def test_a_recorded_message_without_a_required_field_is_refused(kind: str, line: Json) -> None:
    name = meant(kind, line)
    assert name is not None
    places = list(required_places(message(kind, name)["payload"], line["message"]))
    assert places
    for place in places:
        assert meant(kind, {**line, "message": without(line["message"], place)}) is None, place


@pytest.mark.parametrize("kind", connection_types())
def test_every_message_of_every_direction_is_recorded(kind: str) -> None:
    shown = {(line.get("channel", "media"), line["from"], meant(kind, line)) for line in recorded(kind)}
    said = {
        (channel, end, name)
        for channel in asyncapi(kind)["channels"]
        for end, action in ACTIONS.items()
        for name in said_on(kind, action, channel)
    }
    assert said == shown
