"""Every example of the document is one that the API would take or give, and each connection type has its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from tests.documents.schemas import DOCUMENT, OPERATIONS, SCHEMAS, SHORTEST, examples_of, follow, keeps

API = OpenAPI.from_dict(DOCUMENT)
HOST = "https://api.omnia-voice.com"
BASE = "/api/v1"


def post(operation: str) -> Any:
    return DOCUMENT["paths"][OPERATIONS[operation].path]["post"]


def requests() -> Iterator[Any]:
    for operation in OPERATIONS:
        for name, body in examples_of(post(operation)["requestBody"]["content"]["application/json"]).items():
            yield pytest.param(operation, body, id=f"{operation}-{name}")


def answers() -> Iterator[Any]:
    for operation in OPERATIONS:
        for status, reference in post(operation)["responses"].items():
            answer = follow(reference)
            headers = {name: str(follow(header)["example"]) for name, header in answer["headers"].items()}
            for name, body in examples_of(answer["content"]["application/json"]).items():
                yield pytest.param(operation, int(status), headers, body, id=f"{operation}-{status}-{name}")


def as_request(operation: str, body: Any) -> MockRequest:
    return MockRequest(
        HOST,
        "post",
        BASE + OPERATIONS[operation].path,
        headers={"X-API-Key": "ck_sample_not_a_real_key"},
        data=json.dumps(body).encode(),
        content_type="application/json",
    )


@pytest.mark.parametrize(("operation", "body"), list(requests()))
def test_the_api_takes_the_example_of_a_request(operation: str, body: Any) -> None:
    API.validate_request(as_request(operation, body))


@pytest.mark.parametrize(("operation", "status", "headers", "body"), list(answers()))
def test_the_api_may_give_the_example_of_an_answer(
    operation: str, status: int, headers: dict[str, str], body: Any
) -> None:
    answer = MockResponse(json.dumps(body).encode(), status, headers, content_type="application/json")

    API.validate_response(as_request(operation, {}), answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_this_check_of_examples_can_refuse(operation: str) -> None:
    bad_body = SHORTEST[operation] | {"connectionType": "websocket"}
    error = json.dumps({"error": {"message": "no", "code": "ANY_CODE"}}).encode()
    limited = MockResponse(error, 429, {"Retry-After": "1"}, content_type="application/json")

    with pytest.raises(OpenAPIError):
        API.validate_request(as_request(operation, bad_body))
    with pytest.raises(OpenAPIError, match="X-RateLimit"):
        API.validate_response(as_request(operation, {}), limited)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_connection_type_has_a_request_and_an_answer_by_its_name(operation: str) -> None:
    asked = examples_of(post(operation)["requestBody"]["content"]["application/json"])
    given = examples_of(post(operation)["responses"]["201"]["content"]["application/json"])

    for kind in OPERATIONS[operation].connection_types:
        assert asked[kind]["connectionType"] == given[kind]["connectionType"] == kind


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_location_of_an_example_ends_in_an_id(operation: str) -> None:
    created = post(operation)["responses"]["201"]
    location = follow(created["headers"]["Location"])["example"]

    assert location.rsplit("/", 1)[1] == SCHEMAS["CreatedCall"]["properties"]["id"]["example"]


def field_examples() -> Iterator[Any]:
    for schema, stated in SCHEMAS.items():
        if "example" in stated:
            yield pytest.param(stated, stated["example"], id=schema)
        for name, rules in stated.get("properties", {}).items():
            if "example" in rules:
                yield pytest.param(rules, rules["example"], id=f"{schema}.{name}")


@pytest.mark.parametrize(("rules", "value"), list(field_examples()))
def test_the_example_of_a_field_keeps_the_field_s_rules(rules: Any, value: Any) -> None:
    assert keeps(rules, value)
