"""The schemas of `openapi/calls.yaml`, and what two independent validators say to a value."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from contract.documents import openapi

DOCUMENT = openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


@dataclass(frozen=True)
class Operation:
    """One operation: where it is, what it takes (`asks`) and what it gives (`answers`), by the names of schemas."""

    path: str
    asks: str
    answers: str
    connection_types: tuple[str, ...]


OPERATIONS = {
    "createCall": Operation(
        "/calls/create", "CreateCallRequest", "CreatedAgentCall", ("twilio", "telnyx", "plivo", "websocket")
    ),
    "createInlineCall": Operation(
        "/calls/inline", "CreateInlineCallRequest", "CreatedCall", ("webrtc", "twilio", "telnyx", "plivo", "websocket")
    ),
}

SHORTEST: dict[str, dict[str, Any]] = {
    "createCall": {"agentId": "agent_demo"},
    "createInlineCall": {"systemPrompt": "You are kind.", "voice": "Mark", "language": "en", "greeting": "Hello"},
}
"""The shortest body that each operation accepts."""


def follow(part: Any) -> Any:
    """A part of the document, or what its `$ref` stands for."""
    while "$ref" in part:
        place = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        part = place
    return part


def examples_of(content: Any) -> dict[str, Any]:
    """The examples of one media type, by name; an unnamed one is called `example`."""
    if "example" in content:
        return {"example": content["example"]}
    return {name: follow(example)["value"] for name, example in content["examples"].items()}


def is_accepted(schema: str, value: Any) -> bool:
    """Whether a value fits a schema of the document, given by its name.  Fails if the validators disagree."""
    at_python = bool(_python(schema).is_valid(value))
    at_rust = bool(_rust(schema).is_valid(value))
    assert at_python == at_rust, f"validators disagree on {schema}: {value!r}"
    return at_python


def takes(operation: str, **fields: Any) -> bool:
    """Whether an operation accepts its shortest body with these fields added to it, or put in place of its own."""
    return is_accepted(OPERATIONS[operation].asks, SHORTEST[operation] | fields)


def keeps(rules: dict[str, Any], value: Any) -> bool:
    """Whether a value fits a schema that has no name: one field's rules."""
    return bool(_validator(rules).is_valid(value))


def _validator(rules: dict[str, Any]) -> OAS30Validator:
    # The whole document is the root, so that the references inside it are found.
    return OAS30Validator(DOCUMENT | rules, format_checker=oas30_format_checker)


@functools.cache
def _python(schema: str) -> OAS30Validator:
    return _validator(_reference(schema))


@functools.cache
def _rust(schema: str) -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(DOCUMENT | _reference(schema), validate_formats=True)


def _reference(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}
