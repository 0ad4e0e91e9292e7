"""Every answer that the API can give is in the document, with its headers, its shape and an example."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents.schemas import DOCUMENT, OPERATIONS, SCHEMAS, examples_of, follow, is_accepted

CODES = {
    "400": {"BAD_REQUEST", "INVALID_BODY"},
    "401": {"MISSING_API_KEY", "UNAUTHORIZED"},
    "402": {"PAYMENT_REQUIRED"},
    "404": {"RESOURCE_NOT_FOUND"},
    "405": {"METHOD_NOT_ALLOWED"},
    "413": {"PAYLOAD_TOO_LARGE"},
    "415": {"UNSUPPORTED_MEDIA_TYPE"},
    "429": {"RATE_LIMIT_EXCEEDED"},
    "500": {"INTERNAL_ERROR"},
    "503": {"SERVICE_UNAVAILABLE"},
}
"""The codes that the examples of each status use."""

RATE_HEADERS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
EVERYWHERE = RATE_HEADERS | {"X-Request-Id"}
ADDED = {"201": {"Location", "Cache-Control"}, "405": {"Allow"}, "429": {"Retry-After"}}
REQUIRED = {"201": {"Location"}, "429": {"Retry-After"} | RATE_HEADERS}


def answers(operation: str) -> dict[str, Any]:
    responses = DOCUMENT["paths"][OPERATIONS[operation].path]["post"]["responses"]
    return {status: follow(response) for status, response in responses.items()}


ANSWERS = [
    pytest.param(status, answer, id=f"{operation}-{status}")
    for operation in OPERATIONS
    for status, answer in answers(operation).items()
]
every_answer = pytest.mark.parametrize(("status", "answer"), ANSWERS)


def test_a_call_to_a_saved_agent_has_every_status_of_the_page() -> None:
    assert set(answers("createCall")) == {"201"} | set(CODES)


def test_an_inline_call_has_no_agent_to_miss() -> None:
    assert set(answers("createInlineCall")) == {"201"} | set(CODES) - {"404"}


@every_answer
def test_an_answer_names_the_headers_that_it_may_carry(status: str, answer: Any) -> None:
    assert set(answer["headers"]) == EVERYWHERE | ADDED.get(status, set())


@every_answer
def test_only_the_headers_that_clients_stand_on_are_required(status: str, answer: Any) -> None:
    required = {name for name, header in answer["headers"].items() if follow(header).get("required")}

    assert required == REQUIRED.get(status, set())


@every_answer
def test_a_header_is_described_and_its_example_fits(status: str, answer: Any) -> None:
    types = {"string": str, "integer": int}
    for header in map(follow, answer["headers"].values()):
        assert header["description"].strip()
        assert isinstance(header["example"], types[header["schema"]["type"]])


def test_nothing_remains_of_a_limit_that_was_exceeded() -> None:
    remaining = answers("createCall")["429"]["headers"]["X-RateLimit-Remaining"]["schema"]

    assert (remaining["minimum"], remaining["maximum"]) == (0, 0)


@every_answer
def test_an_answer_is_json_of_the_stated_shape(status: str, answer: Any) -> None:
    schema = follow(answer["content"]["application/json"]["schema"])

    assert list(answer["content"]) == ["application/json"]
    assert schema in ([SCHEMAS["CreatedCall"], SCHEMAS["CreatedAgentCall"]] if status == "201" else [SCHEMAS["Error"]])


@pytest.mark.parametrize(("status", "codes"), CODES.items(), ids=CODES)
def test_the_examples_of_an_error_use_the_codes_of_its_status(status: str, codes: set[str]) -> None:
    examples = examples_of(answers("createCall")[status]["content"]["application/json"])

    assert {example["error"]["code"] for example in examples.values()} == codes


ERROR = {"message": "no", "code": "ANY_CODE"}


@pytest.mark.parametrize(
    "body", [{"error": ERROR}, {"error": ERROR, "requestId": "r"}, {"error": ERROR | {"details": [1]}}]
)
def test_an_error_may_hold_more_than_its_shape(body: Any) -> None:
    assert is_accepted("Error", body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": "no", "code": "ANY_CODE"},
        {"error": "no"},
        {"error": {"message": "no"}},
        {"error": {"code": "ANY_CODE"}},
        {"error": ERROR | {"code": ""}},
        {"error": ERROR | {"code": 400}},
        {"error": ERROR | {"message": None}},
    ],
)
def test_another_shape_of_error_is_refused(body: Any) -> None:
    assert not is_accepted("Error", body)


CREATED = {
    "id": "cmsample0000108l4call0001",
    "websocketUrl": "wss://calls.example.com/media/sample-token-not-a-real-one",
    "status": "created",
    "connectionType": "twilio",
    "createdAt": "2026-11-22T10:23:16.512Z",
}
AGENT = {"id": "agent_demo", "name": "Receptionist"}


@pytest.mark.parametrize("name", CREATED)
def test_a_created_call_holds_each_of_its_fields(name: str) -> None:
    short = {key: value for key, value in CREATED.items() if key != name}

    assert is_accepted("CreatedCall", CREATED)
    assert not is_accepted("CreatedCall", short)
    assert not is_accepted("CreatedAgentCall", short | {"agent": AGENT})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", ""),
        ("id", 7),
        ("websocketUrl", "https://calls.example.com/media/x"),
        ("websocketUrl", "wss://calls.example.com"),
        ("websocketUrl", "wss://calls.example.com/?token=x"),
        ("status", "ringing"),
        ("connectionType", "sip"),
        ("createdAt", 1795343400),
        ("createdAt", "yesterday"),
    ],
)
def test_a_created_call_with_another_value_is_refused(name: str, value: Any) -> None:
    assert not is_accepted("CreatedCall", CREATED | {name: value})


def test_the_agent_of_a_created_call_needs_id_and_name_only() -> None:
    assert is_accepted("CreatedAgentCall", CREATED | {"agent": AGENT})
    assert is_accepted("CreatedAgentCall", CREATED | {"agent": AGENT | {"description": "Answers"}})
    assert not is_accepted("CreatedAgentCall", CREATED)
    assert not is_accepted("CreatedAgentCall", CREATED | {"agent": {"id": "agent_demo"}})
    assert not is_accepted("CreatedAgentCall", CREATED | {"agent": {"name": "Receptionist"}})
