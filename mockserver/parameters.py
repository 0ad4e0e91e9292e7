"""What an operation takes in its path and its query: read as the document says, with its defaults filled in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Scope

from mockserver.validation import CompiledSchema

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,100}")
_NUMBER = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?([eE][+-]?[0-9]{1,3})?")


class Parameters:
    """The parameters of one operation; those in headers are not read, and unknown ones are ignored."""

    def __init__(self, described: Sequence[Mapping[str, Any]]) -> None:
        self._schemas = {each["name"]: each["schema"] for each in described if each["in"] in ("path", "query")}
        required = [each["name"] for each in described if each.get("required")]
        # Draft 4 has no empty list of what is required.
        whole = {"type": "object", "properties": self._schemas} | ({"required": required} if required else {})
        self._judge = CompiledSchema(whole)

    def read(self, scope: Scope) -> dict[str, Any]:
        """The parameters of a request that was routed, by their names.  Raises InvalidFields."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        # The first of two counts, as with headers; a path's is no query's to replace.
        came = dict(reversed(query)) | scope.get("path_params", {})
        values = {name: _value(came[name], schema) for name, schema in self._schemas.items() if name in came}
        self._judge.accept(values)
        return values


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """A text as the type that is asked for; what cannot be one stays a text, which the schema then refuses."""
    match schema.get("type"):
        case "integer" if _WHOLE_NUMBER.fullmatch(text):
            return int(text)
        case "number" if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
    return text
