"""How the tests read AsyncAPI documents and recordings: on their own, so that a fault of the codec cannot hide."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from contract.documents import asyncapi, resolved

Json = dict[str, Any]
Place = tuple[str, ...]

ACTIONS = {"carrier": "receive", "agent": "send"}
"""What AsyncAPI calls the words of each end: the documents are written from the agent's side."""


@functools.cache
def document(kind: str) -> Json:
    """The document of a connection type, with nothing left to resolve."""
    return resolved(asyncapi(kind), kind)


def message(kind: str, name: str) -> Json:
    """One message of a document."""
    found: Json = document(kind)["components"]["messages"][name]
    return found


def is_binary(definition: Json) -> bool:
    """Whether a message is a binary frame."""
    return definition.get("contentType") == "application/octet-stream"


@functools.cache
def said_on(kind: str, action: str, channel: str) -> tuple[str, ...]:
    """The names of the messages of one direction, in the document's order."""
    return tuple(
        reference["$ref"].rpartition("/")[2]
        for operation in asyncapi(kind)["operations"].values()
        if operation["action"] == action and operation["channel"]["$ref"] == f"#/channels/{channel}"
        for reference in operation["messages"]
    )


def leaves(schema: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every place of a payload that holds no further properties."""
    if "properties" not in schema:
        yield place, schema
    for key, part in schema.get("properties", {}).items():
        yield from leaves(part, (*place, key))


def faults(schema: Json, body: Any) -> list[str]:
    """Why a body is not what a payload schema allows, its base64 included; empty where it is."""
    found = [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(body)]
    for place, leaf in leaves(schema):
        value = body
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if leaf.get("contentEncoding") == "base64" and isinstance(value, str) and not is_base64(value):
            found.append(f"{'.'.join(place)}: not base64")
    return found


def is_base64(text: str) -> bool:
    """Whether a text is base64 in its one canonical spelling."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except binascii.Error:
        return False


def recorded(kind: str) -> list[Json]:
    """The recorded messages of a connection type, in the order of the file."""
    path = Path(__file__).parent.parent / "recordings" / f"{kind}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def meant(kind: str, line: Json) -> str | None:
    """The name of the message that a recorded line is: the first of its direction that fits."""
    for name in said_on(kind, ACTIONS[line["from"]], line.get("channel", "media")):
        definition = message(kind, name)
        if is_binary(definition) != ("binary_hex" in line):
            continue
        if is_binary(definition) or not faults(definition["payload"], line["message"]):
            return name
    return None
