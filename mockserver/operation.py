"""One operation of the document: who may use it, what it takes, what it answers; all of it compiled at the start.

Connexion has a layer for each of these, which make their validators, decorators and request objects anew for each
request: several times the cost of all that is done here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from mockserver.body import BodyReader
from mockserver.exchange import Exchange, Handled, Headers
from mockserver.framework import RoutedAPI, RoutedMiddleware
from mockserver.parameters import Parameters
from mockserver.staging import Stage
from mockserver.validation import CompiledSchema

_JSON = "application/json"

Method = Callable[[Exchange], Awaitable[Handled]]

Guards = Mapping[str, Callable[[Exchange], None]]
"""What judges who asks, by the name of the document's security scheme; it raises ApiError."""


class NonConformingAnswer(Exception):
    """We answered something that our own document does not allow: a fault in this program."""


class Operations(RoutedMiddleware):  # type: ignore[misc]  # connexion ships no types
    """ASGI middleware after connexion's routing: answers what is an operation, and lets all else go on."""

    class Api(RoutedAPI):  # type: ignore[misc]  # connexion ships no types
        """The operations of a document; `more` is connexion's own."""

        def __init__(
            self, specification: Any, *, guards: Guards, reader: BodyReader, stage: Stage | None, **more: Any
        ) -> None:
            super().__init__(specification, **more)
            self._guards = guards
            self._reader = reader
            self._stage = stage
            self.add_paths()

        def make_operation(self, operation: Any) -> Operation:
            """Connexion's interface."""
            return Operation(operation, self._guards, self._reader, self._stage)

    api_cls = Api


class Operation:
    """ASGI application: one operation.

    Args:
        operation: it, as connexion understands it.
        guards: judge who asks, where it says who may.
        reader: reads bodies, where it takes one.
        stage: lets requests have other outcomes than the usual one; None where there is no other.

    Raises ValueError where the document asks for what is not understood.
    """

    def __init__(self, operation: Any, guards: Guards, reader: BodyReader, stage: Stage | None) -> None:
        self._id: str = operation.operation_id
        self._stage = stage
        self._admit = _guard(operation, guards)
        self._read = reader.read
        self._parameters = Parameters(operation.parameters) if operation.parameters else None
        self._body = CompiledSchema(operation.body_schema(_JSON)) if operation.request_body else None
        self._method: Method = operation.function
        self._answers = {
            int(status): _Answer(operation, status) for status in operation.responses if status.startswith("2")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer.  Raises ApiError."""
        exchange = Exchange.of(scope)
        exchange.operation_id = self._id
        if self._admit is not None:
            self._admit(exchange)
        if self._parameters is not None:
            exchange.parameters = self._parameters.read(scope)
        if self._body is not None:
            exchange.body = await self._read(exchange.headers, receive)
            self._body.accept(exchange.body, key=exchange.key)
        if self._stage is not None:
            outcome = self._stage.outcomes.of(self._id, exchange.body, exchange.headers.get(b"prefer"))
            if outcome is not None:
                await self._stage.play(outcome, scope, receive, send, partial(self._answer, exchange))
                return
        await self._answer(exchange, send)

    async def _answer(self, exchange: Exchange, send: Send) -> None:
        body, status, more = await self._method(exchange)
        answer = self._answers.get(status)
        if answer is None:
            raise NonConformingAnswer(f"{status} is not in the document")
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = [answer.content_type, (b"content-length", b"%d" % len(content)), *more]
        answer.must_be_as_described(headers, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def _guard(operation: Any, guards: Guards) -> Callable[[Exchange], None] | None:
    """What judges who asks for an operation; None if everybody may."""
    if not operation.security:
        return None
    known: dict[str, list[dict[str, list[str]]]] = {name: [{name: []}] for name in guards}
    for name, wanted in known.items():
        if operation.security == wanted:
            return guards[name]
    understood = " or ".join(f"[{name}: []]" for name in known)
    raise ValueError(f"{operation.operation_id}: the only security that is understood is {understood}")


class _Answer:
    """What an operation may answer with one status: one media type, JSON or bytes that no schema describes."""

    def __init__(self, operation: Any, status: str) -> None:
        described: Mapping[str, Any] = operation.response_definition(status)
        media_type = next(iter(described.get("content", {})), _JSON)
        self.content_type = (b"content-type", media_type.encode())
        self._schema = CompiledSchema(operation.response_schema(status, _JSON)) if media_type == _JSON else None
        headers: Mapping[str, Any] = described.get("headers", {})
        self._required_headers = {name.lower().encode() for name, header in headers.items() if header.get("required")}

    def must_be_as_described(self, headers: Headers, body: Any) -> None:
        """Raises NonConformingAnswer for an answer that the document does not allow."""
        if missing := self._required_headers.difference(name for name, _ in headers):
            raise NonConformingAnswer(f"without {b', '.join(missing).decode()}")
        if isinstance(body, bytes) != (self._schema is None):
            raise NonConformingAnswer(f"not of the media type {self.content_type[1].decode()}")
        if self._schema is not None and (fault := self._schema.fault(body)):
            raise NonConformingAnswer(fault)
