"""What the document accepts and refuses as a tool: the rules between fields, the spelling of names and times."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.documents.schemas import SCHEMAS, is_accepted, takes

TRANSPORTS: dict[str, Any] = {
    "http": {"baseUrlPattern": "https://shop.example.com/repairs", "httpMethod": "POST"},
    "client": {},
    "dataConnection": {},
}


@pytest.mark.parametrize("key", ["toolId", "toolName"])
def test_a_tool_is_named_in_exactly_one_way(key: str) -> None:
    described = {"temporaryTool": {"modelToolName": "look_up"}}

    assert is_accepted("SelectedTool", {key: "opening-hours"})
    assert is_accepted("SelectedTool", {key: "opening-hours", "fieldFromTheFuture": 1})
    assert is_accepted("SelectedTool", described)
    assert not is_accepted("SelectedTool", {})
    assert not is_accepted("SelectedTool", {"fieldFromTheFuture": 1})
    assert not is_accepted("SelectedTool", {key: "opening-hours"} | described)
    assert not is_accepted("SelectedTool", {"toolId": "a", "toolName": "b"})
    assert not is_accepted("SelectedTool", {"toolId": "a", "toolName": "b"} | described)


def test_a_selected_tool_is_judged_where_it_is_used() -> None:
    assert takes("createInlineCall", selectedTools=[{"temporaryTool": {"modelToolName": "look_up", "client": {}}}])
    assert not takes("createInlineCall", selectedTools=[{"toolId": "a"}, {}])


@pytest.mark.parametrize("name", ["a", "Z", "look_up", "a1", "a" * 64])
def test_a_tool_name_of_letters_digits_and_underscores_is_accepted(name: str) -> None:
    assert is_accepted("TemporaryTool", {"modelToolName": name})


@pytest.mark.parametrize("name", ["", "1a", "_a", "look-up", "look up", "é", "a" * 65, 1, None])
def test_another_tool_name_is_refused(name: Any) -> None:
    assert not is_accepted("TemporaryTool", {"modelToolName": name})


def test_a_temporary_tool_needs_its_name() -> None:
    assert not is_accepted("TemporaryTool", {"description": "looks things up", "client": {}})


@pytest.mark.parametrize("timeout", ["0.001s", "1s", "2.5s", "39.999s", "40s", "40.000s", "007s", "00.5s"])
def test_a_timeout_of_up_to_forty_seconds_is_accepted(timeout: str) -> None:
    assert is_accepted("TemporaryTool", {"modelToolName": "a", "timeout": timeout})


@pytest.mark.parametrize(
    "timeout",
    [
        "0s",
        "0.0s",
        "40.001s",
        "41s",
        "100s",
        "2.5",
        "2,5s",
        ".5s",
        "2.s",
        "-1s",
        "1m",
        5,
    ],
)
def test_another_timeout_is_refused(timeout: Any) -> None:
    assert not is_accepted("TemporaryTool", {"modelToolName": "a", "timeout": timeout})


@given(st.one_of(st.from_regex(r"\A0{0,3}[0-9]{1,3}(\.[0-9]{1,4})?s\Z"), st.text("0123456789.s", max_size=8)))
@example("40.0000000000000000000001s")
def test_the_pattern_of_timeout_means_more_than_zero_and_at_most_forty(timeout: str) -> None:
    pattern = SCHEMAS["TemporaryTool"]["properties"]["timeout"]["pattern"]
    number = re.fullmatch(r"(\d+(?:\.\d+)?)s", timeout, re.ASCII)

    expected = number is not None and 0 < Decimal(number[1]) <= 40

    assert bool(re.fullmatch(pattern, timeout)) == expected


TRANSPORTS = {
    "http": {"baseUrlPattern": "https://shop.example.com", "httpMethod": "POST"},
    "client": {},
    "dataConnection": {},
}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_temporary_tool_has_at_most_one_transport(transport: str) -> None:
    others = [name for name in TRANSPORTS if name != transport]

    assert is_accepted("TemporaryTool", {"modelToolName": "a"})
    assert is_accepted("TemporaryTool", {"modelToolName": "a", transport: TRANSPORTS[transport]})
    for other in others:
        two = {transport: TRANSPORTS[transport], other: TRANSPORTS[other]}
        assert not is_accepted("TemporaryTool", {"modelToolName": "a"} | two)
    assert not is_accepted("TemporaryTool", {"modelToolName": "a"} | TRANSPORTS)


@pytest.mark.parametrize("parameters", ["dynamicParameters", "staticParameters", "automaticParameters"])
def test_the_location_of_a_parameter_is_one_of_four(parameters: str) -> None:
    def tool(*entries: dict[str, Any]) -> dict[str, Any]:
        return {"modelToolName": "a", parameters: list(entries)}

    for place in ("QUERY", "PATH", "HEADER", "BODY"):
        assert is_accepted("TemporaryTool", tool({"name": "day", "location": f"PARAMETER_LOCATION_{place}"}))
    assert is_accepted("TemporaryTool", tool({"name": "day"}))
    assert not is_accepted("TemporaryTool", tool({"name": "day", "location": "PARAMETER_LOCATION_COOKIE"}))
    assert not is_accepted("TemporaryTool", tool({"name": "day", "location": "BODY"}))
