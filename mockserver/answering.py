"""Who answers a dialled call: an agent in a conversation, or the offer of a room."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from contract.codec import Codec, Role
from contract.stream import Stream, Traits
from mockserver.agents import Agent, Echo, Parrot, Silent
from mockserver.conversation import Conversation
from mockserver.espeak import Espeak
from mockserver.media import Party
from mockserver.recording import Recordings
from mockserver.script import Script, Scripted
from mockserver.settings import Settings
from mockserver.store import Call, CallSettings
from mockserver.tools import client_tools
from mockserver.voice import say
from mockserver.voices import Voices
from mockserver.webrtc import LiveKit, RoomOffer


class Answering:
    """Makes the stream and the party of each call.

    Args:
        settings: the options.
        compiled: the codec and the traits of each connection type.
        now: the time of day in UTC.
        speech: what speaks; None where agents have tones.

    Raises DocumentError for a script that makes no sense.
    """

    def __init__(
        self,
        settings: Settings,
        compiled: Mapping[str, tuple[Codec, Traits]],
        now: Callable[[], datetime],
        speech: Espeak | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._new_agent = _agents(settings.behaviour)
        self._compiled = compiled
        self._voices = None if speech is None else Voices(speech)
        self._recordings = None if settings.recordings is None else Recordings(settings.recordings)
        self._livekit = None
        if settings.livekit_url and settings.livekit_key and settings.livekit_secret:
            self._livekit = LiveKit(settings.livekit_url, settings.livekit_key, settings.livekit_secret)

    def answer(self, call: Call, opened_at: float) -> tuple[Stream, Party]:
        """What answers a call that was dialled at this moment of the event loop's clock."""
        codec, traits = self._compiled[call.settings.connection_type]
        stream = Stream(codec, Role.AGENT, traits)
        time_scale = self._settings.time_scale
        if traits.encoding == "room":
            deadline = opened_at + call.settings.max_duration_s / time_scale
            now_s = self._now().timestamp()
            return stream, RoomOffer(self._livekit, room=f"call-{call.id}", now_s=now_s, deadline=deadline)
        conversation = Conversation(
            call.settings,
            self._new_agent(call.settings),
            codec,
            traits,
            opened_at=opened_at,
            time_scale=time_scale,
            new_id=partial(secrets.token_hex, 12),
            speak=say if self._voices is None else self._voices.of(call.settings),
        )
        if self._recordings is not None and call.settings.recording_enabled:
            return stream, self._recordings.of(call.id, conversation)
        return stream, conversation

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
