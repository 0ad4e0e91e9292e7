"""What the control API tells of requests."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.sync.client import connect

from contract import documents
from mockserver.testing import RunningMock
from tests.mockserver.control.asking import HTTP, INLINE, created, post


def test_each_request_is_remembered_with_what_came_and_what_was_answered(mock: RunningMock) -> None:
    post(mock, "/api/v1/calls/create", {"agentId": "agent_demo", "metadata": {"a": 1}}, **{"X-Request-Id": "req-1"})
    (request,) = mock.requests()
    assert (request.id, request.method, request.path) == ("req-1", "POST", "/api/v1/calls/create")
    assert (request.operation, request.status, request.account) == ("createCall", 201, "valid")
    assert request.body == {"agentId": "agent_demo", "metadata": {"a": 1}}, "as it came, without defaults"
    assert request.body_bytes > 20 and request.duration_ms > 0
    assert request.error_code is None and request.closest_rule is None
    assert mock.request("req-1") == request


def line(number: int | None) -> str:
    assert number is not None
    return documents.openapi_text().decode().splitlines()[number - 1].strip()


@pytest.mark.parametrize(
    ("path", "body", "key", "field", "rule", "received", "on_line"),
    [
        ("/calls/create", {"agentId": "agent_demo", "websocket": {"inputSampleRate": 96000}}, None)
        + ("websocket.inputSampleRate", "maximum", "96000", "maximum: 48000"),
        ("/calls/create", {"connectionType": "twilio"}, None, "agentId", "required", "nothing", "required: [agentId]"),
        ("/calls/create", {"agentId": "agent_demo", "connectionType": "websocket"}, None)
        + ("", "not", "an object", "not:"),
        ("/calls/inline", {**INLINE, "selectedTools": [{}]}, None, "selectedTools[0]", "not", "an object", "not:"),
        ("/calls/inline", {**INLINE, "maxDuration": "ck_prod_0123456789"}, None)
        + ("maxDuration", "type", "this string", "type: integer"),
        ("/calls/create", {"agentId": "x"}, None, "agentId", "existing agent", '"x"', "'404':"),
        ("/calls/create", {}, "nobody's", "X-API-Key", "known key", "a key that opens nothing", "apiKey:"),
        ("/calls/create", {}, "ck_mock_rate_limited")
        + ("X-API-Key", "rate limit", "one request too many in this hour", "'429':"),
        ("/calls/create", {"agentId": "agent_demo"}, "ck_mock_no_credit")
        + ("X-API-Key", "balance", "a key whose balance is used up", "'402':"),
        ("/calls/creat", {}, None, "path", "existing path", "/calls/creat", "/calls/create:"),
        ("/api/v1/call/inline", {}, None, "path", "existing path", "/api/v1/call/inline", "/calls/inline:"),
        ("/something/else", {}, None, "path", "existing path", "/something/else", "paths:"),
        ("/media/abc", {}, None)
        + ("websocketUrl", "dialled once, in time", "POST of a URL that opens nothing, or not as a WebSocket")
        + ("websocketUrl:",),
    ],
)
def test_a_refused_request_is_told_the_rule_that_it_broke_and_its_line(
    mock: RunningMock, path: str, body: Any, key: str | None, field: str, rule: str, received: str, on_line: str
) -> None:
    assert post(mock, path, body, key).status_code >= 400
    closest = mock.requests()[0].closest_rule
    assert closest is not None
    assert (closest.field, closest.rule, closest.received) == (field, rule, received)
    assert line(closest.line) == on_line
    assert closest.place is not None and closest.place.startswith("openapi/calls.yaml#/")


def test_a_wrong_method_or_media_type_is_told_the_right_one(mock: RunningMock) -> None:
    HTTP.get(f"{mock.base_url}/calls/create")
    HTTP.post(f"{mock.base_url}/calls/create", content=b"a=1", headers={"X-API-Key": mock.api_key})
    method, media_type = (request.closest_rule for request in mock.requests())
    assert method is not None and (method.field, method.received, method.expected) == ("method", "GET", "POST")
    assert media_type is not None and (media_type.field, media_type.received) == ("Content-Type", "nothing")
    assert media_type.expected == "application/json"


def test_a_dial_that_is_no_good_handshake_is_told_what_is_wrong(mock: RunningMock) -> None:
    HTTP.get(f"{mock.base_url}/media/abc", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    (request,) = mock.requests()
    assert (request.method, request.path, request.status) == ("GET", "/media/***", 426)
    assert request.closest_rule is not None and request.closest_rule.rule == "good handshake"
    assert "version 13" in request.closest_rule.received


def test_what_stands_beside_the_operations_has_no_line_but_a_method(mock: RunningMock) -> None:
    HTTP.post(f"{mock.base_url}/healthz")
    closest = mock.requests()[0].closest_rule
    assert closest is not None and (closest.field, closest.received, closest.line) == ("method", "POST", None)
    assert closest.expected is not None and "GET" in closest.expected


def test_a_body_that_is_no_json_is_counted_and_not_kept(mock: RunningMock) -> None:
    headers = {"X-API-Key": mock.api_key, "Content-Type": "application/json"}
    HTTP.post(f"{mock.base_url}/calls/create", content=b'{"a', headers=headers)
    (request,) = mock.requests()
    assert (request.body, request.body_bytes, request.error_code) == (None, 3, "INVALID_BODY")
    assert request.closest_rule is not None and request.closest_rule.rule == "invalid body"


def test_no_key_and_no_token_is_in_anything_that_is_remembered(mock: RunningMock) -> None:
    secret = "k1-of-the-tool"
    tool = {
        "temporaryTool": {
            "modelToolName": "t",
            "description": "d",
            "staticParameters": [{"name": "Authorization", "location": "PARAMETER_LOCATION_HEADER", "value": secret}],
            "http": {"baseUrlPattern": "https://user:pass@shop.example", "httpMethod": "GET"},
        }
    }
    call = created(mock, selectedTools=[tool], metadata={"note": mock.api_key, "password": "hunter2"})
    token = call["websocketUrl"].rpartition("/")[2]
    HTTP.get(f"{mock.base_url}/media/{token}")
    with connect(call["websocketUrl"]):
        mock.wait_for(call["id"], "dialled")
    answers = [mock._answer("GET", path) for path in ("requests", "calls", "status", f"calls/{call['id']}/events")]
    told = b"".join(answers).decode()
    for word in (mock.api_key, token, secret, "user:pass", "hunter2", mock.token):
        assert word not in told
    assert "/media/***" in told
