"""Who answers a dialled call: an agent in a conversation, or the offer of a room."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import datetime
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
from mockserver.media import Party
from mockserver.mishaps import Garbled, Troubled, agent_of
from mockserver.recording import Recordings
from mockserver.scenarios import NO_MISHAP
from mockserver.script import Script, Scripted
from mockserver.settings import Settings
from mockserver.speaking import Sayable
from mockserver.store import Call, CallSettings
from mockserver.tools import client_tools
from mockserver.voice import say
from mockserver.voices import Voices
from mockserver.webrtc import LiveKit, RoomOffer


class Answering:
    """Makes the stream and the party of each call.

    Args:
        settings: the options.
        now: the time of day in UTC.
        studio: gives voices, and records.

    Raises DocumentError for an AsyncAPI document or a script that makes no sense.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime], studio: Studio) -> None:
        self._settings = settings
        self._now = now
        self._studio = studio
        self._new_agent = _agents(settings.behaviour)
        self._compiled = {kind: _compiled(kind) for kind in documents.connection_types()}
        self._chance = random.Random(settings.seed)
        self._new_id: Callable[[], str] = partial(secrets.token_hex, 12)
        if settings.seed is not None:
            self._new_id = lambda: self._chance.randbytes(12).hex()
        self._livekit = None
        if settings.livekit_url and settings.livekit_key and settings.livekit_secret:
            self._livekit = LiveKit(settings.livekit_url, settings.livekit_key, settings.livekit_secret)

    def answer(self, call: Call, opened_at: float) -> tuple[Stream, Party]:
        """What answers a call that was dialled at this moment of the event loop's clock."""
        mishap = call.mishap
        codec, traits = self._compiled[call.settings.connection_type]
        stream = Stream(codec, Role.AGENT, traits)
        if mishap.garbled_every:
            stream = Garbled(codec, Role.AGENT, traits, every=mishap.garbled_every)
        party = self._party(call, codec, traits, opened_at)
        if mishap is not NO_MISHAP:
            party = Troubled(party, mishap, opened_at, self._chance)
        return stream, self._studio.recorded(call, party)

    def _party(self, call: Call, codec: Codec, traits: Traits, opened_at: float) -> Party:
        """What answers, if nothing goes wrong."""
        time_scale = self._settings.time_scale
        if traits.encoding == "room":
            deadline = opened_at + call.settings.max_duration_s / time_scale
            now_s = self._now().timestamp()
            return RoomOffer(self._livekit, room=f"call-{call.id}", now_s=now_s, deadline=deadline)
        return Conversation(
            call.settings,
            agent_of(call.mishap, call.settings) or self._new_agent(call.settings),
            codec,
            traits,
            opened_at=opened_at,
            time_scale=time_scale,
            new_id=self._new_id,
            speak=self._studio.voice_of(call.settings),
        )


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


def _compiled(connection_type: str) -> tuple[Codec, Traits]:
    """The codec and the traits of a connection type.  Raises DocumentError."""
    document = documents.asyncapi(connection_type)
    try:
        # Where a document has a room beside its socket, the socket is the channel that it names first.
        return Codec(document, Role.AGENT, next(iter(document["channels"]))), Traits.of(document)
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
