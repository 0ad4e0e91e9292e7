"""Bare connections: HTTP requests to where sockets are dialled, and WebSocket frames as bad as they are told to be."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from contract_tests.settings import TargetSettings

ANSWER_WITHIN_S = 5.0
MOST_BYTES = 256 * 1024

_CLOSE, _PING, _PONG = 8, 9, 10
"""Opcodes of frames (RFC 6455, 5.2)."""

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
"""Those of a good handshake, beside Host; the key is the example of RFC 6455, 1.3."""


_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")
"""A chunk's size, with what may follow it."""

_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d\b.*?(\r\n\r\n|\Z)", re.DOTALL)
"""An answer that another one follows (RFC 9110, 15.2), as far as it came; only 101 is the last one itself."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer: status (None where none came), headers with names in lower case, and body."""

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


def handshake(changes: Mapping[str, str | None]) -> dict[str, str]:
    """The headers of a handshake; a change of None leaves one out."""
    return {name: value for name, value in {**HANDSHAKE, **changes}.items() if value is not None}


def tls(settings: TargetSettings) -> ssl.SSLContext:
    """What connections to the target's host are secured by."""
    context = ssl.create_default_context()
    if settings.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def connect(address: str, settings: TargetSettings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the host of an address, secured for wss:// and https://.  Raises OSError and TimeoutError."""
    parts = urlsplit(address)
    context = tls(settings) if parts.scheme in ("wss", "https") else None
    port = parts.port or (443 if context else 80)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        return await asyncio.open_connection(parts.hostname, port, ssl=context)


def request_head(method: str, address: str, headers: Mapping[str, str]) -> bytes:
    """A request's head."""
    parts = urlsplit(address)
    lines = [f"{method} {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


async def plain_request(
    method: str,
    address: str,
    settings: TargetSettings,
    *,
    headers: Mapping[str, str] | None = None,
    within_s: float = ANSWER_WITHIN_S,
) -> Answer:
    """One HTTP request on a connection of its own, and all that comes until it is closed or the time is over.

    Interim answers are skipped.
    """
    sent = dict(headers if headers is not None else {"Connection": "close"})
    if method == "POST":
        sent["Content-Length"] = "0"
    received = b""
    try:
        reader, writer = await connect(address, settings)
        try:
            writer.write(request_head(method, address, sent))
            async with asyncio.timeout(within_s):
                while len(received) < MOST_BYTES and (part := await reader.read(65536)):
                    received += part
        finally:
            writer.transport.abort()
    except (OSError, TimeoutError):
        pass
    begins = 0
    while interim := _INTERIM.match(received, begins):
        begins = interim.end()
    head, _, body = received[begins:].partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    pairs = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    named = tuple((name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, _, value in pairs)
    if any(name == "transfer-encoding" and value.lower().endswith("chunked") for name, value in named):
        body = unchunked(body)
    return Answer(status=int(found[1]) if found else None, headers=named, body=body.decode("utf-8", "replace"))


async def raced(address: str, settings: TargetSettings, dials: int, *, within_s: float, refused_within_s: float) -> int:
    """How many of so many dials of one address open a WebSocket, and are not closed again at once.

    All connections stand before the first handshake is sent, and nothing is done between one and the next: as far as it
    can be brought about from outside, they come at the same moment.

    Args:
        address: of the socket.
        settings: the target.
        dials: how many.
        within_s: how soon an answer must come, in seconds.
        refused_within_s: how soon a socket that opened must be closed for the dial to have been refused, in seconds.
    """
    made = await asyncio.gather(*(connect(address, settings) for _ in range(dials)), return_exceptions=True)
    connections = [each for each in made if not isinstance(each, BaseException)]
    try:
        heads = []
        for _ in connections:
            key = base64.b64encode(os.urandom(16)).decode()
            heads.append(request_head("GET", address, handshake({"Sec-WebSocket-Key": key})))
        for (_, writer), head in zip(connections, heads, strict=True):
            writer.write(head)
        answers = await asyncio.gather(*(_switches(reader, within_s) for reader, _ in connections))
        opened = [reader for (reader, _), switches in zip(connections, answers, strict=True) if switches]
        if len(opened) > 1:
            # Some may only have opened to be closed: that takes a look, which one alone is not worth.
            stayed = await asyncio.gather(*(_stays(reader, refused_within_s) for reader in opened))
            return sum(stayed)
        return len(opened)
    finally:
        for _, writer in connections:
            writer.transport.abort()


async def _switches(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether the answer is 101."""
    try:
        async with asyncio.timeout(within_s):
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return False
    return re.match(rb"HTTP/1\.1 101\b", head) is not None


async def _stays(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Whether an open socket is not closed in this time, with no message before; a ping is none."""
    opcode = _PING
    try:
        async with asyncio.timeout(within_s):
            while opcode in (_PING, _PONG):
                first, second = await reader.readexactly(2)
                opcode = first & 0x0F
                if opcode in (_PING, _PONG):
                    # A control frame's length is in its second byte (RFC 6455, 5.5).
                    await reader.readexactly(second & 0x7F)
    except TimeoutError:
        return True
    except (OSError, asyncio.IncompleteReadError):
        return False
    return opcode != _CLOSE


def unchunked(body: bytes) -> bytes:
    """What a body in chunks (RFC 9112, 7.1) holds, as far as it came and can be read."""
    parts, at = [], 0
    while (head := _CHUNK.match(body, at)) and (size := int(head[1], 16)):
        end = head.end() + size
        parts.append(body[head.end() : end])
        at = end + 2 * body.startswith(b"\r\n", end)
    return b"".join(parts)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A frame from a client (RFC 6455, 5.2), good or bad."""
    mask = os.urandom(4) if masked else b""
    length, extended = len(payload), b""
    if length > 65535:
        length, extended = 127, struct.pack("!Q", length)
    elif length > 125:
        length, extended = 126, struct.pack("!H", length)
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | length]) + extended
    if not masked:
        return head + payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return head + mask + (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
