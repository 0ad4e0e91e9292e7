"""The implementation under test as an HTTP client sees it: bounded, counted, and written down."""

from __future__ import annotations

import asyncio
import shlex
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import httpx

from contract_tests.parsing import json_value, url_parts
from contract_tests.secrets_kept import Secrets
from contract_tests.settings import REQUESTS_PER_KEY, TargetSettings

JUDGED = (201, 400, 401, 402, 404, 413, 415, 429, 500, 503)
"""The statuses whose answers the document describes; 405 is partly a SHOULD, and has checks of its own."""

MOST_BODY_BYTES = 1024 * 1024
"""How much of an answer is read: whoever sends more is cut off."""

PATHS = {"create": "/calls/create", "inline": "/calls/inline"}
"""Each operation's path below the base URL."""

PATIENCE = 3
"""How many times as long as it may take an answer is waited for when it is asked for again, and how often that is done.

A target that has much to do at once, on a machine that has, is slow and not wrong; one that hangs does so again.
"""

SHORTEST_TOKEN = 16
"""What is shorter is not taken for a token where something else may be one: it may stand in an answer by chance."""

MOST_BALANCES = 20
"""How often it is asked at the most whether keys have a balance: who refuses more for it is accused anyway."""

KEY_VARIABLE = "$CALLS_API_KEY"
USED_UP = "the profile's budget of requests is used up: give more keys (--api-key) or --profile deep"
SPENT = "the key's balance was used up during the run (402): give a key with more balance (--api-key)"
RATE_LIMITED = "the key reached the target's rate limit: give more keys (--api-key) or raise the limit"


class NotChecked(Exception):
    """Something cannot be checked on this target, or not in this run; the text says why and what would enable it."""


class HeldUp(NotChecked):
    """This machine was too busy to check something; a moment later it may be quicker."""

    def __init__(self, what: str) -> None:
        super().__init__(f"this machine was too busy {what}: run again")


class OutOfRequests(NotChecked):
    """No request may be made any more: the budget or the balance is used up, or the target's rate limit is reached."""


class Meant(Enum):
    """What a request was made to be: the document is held to it, and the answer judged by it."""

    VALID = "valid"
    INVALID = "invalid"
    FREE = "free"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and what came back.

    Attributes:
        method, path: of the request; the path as far as it goes beyond the base URL.
        operation: `create` or `inline`, where the path is one's.
        headers: of the request, without the key.
        content: the request's body.
        key: what was sent as X-API-Key; None for no such header.
        meant: what the request was made to be.
        status: of the answer; None where none came.
        answer_headers: names in lower case, in the order in which they came.
        body: of the answer, at most MOST_BODY_BYTES.
        failure: why no answer came.
        late: whether none came in time, or not all of it.
        answered_at: Unix seconds.
        took_s: seconds from the request to the end of the answer.
        http_version: of the answer.
    """

    method: str
    path: str
    operation: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    key: str | None = None
    meant: Meant = Meant.FREE
    status: int | None = None
    answer_headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: str = ""
    late: bool = False
    answered_at: float = 0.0
    took_s: float = 0.0
    http_version: str = ""

    def header(self, name: str) -> str | None:
        """The first header of the answer with this name, in lower case."""
        return next((value for key, value in self.answer_headers if key == name), None)

    def listed(self, name: str) -> list[str]:
        """The members of a header that is a list, which may stand in several lines (RFC 9110, 5.3)."""
        lines = ",".join(value for key, value in self.answer_headers if key == name)
        return [member for part in lines.split(",") if (member := part.strip())]

    @property
    def persists(self) -> bool:
        """Whether the answer leaves its connection open for another request (RFC 9112, 9.3)."""
        return self.http_version == "HTTP/1.1" and "close" not in map(str.lower, self.listed("connection"))

    def json(self) -> Any:
        """The answer's body; None where it is no JSON."""
        return json_value(self.body)

    def json_object(self) -> dict[str, Any]:
        """The answer's body; empty where it is no JSON object."""
        body = self.json()
        return body if isinstance(body, dict) else {}

    @property
    def media_type(self) -> str:
        """The answer's media type in lower case, without parameters; empty where none is given."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass
class Journal:
    """Every exchange of a run, in the order in which the answers came, and what it cost.

    Attributes:
        exchanges: all of them.
        calls, dials: how many were created, and dialled.
        url_texts: in how many answers each of `url_texts` was.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    calls: int = 0
    dials: int = 0
    url_texts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class SharedConnection:
    """What requests are made by that share a connection, as long as the target keeps it open.

    Attributes:
        client: has one.
        within_s: how long an answer may take; a request is not made again.
    """

    client: httpx.AsyncClient
    within_s: float


class Target:
    """Makes requests of one implementation.

    Args:
        settings: the target and what may be done with it.
        secrets: learns every key and token.
    """

    def __init__(self, settings: TargetSettings, secrets: Secrets) -> None:
        self.settings = settings
        self.secrets = secrets
        self.journal = Journal()
        self._left = {key: REQUESTS_PER_KEY[settings.profile] for key in settings.api_keys}
        self._limited_until: dict[str, float] = {}
        self._spent: set[str] = set()
        self._had_balance_at: dict[str, float] = {}
        self._balances = asyncio.Lock()
        self._balances_left = MOST_BALANCES
        self._turn = 0
        self._patience = PATIENCE
        self._tls = httpx.create_ssl_context(verify=not settings.insecure)
        # A connection for each request: one that the server closes while it idles would look like a fault of its.
        self._client = self._new_client(httpx.Limits(max_keepalive_connections=0, max_connections=64))
        self._busy = asyncio.Semaphore(8)
        for index, key in enumerate(settings.api_keys):
            secrets.add(key, KEY_VARIABLE if index == 0 else f"{KEY_VARIABLE}_{index + 1}")
        secrets.add(settings.unfunded_key, "$CALLS_UNFUNDED_KEY")
        secrets.add(settings.limited_key, "$CALLS_LIMITED_KEY")

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    def _new_client(self, limits: httpx.Limits) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self._tls, trust_env=False, limits=limits)

    @asynccontextmanager
    async def one_connection(self, *, patient: bool) -> AsyncIterator[SharedConnection]:
        """For requests that share a connection.  Who is patient waits as long as for one that is made again."""
        within_s = self.settings.request_timeout_s * (PATIENCE if patient else 1)
        async with self._new_client(httpx.Limits(max_connections=1)) as client:
            yield SharedConnection(client, within_s)

    def key(self) -> str:
        """A key that works, in turn.  Raises OutOfRequests when each has made its requests, or is spent or limited."""
        now = time.monotonic()
        for _ in self.settings.api_keys:
            self._turn += 1
            key = self.settings.api_keys[self._turn % len(self.settings.api_keys)]
            if self._left[key] > 0 and self._limited_until.get(key, 0.0) <= now:
                return key
        if any(until > now for until in self._limited_until.values()):
            raise OutOfRequests(RATE_LIMITED)
        raise OutOfRequests(SPENT if self._spent else USED_UP)

    def count(self, key: str | None) -> None:
        """Write down that a request is made with a key.  Raises OutOfRequests where it has made all that it may."""
        if key not in self._left:
            return
        if self._left[key] <= 0:
            raise OutOfRequests(SPENT if key in self._spent else USED_UP)
        self._left[key] -= 1

    def add(self, exchange: Exchange) -> None:
        """Write down an exchange that another client made with one of the keys."""
        if exchange.key in self._left:
            self._left[exchange.key] -= 1
        self.journal.exchanges.append(exchange)
        self._note(exchange)

    def left(self) -> int:
        """How many requests may still be made with working keys."""
        return sum(self._left.values())

    async def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        operation: str = "",
        meant: Meant = Meant.FREE,
        query: str = "",
        limit_matters: bool = False,
        by: SharedConnection | None = None,
    ) -> Exchange:
        """One exchange, on a connection of its own, or `by` one that others share; a failure is in it, not raised.

        Raises OutOfRequests where the key has made all requests that it may, and where its balance is used up or
        its rate limit answered instead, unless `limit_matters`.
        """
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key
        counted = next((value for name, value in sent.items() if name.lower() == "x-api-key"), None)
        self.count(counted)
        known = Exchange(
            method=method,
            path=path + query,
            operation=operation,
            headers=tuple((name, value) for name, value in sent.items() if value != key),
            content=content,
            key=key,
            meant=meant,
        )
        within_s = by.within_s if by else self.settings.request_timeout_s
        async with self._busy:
            exchange = await self._exchange(known, sent, within_s, by)
            if exchange.late and self._patience and by is None:
                self.count(counted)
                exchange = await self._exchange(known, sent, PATIENCE * within_s)
                self._patience -= exchange.late
        self.journal.exchanges.append(exchange)
        self._note(exchange)
        if exchange.status == 429 and counted in self._left and not limit_matters:
            self._left[counted] = min(self._left[counted], 50)
            self._limited_until[counted] = time.monotonic() + _seconds(exchange.header("retry-after"))
            raise OutOfRequests(RATE_LIMITED)
        if exchange.status == 402 and counted in self._left and await self.is_spent(counted) and not limit_matters:
            raise OutOfRequests(SPENT)
        return exchange

    async def is_spent(self, key: str) -> bool:
        """Whether the balance of a working key that was just answered with 402, and created calls before, is used up.

        It is unless a request that created a call does so again: then the 402 is the other request's.
        """
        refused_at = time.monotonic()
        async with self._balances:
            if key in self._spent:
                return True
            valid = (each for each in self.journal.exchanges if each.key == key and each.meant is Meant.VALID)
            created = [each for each in valid if each.status == 201]
            # What was sent since tells it for all that were refused before.
            known = self._had_balance_at.get(key, 0.0) >= refused_at
            if known or not created or not self._balances_left:
                return False
            self.count(key)
            self._balances_left -= 1
            sent_at = time.monotonic()
            smallest = min(created, key=lambda each: len(each.content))
            asked = replace(smallest, status=None, answer_headers=(), body=b"", answered_at=0.0, took_s=0.0)
            headers = {**dict(smallest.headers), "X-API-Key": key}
            exchange = await self._exchange(asked, headers, self.settings.request_timeout_s)
            self.journal.exchanges.append(exchange)
            self._note(exchange)
            if exchange.status == 201:
                self._had_balance_at[key] = sent_at
                return False
            self._spent.add(key)
            self._left[key] = 0
            return True

    async def _exchange(
        self, known: Exchange, headers: dict[str, str], within_s: float, by: SharedConnection | None = None
    ) -> Exchange:
        began, url = time.monotonic(), self.settings.url + known.path
        values = {name: getattr(known, name) for name in known.__dataclass_fields__}
        encoded = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]
        encoded.append((b"Accept-Encoding", b"identity"))
        try:
            async with asyncio.timeout(within_s + 1):
                async with (by.client if by else self._client).stream(
                    known.method, url, content=known.content, headers=encoded, timeout=within_s
                ) as answer:
                    body = bytearray()
                    async for part in answer.aiter_raw():
                        body += part
                        if len(body) > MOST_BODY_BYTES:
                            break
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ssl.SSLError) as error:
            values["failure"] = f"{type(error).__name__}: {str(error) or f'no answer within {within_s:g} s'}"
            values["late"] = isinstance(error, TimeoutError | httpx.TimeoutException)
            return Exchange(**values)
        pairs = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers.raw)
        values |= {
            "status": answer.status_code,
            "answer_headers": pairs,
            "body": bytes(body[:MOST_BODY_BYTES]),
            "answered_at": time.time(),
            "took_s": time.monotonic() - began,
            "http_version": answer.http_version,
        }
        return Exchange(**values)

    def _note(self, exchange: Exchange) -> None:
        """Learn the token that an answer hands out, wherever it was asked for, so that it is never shown."""
        if exchange.status is None or not 200 <= exchange.status < 300:
            return
        self.journal.calls += bool(exchange.operation)
        texts = url_texts(exchange.json_object())
        self.journal.url_texts.update(set(texts))
        for text in texts[:1] + [text for text in texts[1:] if len(text) >= SHORTEST_TOKEN]:
            self.secrets.add(text, "[token]")

    def token_of(self, created: Mapping[str, Any]) -> str:
        """What makes the websocketUrl of an answer a credential, empty where there is none.

        The longest part of its path or query that no other URL has, and that is not the call's id; where there is no
        such part, the longest one.
        """
        texts = url_texts(created)
        own = (text for text in texts if self.journal.url_texts[text] < 2)
        return next(own, texts[0] if texts else "")

    def shown(self, exchange: Exchange, limit: int = 400) -> str:
        """The answer of an exchange in one line, for people: without secrets, and `limit` characters of its body."""
        if exchange.status is None:
            return f"no answer: {self.secrets.redact(exchange.failure)}"
        text = self.secrets.beginning(exchange.body.decode("utf-8", "replace"), limit)
        return f"{exchange.status} {text}" if text else f"{exchange.status}, no body"

    def curl(self, exchange: Exchange) -> str:
        """The command that makes the same request; the key stands there as a variable."""
        parts = ["curl", "-isS", "-X", exchange.method, shlex.quote(self.settings.url + exchange.path)]
        if exchange.key is not None:
            shown = self.secrets.redact(exchange.key)
            parts += ["-H", f'"X-API-Key: {shown}"']
        for name, value in exchange.headers:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
        if exchange.content:
            text = self.secrets.beginning(exchange.content.decode("utf-8", "backslashreplace"), 1500)
            more = f"... ({len(exchange.content)} bytes)" if len(exchange.content) > 1500 else ""
            parts += ["--data-binary", shlex.quote(text + more)]
        return " ".join(parts)


def url_texts(created: Mapping[str, Any]) -> list[str]:
    """What the path and the query of an answer's websocketUrl are made of, the longest first, but for the call's id.

    All of the URL where it cannot be taken apart; the id, too, where nothing else there is as long as a token.
    """
    url, call_id = created.get("websocketUrl"), created.get("id")
    if not isinstance(url, str):
        return []
    parts = url_parts(url)
    if parts is None:
        return [url]
    texts = [*parts.path.split("/"), *(part.partition("=")[2] for part in parts.query.split("&"))]
    others = [text for text in texts if text != call_id]
    long = any(len(text) >= SHORTEST_TOKEN for text in others)
    return sorted(filter(None, others if long else texts), key=len, reverse=True)


def _seconds(text: str | None) -> float:
    try:
        return max(1.0, float(text or 60))
    except ValueError:
        return 60.0
