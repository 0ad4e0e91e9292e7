"""The HTTP half of the mock: the operations, and what stands beside them.  All it needs is passed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from contract.overlays import HttpContract
from mockserver.accounts import Accounts
from mockserver.admission import Admission
from mockserver.body import READ_WITHIN_S, BodyReader
from mockserver.calls import Calls, media_url, saved_agents
from mockserver.envelope import Envelope
from mockserver.errors import CallNotFound
from mockserver.ids import Ids
from mockserver.operations import operations_app
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings
from mockserver.staging import Stage, stage_of
from mockserver.store import CallStore

BASE_PATHS = ("/api/v1", "")
"""Where the operations are: as at the service, and bare, as the source of the contract spells them."""

_DIALLED = "/media/"


def http_app(
    *,
    settings: Settings,
    accounts: Accounts,
    rate_limiter: RateLimiter,
    store: CallStore,
    clock: Callable[[], datetime],
    contract: HttpContract,
    base_url: str,
    read_within_s: float = READ_WITHIN_S,
    ids: Ids | None = None,
    stage: Stage | None = None,
) -> ASGIApp:
    """The ASGI application for everything but WebSockets.

    Args:
        settings: the options; the environment is not read again.
        accounts: who the keys belong to.
        rate_limiter: counts requests.
        store: where created calls wait for their dial.
        clock: the time of day in UTC.
        contract: the OpenAPI document that is kept to, with its `$ref`s.
        base_url: where clients reach this server (`Settings.base_url`); `websocketUrl` begins with it.
        read_within_s: how long a body may take to come, in seconds.
        ids: makes ids and tokens; random ones by default.
        stage: gives requests their outcomes; by default as the settings say.

    Raises:
        DocumentError: the document cannot be served, or a file of scenarios makes no sense.
    """
    ids = ids or Ids()
    calls = Calls(
        media_url=media_url(base_url),
        store=store,
        agents=saved_agents(settings.agents),
        any_agent=settings.any_agent,
        url_ttl=timedelta(seconds=settings.url_ttl_s),
        clock=clock,
        new_id=ids.call_id,
        new_token=ids.token,
        shown_at=settings.clock,
    )
    now = partial(settings.shown_s, clock)
    operations = operations_app(
        contract,
        calls,
        BASE_PATHS,
        admission=Admission(accounts, rate_limiter, now),
        reader=BodyReader(max_bytes=settings.max_body_bytes, read_within_s=read_within_s),
        stage=stage or stage_of(settings, contract.document, now),
    )
    return Envelope(
        _with_what_is_beside(operations, contract),
        accounts=accounts,
        limiter=rate_limiter,
        now=now,
        new_request_id=ids.request_id,
    )


def _with_what_is_beside(operations: ASGIApp, contract: HttpContract) -> ASGIApp:
    """The operations, and what is served beside them."""
    router = Router(list(_beside(contract)), default=operations, redirect_slashes=False)
    paths = {route.path for route in router.routes if isinstance(route, Route)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Most requests are to operations: they are spared the search.
        if scope["path"] in paths or scope["path"].startswith(_DIALLED):
            # Starlette raises a 405 where an application is named in the scope; else it answers in plain text.
            await router({**scope, "app": router}, receive, send)
        else:
            await operations(scope, receive, send)

    return app


def _beside(contract: HttpContract) -> Iterator[BaseRoute]:
    """What is served beside the operations: a sign of life, the documents, and a refusal where sockets are dialled."""
    yield Route("/healthz", _healthy, methods=["GET"])
    yield Route("/openapi.yaml", _yaml(contract.text), methods=["GET"])
    for kind in documents.connection_types():
        yield Route(f"/asyncapi/{kind}.yaml", _yaml(documents.asyncapi_text(kind)), methods=["GET"])
    yield Route(f"{_DIALLED}{{token}}", _NotADial())


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
