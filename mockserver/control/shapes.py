"""What the control API answers, as `openapi/control.yaml` describes it: for server and client."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from mockserver.notes import Side


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A JSON object of the API; what is None is not in it."""


class ClosestRule(Shape, frozen=True, kw_only=True):
    """The rule that a refused request came closest to keeping; `place` and `line` are the document's."""

    field: str
    rule: str
    received: str
    expected: str | None = None
    place: str | None = None
    line: int | None = None


class Request(Shape, frozen=True, kw_only=True):
    """An answered request.  `body` is the JSON that came, without secrets; `error_code` says why it was refused."""

    number: int
    id: str
    at: datetime
    method: str
    path: str
    status: int
    duration_ms: float
    body_bytes: int
    operation: str | None = None
    account: str | None = None
    body: Any = None
    error_code: str | None = None
    error_message: str | None = None
    closest_rule: ClosestRule | None = None


class Audio(Shape, frozen=True, kw_only=True):
    """What is kept of one side's audio: its format, and how much is kept and was forgotten."""

    encoding: Literal["mulaw", "alaw", "pcm16"]
    rate_hz: int
    kept_bytes: int
    forgotten_bytes: int


class Ending(Shape, frozen=True, kw_only=True):
    """Why a call ended: which side ended it, why in words, and the code that the agent's side closed with."""

    by: Side
    reason: str
    close_code: int | None = None


class Call(Shape, frozen=True, kw_only=True):
    """A call; `events` is how many there were so far, `first_event` the index of the first that is kept."""

    number: int
    id: str
    kind: Literal["create", "inline"]
    connection_type: str
    state: Literal["created", "expired", "dialled", "ended"]
    created_at: datetime
    expires_at: datetime
    events: int
    first_event: int
    agent_id: str | None = None
    dialled_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    caller_audio: Audio | None = None
    agent_audio: Audio | None = None


class Event(Shape, frozen=True, kw_only=True):
    """Something that happened in a call, `at_ms` after the dial; `wire_bytes` is None if not on the wire."""

    index: int
    at_ms: float
    side: Side
    kind: str
    wire_bytes: int | None = None
    audio_bytes: int | None = None
    detail: dict[str, Any] | None = None


class Utterance(Shape, frozen=True, kw_only=True):
    """Something that was said, as far as it was."""

    ordinal: int
    at_ms: float
    role: Literal["user", "agent"]
    text: str
    final: bool
    medium: Literal["voice", "text"] | None = None


class Change(Shape, frozen=True, kw_only=True):
    """Something is new: the request or the call `id`, or all was forgotten."""

    number: int
    kind: Literal["request", "call", "reset"]
    id: str


class Requests(Shape, frozen=True, kw_only=True):
    """A page of requests."""

    requests: list[Request]


class Calls(Shape, frozen=True, kw_only=True):
    """A page of calls."""

    calls: list[Call]


class Events(Shape, frozen=True, kw_only=True):
    """A page of a call's events."""

    events: list[Event]


class Transcript(Shape, frozen=True, kw_only=True):
    """What was said in a call."""

    utterances: list[Utterance]


class Changes(Shape, frozen=True, kw_only=True):
    """What is new; `latest` is to be given as `after` the next time."""

    latest: int
    changes: list[Change]


class Scenario(Shape, frozen=True, kw_only=True):
    """An outcome that can be asked for."""

    name: str
    agent_id: str
    status: int | None
    operations: list[str]
    shows: str


class Scenarios(Shape, frozen=True, kw_only=True):
    """All of them."""

    scenarios: list[Scenario]


class Outcomes(Shape, frozen=True, kw_only=True):
    """What requests get that ask for nothing themselves: the next ones, and all others."""

    default: str
    next: list[str]


class Status(Shape, frozen=True, kw_only=True):
    """The mock itself; `settings` are its options by their flags, those without secrets."""

    version: str
    base_url: str
    latest: int
    calls_in_progress: int
    held_bytes: int
    settings: dict[str, Any]


def to_json(shape: Shape) -> dict[str, Any]:
    """A shape as what becomes JSON; times are in UTC, with a Z."""
    plain: dict[str, Any] = msgspec.to_builtins(shape)
    return plain
