"""The two operations by hand on Starlette, with nothing between: as little as the mock's work can be done with.

For each call: the key, the rate limit and its headers, a strict JSON body, validation against the document with its
defaults, a unique id, a token of 256 bits kept until it expires, validation of the answer, the request's id.  It has
neither the mock's errors in words nor its log nor anything that could answer the URL.
"""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from jsonschema_rs import Draft4Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contract import documents

KEY = b"ck_mock_valid"
RATE_LIMIT = 1_000_000_000
WINDOW_S = 3600
URL_TTL_S = 60
MAX_BODY_BYTES = 1 << 20
AGENT = {"id": "agent_demo", "name": "Demo agent", "description": "Repeats what you say"}

Body = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Refused(Exception):
    """An answer other than 201."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = _encode({"error": {"code": code, "message": message}})


class Waiting:
    """Tokens of calls that were not dialled yet, until they expire."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, Body]] = {}
        self._ends: deque[tuple[datetime, str]] = deque()

    def add(self, token: str, call_id: str, body: Body, now: datetime) -> None:
        """Keep a call, and forget those that have expired."""
        while self._ends and self._ends[0][0] <= now:
            self._calls.pop(self._ends.popleft()[1], None)
        self._calls[token] = call_id, body
        self._ends.append((now + timedelta(seconds=URL_TTL_S), token))


class Window:
    """Requests of the one key in the current hour."""

    def __init__(self) -> None:
        self._used = 0
        self._ends_at = 0.0

    def count(self) -> dict[str, str]:
        """Count a request; the headers that say where the key stands.  Raises Refused."""
        now = time.time()
        if now >= self._ends_at:
            self._used, self._ends_at = 0, now + WINDOW_S
        if self._used >= RATE_LIMIT:
            raise Refused(429, "RATE_LIMIT_EXCEEDED", "too many requests")
        self._used += 1
        return {
            "x-ratelimit-limit": str(RATE_LIMIT),
            "x-ratelimit-remaining": str(RATE_LIMIT - self._used),
            "x-ratelimit-reset": str(math.ceil(self._ends_at)),
        }


class Operation:
    """One operation of the document."""

    def __init__(self, document: documents.Document, path: str, waiting: Waiting, window: Window) -> None:
        described = document["paths"][path]["post"]
        asked = described["requestBody"]["content"]["application/json"]["schema"]
        answered = described["responses"]["201"]["content"]["application/json"]["schema"]
        self._has_agent = path == "/calls/create"
        self._asked = Draft4Validator(asked, validate_formats=True)
        self._answered = Draft4Validator(answered, validate_formats=True)
        self._fill = defaults(asked)
        self._waiting = waiting
        self._window = window

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        headers = {"x-request-id": request.headers.get("x-request-id") or secrets.token_hex(12)}
        try:
            if request.headers.get("x-api-key", "").encode() != KEY:
                raise Refused(401, "INVALID_API_KEY", "X-API-Key: is not a key")
            headers |= self._window.count()
            body = await self._body(request)
            call_id = "c" + secrets.token_hex(12)
            headers |= {"location": f"/api/v1/calls/{call_id}", "cache-control": "no-store"}
            return Response(self._created(request, call_id, body), 201, headers, "application/json")
        except Refused as refused:
            return Response(refused.body, refused.status, headers, "application/json")

    async def _body(self, request: Request) -> Body:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type: only application/json is understood")
        data = await request.body()
        if len(data) > MAX_BODY_BYTES:
            raise Refused(413, "PAYLOAD_TOO_LARGE", "the body is too large")
        try:
            body = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused(400, "BAD_REQUEST", "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "BAD_REQUEST", "the body is not an object")
        self._fill(body)
        if not self._asked.is_valid(body):
            raise Refused(400, "BAD_REQUEST", "the body breaks the document")
        if self._has_agent and body["agentId"] != AGENT["id"]:
            raise Refused(404, "AGENT_NOT_FOUND", "no such agent")
        return body

    def _created(self, request: Request, call_id: str, body: Body) -> bytes:
        token, now = secrets.token_urlsafe(32), datetime.now(UTC)
        self._waiting.add(token, call_id, body, now)
        answer: Body = {
            "id": call_id,
            "websocketUrl": f"ws://{request.headers['host']}/media/{token}",
            "status": "created",
            "connectionType": body["connectionType"],
            "createdAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if self._has_agent:
            answer["agent"] = AGENT
        if not self._answered.is_valid(answer):
            raise Refused(500, "INTERNAL_ERROR", "the answer breaks the document")
        return _encode(answer)


def defaults(schema: documents.Document) -> Callable[[Any], None]:
    """What fills the defaults of a schema's fields, and of their fields, into a body."""
    properties = schema.get("properties", {})
    values = {name: part["default"] for name, part in properties.items() if "default" in part}
    nested = {name: defaults(part) for name, part in properties.items() if "properties" in part}

    def fill(body: Any) -> None:
        if not isinstance(body, dict):
            return
        for name, value in values.items():
            body.setdefault(name, value)
        for name in nested.keys() & body.keys():
            nested[name](body[name])

    return fill


def _app() -> Starlette:
    document = documents.resolved(documents.openapi())
    waiting, window = Waiting(), Window()
    paths = ("/calls/create", "/calls/inline")
    return Starlette(
        routes=[
            Route(f"/api/v1{path}", Operation(document, path, waiting, window).__call__, methods=["POST"])
            for path in paths
        ]
    )


app = _app()
