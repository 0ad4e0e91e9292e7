"""A TCP connection that speaks WebSocket exactly as badly as it is told to."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes of frames (RFC 6455, 5.2)."""

PATIENCE_S = 10.0
"""How long an answer may take before a test fails."""

HEADERS = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
"""Those of a good handshake, beside Host; the key is the example of RFC 6455, 1.3."""


class RawSocket:
    """One connection; every `read` fails the test if nothing comes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._read_ahead = b""

    @classmethod
    @contextmanager
    def connect(cls, url: str) -> Iterator[Self]:
        """A connection to the host of a URL, with nothing said on it yet."""
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), PATIENCE_S) as connection:
            yield cls(connection)

    @classmethod
    @contextmanager
    def dial(cls, url: str) -> Iterator[Self]:
        """A connection that has become a WebSocket."""
        with cls.connect(url) as raw:
            raw.send(handshake(url))
            assert raw.read_status() == 101
            yield raw

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send_frame(self, opcode: int, payload: bytes = b"") -> None:
        """Send a good frame, though perhaps not in a good place."""
        self.send(frame(opcode, payload))

    def read_status(self) -> int | None:
        """The status of an HTTP answer, which is read to its end; None where the connection ends without one."""
        try:
            answer = self.read_answer()
        except (EOFError, ConnectionError):
            return None
        return int(answer.split(b" ", 2)[1])

    def read_answer(self) -> bytes:
        """An HTTP answer, head and body.  Raises EOFError or ConnectionError where the connection ends without one."""
        head = self._read_until(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + b"\r\n\r\n" + self._read(length)

    def read_head(self) -> bytes:
        """The head of an HTTP answer that has no body."""
        return self._read_until(b"\r\n\r\n")

    def read_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame.  Raises EOFError or ConnectionError when none comes any more."""
        first, length = self._read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        return first & 0x0F, self._read(length)

    def read_close(self) -> int | None:
        """The code of the close frame, whatever comes before it; None where the connection ends without one."""
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (EOFError, ConnectionError):
            return None

    def reset(self) -> None:
        """Vanish: the other end is told by a TCP reset, when it next looks."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def is_held(self) -> bool:
        """Whether a process still holds the other end of the connection, as Linux knows it."""
        ours, theirs = (f":{address[1]:04X}" for address in (self._socket.getsockname(), self._socket.getpeername()))
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            local, remote, inode = itemgetter(1, 2, 9)(line.split())
            if local.endswith(theirs) and remote.endswith(ours):
                return int(inode) != 0
        return False

    def say_no_more(self) -> None:
        """End our direction only."""
        self._socket.shutdown(socket.SHUT_WR)

    def _read(self, size: int) -> bytes:
        while len(self._read_ahead) < size:
            self._read_more()
        data, self._read_ahead = self._read_ahead[:size], self._read_ahead[size:]
        return data

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._read_ahead:
            self._read_more()
        data, _, self._read_ahead = self._read_ahead.partition(end)
        return data

    def _read_more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self._read_ahead += data


def handshake(url: str, *, method: str = "GET", **changes: str | None) -> bytes:
    """A handshake; `changes` replace headers (an underscore stands for a hyphen) or, with None, leave them out."""
    address = urlsplit(url)
    headers = {"Host": address.netloc, **HEADERS} | {name.replace("_", "-"): text for name, text in changes.items()}
    lines = [f"{name}: {text}" for name, text in headers.items() if text is not None]
    return "\r\n".join([f"{method} {address.path} HTTP/1.1", *lines, "", ""]).encode()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """A frame from a client (RFC 6455, 5.2)."""
    mask = os.urandom(4) if masked else b""
    length, extended = len(payload), b""
    if length > 65535:
        length, extended = 127, struct.pack("!Q", length)
    elif length > 125:
        length, extended = 126, struct.pack("!H", length)
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | length]) + extended
    return head + mask + (_masked(payload, mask) if masked else payload)


def _masked(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")
