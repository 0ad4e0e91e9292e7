"""Legal messages, made from a payload's schema: the part of JSON Schema that the documents use, and no more."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
    max_leaves=5,
)

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


def bodies(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a schema allows."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("contentEncoding") == "base64":
        return st.binary(max_size=200).map(lambda payload: base64.b64encode(payload).decode())
    if schema.get("x-spelling") == "pairs":
        pairs = st.dictionaries(WORDS, WORDS, max_size=3)
        spelt = pairs.map(lambda each: ";".join(f"{key}={value}" for key, value in each.items()))
        return spelt | st.dictionaries(WORDS, JSON_VALUES, max_size=3).map(json.dumps)
    if "oneOf" in schema:
        return st.one_of(*(bodies(branch) for branch in _branches(schema)))
    match schema.get("type"):
        case "null":
            return st.none()
        case "string":
            return _texts(schema)
        case "integer":
            return st.integers(schema.get("minimum", -1000), schema.get("maximum", 2**40))
        case "number":
            return st.floats(schema.get("minimum", -1e9), 1e12, allow_nan=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(bodies(schema.get("items", {})), min_size=schema.get("minItems", 0), max_size=3)
        case "object":
            return _objects(schema)
        case list() as kinds:
            return st.one_of(*(bodies({**schema, "type": kind}) for kind in kinds))
    return JSON_VALUES


def _branches(schema: Schema) -> list[Schema]:
    """The schema once for each branch of its `oneOf`, which is a list of `required` keys that shut each other out."""
    exclusive = {key for branch in schema["oneOf"] for key in branch["required"]}
    rest = {key: value for key, value in schema.items() if key != "oneOf"}
    return [
        {
            **rest,
            "required": [*schema.get("required", ()), *branch["required"]],
            "properties": {
                key: part
                for key, part in schema["properties"].items()
                if key not in exclusive or key in branch["required"]
            },
        }
        for branch in schema["oneOf"]
    ]


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if "pattern" in schema and "format" not in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"), alphabet=st.characters(codec="ascii"))
    match schema.get("format"):
        case "uuid":
            return st.uuids().map(str)
        case "date-time":
            return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
        case "uri":
            return WORDS.map(lambda word: f"wss://{word.lower()}.example/room")
    least = schema.get("minLength", 0)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=max(least, schema.get("maxLength", 20)))


def _objects(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    properties: dict[str, Schema] = schema.get("properties", {})
    required = {key: bodies(properties[key]) for key in schema.get("required", ())}
    optional = {key: bodies(part) for key, part in properties.items() if key not in required}
    known = st.fixed_dictionaries(required, optional=optional)
    rest = schema.get("additionalProperties", True)
    if rest is False:
        return known
    values = bodies(rest) if isinstance(rest, dict) else JSON_VALUES
    unknown = st.dictionaries(WORDS.map(lambda word: f"x-{word}"), values, max_size=2)
    return st.tuples(unknown, known).map(lambda pair: {**pair[0], **pair[1]})
