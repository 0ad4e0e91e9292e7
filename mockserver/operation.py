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

from mockserver.admission import Admission
from mockserver.body import BodyReader
from mockserver.exchange import Exchange, Handled, Headers
from mockserver.framework import RoutedAPI, RoutedMiddleware
from mockserver.staging import Stage
from mockserver.validation import CompiledSchema

_JSON = "application/json"
_CONTENT_TYPE = (b"content-type", _JSON.encode())

Method = Callable[[Exchange], Awaitable[Handled]]


class NonConformingAnswer(Exception):
    """We answered something that our own document does not allow: a fault in this program."""


class Operations(RoutedMiddleware):  # type: ignore[misc]  # connexion ships no types
    """ASGI middleware after connexion's routing: answers what is an operation, and lets all else go on."""

    class Api(RoutedAPI):  # type: ignore[misc]  # connexion ships no types
        """The operations of a document; `more` is connexion's own."""

        def __init__(
            self, specification: Any, *, admission: Admission, reader: BodyReader, stage: Stage, **more: Any
        ) -> None:
            super().__init__(specification, **more)
            self._admission = admission
            self._reader = reader
            self._stage = stage
            self.add_paths()

        def make_operation(self, operation: Any) -> Operation:
            """Connexion's interface."""
            return Operation(operation, self._admission, self._reader, self._stage)

    api_cls = Api


class Operation:
    """ASGI application: one operation.

    Args:
        operation: it, as connexion understands it.
        admission: judges keys, where it asks for one.
        reader: reads bodies, where it takes one.
        stage: lets requests have other outcomes than the usual one.

    Raises ValueError where the document asks for what is not understood.
    """

    def __init__(self, operation: Any, admission: Admission, reader: BodyReader, stage: Stage) -> None:
        if operation.security not in ([], [{"apiKey": []}]):
            raise ValueError(f"{operation.operation_id}: the only security that is understood is [apiKey: []]")
        self._id: str = operation.operation_id
        self._stage = stage
        self._admit = admission.admit if operation.security else None
        self._read = reader.read
        self._body = CompiledSchema(operation.body_schema(_JSON)) if operation.request_body else None
        self._method: Method = operation.function
        self._answers = {
            int(status): _Answer(operation, status) for status in operation.responses if status.startswith("2")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer.  Raises ApiError."""
        exchange = Exchange.of(scope)
        if self._admit is not None:
            self._admit(exchange)
        if self._body is not None:
            exchange.body = await self._read(exchange.headers, receive)
            self._body.accept(exchange.body, key=exchange.key)
        outcome = self._stage.outcomes.of(self._id, exchange.body, exchange.headers.get(b"prefer"))
        if outcome is None:
            await self._answer(exchange, send)
        else:
            await self._stage.play(outcome, scope, receive, send, partial(self._answer, exchange))

    async def _answer(self, exchange: Exchange, send: Send) -> None:
        body, status, more = await self._method(exchange)
        content = msgspec.json.encode(body)
        headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(content)), *more]
        self._must_conform(status, headers, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _must_conform(self, status: int, headers: Headers, body: Any) -> None:
        answer = self._answers.get(status)
        if answer is None:
            raise NonConformingAnswer(f"{status} is not in the document")
        if missing := answer.required_headers.difference(name for name, _ in headers):
            raise NonConformingAnswer(f"without {b', '.join(missing).decode()}")
        if fault := answer.schema.fault(body):
            raise NonConformingAnswer(fault)


class _Answer:
    """What an operation may answer with one status."""

    def __init__(self, operation: Any, status: str) -> None:
        headers: Mapping[str, Any] = operation.response_definition(status).get("headers", {})
        self.schema = CompiledSchema(operation.response_schema(status, _JSON))
        self.required_headers = {name.lower().encode() for name, header in headers.items() if header.get("required")}
