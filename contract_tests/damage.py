"""Legal messages made illegal, one fault each: from the schema, so that a new field is covered by being there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Path = tuple[str, ...]

WRONG = {"string": 7, "integer": "seven", "number": "seven", "object": [], "array": {}, "boolean": "true"}


def damaged(schema: Schema, body: Any, path: Path = ()) -> Iterator[tuple[str, Path, Any]]:
    """Each way to break a body that fits: what was done, where the fault then is, and the whole broken body.

    Constants at the top tell messages apart: broken, they make another message, so they are left alone.
    """
    for key in schema.get("required", ()):
        if not (len(path) == 0 and "const" in schema["properties"][key]):
            yield f"without {'.'.join((*path, key))}", path, _without(body, (*path, key))
    for key, part in schema.get("properties", {}).items():
        here = (*path, key)
        if _at(body, here) is None or (len(path) == 0 and "const" in part):
            continue
        if "const" in part:
            yield f"{'.'.join(here)} has another value", here, _with(body, here, "another value")
        elif "type" in part and isinstance(part["type"], str):
            yield f"{'.'.join(here)} has another type", here, _with(body, here, WRONG[part["type"]])
        if part.get("contentEncoding") == "base64":
            yield f"{'.'.join(here)} is not base64", here, _with(body, here, "not base64!")
            yield f"{'.'.join(here)} lacks padding", here, _with(body, here, "AAA")
        yield from damaged(part, body, here)


def _at(body: Any, path: Path) -> Any:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _with(body: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(body)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(body: Any, path: Path) -> Any:
    changed = copy.deepcopy(body)
    del _at(changed, path[:-1])[path[-1]]
    return changed
