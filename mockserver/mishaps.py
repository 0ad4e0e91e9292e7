"""Calls that go wrong on purpose: what stands between a call's party and its line.  Opens no socket, reads no clock."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

import msgspec

from contract.codec import Wire
from contract.errors import PeerError
from contract.events import Audio, Event, Started
from contract.stream import Phase
from mockserver.agents import Act, Agent, Began, EndCall, Happening, Said, Silent, greeting
from mockserver.around import Around
from mockserver.ending import Ending
from mockserver.scenarios import Mishap, drawn_ms
from mockserver.session import Party, StreamEnd
from mockserver.store import CallSettings

_ENDINGS = {
    "cut": Ending(1006, "a mishap: the line is cut", "cut"),
    "close": Ending(1011, "the service failed"),
    "freeze": Ending(1006, "a mishap: the line is dead", "freeze"),
}


class Troubled(Around):
    """A party that begins late, whose audio is late, lost or noise, and whose line comes to a bad end.

    Args:
        party: who is to be heard.
        mishap: what goes wrong.
        opened_at: the moment of the dial, in seconds of the clock that all methods are given.
        chance: where what is random comes from.
    """

    def __init__(self, party: Party, mishap: Mishap, opened_at: float, chance: random.Random) -> None:
        super().__init__(party)
        self._mishap = mishap
        self._chance = chance
        self._late: deque[tuple[float, Event]] = deque()
        self._ending: Ending | None = None
        self._ends_at = None if mishap.ends_after_ms is None else opened_at + mishap.ends_after_ms / 1000
        self._begins_at: float | None = None
        self._started: Started | None = None

    @property
    def ending(self) -> Ending | None:
        """How the call is to be closed, once it is over and everything has been said."""
        return self._ending or (None if self._late else self._party.ending)

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs."""
        self._begins_at = now + drawn_ms(self._mishap.begins_after_ms, self._chance) / 1000
        self._started = started
        return self._begin_if_due(now)

    def hear(self, event: Event, now: float) -> list[Event]:
        """The other end said this."""
        return self._passed_on(self._party.hear(event, now), now)

    def object(self, error: PeerError) -> list[Event]:
        """The other end said what it must not."""
        said = self._party.object(error)
        if not self._late:
            return said
        # Told no time, it goes out with the last of what is held back.
        due = self._late[-1][0]
        self._late.extend((due, event) for event in said)
        return []

    def tick(self, now: float) -> list[Event]:
        """Twenty milliseconds have passed."""
        if self._ends_at is not None and now >= self._ends_at:
            self._ending = _ENDINGS[self._mishap.ends]
            return []
        if self._begins_at is not None:
            return self._begin_if_due(now)
        return self._passed_on(self._party.tick(now), now)

    def speak(self, text: str, now: float) -> list[Event]:
        """Say this, after what is being said."""
        return self._passed_on(self._party.speak(text, now), now)

    def _begin_if_due(self, now: float) -> list[Event]:
        if self._begins_at is None or now < self._begins_at:
            return []
        self._begins_at = None
        return self._passed_on(self._party.begin(now, self._started), now)

    def _passed_on(self, events: list[Event], now: float) -> list[Event]:
        """What goes out now, of these and of what was held back; nothing overtakes anything."""
        for event in events:
            due = now
            if type(event) is Audio:
                if self._mishap.lost and self._chance.random() < self._mishap.lost:
                    continue
                if self._mishap.noise:
                    event = msgspec.structs.replace(event, payload=self._chance.randbytes(len(event.payload)))
                due += drawn_ms(self._mishap.jitter_ms, self._chance) / 1000
            self._late.append((due, event))
        passed_on: list[Event] = []
        while self._late and self._late[0][0] <= now:
            passed_on.append(self._late.popleft()[1])
        return passed_on


class Garbled:
    """A stream that mutilates every so many of its messages: half of a text, a binary one without its last byte.

    Args:
        stream: that would be whole.
        every: how many messages are one that is not.
    """

    def __init__(self, stream: StreamEnd, every: int) -> None:
        self.receive = stream.receive
        self.accept = stream.accept
        self._stream = stream
        self._every = every
        self._sent = 0

    @property
    def phase(self) -> Phase:
        """How far the stream has come."""
        return self._stream.phase

    def send(self, event: Event) -> Wire:
        """The message for an event of ours, or what is left of it.  Raises UsageError."""
        wire = self._stream.send(event)
        self._sent += 1
        if self._sent % self._every:
            return wire
        # What is left goes the way that the whole would have gone.
        return type(wire)(wire[: len(wire) // 2]) if isinstance(wire, str) else type(wire)(wire[:-1])


@dataclass(slots=True)
class Greeter:
    """Says the greeting and nothing else; hangs up after it if it is told to."""

    settings: CallSettings
    hangs_up: bool
    echoes: bool = False
    talks: bool = True
    wake_at: float | None = None

    def react(self, happening: Happening, now: float) -> list[Act]:
        """The greeting, and the end."""
        match happening:
            case Began():
                said = greeting(self.settings)
                return said if said or not self.hangs_up else [EndCall("the agent hangs up")]
            case Said() if self.hangs_up:
                return [EndCall("the agent hangs up")]
        return []


def agent_of(mishap: Mishap, settings: CallSettings) -> Agent | None:
    """The agent that a mishap wants; None where it wants no other."""
    match mishap.agent:
        case "silent":
            return Silent()
        case "greets" | "hangs up":
            return Greeter(settings, hangs_up=mishap.agent == "hangs up")
    return None
