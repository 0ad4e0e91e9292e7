"""A webrtc call with the client's end in our hand: the control socket, and the room that is offered on it."""

from __future__ import annotations

import asyncio
import functools
import importlib
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from websockets.asyncio.client import ClientConnection

from contract import documents
from contract.audio import AudioFormat, Encoding
from contract.codec import Codec, Role, Wire
from contract.errors import PeerError
from contract.events import Event, RoomOffered
from contract_tests.legality import is_free
from contract_tests.line import AUDIBLE_RMS, MOST_MESSAGES, Heard, HeardAudio, Line, loudness, samples
from contract_tests.room.door import NoWayIn, RoomRefused, knock, room_address
from contract_tests.settings import TargetSettings
from contract_tests.target import NotChecked

if TYPE_CHECKING:
    from types import ModuleType

    from contract_tests.room.participant import Participant

NOT_INSTALLED = 'install the extra livekit (pip install "calls-contract[livekit]")'

ROOM_AUDIO = AudioFormat(Encoding.PCM16, 48000)
"""What is said and heard in a room, once WebRTC has decoded it (asyncapi/webrtc.yaml, "Two channels")."""

MOST_ROOM_DATA_BYTES = 1024
"""The longest message of ours that goes as the room's data (asyncapi/webrtc.yaml, "Messages over 1,024 bytes")."""

OFFERED_WITHIN_S = 10.0

HELD_UP_S = 0.25
"""Sound that comes so much later than it should have is not late, but the next after a pause."""


@functools.cache
def _codec() -> Codec:
    return Codec(documents.asyncapi("webrtc"), Role.CARRIER, "room")


def load_library() -> ModuleType:
    """What joins rooms, imported.  Raises NotChecked where it is not installed."""
    try:
        return importlib.import_module("contract_tests.room.participant")
    except ImportError:
        raise NotChecked(NOT_INSTALLED) from None


class RoomLine(Line):
    """One webrtc call.  Its messages, wherever they come, are in `heard`, the agent's voice in `audio`.

    Args:
        socket: the control socket, dialled.
        settings: what may be dialled.
        opened_at: when the control socket opened.
        any_host: whether the room may be anywhere.

    Attributes:
        started_at: when the room was joined and the microphone was open; None before.
        offer: the room that was offered; None before.
        room_ended_at: when the room was closed, or lost; None while it is there, or was left by us.
    """

    def __init__(
        self, socket: ClientConnection, settings: TargetSettings, opened_at: float, *, any_host: bool = False
    ) -> None:
        super().__init__(socket, "webrtc", ROOM_AUDIO, ROOM_AUDIO, opened_at)
        self.started_at = None
        self.offer: RoomOffered | None = None
        self.room_ended_at: float | None = None
        self._settings = settings
        self._any_host = any_host
        self._participant: Participant | None = None
        self._words: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard_until: dict[str, float] = {}
        self._kept_until = 0.0

    async def connect(self) -> None:
        """Wait for the offer of a room.  Raises NotChecked where none comes."""
        await self.until(lambda: bool(self.events(RoomOffered)) or not self.alive, OFFERED_WITHIN_S)
        self.offer = next((heard.event for heard in self.heard if isinstance(heard.event, RoomOffered)), None)
        if self.offer is None:
            raise NoRoomOffered

    async def start(self) -> None:
        """Join the room, and open the microphone.  Raises RoomRefused, and NotChecked where it cannot be joined."""
        if self.offer is None:
            return
        address = room_address(self.offer.room_url, self._settings, any_host=self._any_host)
        library = await asyncio.to_thread(load_library)
        token = self.offer.token
        is_livekit = await knock(address, token, self._settings)
        ears = library.Ears(hear=self._hear_voice, read=self._read_data, ended=self._end_room)
        self._participant = participant = library.Participant(ears)
        try:
            await participant.join(address, token)
            if not participant.may_publish:
                raise RoomRefused("the token does not let the caller publish a track")
            await participant.open_microphone()
        except library.JoinFailed as failure:
            if is_livekit:
                raise NoWayIn(f"the server at roomUrl takes the token, but cannot be joined: {failure}") from None
            raise NoWayIn(f"no LiveKit server answers at roomUrl ({failure})") from None
        self.started_at = time.monotonic()
        self._tasks.append(asyncio.create_task(self._talk()))

    async def send(self, wire: Wire) -> None:
        """Send a message as it is: as the room's data, or on the control socket where it is too long for that."""
        data = wire.encode() if isinstance(wire, str) else wire
        if self._participant is None or len(data) > MOST_ROOM_DATA_BYTES:
            await super().send(wire)
        else:
            await self._participant.send(data)

    async def say(self, event: Event) -> None:
        """Send an event of ours; nothing happens once the call is over."""
        await self.send(_codec().encode(event))

    def speak(self, audio: bytes, frame_bytes: tuple[int, ...] = ()) -> None:
        """Have the caller say this from now on; WebRTC cuts it into frames of its own."""
        self.spoke_at = time.monotonic()
        self.spoke_until = self.spoke_at + self.to_agent.duration_ms(len(audio)) / 1000
        self._words.put_nowait(audio)

    async def hang_up(self) -> None:
        """Close the control socket, which ends the call, and stay in the room."""
        self.closed_by_us = True
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(2):
                await self._socket.close()

    async def close(self) -> None:
        """Leave the room, close the socket, and let go of everything."""
        self.closed_by_us = self.closed_by_us or self.closed_at is None
        try:
            if self._participant is not None:
                await self._participant.leave()
        finally:
            await super().close()

    @property
    def alive(self) -> bool:
        """Whether the agent has ended the call neither on the control socket nor in the room."""
        return self.closed_at is None and self.room_ended_at is None

    @property
    def why_silent(self) -> str:
        """What is said to have been received where the agent was not heard."""
        if self.closed_at is None and self.room_ended_at is not None:
            return "the room was closed"
        if self.alive and self._participant is not None and not self._participant.tracks:
            return "no track of the agent's"
        if self.alive and self.audio and not self.audible():
            return "only silence"
        return super().why_silent

    @property
    def agent_is_there(self) -> bool:
        """Whether somebody who published a track is in the room."""
        return self._participant is not None and self._participant.has_company

    async def _talk(self) -> None:
        """Say what is to be said; between it the library sends silence."""
        while self._participant is not None:
            audio = await self._words.get()
            await self._participant.speak(audio)
            self.sent_s += self.to_agent.duration_ms(len(audio)) / 1000

    def _read_data(self, data: bytes, reliable: bool, topic: str) -> None:
        if len(self.heard) > MOST_MESSAGES:
            return
        wire: Wire = data
        event, fault = None, None
        try:
            wire = data.decode()
            event = _codec().decode(wire)
        except UnicodeDecodeError:
            fault = PeerError(None, "$", "not UTF-8")
        except PeerError as error:
            fault = error
        if topic and fault is not None:
            # Others talk in rooms, too, about matters of their own; the contract's messages have no topic.
            return
        self.faults += fault is not None and not is_free("room", fault, wire)
        self.heard.append(Heard(time.monotonic(), wire, event, fault, "room", reliable))

    def _hear_voice(self, pcm: bytes, track: str) -> None:
        """A piece of a track, as it is played now; of tracks that play at once, one is kept to be listened to."""
        now = time.monotonic()
        lasts_s = self.from_agent.duration_ms(len(pcm)) / 1000
        from_s = self._heard_until.get(track, 0.0)
        if now - lasts_s - from_s > HELD_UP_S:
            from_s = now - lasts_s
        until_s = self._heard_until[track] = from_s + lasts_s
        audible = loudness(samples(pcm, self.from_agent)) > AUDIBLE_RMS
        kept = from_s > self._kept_until - lasts_s / 2
        if kept:
            self._kept_until = until_s
        self._keep(HeardAudio(now, from_s, until_s, pcm if kept else b"", audible))

    def _end_room(self) -> None:
        if not self.closed_by_us:
            self.room_ended_at = time.monotonic()


class NoRoomOffered(NotChecked):
    """No room was offered on the control socket."""

    def __init__(self) -> None:
        super().__init__("no room was offered; webrtc.control-message says more")
