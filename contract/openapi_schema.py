"""OpenAPI 3.0's dialect of JSON Schema as plain draft 4, which validators know."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_NESTED = ("properties", "patternProperties", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "items", "additionalProperties")


def as_draft4(schema: Schema) -> Schema:
    """The same schema in plain draft 4: `nullable` is spelt out, and what connexion keeps beside schemas is gone."""
    plain = {
        name: value
        for name, value in schema.items()
        if name not in ("components", "nullable", "example", "discriminator")
    }
    for name in _NESTED:
        if name in plain:
            plain[name] = {field: as_draft4(part) for field, part in plain[name].items()}
    for name in _LISTS:
        if name in plain:
            plain[name] = [as_draft4(part) for part in plain[name]]
    for name in _SINGLE:
        if isinstance(plain.get(name), dict):
            plain[name] = as_draft4(plain[name])
    # OpenAPI 3.0.3 lets null in only where a type stands beside `nullable`.
    if schema.get("nullable") is True and "type" in plain:
        plain["type"] = [plain["type"], "null"]
        if "enum" in plain and None not in plain["enum"]:
            plain["enum"] = [*plain["enum"], None]
    return plain
