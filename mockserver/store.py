"""Calls that wait for their one dial.  Reads no clock; tokens never show in a repr."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from mockserver.scenarios import NO_MISHAP, Mishap


class SavedAgent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent that exists in the account, with what it says first."""

    id: str
    name: str
    description: str | None = None
    greeting: str = "Hello, this is the demo agent. Say something and I will repeat it."


class CallSettings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a call is to behave: what the mock acts on of the request's body, with the document's defaults, in our names.

    The defaults here are a saved agent's, for which a request says none of this.  `tools` are as they came.  `agent` is
    None for inline calls.  Rates and codec are what a custom client asked for; they mean nothing on other connection
    types (carriers always speak mu-law at 8000 Hz, a webrtc room has its own).
    """

    connection_type: str
    agent: SavedAgent | None = None
    voice: str = ""
    language: str = "en"
    greeting: str = ""
    first_speaker: Literal["agent", "user"] = "agent"
    interruptible: bool = False
    max_duration_s: int = 3000
    inactivity_timeout_s: int | None = None
    inactivity_action: Literal["hang_up", "prompt"] = "prompt"
    input_rate_hz: int = 8000
    output_rate_hz: int = 8000
    codec: Literal["pcm", "g711"] = "g711"
    tools: Sequence[Mapping[str, Any]] = ()
    recording_enabled: bool = True


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call that was created.

    `token` is the credential in its dial URL; it opens one WebSocket before `expires_at` (UTC), and is never shown.
    `mishap` is what is to go wrong on that socket.
    """

    id: str
    token: str
    kind: Literal["create", "inline"]
    settings: CallSettings
    created_at: datetime
    expires_at: datetime
    mishap: Mishap = NO_MISHAP

    def __repr__(self) -> str:
        """The call without its token."""
        return f"Call(id={self.id!r}, kind={self.kind!r}, connection_type={self.settings.connection_type!r})"


class CallStore(Protocol):
    """Where calls wait.  Every operation is atomic; `now` is the time of day in UTC."""

    def add(self, call: Call) -> None:
        """Let a call wait for its dial."""

    def take(self, token: str, now: datetime) -> Call | None:
        """The call of a token, once; None for a token that is unknown, expired or taken, never told which."""

    def restore(self, token: str) -> None:
        """Let the call of a taken token wait again, until it expires: the dial did not become a WebSocket."""

    def finish(self, call_id: str) -> None:
        """Forget a call that was taken: it is over."""


class MemoryCallStore:
    """A CallStore for one process.

    Needs no timer: `add` and `take` first forget what has expired, each call once.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Call] = {}
        self._taken: dict[str, Call] = {}
        self._tokens: dict[str, str] = {}
        # When each stops waiting, in the order in which they began, which is nearly that of their ends.
        self._ends: deque[tuple[datetime, str]] = deque()

    def __len__(self) -> int:
        """The calls held, waiting and taken."""
        return len(self._waiting) + len(self._taken)

    def add(self, call: Call) -> None:
        """Let a call wait for its dial."""
        self._forget_expired(call.created_at)
        self._wait(call)

    def take(self, token: str, now: datetime) -> Call | None:
        """The call of a token, once; None for a token that is unknown, expired or taken."""
        self._forget_expired(now)
        call = self._waiting.pop(token, None)
        if call is None or call.expires_at <= now:
            return None
        self._taken[token] = call
        self._tokens[call.id] = token
        return call

    def restore(self, token: str) -> None:
        """Let the call of a taken token wait again, until it expires."""
        call = self._taken.pop(token, None)
        if call is not None:
            del self._tokens[call.id]
            self._wait(call)

    def finish(self, call_id: str) -> None:
        """Forget a call that was taken."""
        token = self._tokens.pop(call_id, None)
        if token is not None:
            del self._taken[token]

    def forget_waiting(self) -> None:
        """Let no call wait any longer; those that are in progress go on."""
        self._waiting.clear()
        self._ends.clear()

    def _wait(self, call: Call) -> None:
        self._waiting[call.token] = call
        self._ends.append((call.expires_at, call.token))

    def _forget_expired(self, now: datetime) -> None:
        while self._ends and self._ends[0][0] <= now:
            self._waiting.pop(self._ends.popleft()[1], None)
