"""What the agent does when something happens: parrot, echo, silent.  A script is in `script.py`.

An agent is told what happened and says what it does about it; it holds no clock, no task and no socket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from mockserver.hearing import Turn
from mockserver.store import CallSettings
from mockserver.tools import ClientTool

DIGITS_PAUSE_S = 1.0
"""How long the parrot waits for another key, in seconds, before it says which keys it heard; `#` ends the wait."""


MOST_KEYS = 100
"""How many keys an agent keeps in mind; the first are forgotten."""


@dataclass(frozen=True, slots=True)
class Began:
    """The stream runs: the agent may speak, if the call lets it speak first."""


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """The caller spoke and fell silent."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class TextRead:
    """The caller typed."""

    text: str


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance came to its end, or caller speech cut it off."""

    cut: bool


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A client tool returned, failed, or let its time pass; exactly one of `result` and `error` is set."""

    name: str
    result: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class MarkPassed:
    """Playback got to a mark, or the mark was given back."""

    name: str


@dataclass(frozen=True, slots=True)
class Woke:
    """The time that the agent asked to be woken at has come."""


Happening = Began | TurnHeard | TextRead | DigitHeard | Said | ToolAnswered | MarkPassed | Woke


@dataclass(frozen=True, slots=True)
class Say:
    """Say a text, or a recorded turn whose transcript is the text."""

    text: str
    turn: Turn | None = None
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class CallTool:
    """Have the client run a tool, and wait for its answer no longer than this, in seconds."""

    name: str
    parameters: dict[str, Any]
    within_s: float


@dataclass(frozen=True, slots=True)
class SendMark:
    """Ask to be told when playback gets here."""

    name: str


@dataclass(frozen=True, slots=True)
class SendTranscript:
    """Send a whole transcript that no audio goes with."""

    role: Literal["user", "agent"]
    text: str


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up once everything is said."""

    reason: str


Act = Say | CallTool | SendMark | SendTranscript | EndCall


class Agent(Protocol):
    """One agent in one call.

    Attributes:
        echoes: whether the caller's audio goes straight back.
        talks: whether it ever says anything, the prompts of the call's own rules included.
        wake_at: when it wants to be woken, in seconds of the clock that `react` is given; None for never.
    """

    echoes: bool
    talks: bool
    wake_at: float | None

    def react(self, happening: Happening, now: float) -> Iterable[Act]:
        """What the agent does about something that happened at `now`, in seconds."""


@dataclass(slots=True)
class Silent:
    """Says nothing, whatever the call's settings ask for."""

    echoes: bool = False
    talks: bool = False
    wake_at: float | None = None

    def react(self, happening: Happening, now: float) -> Iterable[Act]:
        """Nothing."""
        return ()


@dataclass(slots=True)
class Echo:
    """Says the greeting; then the caller's audio goes straight back."""

    settings: CallSettings
    echoes: bool = True
    talks: bool = True
    wake_at: float | None = None

    def react(self, happening: Happening, now: float) -> Iterable[Act]:
        """The greeting, and an answer to what has no sound of its own: typed text."""
        match happening:
            case Began():
                return greeting(self.settings)
            case TextRead(text):
                return [Say(f"You wrote: {text}")]
        return ()


@dataclass(slots=True)
class Parrot:
    """Says the greeting, then repeats each caller turn; names keys and typed text; tries each client tool once.

    A call's client tools are called one at a time, in their order, on the turns that the caller takes; a typed text
    that holds a tool's name calls that tool.
    """

    settings: CallSettings
    tools: Sequence[ClientTool]
    echoes: bool = False
    talks: bool = True
    wake_at: float | None = None
    _digits: str = ""
    _untried: list[ClientTool] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Every tool is yet to be tried."""
        self._untried = list(self.tools)

    def react(self, happening: Happening, now: float) -> Iterable[Act]:
        """What a parrot does."""
        match happening:
            case Began():
                return greeting(self.settings)
            case TurnHeard(turn):
                if self._untried:
                    return self._call(self._untried[0])
                return [Say(f"(repeats what the caller said for {turn.spoken_ms / 1000:.1f} s)", turn)]
            case TextRead(text):
                words = set(re.findall(r"\w+", text.lower()))
                named = next((tool for tool in self.tools if tool.name.lower() in words), None)
                return self._call(named) if named else [Say(f"You wrote: {text}")]
            case DigitHeard(digit):
                return self._digit(digit, now)
            case Woke():
                return self._say_digits()
            case ToolAnswered(name, result, None):
                return [Say(f"The tool {name} answered: {result}")]
            case ToolAnswered(name, _, error):
                return [Say(f"The tool {name} failed: {error}")]
        return ()

    def _call(self, tool: ClientTool) -> list[Act]:
        self._untried = [other for other in self._untried if other.name != tool.name]
        return [CallTool(tool.name, tool.sample_parameters, tool.timeout_s)]

    def _digit(self, digit: str, now: float) -> list[Act]:
        self._digits = (self._digits + digit)[-MOST_KEYS:]
        if digit == "#":
            return self._say_digits()
        self.wake_at = now + DIGITS_PAUSE_S
        return []

    def _say_digits(self) -> list[Act]:
        digits, self._digits, self.wake_at = self._digits, "", None
        return [Say(f"You pressed {' '.join(digits)}")] if digits else []


def greeting(settings: CallSettings) -> list[Act]:
    """The call's greeting, if the agent is to speak first and there is anything to say."""
    if settings.first_speaker != "agent" or not settings.greeting.strip():
        return []
    return [Say(settings.greeting)]
