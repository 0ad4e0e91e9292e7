"""Reads request bodies whole: media type, size, time, and JSON that is worth validating.

This comes after routing and security, so a request without a key is refused unread.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive

from mockserver.errors import BadRequest, BodyTooLarge, BodyTooSlow, InvalidBody, UnsupportedMediaType
from mockserver.patience import Patience
from mockserver.strict_json import parse_object

READ_WITHIN_S = 30.0
"""How long a body may take to come, in seconds."""

_MEDIA_TYPE = "application/json"
_CHARSET = re.compile(r'(?:^|;)\s*charset\s*=\s*"?([^";\s]*)"?', re.IGNORECASE)


class BodyReader:
    """Reads bodies of at most so many bytes, which may take so many seconds to come."""

    def __init__(self, *, max_bytes: int, read_within_s: float) -> None:
        self._max_bytes = max_bytes
        self._read_within_s = read_within_s
        self._patience = Patience(read_within_s)

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> dict[str, Any]:
        """The JSON object that a request brings.  Raises ApiError: 400, 413 or 415."""
        kinds = (headers.get(name, b"") for name in (b"content-type", b"content-encoding", b"transfer-encoding"))
        if fault := _fault_of(*kinds):
            raise UnsupportedMediaType(fault)
        if _declared_length(headers) > self._max_bytes:
            raise BodyTooLarge(self._max_bytes)
        try:
            data = await self._patience.wait(self._collect(receive))
        except TimeoutError:
            raise BodyTooSlow(self._read_within_s) from None
        return parse_object(data)

    async def _collect(self, receive: Receive) -> bytes:
        data = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InvalidBody("the body ends before its announced length")
            part: bytes = message.get("body", b"")
            data += part
            if len(data) > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            if not message.get("more_body"):
                return bytes(data)


@functools.lru_cache(maxsize=64)
def _fault_of(content_type: bytes, content_encoding: bytes, transfer_encoding: bytes) -> str:
    """What is wrong with how a body is announced; empty where it is plain JSON in UTF-8."""
    if not {each.strip().lower() for each in content_encoding.split(b",")} <= {b"", b"identity"}:
        return "Content-Encoding: compressed bodies are not understood; send the JSON as it is"
    if transfer_encoding.lower() not in (b"", b"chunked"):
        return "Transfer-Encoding: only chunked is understood; send the JSON as it is"
    media_type, _, parameters = content_type.decode("latin-1").partition(";")
    if not media_type.strip():
        return f"Content-Type: is required; send {_MEDIA_TYPE}"
    if media_type.strip().lower() != _MEDIA_TYPE:
        return f"Content-Type: only {_MEDIA_TYPE} is understood"
    charset = _CHARSET.search(parameters)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        return "Content-Type: only charset utf-8 is understood"
    return ""


def _declared_length(headers: Mapping[bytes, bytes]) -> int:
    """The announced length in bytes; 0 where none is.  Raises BadRequest for one that is no number."""
    text = headers.get(b"content-length", b"0")
    if not text.isdigit() or len(text) > 18:
        raise BadRequest("Content-Length: is not a length")
    return int(text)
