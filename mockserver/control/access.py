"""Who may use the control API: whoever holds its token, under a name of this server, and no page of another origin.

The mock's own page holds a session instead, where the mock listens on the loopback interface alone.
"""

from __future__ import annotations

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import ForeignRequest, WrongControlToken
from mockserver.exchange import Exchange
from mockserver.inspector.session import PageSession
from mockserver.origins import Origins


class TokenGuard:
    """Compares the token of each request with the right one, in a time that tells nothing of it.

    The session of the mock's own page does as well, where there is one.
    """

    def __init__(self, token: str, session: PageSession | None = None) -> None:
        self._token = token.encode()
        self._session = session

    def admit(self, exchange: Exchange) -> None:
        """Raises WrongControlToken."""
        if self._session is not None and self._session.is_in(exchange):
            return
        scheme, _, token = exchange.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
            raise WrongControlToken()


class OwnNamesOnly:
    """ASGI middleware that refuses requests under a name that is not this server's, and those of foreign pages.

    A page whose name was made to lead here (DNS rebinding) tells that name in Host; one on another server tells its
    own in Origin.  `origins` knows the names that this server goes by.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on.  Raises ForeignRequest."""
        headers = Exchange.of(scope).headers
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._origins.goes_by(host):
            raise ForeignRequest("Host: is no name of this server; use its address, localhost, or its --public-url")
        origin = headers.get(b"origin")
        if origin is not None and not _is_at(origin.decode("latin-1").lower(), host):
            raise ForeignRequest("Origin: pages of other origins may not use the control API")
        await self._app(scope, receive, send)


def _is_at(origin: str, host: str) -> bool:
    """Whether an origin is that of what was asked for."""
    scheme, separator, rest = origin.partition("://")
    return scheme in ("http", "https") and bool(separator) and rest == host
