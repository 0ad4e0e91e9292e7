"""What is wrong with a value, in words for a developer: the field, the rule, and what came where that is harmless."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from jsonschema_rs import ValidationError

from contract.documents import place_of
from mockserver.redaction import names_a_secret

Schema = dict[str, Any]

SHOWN_CHARACTERS = 60
"""Longest value, and longest pattern, that a message quotes."""

_MOST_FAULTS = 3
# What keys and tokens look like: long, without spaces, and not just letters as a word has them.
_SECRET_LOOK = re.compile(r"ck_\w+|(?=\S*\d)(?=\S*[A-Za-z])[\w.+/=~-]{20,}")

_KINDS = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """The first rule that a body breaks.

    Attributes:
        field: where in the body, `websocket.inputSampleRate`; empty for all of it.
        rule: the schema's keyword, `maximum`.
        received: what came, as a message may quote it.
        path: where in the schema the keyword stands, every `$ref` in it followed.
    """

    field: str
    rule: str
    received: str
    path: tuple[str | int, ...]


def shown(value: Any, *, key: bytes | None = None, field: str = "") -> str:
    """A value as a message may quote it, shortened; not quoted at all if it may be a secret.

    `key` is the request's API key, which is one wherever it stands; so is what a field holds whose name speaks of keys.
    """
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str() if names_a_secret(field) or _may_be_secret(value, key):
            return "this string"
        case bool() | None | str():
            text = msgspec.json.encode(value).decode()
        case _:
            text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def _may_be_secret(text: str, key: bytes | None) -> bool:
    # Only as much is looked at as could be quoted: the pattern takes its time.
    return bool(_SECRET_LOOK.search(text[: 2 * SHOWN_CHARACTERS]) or (key and key in text.encode()))


def explain(errors: Sequence[ValidationError], schema: Schema, *, key: bytes | None) -> str:
    """The faults of a body in one line: the first few, and how many more there are."""
    lines = [_explain_one(error, schema, key) for error in _telling(errors)]
    told, more = lines[:_MOST_FAULTS], len(lines) - _MOST_FAULTS
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def broken_rule(errors: Sequence[ValidationError], *, key: bytes | None) -> BrokenRule:
    """The rule of the first fault that `explain` tells."""
    error = _telling(errors)[0]
    rule, path = error.kind.name, list(error.instance_path)
    if rule == "required":
        return BrokenRule(_place([*path, error.kind.value]), rule, "nothing", tuple(error.schema_path))
    received = shown(error.instance, key=key, field=str(path[-1]) if path else "")
    return BrokenRule(_place(path), rule, received, tuple(error.schema_path))


def _telling(errors: Sequence[ValidationError]) -> list[ValidationError]:
    """The faults that are worth telling: of a value of the wrong type, nothing else is."""
    wrong_types = [error.instance_path for error in errors if error.kind.name == "type"]
    return [error for error in errors if error.kind.name == "type" or error.instance_path not in wrong_types]


def _explain_one(error: ValidationError, schema: Schema, key: bytes | None) -> str:
    path = list(error.instance_path)
    rule = error.kind.name
    if rule == "required":
        return f"{_place([*path, error.kind.value])}: is required"
    field = str(path[-1]) if path else ""
    value = shown(error.instance, key=key, field=field)
    words = _RULES[rule](value, error, schema) if rule in _RULES else f"{value} breaks the rule {rule}"
    return f"{_place(path)}: {words}" if path else words


def _place(path: Sequence[str | int]) -> str:
    place = place_of(path)
    return place if len(place) <= 2 * SHOWN_CHARACTERS else f"{place[: 2 * SHOWN_CHARACTERS]}…"


def _type(value: str, error: ValidationError, schema: Schema) -> str:
    kinds = sorted(error.kind.as_dict()["types"], key=lambda kind: (kind == "null", kind))
    return f"{value} is not {' or '.join(_KINDS[kind] for kind in kinds)}"


def _enum(value: str, error: ValidationError, schema: Schema) -> str:
    told = f"{value} is not one of {', '.join(str(option) for option in error.kind.value)}"
    # The document says itself which overlay offers what it does not.
    overlays = _parent(schema, error).get("x-overlays", {})
    overlay = overlays.get(error.instance) if isinstance(error.instance, str) else None
    return f"{told} (calls mock --overlay {overlay} lets it through)" if overlay else told


def _pattern(value: str, error: ValidationError, schema: Schema) -> str:
    pattern = str(error.kind.value)
    if len(pattern) <= SHOWN_CHARACTERS:
        return f"{value} does not match {pattern}"
    return f"{value} does not have the form asked for: {_description(_parent(schema, error)) or pattern}"


def _short(value: str, error: ValidationError, schema: Schema) -> str:
    return "is empty" if not error.instance else f"{value} is shorter than {error.kind.value} characters"


def _extra(value: str, error: ValidationError, schema: Schema) -> str:
    names = error.kind.as_dict()["unexpected"]
    return f"{len(names)} unknown field{'s' if len(names) > 1 else ''}"


def _not(value: str, error: ValidationError, schema: Schema) -> str:
    negated = error.kind.value
    while isinstance(negated, dict):
        if words := _description(negated):
            return words
        negated = negated.get("not")
    return f"{value} is not allowed here"


def _one_of(value: str, error: ValidationError, schema: Schema) -> str:
    parent = _parent(schema, error)
    branches = parent.get(error.kind.name, [])
    names = [branch["required"][0] for branch in branches if len(branch.get("required", ())) == 1]
    if len(names) == len(branches) and isinstance(error.instance, dict):
        came = [name for name in names if name in error.instance]
        wanted = "exactly one" if error.kind.name == "oneOf" else "at least one"
        return f"{wanted} of {', '.join(names)} is required, {' and '.join(came) or 'none'} came"
    return (
        _description(parent)
        or f"{value} fits {'none' if error.kind.name == 'anyOf' else 'not exactly one'} of the forms"
    )


def _bound(words: str) -> Callable[[str, ValidationError, Schema], str]:
    return lambda value, error, schema: f"{value} {words} {error.kind.value}"


def _size(words: str, unit: str) -> Callable[[str, ValidationError, Schema], str]:
    return lambda value, error, schema: f"has {words} {error.kind.value} {unit}"


_RULES: dict[str, Callable[[str, ValidationError, Schema], str]] = {
    "type": _type,
    "enum": _enum,
    "maximum": _bound("is more than the maximum"),
    "minimum": _bound("is less than the minimum"),
    "exclusiveMaximum": _bound("is not less than"),
    "exclusiveMinimum": _bound("is not more than"),
    "multipleOf": _bound("is not a multiple of"),
    "minLength": _short,
    "maxLength": _bound("is longer in characters than"),
    "pattern": _pattern,
    "format": _bound("is not a valid"),
    "minItems": _size("fewer than", "items"),
    "maxItems": _size("more than", "items"),
    "uniqueItems": lambda value, error, schema: "has the same item twice",
    "minProperties": _size("fewer than", "fields"),
    "maxProperties": _size("more than", "fields"),
    "additionalProperties": _extra,
    "falseSchema": lambda value, error, schema: "has an unknown field",
    "not": _not,
    "oneOf": _one_of,
    "anyOf": _one_of,
}


def _parent(schema: Schema, error: ValidationError) -> Schema:
    """The subschema that holds the broken keyword."""
    node: Any = schema
    for step in error.schema_path[:-1]:
        node = node[step]
    return node if isinstance(node, dict) else {}


def _description(schema: Schema) -> str:
    """A subschema's description as the end of a message: one line, without its full stop."""
    return " ".join(str(schema.get("description", "")).split()).rstrip(".")
