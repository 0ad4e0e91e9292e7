from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.tools import DEFAULT_TIMEOUT_S, client_tools, sample


def tool(**parts: Any) -> dict[str, Any]:
    return {"temporaryTool": {"modelToolName": "getWeather", "client": {}, **parts}}


def test_only_client_tools_are_called() -> None:
    selected: list[dict[str, Any]] = [
        {"toolId": "t1"},
        {"toolName": "saved"},
        {"temporaryTool": {"modelToolName": "remote", "http": {"baseUrlPattern": "https://x", "httpMethod": "GET"}}},
        tool(),
    ]
    assert [found.name for found in client_tools(selected)] == ["getWeather"]


def test_its_timeout_is_read_from_the_tool() -> None:
    assert client_tools([tool(timeout="2.5s")])[0].timeout_s == 2.5
    assert client_tools([tool()])[0].timeout_s == DEFAULT_TIMEOUT_S


def test_every_named_parameter_gets_a_value() -> None:
    parts = {
        "dynamicParameters": [
            {"name": "city", "schema": {"type": "string", "enum": ["Paris", "Rome"]}},
            {"name": "days", "schema": {"type": "integer", "minimum": 2}},
            {"name": "odd"},
            {"schema": {}},
            "not an object",
        ],
        "staticParameters": [{"name": "unit", "value": "celsius"}],
    }
    assert client_tools([tool(**parts)])[0].sample_parameters == {
        "city": "Paris",
        "days": 2,
        "odd": None,
        "unit": "celsius",
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "sample"),
        ({"type": "string", "example": "x", "default": "y"}, "x"),
        ({"type": ["number", "null"]}, 1),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, ["sample"]),
        ({"type": "object", "properties": {"a": {"const": 5}}}, {"a": 5}),
        ({"type": []}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_sample_is_what_the_schema_says(schema: Any, value: Any) -> None:
    assert sample(schema) == value


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(),
        lambda part: st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "minItems", "a"]), part | st.lists(part, max_size=2)
        ),
    )
)
def test_any_schema_gives_a_sample(schema: Any) -> None:
    sample(schema)


def test_a_schema_that_never_ends_gives_a_sample() -> None:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {"again": schema}
    assert isinstance(sample(schema), dict)
