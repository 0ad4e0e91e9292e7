"""The HTTP half of the mock: the operations, and what stands beside them.  All it needs is passed in."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from mockserver.accounts import Accounts
from mockserver.body import READ_WITHIN_S
from mockserver.calls import Calls, media_url, saved_agents
from mockserver.envelope import Envelope
from mockserver.errors import CallNotFound
from mockserver.operations import operations_app
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings
from mockserver.store import CallStore

BASE_PATHS = ("/api/v1", "")
"""Where the operations are: as at the service, and bare, as the source of the contract spells them."""

_BASE36 = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[value % 36] for value in range(256))


def random_id() -> str:
    """A call's id that looks like the service's own: 25 characters, `c` and base 36."""
    return "c" + secrets.token_bytes(24).translate(_BASE36).decode()


def random_token() -> str:
    """A dial URL's token: 256 random bits in 43 characters."""
    return secrets.token_urlsafe(32)


def random_request_id() -> str:
    """A request's id, in 24 hexadecimal digits."""
    return secrets.token_hex(12)


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
    new_id: Callable[[], str] = random_id,
    new_token: Callable[[], str] = random_token,
    new_request_id: Callable[[], str] = random_request_id,
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
        DocumentError: the document cannot be served.
    """
    calls = Calls(
        media_url=media_url(base_url),
        store=store,
        agents=saved_agents(settings.agents),
        any_agent=settings.any_agent,
        url_ttl_s=settings.url_ttl_s,
        clock=clock,
        new_id=new_id,
        new_token=new_token,
    )

    def now() -> float:
        return clock().timestamp()

    operations = operations_app(
        document,
        calls,
        BASE_PATHS,
        accounts=accounts,
        limiter=rate_limiter,
        now=now,
        max_body_bytes=settings.max_body_bytes,
        read_within_s=read_within_s,
    )
    routed = _raising(Router(list(_beside()), default=operations, redirect_slashes=False))
    return Envelope(routed, accounts=accounts, limiter=rate_limiter, now=now, new_request_id=new_request_id)


def _raising(router: Router) -> ASGIApp:
    """A router whose own 405 is raised for the Envelope, not answered in plain text."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette raises where an application is named in the scope.
        await router({**scope, "app": router}, receive, send)

    return app


def _beside() -> Iterator[BaseRoute]:
    """What is served beside the operations: a sign of life, the documents, and a refusal where sockets are dialled."""
    yield Route("/healthz", _healthy, methods=["GET"])
    yield Route("/openapi.yaml", _yaml(documents.openapi_text()), methods=["GET"])
    for kind in documents.connection_types():
        yield Route(f"/asyncapi/{kind}.yaml", _yaml(documents.asyncapi_text(kind)), methods=["GET"])
    yield Route("/media/{token}", _NotADial())


async def _healthy(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _yaml(content: bytes) -> Callable[[Request], Awaitable[Response]]:
    async def document(request: Request) -> Response:
        return Response(content, media_type="application/yaml")

    return document


class _NotADial:
    """ASGI application: refuses every method in the same way, for live and dead tokens, so nothing can be learnt."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise CallNotFound()
