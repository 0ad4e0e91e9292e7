from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import documents
from contract.errors import DocumentError
from mockserver.app import build
from mockserver.errors import InvalidFields
from mockserver.settings import Settings
from mockserver.validation import CompiledSchema
from mockserver.wording import shown
from tests.mockserver.mock import CREATE, DOCUMENT, INLINE, RATES, error, message, mock, shared

SCHEMAS = DOCUMENT["components"]["schemas"]
TOOL = {"modelToolName": "show"}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["websocket", "user", "", 0.5, 8000, 60.0, 1e300]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputSampleRate", "outputSampleRate", "codec", "temporaryTool", "toolId"]), parts
        )
    ),
    max_leaves=8,
)
TIMEOUT = " ".join(SCHEMAS["TemporaryTool"]["properties"]["timeout"]["description"].split()).rstrip(".")


def inline(**fields: Any) -> tuple[int, str]:
    """What an inline call with these fields is answered: status, and message if there is one."""
    response = shared().post("/calls/inline", {**INLINE, **fields})
    if response.status_code == 201:
        return 201, ""
    assert error(response) == (400, "VALIDATION_ERROR")
    return 400, message(response)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*SCHEMAS["CreateInlineCallRequest"]["properties"], "agentId"]), ODD))
@pytest.mark.parametrize(("path", "body"), [("/calls/create", CREATE), ("/calls/inline", INLINE)])
def test_whatever_the_fields_hold_a_call_is_created_or_refused(
    path: str, body: dict[str, Any], fields: dict[str, Any]
) -> None:
    response = shared().post(path, {**body, **fields})
    assert response.status_code in (201, 400, 404), response.text


def test_of_a_large_body_the_first_fault_is_told() -> None:
    assert inline(selectedTools=[0] * 100_000) == (400, "selectedTools[0]: 0 is not an object")


def test_all_that_is_missing_is_named() -> None:
    response = mock().post("/calls/inline", {"systemPrompt": "You sell bicycles."})
    assert message(response) == "voice: is required; language: is required; greeting: is required"


def test_many_faults_are_counted() -> None:
    response = mock().post("/calls/inline", {"temperature": 2})
    assert message(response).endswith("; and 2 more")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"temperature": 1.5}, "temperature: 1.5 is more than the maximum 1"),
        ({"temperature": -0.001}, "temperature: -0.001 is less than the minimum 0"),
        ({"temperature": "warm"}, 'temperature: "warm" is not a number'),
        ({"temperature": None}, "temperature: null is not a number"),
        ({"temperature": True}, "temperature: true is not a number"),
        ({"maxDuration": 59}, "maxDuration: 59 is less than the minimum 60"),
        ({"maxDuration": 7201}, "maxDuration: 7201 is more than the maximum 7200"),
        ({"maxDuration": 60.5}, "maxDuration: 60.5 is not an integer"),
        ({"maxDuration": "60"}, 'maxDuration: "60" is not an integer'),
        ({"maxDuration": 10**100}, "maxDuration: 1" + "0" * 58 + "… is more than the maximum 7200"),
        ({"inactivityTimeout": 9}, "inactivityTimeout: 9 is less than the minimum 10"),
        ({"inactivityTimeout": 301}, "inactivityTimeout: 301 is more than the maximum 300"),
        ({"inactivityAction": "sing"}, 'inactivityAction: "sing" is not one of hang_up, prompt'),
        ({"firstSpeaker": "nobody"}, 'firstSpeaker: "nobody" is not one of agent, user'),
        ({"interruptible": "yes"}, 'interruptible: "yes" is not true or false'),
        ({"recordingEnabled": 1}, "recordingEnabled: 1 is not true or false"),
        ({"voice": ""}, "voice: is empty"),
        ({"systemPrompt": ["a"]}, "systemPrompt: an array is not a string"),
        ({"language": {"a": 1}}, "language: an object is not a string"),
        ({"greeting": None}, "greeting: null is not a string"),
        ({"metadata": []}, "metadata: an array is not an object"),
        ({"connectionType": "sip"}, 'connectionType: "sip" is not one of webrtc, twilio, telnyx, plivo, websocket'),
        ({"websocket": {"inputSampleRate": 7999}}, "websocket.inputSampleRate: 7999 is less than the minimum 8000"),
        (
            {"websocket": {"outputSampleRate": 48001}},
            "websocket.outputSampleRate: 48001 is more than the maximum 48000",
        ),
        ({"websocket": {"codec": "opus"}}, 'websocket.codec: "opus" is not one of pcm, g711'),
        ({"websocket": None}, "websocket: null is not an object"),
        ({"selectedTools": {}}, "selectedTools: an object is not an array"),
        ({"selectedTools": [None]}, "selectedTools[0]: null is not an object"),
        ({"selectedTools": [{}]}, "selectedTools[0]: not exactly one of toolId, toolName and temporaryTool is set"),
        (
            {"selectedTools": [{"toolId": "a"}, {"toolId": "a", "toolName": "b"}]},
            "selectedTools[1]: not exactly one of toolId, toolName and temporaryTool is set",
        ),
        ({"selectedTools": [{"temporaryTool": {}}]}, "selectedTools[0].temporaryTool.modelToolName: is required"),
        (
            {"selectedTools": [{"temporaryTool": {"modelToolName": "1st"}}]},
            'selectedTools[0].temporaryTool.modelToolName: "1st" does not match ^[A-Za-z][A-Za-z0-9_]{0,63}$',
        ),
        (
            {"selectedTools": [{"temporaryTool": {**TOOL, "timeout": "41s"}}]},
            f'selectedTools[0].temporaryTool.timeout: "41s" does not have the form asked for: {TIMEOUT}',
        ),
        (
            {"selectedTools": [{"temporaryTool": {**TOOL, "client": {}, "http": {}}}]},
            "selectedTools[0].temporaryTool: more than one of http, client and dataConnection is set",
        ),
    ],
)
def test_a_fault_names_the_field_the_rule_and_what_came(fields: dict[str, Any], told: str) -> None:
    assert inline(**fields) == (400, told)


@pytest.mark.parametrize(
    "audio",
    [{}, {"websocket": {}}, {"websocket": {"inputSampleRate": 8000}}, {"websocket": {"outputSampleRate": 8000}}],
)
@pytest.mark.parametrize(("path", "body"), [("/calls/create", CREATE), ("/calls/inline", INLINE)])
def test_a_custom_client_must_say_both_rates(path: str, body: dict[str, Any], audio: dict[str, Any]) -> None:
    response = shared().post(path, {**body, "connectionType": "websocket", **audio})
    assert error(response) == (400, "VALIDATION_ERROR")
    expected = "connectionType is websocket, but inputSampleRate and outputSampleRate are not both set in websocket"
    assert message(response) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0},
        {"temperature": 1.0},
        {"maxDuration": 60},
        {"maxDuration": 7200},
        {"inactivityTimeout": 10},
        {"inactivityTimeout": 300},
        {"greeting": ""},
        {"connectionType": "twilio", "websocket": {}},
        {"connectionType": "websocket", "websocket": {"inputSampleRate": 8000, "outputSampleRate": 48000}},
        {"selectedTools": []},
        {"selectedTools": [{"toolId": "a", "more": None}, {"temporaryTool": {**TOOL, "timeout": "40s", "client": {}}}]},
        {"metadata": {"deep": [None, {"a": None}]}},
        {"unknown": None, "alsoUnknown": [{"deep": [1]}]},
    ],
)
def test_what_the_contract_allows_is_taken(fields: dict[str, Any]) -> None:
    assert inline(**fields) == (201, "")


@pytest.mark.parametrize("field", SCHEMAS["CreateInlineCallRequest"]["properties"])
def test_null_is_no_value_of_any_field(field: str) -> None:
    status, told = inline(**{field: None})
    assert status == 400 and told.startswith(f"{field}: null is not ")


def test_an_empty_agent_id_is_400() -> None:
    assert message(mock().post("/calls/create", {"agentId": ""})) == "agentId: is empty"


# What a message quotes


def test_long_values_are_shortened() -> None:
    assert shown("a" * 100, field="voice") == '"' + "a" * 58 + "…"
    assert len(shown("☎" * 1_000_000)) == 60


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("ck_prod_0123", "voice"),
        ("sample-key", "voice"),
        ("Bearer sample-key", "voice"),
        ("x" * 20 + "1", "voice"),
        ("short", "apiKey"),
        ("short", "accessToken"),
        ("short", "Authorization"),
    ],
)
def test_what_may_be_a_secret_is_not_quoted(value: str, field: str) -> None:
    assert shown(value, key=b"sample-key", field=field) == "this string"


def test_containers_are_not_quoted() -> None:
    assert (shown({"a": 1}), shown([1])) == ("an object", "an array")


# The document is the source


def changed(schema: str, field: str, **rules: Any) -> dict[str, Any]:
    """The document with rules of one field changed, or a field added."""
    document = copy.deepcopy(DOCUMENT)
    properties = document["components"]["schemas"][schema]["properties"]
    properties[field] = {**properties.get(field, {}), **rules}
    return document


def test_a_changed_bound_changes_what_is_accepted() -> None:
    changed_mock = mock(changed("CreateInlineCallRequest", "maxDuration", maximum=9000))
    assert changed_mock.post("/calls/inline", {**INLINE, "maxDuration": 9000}).status_code == 201
    refused = changed_mock.post("/calls/inline", {**INLINE, "maxDuration": 9001})
    assert message(refused) == "maxDuration: 9001 is more than the maximum 9000"


def test_an_exclusive_bound_is_read_as_openapi_writes_it() -> None:
    changed_mock = mock(changed("CreateInlineCallRequest", "temperature", exclusiveMaximum=True))
    assert (
        message(changed_mock.post("/calls/inline", {**INLINE, "temperature": 1})) == "temperature: 1 is not less than 1"
    )
    assert changed_mock.post("/calls/inline", {**INLINE, "temperature": 0.999}).status_code == 201


def test_a_new_field_is_judged() -> None:
    changed_mock = mock(changed("CreateCallRequest", "priority", type="string", enum=["low", "high"]))
    assert changed_mock.post("/calls/create", {**CREATE, "priority": "high"}).status_code == 201
    refused = changed_mock.post("/calls/create", {**CREATE, "priority": "odd"})
    assert message(refused) == 'priority: "odd" is not one of low, high'


def test_a_nullable_field_takes_null() -> None:
    changed_mock = mock(changed("CreateInlineCallRequest", "inactivityAction", nullable=True))
    assert changed_mock.post("/calls/inline", {**INLINE, "inactivityAction": None}).status_code == 201


def test_a_new_default_is_filled_in() -> None:
    changed_mock = mock(changed("CreateInlineCallRequest", "maxDuration", default=600))
    changed_mock.post("/calls/inline", INLINE)
    call = changed_mock.store.take(changed_mock.tokens[-1], changed_mock.clock())
    assert call is not None and call.settings.max_duration_s == 600


def test_a_rule_between_fields_sees_the_defaults() -> None:
    changed_mock = mock(changed("CreateCallRequest", "connectionType", default="websocket"))
    assert changed_mock.post("/calls/create", CREATE).status_code == 400
    response = changed_mock.post("/calls/create", {**CREATE, "websocket": RATES})
    assert response.json()["connectionType"] == "websocket"


def test_a_default_makes_up_for_nothing_that_is_required() -> None:
    changed_mock = mock(changed("CreateInlineCallRequest", "voice", default="Mark"))
    refused = changed_mock.post("/calls/inline", {name: INLINE[name] for name in INLINE if name != "voice"})
    assert message(refused) == "voice: is required"


def test_our_own_answers_are_judged() -> None:
    changed_mock = mock(changed("CreatedCall", "status", enum=["ended"]))
    response = changed_mock.post("/calls/inline", INLINE)
    assert error(response) == (500, "INTERNAL_ERROR")
    assert "status" not in message(response)


def test_a_required_header_of_our_own_answers_is_judged() -> None:
    document = copy.deepcopy(DOCUMENT)
    headers = document["paths"]["/calls/inline"]["post"]["responses"]["201"]["headers"]
    headers["X-Promised"] = {"required": True, "schema": {"type": "string"}}
    assert error(mock(document).post("/calls/inline", INLINE)) == (500, "INTERNAL_ERROR")


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"type": "strange"}, 'type: "strange" is not valid under any of the schemas listed'),
        ({"pattern": "("}, r'pattern: "\(" is not a "regex"'),
    ],
)
def test_a_broken_schema_shows_at_the_start(rules: dict[str, Any], told: str) -> None:
    place = "components.schemas.CreateCallRequest.properties.agentId"
    with pytest.raises(DocumentError, match=f"^openapi/calls.yaml: {place}.{told}"):
        mock(changed("CreateCallRequest", "agentId", **rules))


def test_a_fault_in_the_shipped_document_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = documents.openapi_text().replace(b"maximum: 7200", b"maximum: often")
    line = text[: text.index(b"often")].count(b"\n") + 1
    monkeypatch.setattr(documents, "openapi_text", lambda: text)
    with pytest.raises(DocumentError, match=f"^openapi/calls.yaml:{line}: components.schemas.*maxDuration.maximum: "):
        mock(documents.read_mapping(text, "calls.yaml"))


def test_a_document_that_is_not_openapi_shows_at_the_start() -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["paths"]["/calls/create"]["post"]["responses"]
    with pytest.raises(
        DocumentError, match=r"^openapi/calls.yaml: paths./calls/create.post: 'responses' is a required"
    ):
        mock(document)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"wrongKeyword": 5}, ": 'wrongKeyword' does not match any of the regexes: '^x-'"),
        ({"properties": {"voice": {"type": "string", "default": 5}}}, ".properties.voice: 5 is not of type 'string'"),
        ({"title": ["long " * 1000]}, f'.title: ["{"long " * 15}lon … ong {"long " * 10}"] is not of type "string"'),
    ],
)
def test_what_is_wrong_with_a_large_part_of_a_document_is_told_in_a_line(more: dict[str, Any], told: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["CreateInlineCallRequest"].update(more)
    with pytest.raises(DocumentError) as fault:
        mock(document)
    assert str(fault.value) == f"openapi/calls.yaml: components.schemas.CreateInlineCallRequest{told}"


def test_an_overlay_that_makes_no_openapi_document_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    target = "$.paths['/calls/create'].post.responses['201']"
    path.write_text(
        f'overlay: 1.0.0\ninfo: {{title: A, version: "1"}}\nactions:\n- {{target: "{target}", update: {{content: 5}}}}'
    )
    with pytest.raises(
        DocumentError, match=r"mine.yaml \(1 action\): paths./calls/create.post.responses.201.content: 5"
    ):
        build(Settings(overlays=(str(path),)), "http://127.0.0.1:8080")


def test_an_operation_without_a_handler_shows_at_the_start() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/calls/create"]["post"]["operationId"] = "makeCall"
    with pytest.raises(DocumentError, match="^openapi/calls.yaml: paths: the mock has no operation makeCall$"):
        mock(document)


# The compiled schema by itself

A_OR_B = [{"required": ["a"]}, {"required": ["b"]}]


def test_defaults_are_filled_at_every_depth_and_never_shared() -> None:
    schema = CompiledSchema(
        {
            "type": "object",
            "properties": {
                "inner": {"type": "object", "properties": {"list": {"type": "array", "default": []}}},
                "items": {"type": "array", "items": {"properties": {"kind": {"default": "plain"}}}},
            },
            "allOf": [{"properties": {"more": {"default": 1}}}],
        }
    )
    first: dict[str, Any] = {"inner": {}, "items": [{}, {"kind": "odd"}, 7]}
    second: dict[str, Any] = {"inner": {}}
    schema.accept(first)
    schema.accept(second)
    assert first == {"inner": {"list": []}, "items": [{"kind": "plain"}, {"kind": "odd"}, 7], "more": 1}
    assert first["inner"]["list"] is not second["inner"]["list"]


@pytest.mark.parametrize(
    ("schema", "body", "told"),
    [
        ({"oneOf": A_OR_B}, {}, "exactly one of a, b is required, none came"),
        ({"oneOf": A_OR_B}, {"a": 1, "b": 1}, "exactly one of a, b is required, a and b came"),
        ({"anyOf": A_OR_B}, {}, "at least one of a, b is required, none came"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 7, "7 fits none of the forms"),
        ({"oneOf": [{"type": "string"}], "description": "A name."}, 7, "A name"),
        ({"not": {}}, 7, "7 is not allowed here"),
        ({"additionalProperties": False}, {"a": 1}, "has an unknown field"),
        ({"additionalProperties": False, "properties": {"b": {}}}, {"a": 1, "c": 1}, "2 unknown fields"),
        ({"minItems": 2}, [1], "has fewer than 2 items"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "has more than 1 fields"),
        ({"uniqueItems": True}, [1, 1], "has the same item twice"),
        ({"multipleOf": 20}, 30, "30 is not a multiple of 20"),
        ({"minLength": 2}, "a", '"a" is shorter than 2 characters'),
        ({"maxLength": 1}, "ab", '"ab" is longer in characters than 1'),
        ({"format": "date-time"}, "noon", '"noon" is not a valid date-time'),
        ({"dependencies": {"a": ["b"]}}, {"a": 1}, "b: is required"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, "1 is not more than 1"),
        ({"nullable": True, "type": "integer"}, "1", '"1" is not an integer or null'),
    ],
)
def test_every_rule_has_words(schema: dict[str, Any], body: Any, told: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        CompiledSchema(schema).accept(body)
    assert caught.value.message == told


def test_an_integer_is_not_written_with_a_point() -> None:
    # Later drafts of JSON Schema allow it, OpenAPI 3.0 is older.
    assert jsonschema_rs.Draft6Validator({"type": "integer"}).is_valid(60.0)
    assert CompiledSchema({"type": "integer"}).fault(60.0) == "60.0 is not an integer"
