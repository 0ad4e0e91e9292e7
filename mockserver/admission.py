"""Who may go on: the API key is judged, then the account's rate limit, both before a byte of the body is read."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.accounts import Account, Accounts, Standing
from mockserver.errors import RateLimitExceeded
from mockserver.exchange import Exchange
from mockserver.rate_limit import RateLimiter, RateState


class Admission:
    """Admits requests to operations that ask for a key; each is counted, whatever then becomes of it.

    Args:
        accounts: who the keys belong to.
        limiter: counts.
        now: Unix seconds.
    """

    def __init__(self, accounts: Accounts, limiter: RateLimiter, now: Callable[[], float]) -> None:
        self._accounts = accounts
        self._limiter = limiter
        self._now = now

    def admit(self, exchange: Exchange) -> None:
        """Note whose key it is, and count.  Raises ApiError: 401, 429."""
        account = exchange.account = self._accounts.account_for(exchange.key)
        now = self._now()
        exchange.rate = state = self._count(account, now)
        if state is not None and not state.allowed:
            raise RateLimitExceeded(state.limit, state.retry_after_s(now))

    def _count(self, account: Account, now: float) -> RateState | None:
        if account.standing is Standing.OVER_LIMIT:
            return self._limiter.exhaust(account.name, now)
        return self._limiter.take(account.name, now)
