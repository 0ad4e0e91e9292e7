"""Tells the journal what happens over HTTP: which requests were answered, and how, and which calls were created."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.closest_rule import ClosestRules
from mockserver.envelope import printable_path
from mockserver.exchange import Exchange
from mockserver.journal import Journal
from mockserver.notes import CallNotes, RequestNote
from mockserver.redaction import redacted
from mockserver.store import Call, CallStore

LONGEST_BODY_BYTES = 64 * 1024
"""How long a request's body may be to be kept."""


class Witness:
    """ASGI middleware around everything that answers HTTP; below it must be an envelope.

    Args:
        app: what answers.
        journal: is told.
        rules: know why a request was refused.
        now: the time of day in UTC.
    """

    def __init__(self, app: ASGIApp, journal: Journal, rules: ClosestRules, now: Callable[[], datetime]) -> None:
        self._app = app
        self._journal = journal
        self._rules = rules
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have one request answered, and note how."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came = _Body()
        status = 0

        async def overheard() -> Message:
            message = await receive()
            came.add(message.get("body", b""))
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        at, started_at = self._now(), time.perf_counter()
        try:
            await self._app(scope, overheard, noted)
        finally:
            if status:
                took_ms = (time.perf_counter() - started_at) * 1000
                self._journal.add_request(self._note(scope, came, at, status, took_ms))

    def _note(self, scope: Scope, came: _Body, at: datetime, status: int, took_ms: float) -> RequestNote:
        exchange = Exchange.of(scope)
        method, path = scope["method"][:20], printable_path(scope["path"])
        fault = exchange.fault
        return RequestNote(
            id=exchange.request_id,
            at=at,
            method=method,
            path=path,
            operation=exchange.operation_id or None,
            status=status,
            duration_ms=round(took_ms, 3),
            account=exchange.account.name if exchange.account else None,
            body=came.as_json((exchange.key or b"").decode("latin-1")),
            body_bytes=came.length,
            error_code=fault.code if fault else None,
            error_message=fault.message if fault else None,
            closest_rule=self._rules.of(exchange, method, path),
        )


class _Body:
    """What comes of a request's body."""

    def __init__(self) -> None:
        self.length = 0
        self._data = b""

    def add(self, part: bytes) -> None:
        self.length += len(part)
        if self.length <= LONGEST_BODY_BYTES:
            self._data += part

    def as_json(self, key: str) -> bytes | None:
        """It without secrets; None if it is too long, or no JSON."""
        if not self.length or self.length > LONGEST_BODY_BYTES:
            return None
        try:
            body: Any = msgspec.json.decode(self._data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return msgspec.json.encode(redacted(body, key=key))


class NotingStore:
    """A CallStore that tells the journal of each call that is added to it."""

    def __init__(self, store: CallStore, journal: Journal) -> None:
        self._journal = journal
        self._store = store
        self.take, self.restore, self.finish = store.take, store.restore, store.finish

    def add(self, call: Call) -> None:
        """Let a call wait for its dial."""
        self._store.add(call)
        agent = call.settings.agent
        self._journal.add_call(
            CallNotes(
                id=call.id,
                kind=call.kind,
                connection_type=call.settings.connection_type,
                agent_id=agent.id if agent else None,
                created_at=call.created_at,
                expires_at=call.expires_at,
            )
        )
