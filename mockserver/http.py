"""The HTTP half of the mock: connexion serves the document, and what stands beside it.  All it needs is passed in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import documents
from contract.errors import DocumentError
from mockserver.accounts import Accounts
from mockserver.admission import KeyCheck, Turnstile
from mockserver.body import READ_WITHIN_S, BodyReader
from mockserver.calls import Calls, media_url, saved_agents
from mockserver.envelope import Envelope
from mockserver.errors import CallNotFound, NotFound
from mockserver.framework import (
    AsyncApp,
    ContextMiddleware,
    RequestValidationMiddleware,
    Resolver,
    ResponseValidationMiddleware,
    RoutingMiddleware,
    SecurityMiddleware,
)
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings
from mockserver.store import CallStore
from mockserver.validation import CompiledSchema, RequestBody, ResponseBody, Schemas

BASE_PATHS = ("/api/v1", "")
"""Where the operations are: as at the service, and bare, as the source of the contract spells them."""

_JSON = "application/json"
_YAML = "application/yaml"
_BASE36 = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] for value in range(256))


def http_app(
    *,
    settings: Settings,
    accounts: Accounts,
    rate_limiter: RateLimiter,
    store: CallStore,
    clock: Callable[[], datetime],
    document: Mapping[str, Any],
    base_url: str,
    read_within_s: float = READ_WITHIN_S,
    new_id: Callable[[], str] | None = None,
    new_token: Callable[[], str] | None = None,
    new_request_id: Callable[[], str] | None = None,
) -> ASGIApp:
    """The ASGI application for everything but WebSockets.

    Args:
        settings: the options; the environment is not read again.
        accounts: who the keys belong to.
        rate_limiter: counts requests.
        store: where created calls wait for their dial.
        clock: the time of day in UTC.
        document: the OpenAPI document, with its `$ref`s.
        base_url: where clients reach this server (`Settings.base_url`); `websocketUrl` begins with it.
        read_within_s: how long a body may take to come, in seconds.
        new_id: makes ids of calls.
        new_token: makes tokens of dial URLs.
        new_request_id: makes ids of requests.

    Raises:
        DocumentError: connexion cannot serve the document.
    """
    calls = partial(
        Calls,
        media_url=media_url(base_url),
        store=store,
        agents=saved_agents(settings.agents),
        any_agent=settings.any_agent,
        url_ttl_s=settings.url_ttl_s,
        clock=clock,
        new_id=new_id or random_id,
        new_token=new_token or partial(secrets.token_urlsafe, 32),
    )

    def now() -> float:
        return clock().timestamp()

    operations = _operations_app(
        document,
        handlers={path: calls(base_path=path) for path in BASE_PATHS},
        accounts=accounts,
        limit=partial(Turnstile, limiter=rate_limiter, now=now),
        read_body=partial(
            BodyReader,
            operations=_with_body(document),
            max_bytes=settings.max_body_bytes,
            read_within_s=read_within_s,
        ),
    )
    routed = _raising(Router(list(_routes_beside()), default=operations, redirect_slashes=False))
    new_request_id = new_request_id or partial(secrets.token_hex, 12)
    return Envelope(routed, accounts=accounts, limiter=rate_limiter, now=now, new_request_id=new_request_id)


def random_id() -> str:
    """A call's id that looks like the service's own: 25 characters, `c` and base 36."""
    return "c" + secrets.token_bytes(24).translate(_BASE36).decode()


def _operations_app(
    document: Mapping[str, Any],
    *,
    handlers: Mapping[str, Calls],
    accounts: Accounts,
    limit: Callable[[ASGIApp], ASGIApp],
    read_body: Callable[[ASGIApp], ASGIApp],
) -> ASGIApp:
    """Connexion, serving the document once under each base path.

    Its own error handling, pages and lifespan are left out: the Envelope answers errors, all in one shape.
    """
    app = AsyncApp(
        __name__,
        middlewares=[
            _ExactPaths,
            RoutingMiddleware,
            SecurityMiddleware,
            limit,
            read_body,
            RequestValidationMiddleware,
            ResponseValidationMiddleware,
            ContextMiddleware,
        ],
        security_map={"apiKey": partial(KeyCheck, accounts)},
        validate_responses=True,
    )
    _compile_once(document)
    schemas = Schemas()
    validators = {
        "body": {_JSON: partial(RequestBody, schemas=schemas)},
        "response": {_JSON: partial(ResponseBody, schemas=schemas)},
    }
    try:
        for base_path, calls in handlers.items():
            by_id = {"createCall": calls.create, "createInlineCall": calls.create_inline}
            app.add_api(
                dict(document), base_path=base_path, resolver=Resolver(by_id.__getitem__), validator_map=validators
            )
        _build(app)
    except Exception as error:
        raise DocumentError(f"openapi/calls.yaml cannot be served: {error}") from error
    return app  # type: ignore[no-any-return]  # connexion ships no types


def _compile_once(document: Mapping[str, Any]) -> None:
    """Compile every schema of the document, so that a fault in one shows at the start.  Raises DocumentError."""
    for name, schema in documents.resolved(dict(document))["components"]["schemas"].items():
        try:
            CompiledSchema(schema)
        except ValueError as error:
            raise DocumentError(f"openapi/calls.yaml: components/schemas/{name}: {error}") from error


def _build(app: Any) -> None:
    """Have connexion build its layers now, so that a fault in the document shows at the start.

    It builds them on its first call, before that call goes anywhere.
    """

    class Built(Exception):
        pass

    async def stop(*_: Any) -> Message:
        raise Built

    try:
        app({"type": "lifespan"}, stop, stop).send(None)
    except Built:
        return


class _ExactPaths:
    """ASGI middleware: a path with a slash too many is none.  Connexion would redirect it, as the Host header says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            raise NotFound("there is nothing at this path; no path ends with a slash")
        await self._app(scope, receive, send)


def _with_body(document: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the operations that take a body."""
    return frozenset(
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "requestBody" in operation
    )


def _routes_beside() -> Iterable[BaseRoute]:
    """What is served beside the operations: a sign of life, the documents, and a refusal where sockets are dialled."""
    yield Route("/healthz", _healthy, methods=["GET"])
    yield Route("/openapi.yaml", _text(documents.openapi_text()), methods=["GET"])
    for kind in documents.connection_types():
        yield Route(f"/asyncapi/{kind}.yaml", _text(documents.asyncapi_text(kind)), methods=["GET"])
    yield Route("/media/{token}", _NotADial())


async def _healthy(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _text(content: bytes) -> Callable[[Request], Response]:
    async def document(request: Request) -> Response:
        return Response(content, media_type=_YAML)

    return document  # type: ignore[return-value]  # Starlette takes coroutine functions as well


class _NotADial:
    """ASGI application: refuses every method in the same way, for live and dead tokens, so nothing can be learnt."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise CallNotFound()


def _raising(router: Router) -> ASGIApp:
    """A router whose own 404 and 405 are raised for the Envelope, not answered in plain text."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette raises where an application is named in the scope.
        await router({**scope, "app": router}, receive, send)

    return app
