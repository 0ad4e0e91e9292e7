"""The client tools of a call, and parameters to call them with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_TIMEOUT_S = 20.0
"""How long the mock waits for a tool that states no `timeout`, in seconds; the contract does not say."""

DEEPEST = 8
"""How deep a sample follows a parameter's schema; what lies deeper is left out."""


@dataclass(frozen=True, slots=True)
class ClientTool:
    """A tool that runs in the client and is called over the socket."""

    name: str
    sample_parameters: dict[str, Any]
    timeout_s: float


def client_tools(selected: Sequence[Mapping[str, Any]]) -> tuple[ClientTool, ...]:
    """The client tools among a call's `selectedTools`, in their order.

    Saved tools (`toolId`, `toolName`) are known to the service alone: the mock cannot call them.
    """
    temporary = [entry["temporaryTool"] for entry in selected if "temporaryTool" in entry]
    return tuple(
        ClientTool(tool["modelToolName"], _parameters(tool), _timeout_s(tool.get("timeout")))
        for tool in temporary
        if "client" in tool
    )


def sample(schema: Any, depth: int = 0) -> Any:
    """A value that a simple JSON Schema allows: its own example where it has one, else a plain one of its type."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return None
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), Sequence) and schema[key]:
            return schema[key][0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return [sample(schema.get("items"), depth + 1)] if schema.get("minItems") else []
        case "object":
            parts = schema.get("properties")
            return {key: sample(part, depth + 1) for key, part in parts.items()} if isinstance(parts, Mapping) else {}
        case "string":
            return "sample"
    return None


def _parameters(tool: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each parameter that has a name; the entries' other parts are not checked by the contract."""
    values: dict[str, Any] = {}
    for parameter in _entries(tool, "dynamicParameters"):
        values[parameter["name"]] = sample(parameter.get("schema"))
    for parameter in _entries(tool, "staticParameters"):
        values[parameter["name"]] = parameter.get("value")
    return values


def _entries(tool: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    entries = tool.get(key)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)]


def _timeout_s(text: object) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", text) if isinstance(text, str) else None
    return float(found[1]) if found else DEFAULT_TIMEOUT_S
