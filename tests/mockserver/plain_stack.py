"""The operations served by connexion's own application and layers, as it documents them: slow, and to compare with.

What connexion calls a middleware, a security function and a validator stands here around the same parts of the mock.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.overlays import HttpContract
from mockserver.admission import Admission
from mockserver.body import BodyReader
from mockserver.calls import Calls
from mockserver.errors import NotFound
from mockserver.exchange import Exchange
from mockserver.framework import RoutingMiddleware
from mockserver.operation import NonConformingAnswer
from mockserver.staging import Stage
from mockserver.validation import CompiledSchema

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from connexion import AsyncApp  # type: ignore[import-untyped]  # connexion ships no types
    from connexion.middleware.context import ContextMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.request_validation import RequestValidationMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.response_validation import ResponseValidationMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.security import SecurityMiddleware  # type: ignore[import-untyped]
    from connexion.resolver import Resolver  # type: ignore[import-untyped]

JSON = "application/json"


def plain_operations_app(
    contract: HttpContract,
    calls: Calls,
    base_paths: Sequence[str],
    *,
    admission: Admission,
    reader: BodyReader,
    stage: Stage,
) -> ASGIApp:
    """As mockserver.operations.operations_app, without scenarios."""

    async def create(exchange: Exchange) -> Any:
        body, status, headers = await calls.create(exchange)
        return body, status, {name.decode(): value.decode() for name, value in headers}

    async def create_inline(exchange: Exchange) -> Any:
        body, status, headers = await calls.create_inline(exchange)
        return body, status, {name.decode(): value.decode() for name, value in headers}

    methods = {"createCall": create, "createInlineCall": create_inline}
    app = AsyncApp(
        __name__,
        middlewares=[
            partial(ExactPaths, base_paths=base_paths),
            RoutingMiddleware,
            SecurityMiddleware,
            partial(Bodies, reader=reader),
            RequestValidationMiddleware,
            ResponseValidationMiddleware,
            ContextMiddleware,
        ],
        security_map={"apiKey": partial(KeyCheck, admission)},
        validator_map={"body": {JSON: RequestBody}, "response": {JSON: ResponseBody}},
        validate_responses=True,
    )
    app.add_api(contract.document, base_path="", resolver=Resolver(methods.__getitem__))
    return app  # type: ignore[no-any-return]


class ExactPaths:
    """Takes the base path off, and refuses a slash too many."""

    def __init__(self, app: ASGIApp, *, base_paths: Sequence[str]) -> None:
        self._app = app
        self._base_paths = [path for path in base_paths if path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.endswith("/"):
            raise NotFound("there is nothing at this path; no path ends with a slash")
        for base_path in self._base_paths:
            if path.startswith(f"{base_path}/"):
                Exchange.of(scope).base_path = base_path
                path = path[len(base_path) :]
                scope = {**scope, "path": path, "raw_path": path.encode()}
                break
        await self._app(scope, receive, send)


class KeyCheck:
    """Connexion's interface for a security scheme."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def get_fn(self, security_scheme: dict[str, Any], required_scopes: list[str]) -> Callable[[Any], dict[str, Any]]:
        def verify(request: Any) -> dict[str, Any]:
            exchange = request.context["exchange"] = Exchange.of(request.scope)
            self._admission.admit(exchange)
            return {"sub": "an account"}

        return verify


class Bodies:
    """Reads bodies ahead of connexion, which falls over some of them."""

    def __init__(self, app: ASGIApp, *, reader: BodyReader) -> None:
        self._app = app
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        if exchange.account is None:
            await self._app(scope, receive, send)
            return
        exchange.body = await self._reader.read(exchange.headers, receive)
        data = msgspec.json.encode(exchange.body)
        headers = {**exchange.headers, b"content-type": JSON.encode(), b"content-length": b"%d" % len(data)}
        messages: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]

        async def replayed() -> Message:
            return messages.pop() if messages else await receive()

        await self._app({**scope, "headers": list(headers.items())}, replayed, send)


class RequestBody:
    """Connexion's interface for validators of requests."""

    def __init__(self, *, schema: dict[str, Any], **_: Any) -> None:
        self._schema = CompiledSchema(schema)

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        exchange = Exchange.of(scope)
        self._schema.accept(exchange.body, key=exchange.key)
        return receive, scope


class ResponseBody:
    """Connexion's interface for validators of answers."""

    def __init__(self, scope: Scope, *, schema: dict[str, Any], **_: Any) -> None:
        self._schema = CompiledSchema(schema)

    def wrap_send(self, send: Send) -> Send:
        held: list[Message] = []

        async def judged(message: Message) -> None:
            held.append(message)
            if message["type"] == "http.response.start" or message.get("more_body"):
                return
            body = b"".join(part.get("body", b"") for part in held)
            if fault := self._schema.fault(msgspec.json.decode(body)):
                raise NonConformingAnswer(fault)
            for part in held:
                await send(part)

        return judged
