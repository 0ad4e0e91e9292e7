from __future__ import annotations

import time
from typing import Any

import pytest

from mockserver.redaction import HIDDEN, MOST_DEPTH, beginning, redacted


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param({"apiKey": "abc"}, {"apiKey": HIDDEN}, id="named like a key"),
        pytest.param({"authTokens": {"a": ["b"]}}, {"authTokens": HIDDEN}, id="named like tokens"),
        pytest.param({"text": "use ck_prod_0123 please"}, {"text": f"use {HIDDEN} please"}, id="a key of the service"),
        pytest.param(["Authorization: Bearer abc.def"], [f"Authorization: {HIDDEN}"], id="a bearer token"),
        pytest.param("a" * 20 + "1" * 20, HIDDEN, id="long and mixed"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", HIDDEN, id="a JSON Web Token"),
        pytest.param({"headers": {"X-Shop": "plain"}}, {"headers": {"X-Shop": HIDDEN}}, id="headers"),
        pytest.param({"staticParameters": "plain"}, {"staticParameters": HIDDEN}, id="presets of another shape"),
        pytest.param("https://user:pass@shop.example/x", f"https://{HIDDEN}@shop.example/x", id="a login in a URL"),
    ],
)
def test_what_may_be_a_secret_is_hidden(value: Any, shown: Any) -> None:
    assert redacted(value) == shown


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"agentId": "cmsample0000108l4agent001"}, id="an id of the service"),
        pytest.param("0fe7a1b2-1234-4abc-8def-0123456789ab", id="a UUID"),
        pytest.param("CA0123456789abcdef0123456789abcdef", id="an id of Twilio's"),
        pytest.param({"baseUrlPattern": "https://api2.shop.example.com/v1/repairs/{day}"}, id="a URL"),
        pytest.param("x" * 200, id="a long word"),
        pytest.param({"maxDuration": 60, "interruptible": True, "metadata": {"a": None}}, id="no texts"),
        pytest.param({"secret": None, "isToken": True}, id="a name without a value"),
    ],
)
def test_what_is_none_stays(value: Any) -> None:
    assert redacted(value) == value


def test_what_a_tool_is_preset_to_send_is_hidden_with_all_its_names_but_two() -> None:
    parameter = {"name": "X-Shop", "location": "PARAMETER_LOCATION_HEADER", "value": "plain", "more": {"a": 1}}
    body = {"selectedTools": [{"temporaryTool": {"modelToolName": "t", "staticParameters": [parameter]}}]}
    hidden = {**parameter, "value": HIDDEN, "more": HIDDEN}
    assert redacted(body) == {
        "selectedTools": [{"temporaryTool": {"modelToolName": "t", "staticParameters": [hidden]}}]
    }


def test_the_request_s_own_key_is_hidden_wherever_it_stands() -> None:
    assert redacted({"a k1": ["say k1 twice: k1"]}, key="k1") == {f"a {HIDDEN}": [f"say {HIDDEN} twice: {HIDDEN}"]}


TOKEN = "Zm9v0" * 8 + "bar"


@pytest.mark.parametrize("before", [0, 30, 57, 70, 90, 99, 450, 470, 490, 499, 600])
@pytest.mark.parametrize("after", [0, 100, 10_000])
@pytest.mark.parametrize(
    "secret", [TOKEN, f"ck_prod_{TOKEN}", f"https://user:{TOKEN}@shop.example/", f"Bearer {TOKEN}"]
)
def test_of_a_secret_nothing_is_left_where_a_text_is_cut(before: int, after: int, secret: str) -> None:
    text = "x" * (before - 1) + " " * (before > 0) + secret + " word" * (after // 5)
    told = beginning(text, 100)
    assert len(told) <= 100
    assert not [start for start in range(len(TOKEN) - 7) if TOKEN[start : start + 8] in told]


def test_of_a_text_that_is_cut_the_beginning_is_shown() -> None:
    assert beginning("word " * 3, 15) == "word word word "
    assert beginning("word " * 3, 14) == "word word wor…"
    assert beginning("word " * 1000, 14) == "word word wor…"
    assert beginning("say ck_mock_valid and key one", 20, key="key one") == "say *** and ***"


def test_what_is_nested_without_end_is_cut_off() -> None:
    value: Any = "deep"
    for _ in range(MOST_DEPTH + 50):
        value = [value]
    shown = redacted(value)
    for _ in range(MOST_DEPTH + 1):
        (shown,) = shown
    assert shown == HIDDEN


@pytest.mark.parametrize("part", ["a-", "eyJ-", "://a", "a1-", "bearer ", "sk-", "-", "ck_", "Aa0-"])
def test_a_text_made_to_be_slow_is_not(part: str) -> None:
    text = part * (64 * 1024 // len(part))
    started_at = time.process_time()
    redacted(text)
    # A search that looks at all of the rest from each place takes minutes.
    assert time.process_time() - started_at < 5
