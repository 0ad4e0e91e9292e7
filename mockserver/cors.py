"""Lets pages on other origins read the mock's answers (CORS): Starlette's middleware, with the mock's own rule."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import ApiError, BadRequest, PageRefused, answer
from mockserver.origins import Origins, refusal_of_origin

log = logging.getLogger("calls")

READABLE = (
    "Location",
    "Preference-Applied",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
)
"""What a page may read of an answer's headers, beside what it always may."""


class Cors(CORSMiddleware):
    """ASGI middleware around everything that answers HTTP, errors too: a page that cannot read a 429 cannot wait.

    Pages may send any method that Starlette knows and any header; what is wrong with them the answer says.  A preflight
    for another method is a 400.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        super().__init__(
            app, allow_methods=["*"], allow_headers=["*"], expose_headers=READABLE, allow_private_network=True
        )
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; without an Origin as if this was not here, and so is OPTIONS that is no preflight."""
        if scope["type"] == "http" and b"origin" in [name for name, _ in scope["headers"]]:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether its pages may read answers."""
        return self._origins.is_allowed(origin)

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks for a page; a refusal is also logged, as scripts cannot read it."""
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        origin = request_headers["origin"]
        fault: ApiError = BadRequest("no page may send a request with this method")
        if not self.is_allowed_origin(origin):
            fault = PageRefused(refusal_of_origin(origin))
        log.warning("preflight refused: %s", fault.message)
        reply = answer(fault)
        return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})
