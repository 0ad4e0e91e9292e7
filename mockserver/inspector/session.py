"""The session of the inspector's page: a cookie that opens the control API to pages of this server alone."""

from __future__ import annotations

import hmac
import secrets

from starlette.requests import cookie_parser

from mockserver.exchange import Exchange

_PATH = "/__mock__"

_OWN_FETCH = (b"same-origin", b"none")
"""What Sec-Fetch-Site says where no other page asked (w3.org/TR/fetch-metadata); other clients are silent."""


class PageSession:
    """One session for all pages of one mock, for as long as it runs.

    A browser's cookies know no ports: `port` is in the name, so that mocks beside each other keep apart, and what a
    page of another port on the same host has asked for does not count.
    """

    def __init__(self, port: int) -> None:
        self._name = f"calls_inspector_{port}"
        self._secret = secrets.token_urlsafe(32)

    def cookie(self, *, secure: bool) -> str:
        """The Set-Cookie header that gives the session; `secure` where the page came over TLS."""
        return f"{self._name}={self._secret}; HttpOnly; SameSite=Strict; Path={_PATH}" + ("; Secure" if secure else "")

    def is_in(self, exchange: Exchange) -> bool:
        """Whether a request brings the session, and comes from a page of this origin."""
        if exchange.headers.get(b"sec-fetch-site", b"none") not in _OWN_FETCH:
            return False
        # Beside it come the cookies of all that is developed on this machine, of every shape.
        brought = cookie_parser(exchange.headers.get(b"cookie", b"").decode("latin-1")).get(self._name, "")
        return hmac.compare_digest(brought.encode(), self._secret.encode())
