"""What a carrier does with a call, whichever it is: it dials, talks at the pace of speech, plays and listens.

Written without this project's codec, and strict: what the agent sends and the carrier does not know fails the test.
"""

from __future__ import annotations

import base64
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.clients.speech import MULAW_SILENCE, frames

Body = dict[str, Any]

FRAME_S = 0.02
BYTES_PER_S = 8000


class Carrier(ABC):
    """One call that a carrier places; its methods take as long as what they do takes on a telephone.

    Args:
        socket: what the carrier dialled.

    Attributes:
        frame_sizes: the lengths of the agent's audio messages, in bytes.
        marks: the names of the agent's marks, in their order.
        clears: how often the agent withdrew its audio.
        close_code: how the agent closed the socket; None while it is open.
    """

    connection_type: ClassVar[str]
    opener: ClassVar[str | None] = None
    silence: ClassVar[bytes] = MULAW_SILENCE

    def __init__(self, socket: ClientConnection) -> None:
        self.frame_sizes: set[int] = set()
        self.marks: list[str] = []
        self.clears = 0
        self.close_code: int | None = None
        self._socket = socket
        self._heard = bytearray()
        self._said: deque[bytes] = deque()
        self._sequence = 0
        self._chunk = 0
        self._played_until = 0.0
        self._unplayed: list[tuple[float, str]] = []

    @classmethod
    @contextmanager
    def dial(cls, url: str) -> Iterator[Self]:
        """The call on a `websocketUrl`; the socket is closed at the end, if the agent has not done so."""
        # Carriers ask for no extension, and say no Origin.
        with connect(url, compression=None, proxy=None) as socket:
            yield cls(socket)

    def connected(self) -> None:
        """Say what comes before the start message, where the carrier says anything there."""
        if self.opener is not None:
            self._socket.send(self.opener)

    def start(self) -> None:
        """Describe the stream."""
        self._send(self._start())

    def speak(self, audio: bytes) -> None:
        """Send coded audio as it is spoken, frame by frame, and listen meanwhile."""
        due = time.monotonic()
        for frame in frames(audio):
            self._chunk += 1
            self._send(self._media(base64.b64encode(frame).decode(), self._chunk))
            due += FRAME_S
            self._listen_until(due)

    def press(self, digits: str) -> None:
        """Press keys."""
        for digit in digits:
            self._send(self._dtmf(digit))

    def stop(self) -> None:
        """Say that the call is over."""
        self._send(self._stop())

    def listen(self, seconds: float) -> None:
        """Listen for a time, or until the agent closes the socket."""
        self._listen_until(time.monotonic() + seconds)

    def hear_out(self, within_s: float = 15.0) -> bytes:
        """The next thing that the agent says, up to its mark, once it has been played."""
        deadline = time.monotonic() + within_s
        while not self._said or self._unplayed:
            assert time.monotonic() < deadline and self.close_code is None, "the agent did not say anything to its end"
            self._listen_until(time.monotonic() + FRAME_S)
        return self._said.popleft()

    @property
    def begun(self) -> bytes:
        """What came since the agent's last mark."""
        return bytes(self._heard)

    @abstractmethod
    def _start(self) -> Body:
        """The start message."""

    @abstractmethod
    def _media(self, payload: str, chunk: int) -> Body:
        """A piece of the caller's voice, in base64."""

    @abstractmethod
    def _dtmf(self, digit: str) -> Body:
        """A key that the caller pressed."""

    @abstractmethod
    def _played(self, name: str) -> Body:
        """Playback got to a mark."""

    @abstractmethod
    def _stop(self) -> Body:
        """The last message."""

    @abstractmethod
    def _read(self, message: Body) -> bool:
        """Take in a message of the agent's; False if the carrier's page does not know such a message."""

    def _numbered(self, body: Body, number: int) -> Body:
        return {**body, "sequenceNumber": str(number)}

    def _send(self, body: Body) -> None:
        self._sequence += 1
        self._socket.send(json.dumps(self._numbered(body, self._sequence)))

    def _hear_audio(self, payload: str) -> None:
        audio = base64.b64decode(payload, validate=True)
        self._heard += audio
        self.frame_sizes.add(len(audio))
        self._played_until = max(self._played_until, time.monotonic()) + len(audio) / BYTES_PER_S

    def _hear_mark(self, name: str) -> None:
        self.marks.append(name)
        self._said.append(bytes(self._heard))
        self._heard.clear()
        self._unplayed.append((self._played_until, name))

    def _hear_clear(self) -> None:
        self.clears += 1
        self._played_until = 0.0
        self._unplayed = [(0.0, name) for _, name in self._unplayed]

    def _listen_until(self, moment: float) -> None:
        while self.close_code is None and (left := moment - time.monotonic()) > 0:
            self._return_marks()
            try:
                message = self._socket.recv(timeout=min(left, FRAME_S))
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                self.close_code = closed.rcvd.code if closed.rcvd else 1006
                return
            assert isinstance(message, str), "a binary message"
            assert self._read(json.loads(message)), f"{self.connection_type} does not know {message:.200}"

    def _return_marks(self) -> None:
        now = time.monotonic()
        played = [name for due, name in self._unplayed if due <= now]
        self._unplayed = [(due, name) for due, name in self._unplayed if due > now]
        for name in played:
            self._send(self._played(name))
