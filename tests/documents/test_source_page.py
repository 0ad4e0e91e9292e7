"""The document says what the API's own page says, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.documents.schemas import DOCUMENT, OPERATIONS, SCHEMAS, follow

RULES = {
    "enum", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
    "nullable", "format",
}  # fmt: skip
"""The keywords that narrow a field: one that the table below does not name must not be there."""


@dataclass(frozen=True)
class Field:
    """One line of the page: a field of a schema, its type, whether it is required, and every rule on it."""

    schema: str
    name: str
    type: str
    required: bool
    rules: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.schema}.{self.name}"


def field(schema: str, name: str, type: str, required: bool = False, **rules: Any) -> Field:
    return Field(schema, name, type, required, rules)


CREATE, INLINE, AUDIO, TOOL, TEMPORARY = (
    "CreateCallRequest", "CreateInlineCallRequest", "AudioSettings", "SelectedTool", "TemporaryTool",
)  # fmt: skip
LOCATIONS = [f"PARAMETER_LOCATION_{place}" for place in ("QUERY", "PATH", "HEADER", "BODY")]

REQUEST_FIELDS = [
    # POST /calls/create
    field(CREATE, "agentId", "string", required=True, minLength=1),
    field(CREATE, "connectionType", "string", enum=["twilio", "telnyx", "plivo", "websocket"], default="twilio"),
    field(CREATE, "websocket", "object"),
    field(CREATE, "metadata", "object"),
    # POST /calls/inline
    field(INLINE, "systemPrompt", "string", required=True, minLength=1),
    field(INLINE, "voice", "string", required=True, minLength=1),
    field(INLINE, "language", "string", required=True, minLength=1),
    field(INLINE, "greeting", "string", required=True),
    field(INLINE, "model", "string"),
    field(INLINE, "temperature", "number", minimum=0, maximum=1, default=0),
    field(INLINE, "firstSpeaker", "string", enum=["agent", "user"], default="agent"),
    field(INLINE, "interruptible", "boolean", default=False),
    field(INLINE, "maxDuration", "integer", minimum=60, maximum=7200, default=3000),
    field(INLINE, "inactivityTimeout", "integer", minimum=10, maximum=300),
    field(INLINE, "inactivityAction", "string", enum=["hang_up", "prompt"]),
    field(INLINE, "recordingEnabled", "boolean", default=True),
    field(
        INLINE, "connectionType", "string", enum=["webrtc", "twilio", "telnyx", "plivo", "websocket"], default="twilio"
    ),
    field(INLINE, "websocket", "object"),
    field(INLINE, "selectedTools", "array"),
    field(INLINE, "metadata", "object"),
    # websocket
    field(AUDIO, "inputSampleRate", "integer", minimum=8000, maximum=48000),
    field(AUDIO, "outputSampleRate", "integer", minimum=8000, maximum=48000),
    field(AUDIO, "codec", "string", enum=["pcm", "g711"], default="pcm"),
    field(AUDIO, "enableAudioBuffering", "boolean", default=False),
    field(AUDIO, "twilioStream", "boolean", default=False),
    # selectedTools
    field(TOOL, "toolId", "string"),
    field(TOOL, "toolName", "string"),
    field(TOOL, "temporaryTool", "object"),
    field(TEMPORARY, "modelToolName", "string", required=True, pattern="^[A-Za-z][A-Za-z0-9_]{0,63}$"),
    field(TEMPORARY, "description", "string"),
    field(
        TEMPORARY,
        "timeout",
        "string",
        pattern=r"^0*(?:(?:[1-9]|[1-3][0-9])(?:\.[0-9]+)?|0\.0*[1-9][0-9]*|40(?:\.0+)?)s$",
    ),
    field(TEMPORARY, "precomputable", "boolean"),
    field(TEMPORARY, "defaultReaction", "string"),
    field(TEMPORARY, "dynamicParameters", "array"),
    field(TEMPORARY, "staticParameters", "array"),
    field(TEMPORARY, "automaticParameters", "array"),
    field(TEMPORARY, "http", "object"),
    field(TEMPORARY, "client", "object"),
    field(TEMPORARY, "dataConnection", "object"),
    field("DynamicParameter", "name", "string"),
    field("DynamicParameter", "location", "string", enum=LOCATIONS),
    field("DynamicParameter", "schema", "object"),
    field("DynamicParameter", "required", "boolean"),
    field("PresetParameter", "name", "string"),
    field("PresetParameter", "location", "string", enum=LOCATIONS),
    field("HttpTransport", "baseUrlPattern", "string"),
    field("HttpTransport", "httpMethod", "string"),
]

ANSWER_FIELDS = [
    field("CreatedCall", "id", "string", required=True, minLength=1),
    field("CreatedCall", "websocketUrl", "string", required=True, format="uri", pattern="^wss?://[^/?#]+/[^?#]+"),
    field("CreatedCall", "status", "string", required=True, enum=["created", "connecting", "connected", "ended"]),
    field(
        "CreatedCall",
        "connectionType",
        "string",
        required=True,
        enum=["webrtc", "twilio", "telnyx", "plivo", "websocket"],
    ),
    field("CreatedCall", "createdAt", "string", required=True, format="date-time"),
    field("Agent", "id", "string", required=True),
    field("Agent", "name", "string", required=True),
    field("Agent", "description", "string"),
    field("Error", "error", "object", required=True),
    field("ErrorDetail", "message", "string", required=True),
    field("ErrorDetail", "code", "string", required=True, minLength=1),
]

every_field = pytest.mark.parametrize("line", REQUEST_FIELDS + ANSWER_FIELDS, ids=lambda line: line.id)


@every_field
def test_a_field_has_the_type_and_rules_of_the_page_and_no_others(line: Field) -> None:
    schema = SCHEMAS[line.schema]
    stated = follow(schema["properties"][line.name])

    assert stated["type"] == line.type
    assert (line.name in schema.get("required", [])) == line.required
    assert {rule: value for rule, value in stated.items() if rule in RULES} == line.rules


@pytest.mark.parametrize("schema", sorted({line.schema for line in REQUEST_FIELDS + ANSWER_FIELDS}))
def test_a_schema_has_no_field_that_the_page_does_not_have(schema: str) -> None:
    on_the_page = {line.name for line in REQUEST_FIELDS + ANSWER_FIELDS if line.schema == schema}

    assert set(SCHEMAS[schema]["properties"]) == on_the_page


@pytest.mark.parametrize(
    ("schema", "name", "items"),
    [
        (INLINE, "selectedTools", TOOL),
        (TEMPORARY, "dynamicParameters", "DynamicParameter"),
        (TEMPORARY, "staticParameters", "PresetParameter"),
        (TEMPORARY, "automaticParameters", "PresetParameter"),
    ],
)
def test_a_list_says_what_it_holds(schema: str, name: str, items: str) -> None:
    assert follow(SCHEMAS[schema]["properties"][name]["items"]) is SCHEMAS[items]


def test_only_the_answer_to_a_saved_agent_holds_the_agent() -> None:
    base, addition = SCHEMAS["CreatedAgentCall"]["allOf"]

    assert follow(base) is SCHEMAS["CreatedCall"]
    assert addition["required"] == list(addition["properties"]) == ["agent"]
    assert follow(addition["properties"]["agent"]) is SCHEMAS["Agent"]


@pytest.mark.parametrize(("operation_id", "operation"), OPERATIONS.items(), ids=OPERATIONS)
def test_an_operation_is_a_post_with_a_json_body_and_the_key_in_a_header(operation_id: str, operation: Any) -> None:
    assert list(DOCUMENT["paths"][operation.path]) == ["post"]
    post = DOCUMENT["paths"][operation.path]["post"]
    (asked,) = post["requestBody"]["content"].items()

    assert post["operationId"] == operation_id
    assert post["requestBody"]["required"] is True
    assert asked[0] == "application/json"
    assert follow(asked[1]["schema"]) is SCHEMAS[operation.asks]
    assert post["security"] == [{"apiKey": []}]


def test_the_two_operations_are_all_there_is() -> None:
    assert set(DOCUMENT["paths"]) == {"/calls/create", "/calls/inline"}


def test_the_key_travels_in_x_api_key() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"]["apiKey"]

    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")


def test_the_servers_are_the_service_under_both_names_and_the_mock() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == [
        "https://api.omnia-voice.com/api/v1",
        "https://dashboard.omnia-voice.com/api/v1",
        "http://127.0.0.1:8080/api/v1",
    ]


def properties() -> Iterator[Any]:
    for schema, stated in SCHEMAS.items():
        for part in [stated, *stated.get("allOf", [])]:
            for name, rules in part.get("properties", {}).items():
                yield pytest.param(rules, id=f"{schema}.{name}")


@pytest.mark.parametrize("rules", list(properties()))
def test_a_field_explains_itself_with_a_description_and_an_example(rules: Any) -> None:
    stated = follow(rules)

    assert stated["description"].strip()
    assert "example" in stated or "properties" in stated
