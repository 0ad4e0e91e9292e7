"""selectedTools: which tools a call may be given."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.context import Context
from contract_tests.legal_requests import (
    FULL_TOOL,
    LOCATIONS,
    NOWHERE,
    TIMEOUTS,
    TOOL_NAMES,
    TRANSPORTS,
    Part,
    legal,
    parameter,
    temporary_tool,
)
from contract_tests.requirements import requirement
from contract_tests.sources import INLINE_REQUEST

SELECTED = "openapi/calls.yaml#/components/schemas/SelectedTool"
TEMPORARY = "openapi/calls.yaml#/components/schemas/TemporaryTool"
WHY = "A tool that is not what the client meant is called in the middle of a conversation, and fails there."


def _with(it: Context, tools: Any) -> dict[str, Any]:
    return it.valid("inline") | {"selectedTools": tools}


async def _legal(it: Context, each: dict[str, list[Any]]) -> None:
    await legal(it, "inline", Part.TOOLS, {what: _with(it, tools) for what, tools in each.items()})


@requirement(
    "tools.array",
    "selectedTools is an array of objects.",
    source=f"{INLINE_REQUEST}/properties/selectedTools",
    how="An empty array and arrays of tools must be accepted; other types and entries that are no objects refused.",
    why=WHY,
    mend="Check that it is an array, and each entry an object.",
)
async def array(it: Context) -> None:
    """Arrays of objects only."""
    two: list[Any] = [{"toolId": "cmsample0000108l4tool0001"}, {"toolName": "opening-hours"}]
    await _legal(it, {"no tools": [], "two tools": two})
    often: list[Any] = [{}, {"toolName": "opening-hours"}, None, ["x"], [None]]
    for wrong in [*often, 5, True, "x", [5], [["toolName"]]] if it.deep else often:
        await it.refused("inline", _with(it, wrong), f"selectedTools is {json.dumps(wrong)}")


@requirement(
    "tools.exactly-one",
    "Each entry of selectedTools has exactly one of toolId, toolName and temporaryTool.",
    source=SELECTED,
    how="Entries with each one must be accepted; with none, two and three of them refused.",
    why=WHY,
    mend="Count which of the three keys are there: it must be one.",
)
async def exactly_one(it: Context) -> None:
    """None, each, two, three."""
    one: dict[str, Any] = {"toolId": "x", "toolName": "y", "temporaryTool": {"modelToolName": "z"}}
    await _legal(it, {f"an entry with {name}": [{name: value}] for name, value in one.items()})
    await it.refused("inline", _with(it, [{"name": "x"}]), "an entry without any of the three")
    for left_out in one:
        two = {name: value for name, value in one.items() if name != left_out}
        await it.refused("inline", _with(it, [two]), f"an entry with {' and '.join(two)}")
    await it.refused("inline", _with(it, [one]), "an entry with all three")
    await it.refused("inline", _with(it, [{"toolName": "y"}, {}]), "a second entry without any of the three")


@requirement(
    "tools.types",
    "toolId and toolName are strings, temporaryTool is an object.",
    source=SELECTED,
    how="Values of other types and null are sent.",
    why=WHY,
    mend="Check the type of the value.",
)
async def types(it: Context) -> None:
    """Other types."""
    entries: list[dict[str, Any]] = [
        {"toolId": 5},
        {"toolName": None},
        {"temporaryTool": "x"},
        {"toolId": None, "toolName": "x"},
    ]
    if it.deep:
        entries += [
            {"temporaryTool": None},
            {"toolId": None},
            {"toolName": 5},
            {"toolName": ["x"]},
            {"temporaryTool": []},
        ]
    for entry in entries:
        await it.refused("inline", _with(it, [entry]), f"an entry {json.dumps(entry)}")


@requirement(
    "tools.model-tool-name",
    "A temporary tool has a modelToolName: a letter, then letters, digits and underscores, at most 64 characters.",
    source=f"{TEMPORARY}/properties/modelToolName",
    how="Names of 1 and 64 characters must be accepted; missing, null, too long and misspelt ones refused.",
    why=WHY,
    mend="Match the whole name against ^[A-Za-z][A-Za-z0-9_]{0,63}$.",
)
async def model_tool_name(it: Context) -> None:
    """Legal and illegal names."""
    await _legal(it, {f"the name {legal}": temporary_tool(modelToolName=legal) for legal in TOOL_NAMES})
    await it.refused("inline", _with(it, [{"temporaryTool": {"http": TRANSPORTS["http"]}}]), "modelToolName is missing")
    often: list[Any] = ["1abc", "_abc", "a-b", "a" * 65, "name\n", "\u00e9t\u00e9", None, 5]
    for wrong in [*often, "has space", "a.b", "name!", ["a"]] if it.deep else often:
        await it.refused(
            "inline", _with(it, temporary_tool(modelToolName=wrong)), f"modelToolName is {json.dumps(wrong)}"
        )


@requirement(
    "tools.timeout",
    "A tool's timeout is a number of seconds followed by s, more than 0 and at most 40.",
    source=f"{TEMPORARY}/properties/timeout",
    how="Timeouts up to 40s must be accepted; others, without unit, negative, zero, null and too long ones refused.",
    why=WHY,
    mend="Match ^\\d+(\\.\\d+)?s$, then compare the number with 0 and 40.",
)
async def timeout(it: Context) -> None:
    """Legal and illegal timeouts."""
    await _legal(it, {f"the timeout {legal}": temporary_tool(timeout=legal) for legal in TIMEOUTS})
    often: list[Any] = ["0.0s", "40.1s", "5", "2500ms", ".5s", "5s\n", 5, None]
    for wrong in (
        [*often, "41s", "5ms", "0s", "400s", "s", "1.s", "-1s", "5 s", "5S", "1e1s", 2.5] if it.deep else often
    ):
        await it.refused("inline", _with(it, temporary_tool(timeout=wrong)), f"the timeout is {json.dumps(wrong)}")


@requirement(
    "tools.one-transport",
    "A temporary tool has at most one of http, client and dataConnection.",
    source=TEMPORARY,
    how="Tools with none and with each must be accepted; with two and three refused.",
    why=WHY,
    mend="Count which of the three keys are there: at most one.",
)
async def one_transport(it: Context) -> None:
    """None, each, two, three."""
    each = {f"a tool with {name}": temporary_tool(**{name: value}) for name, value in TRANSPORTS.items()}
    await _legal(it, each | {"a tool without a transport": temporary_tool()})
    for left_out in TRANSPORTS:
        two = {name: value for name, value in TRANSPORTS.items() if name != left_out}
        await it.refused("inline", _with(it, temporary_tool(**two)), f"a tool with {' and '.join(two)}")
    await it.refused("inline", _with(it, temporary_tool(**TRANSPORTS)), "a tool with three transports")


@requirement(
    "tools.parameter-location",
    "A parameter's location is one of the four that the document names.",
    source="openapi/calls.yaml#/components/schemas/ParameterLocation",
    how="Each location must be accepted, in dynamic parameters; other words refused.",
    why=WHY,
    mend="Compare with PARAMETER_LOCATION_QUERY, _PATH, _HEADER and _BODY exactly.",
)
async def parameter_location(it: Context) -> None:
    """The four words, and others."""
    each = {location: temporary_tool(dynamicParameters=[parameter(location)]) for location in LOCATIONS}
    await _legal(it, each | {"a parameter without a location": temporary_tool(dynamicParameters=[NOWHERE])})
    often: list[Any] = ["body", "PARAMETER_LOCATION_COOKIE"]
    for wrong in [*often, 5, "BODY", "parameter_location_body"] if it.deep else often:
        body = _with(it, temporary_tool(dynamicParameters=[parameter(LOCATIONS[0]), parameter(wrong)]))
        await it.refused("inline", body, f"the location is {json.dumps(wrong)}")


@requirement(
    "tools.full",
    "A temporary tool with all that the document knows is accepted.",
    source=TEMPORARY,
    how="A tool with every field is sent.",
    why=WHY,
    mend="See the answer: it should say what was not understood.",
)
async def full(it: Context) -> None:
    """Every field."""
    await _legal(it, {"a tool with every field": FULL_TOOL})
