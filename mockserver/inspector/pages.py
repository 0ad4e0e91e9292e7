"""Serves the inspector's pages and what they load: files, under a policy that lets nothing else in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.control import DOCS, PAGE
from mockserver.inspector.session import PageSession

_CONTRACT = "/__mock__/contract.yaml"
"""What /openapi.yaml is, for the pages: to look at them leaves no trace among the requests."""

_FOLDER = Path(__file__).parent
_HOST = re.compile(r"[A-Za-z0-9.\[\]:-]{1,260}")

_COMMON = "default-src 'none'; script-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
# Not every browser takes 'self' for sockets as well (w3.org/TR/CSP3, "scheme-part match").
_PAGE_POLICY = _COMMON + "; style-src 'self'; connect-src 'self'{sockets}; media-src 'self' blob:; form-action 'none'"
# The renderer puts its styles into the page as it draws; what it shows is the contract, which is the server's own.
_DOCS_POLICY = _COMMON + "; style-src 'self' 'unsafe-inline'; connect-src 'self'; form-action 'none'"


def page_routes(session: PageSession | None, contract: Callable[[], bytes]) -> Iterator[BaseRoute]:
    """The routes of the pages and of what they load.

    Args:
        session: given to whoever opens the page; None where it has to ask for the control token.
        contract: gives the contract's OpenAPI document as it is served.
    """
    sealed = [Middleware(_Sealed)]

    async def page(request: Request) -> Response:
        host = request.headers.get("host", "")
        sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
        response = _file("index.html", _PAGE_POLICY.format(sockets=sockets))
        if session is not None:
            response.headers["set-cookie"] = session.cookie(secure=request.url.scheme == "https")
        return response

    async def docs(request: Request) -> Response:
        return _file("docs.html", _DOCS_POLICY)

    async def document(request: Request) -> Response:
        return Response(contract(), media_type="application/yaml")

    yield Route(PAGE, page, methods=["GET"], middleware=sealed)
    yield Route(DOCS, docs, methods=["GET"], middleware=sealed)
    yield Route(_CONTRACT, document, methods=["GET"], middleware=sealed)
    for name, folder in (("page", "static"), ("vendor", "vendor")):
        yield Mount(f"/__mock__/{name}", StaticFiles(directory=_FOLDER / folder), middleware=sealed)


def _file(name: str, policy: str) -> Response:
    return FileResponse(_FOLDER / "static" / name, media_type="text/html", headers={"content-security-policy": policy})


class _Sealed:
    """ASGI middleware: what is served is taken for what it says it is, shown in no other page, and tells nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
                headers["cross-origin-opener-policy"] = "same-origin"
                headers["cross-origin-resource-policy"] = "same-origin"
                # Asked anew each time, and answered with 304 where nothing changed.
                headers["cache-control"] = "no-cache"
            await send(message)

        await self._app(scope, receive, sealed)
