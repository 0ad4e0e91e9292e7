"""The journal's notes in the shapes that the control API answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec

from mockserver.closest_rule import ClosestRules
from mockserver.control.shapes import Audio, Call, ClosestRule, Ending, Event, Request, Utterance
from mockserver.notes import EVENT_BYTES, AudioNotes, CallNotes, EventNote, RequestNote, Rule

MOST_PAGE_BYTES = 256 * 1024
"""How much a page holds before it is cut short: to write more would hold up the next frames of calls."""

T = TypeVar("T")


def page(items: Iterable[T], limit: int, size: Callable[[T], int]) -> list[T]:
    """The first of these, as many as fit on one page; at least one, if there is one."""
    taken: list[T] = []
    held_bytes = 0
    for item in islice(items, limit):
        taken.append(item)
        held_bytes += size(item)
        if held_bytes > MOST_PAGE_BYTES:
            break
    return taken


def request_of(number: int, note: RequestNote, rules: ClosestRules) -> Request:
    """A request, with the line of the rule that it broke."""
    body: Any = None if note.body is None else msgspec.json.decode(note.body)
    return Request(
        number=number,
        id=note.id,
        at=note.at,
        method=note.method,
        path=note.path,
        status=note.status,
        duration_ms=note.duration_ms,
        body_bytes=note.body_bytes,
        operation=note.operation,
        account=note.account,
        body=body,
        error_code=note.error_code,
        error_message=note.error_message,
        closest_rule=None if note.closest_rule is None else _rule(note.closest_rule, rules),
    )


def call_of(notes: CallNotes, now: datetime) -> Call:
    """A call as it is now."""
    ending = None
    if notes.ended_by is not None:
        ending = Ending(by=notes.ended_by, reason=notes.end_reason or "", close_code=notes.close_code)
    late = notes.state == "created" and notes.expires_at <= now
    return Call(
        number=notes.number,
        id=notes.id,
        kind=notes.kind,
        connection_type=notes.connection_type,
        state="expired" if late else notes.state,
        created_at=notes.created_at,
        expires_at=notes.expires_at,
        events=notes.first_event + len(notes.events),
        first_event=notes.first_event,
        agent_id=notes.agent_id,
        dialled_at=notes.dialled_at,
        ended_at=notes.ended_at,
        ending=ending,
        caller_audio=_audio(notes.audio["caller"]),
        agent_audio=_audio(notes.audio["agent"]),
    )


def events_of(notes: CallNotes, after: int, limit: int) -> list[Event]:
    """A page of those events whose index is above `after`."""
    skipped = min(max(0, after + 1 - notes.first_event), len(notes.events))
    first = notes.first_event + skipped
    return [
        Event(
            index=index,
            at_ms=event.at_ms,
            side=event.side,
            kind=event.kind,
            wire_bytes=event.wire_bytes,
            audio_bytes=event.audio_bytes,
            detail=event.detail,
        )
        for index, event in enumerate(page(islice(notes.events, skipped, None), limit, event_bytes), start=first)
    ]


def event_bytes(event: EventNote) -> int:
    """About how long an event is as JSON."""
    return EVENT_BYTES // 2 + (len(str(event.detail)) if event.detail else 0)


def utterances_of(notes: CallNotes) -> list[Utterance]:
    """What was said, in its order."""
    return [
        Utterance(
            ordinal=line.ordinal, at_ms=line.at_ms, role=line.role, text=line.text, final=line.final, medium=line.medium
        )
        for _, line in sorted(notes.transcript.items())
    ]


def _rule(rule: Rule, rules: ClosestRules) -> ClosestRule:
    place, line = rules.place(rule.path) or (None, None)
    return ClosestRule(
        field=rule.field, rule=rule.rule, received=rule.received, expected=rule.expected, place=place, line=line
    )


def _audio(notes: AudioNotes) -> Audio | None:
    if notes.audio_format is None:
        return None
    return Audio(
        encoding=notes.audio_format.encoding.value,
        rate_hz=notes.audio_format.rate_hz,
        kept_bytes=sum(len(piece) for _, piece in notes.pieces if piece),
        forgotten_bytes=notes.forgotten_bytes,
    )
