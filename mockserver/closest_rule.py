"""Which rule of the document a refused request came closest to keeping, and on which line that rule stands."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence
from typing import Any

from contract import documents
from contract.overlays import CALLS, HttpContract
from mockserver.errors import ApiError, InvalidFields
from mockserver.exchange import Exchange
from mockserver.notes import Rule
from mockserver.staging import StagedError
from mockserver.wording import shown

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_BODY = ("requestBody", "content", "application/json", "schema")
_WEBSOCKET_URL = ("components", "schemas", "CreatedCall", "properties", "websocketUrl")

_OF_KEYS = {
    "MISSING_API_KEY": ("required", "nothing"),
    "UNAUTHORIZED": ("known key", "a key that opens nothing"),
    "PAYMENT_REQUIRED": ("balance", "a key whose balance is used up"),
    "RATE_LIMIT_EXCEEDED": ("rate limit", "one request too many in this hour"),
}
"""Refusals that are the key's: rule, and what came."""


class ClosestRules:
    """The rules of the contract's OpenAPI document."""

    def __init__(self, contract: HttpContract) -> None:
        self.use(contract)

    def use(self, contract: HttpContract) -> None:
        """Go on with this document."""
        self._document: Any = contract.document
        self._text = contract.text
        self.__dict__.pop("_lines", None)
        self._operations = {
            operation["operationId"]: (path, method)
            for path, item in self._document["paths"].items()
            for method, operation in item.items()
            if method in _METHODS
        }

    def prepare(self) -> None:
        """Read ahead, in any thread, on which lines the rules are."""
        _ = self._lines

    @functools.cached_property
    def _lines(self) -> documents.Lines:
        return documents.Lines(self._text)

    def of(self, exchange: Exchange, method: str, path: str) -> Rule | None:
        """The rule that a request broke; None for one that was not refused, or not for its own sake.

        `path` is as it may be shown.
        """
        fault = exchange.fault
        if fault is None or fault.status >= 500:
            return None
        if exchange.operation_id not in self._operations:
            return self._of_no_operation(fault, method, path)
        if isinstance(fault, StagedError):
            return None
        operation: tuple[str, ...] = ("paths", *self._operations[exchange.operation_id])
        if isinstance(fault, InvalidFields) and fault.broken is not None:
            broken = fault.broken
            place = (*operation, *_BODY, *broken.path)
            return Rule(field=broken.field, rule=broken.rule, received=broken.received, path=place)
        answered = (*operation, "responses", str(fault.status))
        if fault.code in _OF_KEYS:
            rule, received = _OF_KEYS[fault.code]
            place = ("components", "securitySchemes", "apiKey") if fault.status == 401 else answered
            return Rule(field="X-API-Key", rule=rule, received=received, path=place)
        if fault.status == 404:
            agent_id = shown(exchange.body.get("agentId"), key=exchange.key)
            return Rule(field="agentId", rule="existing agent", received=agent_id, path=answered)
        if fault.status == 415:
            media_type = exchange.headers.get(b"content-type", b"").decode("latin-1")
            received = shown(media_type, key=exchange.key) if media_type else "nothing"
            return Rule(
                field="Content-Type", rule="media type", received=received, expected="application/json", path=answered
            )
        return Rule(field="", rule=fault.code.lower().replace("_", " "), received=fault.message, path=answered)

    def _of_no_operation(self, fault: ApiError, method: str, path: str) -> Rule | None:
        if path.startswith("/media/"):
            rule, received = "good handshake", fault.message
            if fault.status == 404:
                rule, received = "dialled once, in time", f"{method} of a URL that opens nothing, or not as a WebSocket"
            return Rule(field="websocketUrl", rule=rule, received=received, path=_WEBSOCKET_URL)
        known: dict[str, list[str]] = {}
        for described, its_method in self._operations.values():
            known.setdefault(described, []).append(its_method)
        bare = path.removeprefix("/api/v1")
        if fault.status == 405 and bare not in known:
            return Rule(field="method", rule="existing method", received=method, expected=fault.headers.get("Allow"))
        closest = difflib.get_close_matches(bare, known, n=1)
        if not closest:
            return Rule(field="path", rule="existing path", received=path, expected=" or ".join(known), path=("paths",))
        methods, place = known[closest[0]], ("paths", closest[0])
        if closest[0] != bare:
            expected = path[: len(path) - len(bare)] + closest[0]
            return Rule(field="path", rule="existing path", received=path, expected=expected, path=place)
        expected = ", ".join(methods).upper()
        return Rule(field="method", rule="existing method", received=method, expected=expected, path=place)

    def place(self, path: Sequence[str | int]) -> tuple[str, int] | None:
        """Where a rule stands, through the document's references: a pointer into it, and its line as it is served."""
        if not path:
            return None
        found = self._resolved(path)
        pointer = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in found)
        return f"{CALLS}#/{pointer}", self._lines.of(found)

    def _resolved(self, path: Sequence[str | int]) -> tuple[str | int, ...]:
        """The same place without a `$ref` on the way; as far as it exists."""
        node: Any = self._document
        found: list[str | int] = []
        for step in path:
            while isinstance(node, dict) and isinstance(node.get("$ref"), str):
                found = [part.replace("~1", "/").replace("~0", "~") for part in node["$ref"][2:].split("/")]
                node = functools.reduce(lambda inner, part: inner[part], found, self._document)
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
            found.append(step)
        return tuple(found)
