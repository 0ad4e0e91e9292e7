"""The mock's own paths over HTTP: `openapi/control.yaml` served by connexion, and the pages that ask it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from mockserver.accounts import Accounts
from mockserver.body import READ_WITHIN_S, BodyReader
from mockserver.control.access import OwnNamesOnly, TokenGuard
from mockserver.control.operations import Control
from mockserver.envelope import Envelope
from mockserver.inspector.pages import page_routes
from mockserver.inspector.session import PageSession
from mockserver.operations import Source, document_app
from mockserver.origins import Origins
from mockserver.rate_limit import RateLimiter

API = "/__mock__/api"
"""Where the operations are."""

_DOCUMENT = "/__mock__/openapi.yaml"


def control_app(
    control: Control,
    *,
    token: str,
    session: PageSession | None,
    origins: Origins,
    contract: Callable[[], bytes],
    accounts: Accounts,
    max_body_bytes: int,
    new_request_id: Callable[[], str],
) -> ASGIApp:
    """The ASGI application for the mock's own paths: the control API, and the pages that show it.

    Args:
        control: answers the operations.
        token: opens them.
        session: does so for the inspector's page; None where that has to ask for the token.
        origins: know the names that the server goes by.
        contract: gives the contract's OpenAPI document as it is served.
        accounts: who the keys of the contract belong to; none is needed here.
        max_body_bytes: the largest body.
        new_request_id: makes ids for requests.

    Raises:
        DocumentError: the document cannot be served.
    """
    source = Source("openapi/control.yaml", documents.control(), documents.control_text(), _DOCUMENT)
    operations = document_app(
        source,
        control.methods(),
        [API],
        guards={"controlToken": TokenGuard(token, session).admit},
        reader=BodyReader(max_bytes=max_body_bytes, read_within_s=READ_WITHIN_S),
    )

    async def document(request: Request) -> Response:
        return Response(source.text, media_type="application/yaml")

    routes = [Route(_DOCUMENT, document, methods=["GET"]), *page_routes(session, contract)]
    router = Router(routes, default=operations, redirect_slashes=False)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette raises a 405 where an application is named in the scope; else it answers in plain text.
        await router({**scope, "app": router}, receive, send)

    return Envelope(
        OwnNamesOnly(routed, origins),
        accounts=accounts,
        # It counts nothing, so that no answer speaks of a limit.
        limiter=RateLimiter(0),
        now=lambda: 0.0,
        new_request_id=new_request_id,
        # A page asks again and again.
        log_level=logging.DEBUG,
    )
