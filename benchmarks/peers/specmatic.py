"""What `specmatic test` is given: its jar, the document as it reads it, examples of errors that need another key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.installing import NotInstalled, from_npm
from contract import documents
from contract_tests.deciding import narrowed
from contract_tests.in_force import SCHEMAS
from contract_tests.target import PATHS

SPECMATIC = ("specmatic", "2.55.1")
"""The npm package, which holds the jar of the same version."""

COMBINATIONS = 8
"""MAX_TEST_REQUEST_COMBINATIONS: with 4 it leaves out upper bounds, and without it makes thousands of requests."""

_NOT_NARROWED = ("voice", "language", "greeting")
"""Of these the mock rightly takes values that our narrowed document forbids."""

_CUSTOM_CLIENT = {"connectionType": "websocket", "websocket": {"inputSampleRate": 16000, "outputSampleRate": 16000}}

_ERROR = {"error": {"message": "(string)", "code": "(string)"}}
_RATES = {"Retry-After": "(integer)", "X-RateLimit-Limit": "(integer)", "X-RateLimit-Reset": "(integer)"}
_HEADERS = {"429": _RATES | {"X-RateLimit-Remaining": 0}}
"""Headers that an error must have, as patterns of its own."""


def jar(folder: Path) -> Path:
    """The jar, installed if it is not there yet.  Raises NotInstalled."""
    found = from_npm(folder, *SPECMATIC) / "specmatic.jar"
    if not found.is_file():
        raise NotInstalled("the npm package holds no jar")
    return found


def write(folder: Path, bodies: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str], *, websocket: bool) -> None:
    """Write the document and the examples into a folder.

    Args:
        folder: where to.
        bodies: a valid body for `create` and `inline`, with what the target knows.
        keys: for each status, a key that is answered with it.
        websocket: whether each request asks for a custom client.
    """
    folder.joinpath("calls.json").write_text(json.dumps(_document(bodies, websocket)))
    examples = folder / "examples"
    examples.mkdir(exist_ok=True)
    more = _CUSTOM_CLIENT if websocket else {}
    for operation, body in bodies.items():
        for status, key in keys.items():
            example = _example(operation, {**body, **more}, status, key)
            examples.joinpath(f"{operation}-{status}.json").write_text(json.dumps(example))


def _document(bodies: Mapping[str, Mapping[str, Any]], websocket: bool) -> dict[str, Any]:
    """The document without what it does not understand, such as `not`: rules across fields."""
    both, inline = (narrowed(bodies[each], each, websocket=websocket) for each in ("create", "inline"))
    schema = inline["components"]["schemas"][SCHEMAS["inline"]]
    own = documents.openapi()["components"]["schemas"][SCHEMAS["inline"]]["properties"]
    schema["properties"] |= {field: own[field] for field in _NOT_NARROWED}
    both["components"]["schemas"][SCHEMAS["inline"]] = schema
    both["paths"] |= inline["paths"]
    # It would make every request once more for each example of an answer.
    answers = [path["post"]["responses"]["201"] for path in both["paths"].values()]
    for answer in [*answers, *both["components"]["responses"].values()]:
        for media in answer["content"].values():
            media.pop("examples", None)
            media.pop("example", None)
    return both


def _example(operation: str, body: Any, status: str, key: str) -> dict[str, Any]:
    media = {"Content-Type": "application/json"}
    headers = media | {"X-API-Key": key}
    return {
        "http-request": {"method": "POST", "path": PATHS[operation], "headers": headers, "body": body},
        "http-response": {"status": int(status), "headers": media | _HEADERS.get(status, {}), "body": _ERROR},
    }
