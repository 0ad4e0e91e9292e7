"""The HTTP half of the mock in one process: a clock that stands still, and a client that needs no socket."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.types import ASGIApp

from contract import documents
from contract.overlays import HttpContract
from mockserver.accounts import Accounts
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings
from mockserver.store import MemoryCallStore

VALID = "ck_mock_valid"
DOCUMENT = documents.openapi()
START = datetime(2026, 11, 22, 10, 23, 16, 512000, tzinfo=UTC)

CREATE = {"agentId": "agent_demo"}
INLINE = {"systemPrompt": "You sell bicycles.", "voice": "Mark", "language": "en", "greeting": "Hello!"}
RATES = {"inputSampleRate": 16000, "outputSampleRate": 24000}
BODIES = {"/calls/create": CREATE, "/calls/inline": INLINE}


@dataclass
class Clock:
    """A time of day that passes when told to."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Mock:
    """A mock and what it was put together from."""

    app: ASGIApp
    store: MemoryCallStore
    clock: Clock
    limiter: RateLimiter
    tokens: list[str] = field(default_factory=list)

    def post(self, path: str, body: Any = None, *, key: str | None = VALID, **more: Any) -> httpx.Response:
        """POST a JSON body, or raw `content`; with a valid key unless told otherwise."""
        if body is not None:
            more["json"] = body
        return self.request("POST", path, key=key, **more)

    def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = VALID,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request and its whole answer."""
        sent = httpx.Headers(headers).multi_items() + ([] if key is None else [("X-API-Key", key)])
        return asyncio.run(self._request(method, path, headers=sent, **more))

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://attacker.example") as client:
            return await client.request(method, path, **more)


def mock(
    document: Mapping[str, Any] = DOCUMENT,
    *,
    base_url: str = "http://127.0.0.1:8080",
    read_within_s: float = 30.0,
    draw: Callable[[int], bytes] = os.urandom,
    **options: Any,
) -> Mock:
    """A mock with these options (names of Settings), and a valid document unless another is given.

    `draw` gives so many random bytes.
    """
    settings = Settings(**options)
    clock, store = Clock(), MemoryCallStore()
    limiter = RateLimiter(settings.rate_limit_per_hour)
    tokens: list[str] = []
    numbers = itertools.count(1)

    class SampleIds(Ids):
        def token(self) -> str:
            tokens.append(f"sample-token-{next(numbers):031d}")
            return tokens[-1]

    app = http_app(
        settings=settings,
        accounts=Accounts(settings.api_keys, any_key=settings.any_key, salt=b"a test's salt"),
        rate_limiter=limiter,
        store=store,
        clock=clock,
        contract=HttpContract(dict(document), documents.openapi_text()),
        base_url=base_url,
        read_within_s=read_within_s,
        ids=SampleIds(draw),
    )
    return Mock(app, store, clock, limiter, tokens)


@functools.cache
def shared() -> Mock:
    """One mock for tests that change nothing in it; it counts no requests."""
    return mock(rate_limit_per_hour=0)


def error(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error answer, whose shape must be the contract's."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"message", "code"}
    return response.status_code, body["error"]["code"]


def message(response: httpx.Response) -> str:
    """What an error answer says."""
    text: str = response.json()["error"]["message"]
    return text
