"""The outermost layer of HTTP: what every answer carries, how every error is answered, one log line a request."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.accounts import Accounts
from mockserver.errors import ShuttingDown, answer, api_error
from mockserver.exchange import Exchange
from mockserver.rate_limit import RateLimiter
from mockserver.redaction import redacted

log = logging.getLogger("calls")

LISTS = frozenset({b"content-encoding", b"transfer-encoding"})
"""Headers of which each that comes counts, as if they were one with commas in it (RFC 9110, 5.3)."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# A UUID without its hyphens, or a trace of W3C's: too many clients' ids are like this, and no token is.
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}")
_LONG_SEGMENT = re.compile(r"[^/]{21,}")
_DIAL_TOKEN = re.compile(r"(?<=/media/).+")
_NOT_PRINTABLE = re.compile(r"[^!-~]")
_LONGEST_PATH = 120


class Envelope:
    """ASGI middleware around everything that answers HTTP.

    Every answer gets an X-Request-Id, the client's own if it is a plain one, and the rate headers of its key; a request
    without a known key sees a whole, untouched limit.  Answers to HEAD lose their body.  `now` is Unix seconds;
    `log_level` that of the one log line.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        accounts: Accounts,
        limiter: RateLimiter,
        now: Callable[[], float],
        new_request_id: Callable[[], str],
        log_level: int = logging.INFO,
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._limiter = limiter
        self._now = now
        self._new_request_id = new_request_id
        self._log_level = log_level

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whatever goes wrong before the answer has begun is answered here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = self._exchange(scope)
        exchange.put_into(scope)
        started_at = time.perf_counter()
        status = 0

        async def sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *self._headers(exchange)]}
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, sealed)
            if not status and not exchange.cut:
                raise RuntimeError("nothing answered")
        except asyncio.CancelledError:
            # The server goes down and waits no longer.  This is the outermost layer: the cancellation ends here.
            if not status and not exchange.cut:
                await _send_error(ShuttingDown(), sealed)
        except Exception as error:
            if status:
                raise
            exchange.fault = api_error(error)
            await _send_error(exchange.fault, sealed)
        finally:
            self._log(scope, exchange, status, time.perf_counter() - started_at)

    def _exchange(self, scope: Scope) -> Exchange:
        headers = dict(reversed(scope["headers"]))  # the first of two headers counts
        if len(headers) != len(scope["headers"]):
            for name in LISTS & headers.keys():
                headers[name] = b", ".join(value for each, value in scope["headers"] if each == name)
        key = headers.get(b"x-api-key")
        came = headers.get(b"x-request-id", b"")
        # Whoever sends a key or a token as the request's id must not get it back.
        own = came and _SANE_ID.fullmatch(came) and not (key and key in came) and not self._may_be_secret(came)
        return Exchange(came.decode() if own else self._new_request_id(), headers=headers, key=key)

    def _may_be_secret(self, request_id: bytes) -> bool:
        text = request_id.decode()
        return self._accounts.knows(request_id) or (not _HEXADECIMAL.fullmatch(text) and redacted(text) != text)

    def _headers(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", exchange.request_id.encode()), *exchange.more_headers]
        rate = exchange.rate
        if rate is None:
            account = exchange.account or self._accounts.find(exchange.key)
            rate = self._limiter.peek(account.name if account else None, self._now())
        return headers if rate is None else headers + rate.headers()

    def _log(self, scope: Scope, exchange: Exchange, status: int, took_s: float) -> None:
        if not log.isEnabledFor(self._log_level):
            return
        log.log(
            self._log_level,
            "%s %s %s %.1f ms account=%s request=%s",
            scope["method"][:20],
            printable_path(scope["path"]),
            status or "aborted",
            took_s * 1000,
            exchange.account.name if exchange.account else "-",
            exchange.request_id,
        )


@functools.lru_cache(maxsize=256)
def printable_path(path: str) -> str:
    """A path as a log may hold it: without dial tokens, whatever is as long as one, and what could break a line."""
    path = _LONG_SEGMENT.sub("***", _DIAL_TOKEN.sub("***", path))
    return _NOT_PRINTABLE.sub("?", redacted(path))[:_LONGEST_PATH]


async def _send_error(error: Exception, send: Send) -> None:
    reply = answer(error)
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})
