"""Who answers a dialled call: an agent in a conversation, or the offer of a room."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract import documents
from contract.audio import AudioFormat
from contract.codec import Codec, Role
from contract.errors import DocumentError
from contract.stream import Stream, Traits
from mockserver.agents import Agent, Echo, Parrot, Silent
from mockserver.conversation import Conversation
from mockserver.espeak import Espeak
from mockserver.mishaps import Garbled, Troubled, agent_of
from mockserver.recording import Recordings
from mockserver.scenarios import NO_MISHAP
from mockserver.script import Script, Scripted
from mockserver.session import Party, StreamEnd
from mockserver.settings import Settings
from mockserver.speaking import Sayable
from mockserver.store import Call, CallSettings
from mockserver.tools import client_tools
from mockserver.voice import say
from mockserver.voices import Voices
from mockserver.webrtc.offering import Offering
from mockserver.webrtc.rooms import Rooms
from mockserver.webrtc.wires import RoomStream


class Answering:
    """Makes the stream and the party of each call.

    Args:
        settings: the options.
        studio: gives voices, and records.
        rooms: where webrtc calls take place.

    Raises DocumentError for an AsyncAPI document or a script that makes no sense.
    """

    def __init__(self, settings: Settings, studio: Studio, rooms: Rooms) -> None:
        self._settings = settings
        self._studio = studio
        self._rooms = rooms
        self._new_agent = _agents(settings.behaviour)
        self._compiled = {kind: _compiled(kind) for kind in documents.connection_types()}
        self._chance = random.Random(settings.seed)
        self._new_id: Callable[[], str] = partial(secrets.token_hex, 12)
        if settings.seed is not None:
            self._new_id = lambda: self._chance.randbytes(12).hex()

    def answer(self, call: Call, opened_at: float) -> tuple[StreamEnd, Party]:
        """What answers a call that was dialled at this moment of the event loop's clock."""
        mishap = call.mishap
        kind = self._compiled[call.settings.connection_type]
        stream: StreamEnd = Stream(kind.codec, Role.AGENT, kind.traits)
        if kind.room is not None:
            stream = RoomStream(kind.codec, kind.room)
        if mishap.garbled_every:
            stream = Garbled(stream, every=mishap.garbled_every)
        party: Party = Conversation(
            call.settings,
            agent_of(mishap, call.settings) or self._new_agent(call.settings),
            kind.room or kind.codec,
            kind.traits,
            opened_at=opened_at,
            time_scale=self._settings.time_scale,
            new_id=self._new_id,
            speak=self._studio.voice_of(call.settings),
        )
        if mishap is not NO_MISHAP:
            party = Troubled(party, mishap, opened_at, self._chance)
        party = self._studio.recorded(call, party)
        return stream, party if kind.room is None else Offering(party, partial(self._rooms.offer, call.id))


class Studio:
    """What makes the agents' voices and records calls; it outlives the documents that calls are answered by.

    Args:
        speech: what speaks; None where agents have tones.
        recordings: the folder for recordings; None where there are none.
    """

    def __init__(self, speech: Espeak | None, recordings: Path | None) -> None:
        self._voices = None if speech is None else Voices(speech)
        self._recordings = None if recordings is None else Recordings(recordings)

    def voice_of(self, settings: CallSettings) -> Callable[[str, AudioFormat], Sayable]:
        """What gives a text its sound in a call."""
        return say if self._voices is None else self._voices.of(settings)

    def recorded(self, call: Call, party: Party) -> Party:
        """The party of a call, recorded if it is to be."""
        if self._recordings is None or not call.settings.recording_enabled:
            return party
        return self._recordings.of(call.id, party)

    def over(self, call: Call) -> None:
        """A call that was answered is over."""
        if self._recordings is not None:
            self._recordings.finish(call.id)

    def close(self) -> None:
        """Let go of what works in the background, once it has written what it has."""
        if self._voices is not None:
            self._voices.close()
        if self._recordings is not None:
            self._recordings.close()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What a connection type's document says: of its socket, its stream, and its room's data, if it has one."""

    codec: Codec
    traits: Traits
    room: Codec | None


def _compiled(connection_type: str) -> _Compiled:
    """Raises DocumentError."""
    document = documents.asyncapi(connection_type)
    try:
        traits = Traits.of(document)
        # Where a document has a room beside its socket, the socket is the channel that it names first.
        socket, *others = document["channels"]
        room = Codec(document, Role.AGENT, others[0]) if traits.encoding == "room" else None
        return _Compiled(Codec(document, Role.AGENT, socket), traits, room)
    except DocumentError as error:
        raise DocumentError(f"asyncapi/{connection_type}.yaml: {error}") from error


def _agents(behaviour: str) -> Callable[[CallSettings], Agent]:
    """What makes the agent of each call.  Raises DocumentError for a script that makes no sense."""
    name, _, path = behaviour.partition("=")
    if name == "script":
        return partial(Scripted, Script.read(Path(path)))
    if name == "echo":
        return Echo
    if name == "silent":
        return lambda settings: Silent()
    return lambda settings: Parrot(settings, client_tools(settings.tools))
