"""What a request has to be answered with, and the document as a generator of requests needs it.

A service alone knows which agents, voices, languages and models exist, and the contract leaves some bodies free; what
is left is decided by openapi-core and the whole document.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from jsonschema_rs import Draft4Validator

from contract import documents
from contract.openapi_schema import as_draft4
from contract_tests.in_force import SCHEMAS, Overlays, in_force
from contract_tests.target import PATHS, Exchange

PINNED = ("agentId", "voice", "language", "model")
"""Fields of which only some values exist, which the target alone knows."""

_NOT_BLANK = ("systemPrompt", "greeting", *PINNED)
_INTEGERS = ("maxDuration", "inactivityTimeout")
_RATES = ("inputSampleRate", "outputSampleRate")

_FREE_TEXT = re.compile("[\x00\ud800-\udfff]")


def narrowed(known: Mapping[str, Any], operation: str, *, websocket: bool, overlays: Overlays = ()) -> dict[str, Any]:
    """The document with one operation, whose requests this target must accept where they are valid."""
    document = copy.deepcopy(in_force(overlays).document)
    path = PATHS[operation]
    document["paths"] = {path: document["paths"][path]}
    schema = document["components"]["schemas"][SCHEMAS[operation]]
    properties = schema["properties"]
    for field in PINNED:
        if field in known:
            properties[field]["enum"] = [known[field]]
        else:
            properties.pop(field, None)
    properties.pop("selectedTools", None)
    schema.pop("not", None)
    if operation == "inline":
        properties["greeting"]["minLength"] = 1
    if websocket:
        properties["connectionType"] |= {"enum": ["websocket"], "default": "websocket", "example": "websocket"}
        document["components"]["schemas"]["AudioSettings"]["required"] = list(_RATES)
        schema["required"] = [*schema["required"], "connectionType", "websocket"]
    else:
        del properties["websocket"]
        kinds = [kind for kind in properties["connectionType"]["enum"] if kind != "websocket"]
        properties["connectionType"]["enum"] = kinds
    for media in document["paths"][path]["post"]["requestBody"]["content"].values():
        media.pop("examples", None)
    return document


def due(known: Mapping[str, Any], operation: str, body: Any, overlays: Overlays = ()) -> int | None:
    """What a request has to be answered with: 201 or 400; None where the contract leaves it free.

    Args:
        known: a valid body, with what only the target knows.
        operation: `create` or `inline`.
        body: any JSON.
        overlays: what changes the document.
    """
    return _due(known, operation, body, partial(_allows, overlays))


def likely_due(known: Mapping[str, Any], operation: str, body: Any, overlays: Overlays = ()) -> int | None:
    """The same as `due`, ten times as fast, for who tries many bodies: by another validator (jsonschema-rs)."""
    return _due(known, operation, body, partial(_allows_quickly, overlays))


def overruled(operation: str, body: Any, overlays: Overlays) -> bool | None:
    """What overlays make of a body: True, which the plain contract refuses; False, which it allows; None, the same."""
    if not overlays or not isinstance(body, dict) or _has_free_text(body):
        return None
    allowed = _allows_quickly(overlays, operation, body)
    return allowed if allowed != _allows_quickly((), operation, body) else None


def _due(known: Mapping[str, Any], operation: str, body: Any, fits: Callable[[str, Any], bool]) -> int | None:
    if not isinstance(body, dict):
        return 400
    if _has_free_text(body) or any(_is_whole_float(body.get(field)) for field in _INTEGERS):
        return None
    for field in PINNED:
        value = body.get(field)
        if isinstance(value, str) and value != known.get(field):
            return None
    if any(isinstance(body.get(field), str) and _is_blank(body[field]) for field in _NOT_BLANK):
        return None
    temperature = body.get("temperature")
    if isinstance(temperature, float) and (abs(temperature) < 1e-6 or abs(temperature - 1) < 1e-6):
        return None
    if "websocket" in body:
        settings = body["websocket"]
        if body.get("connectionType") != "websocket":
            return None
        if isinstance(settings, dict) and any(_is_whole_float(settings.get(rate)) for rate in _RATES):
            return None
    if fits(operation, body):
        return None if _has_blank_text(body.get("selectedTools")) else 201
    # Whether a service looks at all of a tool, and at twilioStream, is its own affair: what is wrong there is free.
    rest = _without_free_parts(body)
    return None if rest != body and fits(operation, rest) else 400


def _allows_quickly(overlays: Overlays, operation: str, body: Any) -> bool:
    return _validator(operation, overlays).is_valid(body)


@functools.cache
def _validator(operation: str, overlays: Overlays) -> Draft4Validator:
    schemas = documents.resolved(in_force(overlays).document)["components"]["schemas"]
    return Draft4Validator(as_draft4(schemas[SCHEMAS[operation]]), validate_formats=True)


def _allows(overlays: Overlays, operation: str, body: dict[str, Any]) -> bool:
    """Whether the whole document allows a body, as openapi-core reads it."""
    # It takes as long to load as all else together, and a run begins without it.
    from contract_tests.conformity import is_valid_request

    return is_valid_request(
        Exchange(
            method="POST",
            path=PATHS[operation],
            operation=operation,
            headers=(("Content-Type", "application/json"),),
            content=json.dumps(body).encode(),
            key="any",
        ),
        overlays,
    )


def _without_free_parts(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what a service need not look at."""
    rest = {key: value for key, value in body.items() if key != "selectedTools"}
    if isinstance(settings := rest.get("websocket"), dict):
        rest["websocket"] = {key: value for key, value in settings.items() if key != "twilioStream"}
    return rest


def _is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen: languages disagree on what white space is."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def _has_blank_text(value: Any) -> bool:
    """Whether a text in it is blank, at any depth: inside tools services may refuse that."""
    if isinstance(value, str):
        return _is_blank(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_blank_text, parts))


def _is_whole_float(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _has_free_text(value: Any) -> bool:
    """Whether there is text in it, at any depth, that services may refuse: NUL and lone surrogates."""
    if isinstance(value, str):
        return _FREE_TEXT.search(value) is not None
    if isinstance(value, dict):
        return any(_has_free_text(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_free_text, value))
