from __future__ import annotations

import logging
import re

import httpx
import jsonschema_rs
import pytest

from contract import documents
from tests.mockserver.mock import BODIES, CREATE, DOCUMENT, INLINE, START, VALID, Mock, error, message, mock, shared

PATHS = [base + path for base in ("/api/v1", "") for path in BODIES]
OTHER_METHODS = ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
RATE_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
ERROR = documents.resolved(DOCUMENT)["components"]["schemas"]["Error"]
RESET = int(START.timestamp()) + 3601  # rounded up


def rates(response: httpx.Response) -> tuple[int, int, int]:
    """Limit, remaining and reset of an answer."""
    limit, remaining, reset = (int(response.headers[name]) for name in RATE_HEADERS)
    return limit, remaining, reset


def one_of_each(server: Mock) -> dict[str, httpx.Response]:
    """An answer of every status that the mock has."""
    json = {"Content-Type": "application/json"}
    return {
        "200": server.request("GET", "/healthz"),
        "201": server.post("/calls/create", CREATE),
        "400": server.post("/calls/inline", CREATE),
        "400 json": server.post("/calls/create", content=b"{", headers=json),
        "401": server.post("/calls/create", CREATE, key=None),
        "401 unknown": server.post("/calls/create", CREATE, key="sample-key"),
        "402": server.post("/calls/create", CREATE, key="ck_mock_no_credit"),
        "404": server.request("GET", "/nowhere"),
        "404 agent": server.post("/calls/create", {"agentId": "x"}),
        "404 slash": server.post("/calls/create/", CREATE),
        "404 media": server.request("GET", "/media/sample-token"),
        "405": server.request("GET", "/calls/create"),
        "405 beside": server.post("/healthz"),
        "413": server.post("/calls/create", content=b" " * 2_000_000, headers=json),
        "415": server.post("/calls/create", content=b"{}"),
        "429": server.post("/calls/create", CREATE, key="ck_mock_rate_limited"),
    }


def test_every_answer_has_its_status_its_shape_and_its_headers() -> None:
    for name, response in one_of_each(mock()).items():
        assert response.status_code == int(name[:3]), name
        assert re.fullmatch("[0-9a-f]{24}", response.headers["x-request-id"]), name
        assert rates(response)[0] == 1000, name
        assert response.headers["content-type"] == "application/json", name
        if response.status_code >= 400:
            error(response)
            assert jsonschema_rs.is_valid(ERROR, response.json()), name


def test_messages_are_lower_case_without_a_full_stop() -> None:
    for name, response in one_of_each(mock()).items():
        if response.status_code >= 400:
            told = message(response)
            assert not told.endswith(".") and not re.match("[A-Z][a-z]+ ", told), name


def test_a_fault_of_the_mock_is_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    server = mock()

    def broken() -> None:
        raise RuntimeError("the details")

    server.store.add = broken  # type: ignore[assignment, method-assign]  # a fault on purpose
    response = server.post("/calls/create", CREATE)
    assert error(response) == (500, "INTERNAL_ERROR")
    assert rates(response)[1] == 999 and "x-request-id" in response.headers
    assert "broken" not in response.text and "TypeError" not in response.text
    assert "unexpected TypeError" in caplog.text and "broken() takes 0" in caplog.text


# Paths and methods


@pytest.mark.parametrize("method", OTHER_METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_an_operation_lacks_is_405_and_allow_names_post(path: str, method: str) -> None:
    response = shared().request(method, path, key=None)
    assert error(response) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"
    assert message(response) == "this path does not have this method; it has POST"


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/healthz", "/openapi.yaml", "/media/sample-token"])
def test_head_has_no_body(path: str) -> None:
    response = shared().request("HEAD", path)
    assert response.content == b""
    assert "x-request-id" in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/calls",
        "/api/v2/calls/create",
        "/api/v1/api/v1/calls/create",
        "/calls/create/",
        "/calls/create//",
        "//calls/create",
        "/calls//create",
        "/Calls/Create",
        "/calls/cmsample0000108l4call0001",
        "/ui/",
        "/openapi.json",
        "/asyncapi/sip.yaml",
        "/asyncapi/../calls.yaml",
        "/media",
        "/media/",
        "/api/v1/healthz",
        "/%00",
        "/%ff",
        "/" + "a" * 5000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_that_nobody_named_are_404(path: str, method: str) -> None:
    assert error(shared().request(method, path))[0] == 404


def test_the_mock_is_alive() -> None:
    response = mock().request("GET", "/healthz", key=None)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_the_documents_are_served_as_they_are_written() -> None:
    response = mock().request("GET", "/openapi.yaml", key=None)
    assert response.content == documents.openapi_text() and response.headers["content-type"] == "application/yaml"
    for kind in documents.connection_types():
        assert mock().request("GET", f"/asyncapi/{kind}.yaml").content == documents.asyncapi_text(kind)


def test_a_query_changes_nothing() -> None:
    for query in ("?a=b", "?a[b]=c&a=%ff&&=", "?" + "a" * 5000):
        assert mock().post("/calls/create" + query, CREATE).status_code == 201


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_dial_url_asked_over_http_is_the_same_404_alive_or_dead(method: str) -> None:
    server = mock()
    path = httpx.URL(server.post("/calls/create", CREATE).json()["websocketUrl"]).path
    alive, dead = server.request(method, path), server.request(method, "/media/sample-token")
    assert error(alive) == (404, "RESOURCE_NOT_FOUND")
    assert alive.content == dead.content
    differing = {"x-request-id"}
    assert {key: alive.headers[key] for key in alive.headers if key not in differing} == {
        key: dead.headers[key] for key in dead.headers if key not in differing
    }
    assert server.store.take(server.tokens[-1], server.clock()) is not None, "the token is not used up"


# Keys


@pytest.mark.parametrize("path", PATHS)
def test_a_401_says_which_option_helps_and_not_what_came(path: str) -> None:
    response = mock().post(path, BODIES[path.removeprefix("/api/v1")], key="sample-key-one")
    assert error(response) == (401, "UNAUTHORIZED")
    for word in ("--api-key", "--any-key", "CALLS_API_KEYS"):
        assert word in message(response)
    assert "sample-key-one" not in response.text + str(response.headers)


@pytest.mark.parametrize("key", [None, "", "sample", "ck_mock_no_credit", "ck_mock_rate_limited"])
def test_no_error_names_a_key_that_exists(key: str | None) -> None:
    response = mock().post("/calls/create", CREATE, key=key)
    assert response.status_code in (401, 402, 429)
    assert "ck_mock" not in response.text + str(response.headers)


def test_a_missing_key_is_told_from_a_wrong_one() -> None:
    assert error(mock().post("/calls/create", CREATE, key=None)) == (401, "MISSING_API_KEY")
    assert error(mock(any_key=True).post("/calls/create", CREATE, key="")) == (401, "MISSING_API_KEY")


def test_keys_can_be_added_and_opened() -> None:
    assert mock(api_keys=("sample-key",)).post("/calls/create", CREATE, key="sample-key").status_code == 201
    assert mock(any_key=True).post("/calls/create", CREATE, key="whatever").status_code == 201


@pytest.mark.parametrize(("first", "second", "status"), [(VALID, "sample-key", 201), ("sample-key", VALID, 401)])
def test_of_two_keys_the_first_counts(first: str, second: str, status: int) -> None:
    headers = [("X-API-Key", first), ("X-API-Key", second)]
    assert mock().post("/calls/create", CREATE, key=None, headers=headers).status_code == status


# Rates


def test_each_request_of_a_key_leaves_one_less() -> None:
    server = mock()
    seen = [rates(server.post("/calls/create", CREATE)) for _ in range(3)]
    assert seen == [(1000, 999, RESET), (1000, 998, RESET), (1000, 997, RESET)]


def test_whatever_becomes_of_a_request_it_counts() -> None:
    server = mock()
    server.post("/calls/create", {})
    server.post("/calls/create", content=b"{")
    server.post("/calls/create", {"agentId": "x"})
    assert rates(server.post("/calls/create", CREATE))[1] == 996


def test_what_is_no_operation_does_not_count() -> None:
    server = mock()
    for method, path in (("GET", "/calls/create"), ("GET", "/healthz"), ("POST", "/nowhere")):
        assert rates(server.request(method, path))[1] == 1000


def test_without_a_known_key_the_limit_is_whole() -> None:
    server = mock()
    for _ in range(3):
        server.post("/calls/create", CREATE)
        assert rates(server.post("/calls/create", CREATE, key=None)) == (1000, 1000, RESET)
        assert rates(server.post("/calls/create", CREATE, key="sample-key")) == (1000, 1000, RESET)


def test_over_the_limit_is_429_until_the_reset() -> None:
    server = mock(rate_limit_per_hour=2)
    for _ in range(2):
        assert server.post("/calls/create", CREATE).status_code == 201
    server.clock.pass_s(10)
    response = server.post("/calls/create", CREATE)
    assert error(response) == (429, "RATE_LIMIT_EXCEEDED")
    assert rates(response) == (2, 0, RESET)
    assert response.headers["retry-after"] == "3590"
    server.clock.pass_s(3590)
    assert server.post("/calls/create", CREATE).status_code == 201


def test_the_rate_limited_key_is_always_429() -> None:
    server = mock()
    for path, body in (("/calls/create", CREATE), ("/api/v1/calls/inline", INLINE), ("/calls/create", {})):
        response = server.post(path, body, key="ck_mock_rate_limited")
        assert error(response) == (429, "RATE_LIMIT_EXCEEDED")
        assert rates(response) == (1000, 0, RESET)
        assert response.headers["retry-after"] == "3600"


def test_with_limits_off_only_the_rate_limited_key_hears_of_them() -> None:
    server = mock(rate_limit_per_hour=0)
    response = server.post("/calls/create", CREATE)
    assert response.status_code == 201 and not any(name in response.headers for name in RATE_HEADERS)
    assert rates(server.post("/calls/create", CREATE, key="ck_mock_rate_limited")) == (1000, 0, RESET)


def test_with_any_key_each_key_has_its_own_limit() -> None:
    server = mock(any_key=True, rate_limit_per_hour=1)
    assert [server.post("/calls/create", CREATE, key=key).status_code for key in ("a", "a", "b")] == [201, 429, 201]


# Ids and logs


def test_a_plain_request_id_comes_back() -> None:
    response = mock().post("/calls/create", CREATE, headers={"X-Request-Id": "req_sample-0001.a:b"})
    assert response.headers["x-request-id"] == "req_sample-0001.a:b"


@pytest.mark.parametrize("came", ["", "two words", "a" * 129, "<script>", VALID, f"req-{VALID}"])
def test_another_request_id_is_replaced(came: str) -> None:
    response = mock().post("/calls/create", CREATE, headers={"X-Request-Id": came})
    assert re.fullmatch("[0-9a-f]{24}", response.headers["x-request-id"])


DIAL_TOKEN = "Zm9v0" * 8 + "bar"


@pytest.mark.parametrize("came", [VALID, "ck_prod_aaaa", "sample-key-one", DIAL_TOKEN, f"req-{DIAL_TOKEN}"])
def test_a_request_id_that_may_be_a_secret_is_replaced_also_where_no_key_came(
    came: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "calls")
    answer = mock(api_keys=("sample-key-one",)).post("/calls/create", CREATE, key=None, headers={"X-Request-Id": came})
    assert re.fullmatch("[0-9a-f]{24}", answer.headers["x-request-id"])
    assert came not in caplog.text


@pytest.mark.parametrize(
    "came",
    ["0fe7a1b2-1234-4abc-8def-0123456789ab", "0af7651916cd43dd8448eb211c80319c", "01HV5JQ7Z8M9N0P1Q2R3S4T5V6", "7"],
)
@pytest.mark.parametrize("any_key", [False, True])
def test_a_request_id_that_is_spelt_as_they_often_are_comes_back(came: str, any_key: bool) -> None:
    answer = mock(any_key=any_key).post("/calls/create", CREATE, headers={"X-Request-Id": came})
    assert answer.headers["x-request-id"] == came


def test_each_request_is_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "calls")
    server = mock()
    server.post("/api/v1/calls/create?secret=1", CREATE, headers={"X-Request-Id": "req-1"})
    server.post("/calls/create", CREATE, key="sample-key", headers={"X-Request-Id": "req-2"})
    lines = [re.sub(r"[0-9.]+ ms", "N ms", record.getMessage()) for record in caplog.records if record.name == "calls"]
    assert lines == [
        "POST /api/v1/calls/create 201 N ms account=valid request=req-1",
        "POST /calls/create 401 N ms account=- request=req-2",
    ]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/media/sample-token", "/media/***"),
        ("/media/sample/token?x=1", "/media/***"),
        ("/api/v1/media/sample-token", "/api/v1/media/***"),
        ("/nowhere/" + "a" * 43, "/nowhere/***"),
        (f"/nowhere/{VALID}", "/nowhere/***"),
        ("/no%0Awhere%1b%5b31m", "/no?where?[31m"),
        ("/ab" * 100, "/ab" * 40),
    ],
)
def test_a_log_line_holds_no_token_and_stays_one_line(path: str, told: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "calls")
    mock().request("GET", path)
    assert f"GET {told} 404 " in caplog.text.splitlines()[-1]


def test_the_key_and_the_token_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server = mock(api_keys=("sample-key-one",))
    headers = {"X-Request-Id": "sample-key-one", "Content-Type": "sample-key-one"}
    bodies = [
        {"agentId": "sample-key-one"},
        {**CREATE, "connectionType": "sample-key-one"},
        {"sample-key-one": 1},
        CREATE,
    ]
    answers = [server.post("/calls/create", body, key="sample-key-one") for body in bodies]
    answers.append(server.post("/calls/create", content=b"{}", key="sample-key-one", headers=headers))
    answers.append(server.post("/calls/create", CREATE, key=None, headers={"X-API-Key": "sample key two"}))
    answers.append(server.request("GET", f"/media/{server.tokens[-1]}", key="sample-key-one"))
    assert [answer.status_code for answer in answers] == [404, 400, 400, 201, 415, 401, 404]
    told = caplog.text + "".join(answer.text + str(answer.headers) for answer in answers)
    assert "sample-key-one" not in told and "sample key" not in told
    assert told.count(server.tokens[-1]) == 1, "in the answer that hands it out"
