"""A dialled websocketUrl, with the carrier's (or client's) end in our hand.

Talks at the pace of speech, writes down all that it hears and when, plays it as a carrier would, and returns marks.
"""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import time
import uuid
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from contract import documents
from contract.audio import AudioFormat, Encoding, decode
from contract.codec import Codec, Role, Wire
from contract.errors import PeerError
from contract.events import Audio, Clear, Cleared, Connected, Digit, Event, Mark, Started, Stopped
from contract.resample import Samples
from contract.stream import Stream, Traits
from contract_tests.legality import is_free
from contract_tests.playout import Playout

FRAME_MS = 20
OVERTAKEN_EACH = 5

RESTLESS = {
    Encoding.ALAW: b"\xd5\x55",
    Encoding.MULAW: b"\xff\x7f\x7f\xff",
    Encoding.PCM16: b"\x03\x00\xfd\xff",
}
"""Silence (samples next to zero) that is loud to whoever reads it in another coding; constant bytes would not be."""
AUDIBLE_RMS = 130.0
"""How loud a frame must be to be heard, of 32768: -48 dBFS; comfort noise is not as loud (RFC 3389: -50 and less)."""

MOST_AT_ONCE = 50
"""Frames that go out in one turn of the event loop, however many are due: others want to be heard, too."""

NEW_FIELD = {"fromTheFuture": {"a": [1, None]}}
"""What nobody knows yet: messages may have more fields than the documents name."""

LETS_GO_WITHIN_S = 2.0
"""How long the other side's Close frame, or the end of TCP, is waited for after ours."""

SILENT_LOOKS = 3
"""How often in a row silence must be seen: after this process was held up, what came meanwhile is yet to be read."""

MOST_MESSAGES = 40_000
MOST_FAULTS = 200


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """A piece of the agent's voice: when it came, when it begins and ends to play, its bytes, whether it is audible."""

    at_s: float
    plays_from_s: float
    plays_until_s: float
    payload: bytes
    audible: bool

    @property
    def lasts_s(self) -> float:
        """How long it plays, in seconds."""
        return self.plays_until_s - self.plays_from_s


@dataclass(frozen=True, slots=True)
class Heard:
    """Any message of the agent's: when it came, as it came, the event, or what is wrong with it.

    `channel` is "room" where it came as a room's data and not on the socket that was dialled, and `reliable` is False
    where it was sent so that it may be lost.
    """

    at_s: float
    wire: Wire
    event: Event | None
    fault: PeerError | None
    channel: str = ""
    reliable: bool = True


@functools.cache
def _compiled(kind: str) -> tuple[Codec, Traits]:
    document = documents.asyncapi(kind)
    return Codec(document, Role.CARRIER, next(iter(document["channels"]))), Traits.of(document)


def prepare(kind: str) -> None:
    """Read a connection type's document ahead of its first dial: it takes a fifth of a second."""
    _compiled(kind)


class Line:
    """One dialled call; all times are seconds of the monotonic clock.

    Args:
        socket: what was dialled.
        kind: the connection type.
        to_agent: how the caller's audio is written; mu-law at 8000 Hz for carriers.
        from_agent: how the agent's audio should be written.

    Attributes:
        heard: every message, in order.
        faults: how many of them the contract forbids; `on_fault` is told of the first one.
        audio: the agent's audio among them.
        clears: when the agent withdrew its audio.
        marks_return: whether marks come back whose audio was withdrawn; of Plivo nobody could say.
        opened_at, started_at: when the socket opened, and when the start message was sent.
        lets_go: whether the agent's side closed the socket soon after the caller did; None where the caller did not.
        closed_at, close_code: when and how the agent ended the call; None while it goes on.
        overtakes: whether every fifth of our frames is overtaken by the one after it.
        silence_on: whether silence is sent while the caller does not speak; `idle` is what it is made of.
        spoke_at: when the caller's last speech began; `spoke_until` when its last frame went out and was over, and
            before that when it should.
        late_s: how late each of our frames went out, in seconds: our own fault, or this machine's.
        stutter_s: the longest that a frame of the caller's last speech was late, in seconds.
        sent_s: how much audio went out, in seconds.
        marks_returned: how many marks were returned.
    """

    def __init__(
        self, socket: ClientConnection, kind: str, to_agent: AudioFormat, from_agent: AudioFormat, opened_at: float
    ) -> None:
        self.kind = kind
        self.to_agent = to_agent
        self.from_agent = from_agent
        self.opened_at = opened_at
        self.started_at: float | None = opened_at if kind in ("websocket", "webrtc") else None
        self.closed_at: float | None = None
        self.close_code: int | None = None
        self.closed_by_us = False
        self.lets_go: bool | None = None
        self.faults = 0
        self.on_fault: Callable[[], None] = lambda: None
        self.heard: list[Heard] = []
        self.audio: list[HeardAudio] = []
        self.clears: list[float] = []
        self._audible: list[HeardAudio] = []
        self._speaking_until = 0.0
        self.marks_return = True
        self.spoke_at = 0.0
        self.spoke_until = 0.0
        self.stream_id = _new_stream_id(kind)
        self.overtakes = False
        self._overtaken: list[Wire] = []
        self.silence_on = True
        self.idle = to_agent.silence
        self.late_s: list[float] = []
        self.stutter_s = 0.0
        self.sent_s = 0.0
        self.marks_returned = 0
        codec, traits = _compiled(kind)
        self._stream = Stream(codec, Role.CARRIER, traits, epoch_ms=int(time.time() * 1000))
        self._socket = socket
        self._playout = Playout()
        self._to_say: deque[bytes] = deque()
        self._answers: deque[Event] = deque()
        self._tasks = [asyncio.create_task(self._listen())]
        if kind != "webrtc":
            self._tasks.append(asyncio.create_task(self._talk()))

    # what the carrier says

    async def connect(self) -> None:
        """Say what comes before the start message, where the carrier says anything there."""
        if self.kind in ("twilio", "telnyx"):
            await self.say(Connected())

    async def start(self) -> None:
        """Describe the stream; nothing to do where there is no such message."""
        await self.start_with({})

    async def start_with(
        self, parameters: Mapping[str, str], *, in_pieces: bool = False, turned: bool = False, new_fields: bool = False
    ) -> None:
        """The same with the customer's parameters; in several frames, with fields in another order or unknown ones."""
        if self.kind in ("websocket", "webrtc"):
            return
        encoding = {"twilio": "audio/x-mulaw", "plivo": "audio/x-mulaw"}.get(
            self.kind, "PCMA" if self.to_agent.encoding is Encoding.ALAW else "PCMU"
        )
        account, call = _new_account_and_call(self.kind)
        self.started_at = time.monotonic()
        started = Started(
            stream_id=self.stream_id,
            call_id=call,
            account_id=account,
            encoding=encoding,
            rate_hz=8000,
            channels=1,
            tracks=["inbound"],
            parameters=dict(parameters),
        )
        wire = str(self._stream.send(started))
        if new_fields:
            body = json.loads(wire)
            wire = json.dumps({**body, "start": body["start"] | NEW_FIELD} | NEW_FIELD)
        if turned:
            wire = json.dumps(dict(reversed(json.loads(wire).items())))
        await (self.send_in_pieces(wire) if in_pieces else self.send(wire))

    async def say(self, event: Event) -> None:
        """Send an event of ours; nothing happens once the socket is closed."""
        await self.send(self._stream.send(event))

    async def send(self, wire: Wire) -> None:
        """Send a message as it is; nothing happens once the socket is closed."""
        try:
            await self._socket.send(wire)
        except ConnectionClosed:
            pass

    async def send_in_pieces(self, text: str) -> None:
        """Send a text message in three frames (RFC 6455, 5.4)."""
        third = len(text) // 3 + 1
        with suppress(ConnectionClosed):
            await self._socket.send(iter([text[:third], text[third : 2 * third], text[2 * third :]]))

    async def send_json(self, body: dict[str, Any]) -> None:
        """Send a JSON object as text."""
        await self.send(json.dumps(body))

    def speak(self, audio: bytes, frame_bytes: tuple[int, ...] = ()) -> None:
        """Have the caller say this, frame by frame, from now on; `frame_bytes` are the lengths to cut it into."""
        self.spoke_at = time.monotonic()
        self.spoke_until = self.spoke_at + self.to_agent.duration_ms(len(audio)) / 1000
        self.stutter_s = 0.0
        at, index = 0, 0
        while at < len(audio):
            size = frame_bytes[index % len(frame_bytes)] if frame_bytes else self.to_agent.frame_bytes(index)
            self._to_say.append(audio[at : at + size])
            at, index = at + size, index + 1

    async def spoken(self, within_s: float) -> None:
        """Wait until the caller has said it all, or the agent has ended the call."""
        await self.until(lambda: not self._to_say and time.monotonic() >= self.spoke_until or not self.alive, within_s)

    async def press(self, digits: str) -> None:
        """Press keys, on a carrier."""
        for digit in digits:
            await self.say(
                Digit(
                    digit=digit, track="inbound_track" if self.kind == "twilio" else "inbound", occurred_at=_rfc3339()
                )
            )

    async def stop(self) -> None:
        """Say that the call is over, as the carrier does; no audio follows."""
        self._to_say.clear()
        self.silence_on = False
        if self.kind == "plivo":
            await self.send_json({"event": "stop", "streamId": self.stream_id})
        elif self.kind in ("twilio", "telnyx"):
            account, call = _new_account_and_call(self.kind)
            await self.say(Stopped(call_id=call, account_id=account))

    async def pong(self, within_s: float) -> bool:
        """Send a WebSocket ping; whether its pong came in time."""
        try:
            async with asyncio.timeout(within_s):
                await (await self._socket.ping())
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    def vanish(self) -> None:
        """Drop the connection without a word."""
        self.closed_by_us = True
        self._socket.transport.abort()

    async def close(self) -> None:
        """Close the socket, and let go of everything."""
        asks = self.alive and not self.closed_by_us
        self.closed_by_us = self.closed_by_us or self.closed_at is None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(LETS_GO_WITHIN_S + 0.2):
                await self._socket.close()
        except (TimeoutError, OSError):
            self._socket.transport.abort()
        if asks:
            self.lets_go = time.monotonic() - asked_at < LETS_GO_WITHIN_S

    # what the agent says

    @property
    def alive(self) -> bool:
        """Whether the agent has not ended the call."""
        return self.closed_at is None

    @property
    def crashed(self) -> bool:
        """Whether the agent's side failed: it closed with 1011, or without a close frame (RFC 6455, 7.4.1)."""
        return not self.alive and self.close_code in (None, 1006, 1011)

    @property
    def why_silent(self) -> str:
        """What is said to have been received where the agent was not heard: nothing, or the end of the call."""
        return "nothing" if self.alive else f"closed ({self.close_code})"

    def audible(self, after_s: float = 0.0) -> list[HeardAudio]:
        """The agent's audible audio that came after a moment."""
        return self._audible[bisect_left(self._audible, after_s, key=lambda piece: piece.at_s) :]

    def speaking_until(self) -> float:
        """When the carrier has played the last audible audio so far."""
        return self._speaking_until

    def events(self, kind: type[Event]) -> list[Heard]:
        """The agent's messages of one kind."""
        return [heard for heard in self.heard if isinstance(heard.event, kind)]

    async def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Wait until something holds; whether it did within a time."""
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(0.03)
        return True

    async def hears(self, after_s: float, within_s: float) -> bool:
        """Wait for audible audio that comes after a moment; False where none came in time or the call ended."""
        await self.until(lambda: bool(self.audible(after_s)) or not self.alive, within_s)
        return bool(self.audible(after_s))

    async def quiet(self, for_s: float, within_s: float) -> bool:
        """Wait until nothing audible has been played for a time; False where the agent goes on and on."""
        looks = 0

        def silent() -> bool:
            nonlocal looks
            still = not self.alive or time.monotonic() - max(self.speaking_until(), self.started_at or 0.0) >= for_s
            looks = looks + 1 if still else 0
            return looks >= SILENT_LOOKS

        return await self.until(silent, within_s)

    async def ended(self, within_s: float) -> bool:
        """Wait for the agent to end the call."""
        return await self.until(lambda: not self.alive, within_s)

    async def _listen(self) -> None:
        try:
            async for wire in self._socket:
                self._hear(wire, time.monotonic())
                if len(self.heard) > MOST_MESSAGES or self.faults > MOST_FAULTS:
                    # More would only cost time: what is wrong with this peer is clear by now.
                    self._socket.transport.abort()
                    break
        except ConnectionClosed:
            pass
        finally:
            if not self.closed_by_us:
                self.closed_at = time.monotonic()
                self.close_code = self._socket.close_code

    def _hear(self, wire: Wire, now: float) -> None:
        event, fault = None, None
        try:
            event = self._stream.receive(wire)
        except PeerError as error:
            fault, event = error, error.event if isinstance(error.event, Audio | Clear | Mark) else None
        self.heard.append(Heard(now, wire, event, fault))
        if fault is not None and not is_free(self.kind, fault, wire):
            self.faults += 1
            if self.faults == 1:
                self.on_fault()
        match event:
            case Audio(payload=payload):
                self._hear_audio(payload, now)
            case Mark(name=name):
                self._playout.mark(name, now)
            case Clear():
                self.clears.append(now)
                self._speaking_until = min(self._speaking_until, now)
                self._playout.clear(now, marks_return=self.marks_return)
                if self.kind == "plivo":
                    self._answers.append(Cleared())

    def _hear_audio(self, payload: bytes, now: float) -> None:
        duration_s = self.from_agent.duration_ms(len(payload)) / 1000
        from_s = self._playout.play(duration_s, now)
        audible = bool(len(payload)) and loudness(samples(payload, self.from_agent)) > AUDIBLE_RMS
        self._keep(HeardAudio(now, from_s, from_s + duration_s, payload, audible))

    def _keep(self, piece: HeardAudio) -> None:
        # Whether the agent speaks is asked for again and again, and no call's audio is to be gone through for it.
        self.audio.append(piece)
        if piece.audible:
            self._audible.append(piece)
            self._speaking_until = max(self._speaking_until, piece.plays_until_s)

    async def _talk(self) -> None:
        """Send the caller's audio as it is spoken, else silence, and return marks when they are reached."""
        read_at = due = time.monotonic()
        index = 0
        while self.closed_at is None:
            # All that is due: with one frame a turn, a loop that is slow to turn would stretch the caller's words.
            for _ in range(MOST_AT_ONCE):
                if due > time.monotonic():
                    break
                if time.monotonic() - read_at > FRAME_MS / 1000:
                    # What has come is read before more is sent: where the peer is gone, sending would throw it away.
                    # In one turn the loop sees that something has come, in the next it is read.
                    for _ in range(2):
                        await asyncio.sleep(0)
                    read_at = time.monotonic()
                due += await self._send_frame(due, index) if self.started_at is not None else FRAME_MS / 1000
                index += self.started_at is not None
            if self.started_at is not None:
                for name in self._playout.reached(time.monotonic()):
                    await self._say_if_known(Mark(name=name))
                    self.marks_returned += 1
                while self._answers:
                    await self._say_if_known(self._answers.popleft())
            if (early_s := due - time.monotonic()) > 0:
                await asyncio.sleep(early_s)
                read_at = time.monotonic()

    async def _send_frame(self, due: float, index: int) -> float:
        """Send what is due: a frame of speech, of silence, or nothing; how long it takes to say, in seconds."""
        frame = self._to_say.popleft() if self._to_say else None
        is_speech = frame is not None
        if frame is None and self.silence_on:
            size = self.to_agent.frame_bytes(index)
            frame = (self.idle * size)[:size]
        if frame is None:
            return FRAME_MS / 1000
        late_s = max(0.0, time.monotonic() - due)
        self.late_s.append(late_s)
        wire = self._stream.send(Audio(payload=frame, track="inbound"))
        if self.overtakes and index % OVERTAKEN_EACH == 0:
            self._overtaken.append(wire)
        else:
            await self.send(wire)
            while self._overtaken:
                await self.send(self._overtaken.pop())
        length_s = self.to_agent.duration_ms(len(frame)) / 1000
        self.sent_s += length_s
        if is_speech:
            self.stutter_s = max(self.stutter_s, late_s)
            if not self._to_say:
                self.spoke_until = time.monotonic() + length_s
        return length_s

    async def _say_if_known(self, event: Event) -> None:
        if self.kind != "websocket":
            await self.say(event)


def samples(payload: bytes, audio_format: AudioFormat) -> Samples:
    """The samples of a piece of audio; half a sample at the end is left out."""
    whole = len(payload) // audio_format.bytes_per_sample * audio_format.bytes_per_sample
    return decode(payload[:whole], audio_format.encoding)


def loudness(of: Samples) -> float:
    """The root of the mean square, 0 to 32768."""
    return float(np.sqrt(np.mean(of.astype(np.float64) ** 2))) if len(of) else 0.0


def _new_stream_id(kind: str) -> str:
    return "MZ" + secrets.token_hex(16) if kind == "twilio" else str(uuid.uuid4())


def _new_account_and_call(kind: str) -> tuple[str, str]:
    if kind == "twilio":
        return "AC" + "0" * 32, "CA" + secrets.token_hex(16)
    if kind == "telnyx":
        return str(uuid.uuid4()), "v3:" + secrets.token_urlsafe(40)
    return "MA" + "X" * 18, str(uuid.uuid4())


def _rfc3339() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
