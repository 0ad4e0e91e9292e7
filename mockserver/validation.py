"""Bodies judged by the document: each schema is compiled once, its defaults are filled in, faults come out in words.

OpenAPI 3.0's dialect is JSON Schema draft 4 with `nullable`: 60.0 is not an integer, exclusiveMinimum is a flag.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice
from typing import Any

from jsonschema_rs import Draft4Validator, ValidationError

from contract.openapi_schema import Schema, as_draft4
from mockserver.errors import InvalidFields
from mockserver.wording import broken_rule, explain

Fill = Callable[[Any], None]

MOST_VALUES_LISTED = 300
"""Up to how many values, at all depths, a body has all its faults looked for; of a larger one the first is told."""


class CompiledSchema:
    """One schema of an OpenAPI 3.0 document, every `$ref` in it resolved."""

    def __init__(self, schema: Schema) -> None:
        self._draft4 = as_draft4(schema)
        self._validator = Draft4Validator(self._draft4, validate_formats=True)
        self._fill = _filler(schema)

    def accept(self, body: Any, *, key: bytes | None = None) -> None:
        """Fill the schema's defaults into `body`, in place, and judge it.

        Defaults go first, so that a rule between fields sees the value that is in force.  `key` is the request's API
        key, which a message must not show.  Raises InvalidFields.
        """
        if self._fill is not None:
            self._fill(body)
        if not self._validator.is_valid(body):
            errors = self._errors(body)
            raise InvalidFields(explain(errors, self._draft4, key=key), broken_rule(errors, key=key))

    def fault(self, body: Any, *, key: bytes | None = None) -> str | None:
        """What is wrong with `body` as it is, in words; None if nothing is."""
        if self._validator.is_valid(body):
            return None
        return explain(self._errors(body), self._draft4, key=key)

    def _errors(self, body: Any) -> list[ValidationError]:
        # All faults of a large body may be very many, and take minutes to list.
        if _has_few_values(body):
            return list(self._validator.iter_errors(body))
        try:
            self._validator.validate(body)
        except ValidationError as error:
            return [error]
        return []


def _has_few_values(body: Any) -> bool:
    waiting, seen = [body], 0
    while waiting and seen <= MOST_VALUES_LISTED:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict | list):
            waiting += islice(value.values() if isinstance(value, dict) else value, MOST_VALUES_LISTED)
    return not waiting


def _filler(schema: Schema) -> Fill | None:
    """What fills a schema's defaults into a body, at every depth; None if it has none.  It leaves other types alone."""
    properties = schema.get("properties", {})
    # A default makes up for nothing that is required.
    missable = properties.keys() - schema.get("required", ())
    defaults = [(name, properties[name]["default"]) for name in missable if "default" in properties[name]]
    nested = {name: inner for name, part in properties.items() if (inner := _filler(part))}
    everywhere = [inner for part in schema.get("allOf", ()) if (inner := _filler(part))]
    for_items = _filler(schema["items"]) if "items" in schema else None
    if not (defaults or nested or everywhere or for_items):
        return None

    def fill(body: Any) -> None:
        if isinstance(body, list) and for_items:
            for item in body:
                for_items(item)
        if isinstance(body, dict):
            for name, value in defaults:
                if name not in body:
                    body[name] = copy.deepcopy(value) if isinstance(value, dict | list) else value
            for name, inner in nested.items():
                if name in body:
                    inner(body[name])
        for part in everywhere:
            part(body)

    return fill
