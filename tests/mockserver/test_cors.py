"""What pages on other origins may ask and read; that a browser agrees is in test_cors_in_browser.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.running import VALID_KEY, running_mock

PAGE = {"Origin": "http://localhost:5173"}
ELSEWHERE = {"Origin": "https://shop.example"}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}
CREATE = "/api/v1/calls/create"


@pytest.fixture(scope="module")
def mock() -> Iterator[httpx.Client]:
    options: dict[str, Any] = {"rate_limit_per_hour": 10, "cors_origins": ["https://listed.example"]}
    with running_mock(**options) as running, httpx.Client(base_url=running.base_url) as client:
        yield client


def asked(mock: httpx.Client, method: str, path: str, *headers: dict[str, str], **more: Any) -> httpx.Response:
    together = {name: value for some in headers for name, value in some.items()}
    return mock.request(method, path, headers=together, **more)


def without_cors(answer: httpx.Response) -> dict[str, str]:
    left_out = ("date", "x-request-id", "x-ratelimit-reset", "vary")
    return {
        name: value for name, value in answer.headers.items() if not name.startswith("access-") and name not in left_out
    }


@pytest.mark.parametrize("path", [CREATE, "/calls/inline"])
@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://listed.example"])
def test_a_preflight_allows_what_the_operations_need(mock: httpx.Client, path: str, origin: str) -> None:
    asks = ASKS | {"Access-Control-Request-Headers": "content-type,prefer,x-api-key,x-request-id"}
    answer = asked(mock, "OPTIONS", path, {"Origin": origin}, asks)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type,prefer,x-api-key,x-request-id"
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_from_elsewhere_is_refused_with_the_option_that_allows_it(
    mock: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = asked(mock, "OPTIONS", CREATE, ELSEWHERE, ASKS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert "access-control-allow-origin" not in answer.headers
    for told in (answer.json()["error"]["message"], caplog.text):
        assert "--cors-origin https://shop.example" in told


def test_a_preflight_for_a_method_that_nothing_has_is_400(mock: httpx.Client) -> None:
    answer = asked(mock, "OPTIONS", CREATE, PAGE, ASKS | {"Access-Control-Request-Method": "PROPFIND"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("origin", [{}, PAGE, ELSEWHERE])
def test_options_that_is_no_preflight_stays_a_method_that_the_path_lacks(
    mock: httpx.Client, origin: dict[str, str]
) -> None:
    answer = asked(mock, "OPTIONS", CREATE, origin)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (VALID_KEY, {"agentId": "agent_demo"}, 201),
        (VALID_KEY, {"agentId": 1}, 400),
        ({}, {"agentId": "agent_demo"}, 401),
        ({"X-API-Key": "ck_mock_rate_limited"}, {"agentId": "agent_demo"}, 429),
    ],
)
def test_a_page_may_read_every_answer_and_its_headers(
    mock: httpx.Client, headers: dict[str, str], body: dict[str, Any], status: int
) -> None:
    answer = asked(mock, "POST", CREATE, PAGE, headers, json=body)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert answer.headers["vary"] == "Origin"
    readable = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    always = {"content-type", "content-length", "cache-control"}
    telling = {name for name in answer.headers if not name.startswith("access-control-")} - {
        "date",
        "connection",
        "vary",
    }
    assert telling - always <= readable
    assert {"location", "retry-after", "x-request-id", "x-ratelimit-remaining"} <= readable


def test_a_page_elsewhere_may_not_and_whoever_says_no_origin_sees_no_difference(mock: httpx.Client) -> None:
    pages, elsewheres, nobodys = (asked(mock, "GET", "/openapi.yaml", each) for each in (PAGE, ELSEWHERE, {}))
    assert pages.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert "access-control-allow-origin" not in elsewheres.headers
    assert not any(name.startswith("access-control-") or name == "vary" for name in nobodys.headers)
    assert without_cors(pages) == without_cors(nobodys)


def test_a_preflight_is_not_counted(mock: httpx.Client) -> None:
    key = {"X-API-Key": "ck_mock_valid"}

    def left() -> int:
        return int(asked(mock, "POST", CREATE, key, json={}).headers["x-ratelimit-remaining"])

    before = left()
    asked(mock, "OPTIONS", CREATE, PAGE, ASKS, key)
    assert left() == before - 1
