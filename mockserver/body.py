"""Reads request bodies whole before connexion sees them: media type, size, time, and JSON that is worth validating.

Stands after routing and security, so a request without a key is refused unread, and before connexion's validation,
which falls over some of what is caught here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.errors import BadRequest, BodyTooLarge, BodyTooSlow, InvalidBody, UnsupportedMediaType
from mockserver.exchange import Exchange
from mockserver.framework import operation_id
from mockserver.strict_json import parse_object

READ_WITHIN_S = 30.0
"""How long a body may take to come, in seconds."""

_MEDIA_TYPE = "application/json"
_CHARSET = re.compile(r'charset\s*=\s*"?([^";\s]*)"?', re.IGNORECASE)


class BodyReader:
    """ASGI middleware: the body of each of `operations` (ids) is read, parsed into the exchange, handed on whole."""

    def __init__(self, app: ASGIApp, *, operations: Collection[str], max_bytes: int, read_within_s: float) -> None:
        self._app = app
        self._operations = operations
        self._max_bytes = max_bytes
        self._read_within_s = read_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, then go on.  Raises ApiError: 400, 413 or 415."""
        if scope["type"] != "http" or operation_id(scope) not in self._operations:
            await self._app(scope, receive, send)
            return
        headers = dict(reversed(scope["headers"]))  # the first of two headers counts
        _must_be_json(headers)
        data = await self._read(headers, receive)
        Exchange.of(scope).body = parse_object(data)
        # Connexion takes a missing length for a missing body, and knows the media type in lower case only.
        headers |= {b"content-type": _MEDIA_TYPE.encode(), b"content-length": b"%d" % len(data)}
        await self._app({**scope, "headers": list(headers.items())}, _replay(data, receive), send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if _declared_length(headers) > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        try:
            async with asyncio.timeout(self._read_within_s):
                return await self._collect(receive)
        except TimeoutError:
            raise BodyTooSlow(self._read_within_s) from None

    async def _collect(self, receive: Receive) -> bytes:
        data = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InvalidBody("the body ends before its announced length")
            data += message.get("body", b"")
            if len(data) > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            if not message.get("more_body"):
                return bytes(data)


def _must_be_json(headers: dict[bytes, bytes]) -> None:
    """Raises UnsupportedMediaType unless the body is announced as plain JSON in UTF-8."""
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaType("Content-Encoding: compressed bodies are not understood; send the JSON as it is")
    value = headers.get(b"content-type", b"").decode("latin-1")
    media_type, _, parameters = value.partition(";")
    if not media_type.strip():
        raise UnsupportedMediaType(f"Content-Type: is required; send {_MEDIA_TYPE}")
    if media_type.strip().lower() != _MEDIA_TYPE:
        raise UnsupportedMediaType(f"Content-Type: only {_MEDIA_TYPE} is understood")
    charset = _CHARSET.search(parameters)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Content-Type: only charset utf-8 is understood")


def _declared_length(headers: dict[bytes, bytes]) -> int:
    """The announced length in bytes; 0 where none is.  Raises BadRequest for one that is no number."""
    text = headers.get(b"content-length", b"0")
    if not text.isdigit() or len(text) > 18:
        raise BadRequest("Content-Length: is not a length")
    return int(text)


def _replay(data: bytes, receive: Receive) -> Receive:
    """A receive channel that gives the whole body in one message, then what the real one gives."""
    messages: list[Message] = [{"type": "http.request", "body": data, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
