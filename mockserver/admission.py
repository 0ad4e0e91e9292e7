"""Who may go on: the API key is judged, then the account's rate limit, both before a byte of the body is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.accounts import Account, Accounts, Standing
from mockserver.errors import RateLimitExceeded
from mockserver.exchange import Exchange
from mockserver.framework import operation_id
from mockserver.rate_limit import RateLimiter


class JudgedRequest(Protocol):
    """What connexion shows to a security function; an operation's arguments are filled from `context`, by name."""

    scope: Scope
    context: dict[str, Any]


Verify = Callable[[JudgedRequest], dict[str, Any]]


class KeyCheck:
    """Connexion's interface for a security scheme: `get_fn` gives the function that judges a request."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def get_fn(self, security_scheme: dict[str, Any], required_scopes: list[str]) -> Verify:
        """The judge of requests to operations that name this scheme.  It raises ApiError: 401."""

        def verify(request: JudgedRequest) -> dict[str, Any]:
            exchange = request.context["exchange"] = Exchange.of(request.scope)
            exchange.account = self._accounts.account_for(exchange.key)
            return {"sub": exchange.account.name}

        return verify


class Turnstile:
    """ASGI middleware: counts each authenticated request to an operation, whatever then becomes of it."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter, now: Callable[[], float]) -> None:
        self._app = app
        self._limiter = limiter
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, then go on.  Raises RateLimitExceeded."""
        if scope["type"] == "http" and operation_id(scope) is not None:
            exchange = Exchange.of(scope)
            if exchange.account is not None:
                self._count(exchange, exchange.account)
        await self._app(scope, receive, send)

    def _count(self, exchange: Exchange, account: Account) -> None:
        now = self._now()
        over = account.standing is Standing.OVER_LIMIT
        state = self._limiter.exhaust(account.name, now) if over else self._limiter.take(account.name, now)
        exchange.rate = state
        if state is not None and not state.allowed:
            raise RateLimitExceeded(state.limit, state.retry_after_s(now))
